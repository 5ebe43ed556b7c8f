"""The texts of a call do what they say, in the shell, in Python and in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from runflow_build.playground.calls import calls
from runflow_build.workflow.contract_model import Contract, ContractInput

NASTY = "$(touch hacked) `id` \\n \"'\n$HOME ünï"
FILE = "it's $x.png"


def row(kind: str, required: bool = True) -> ContractInput:
    shape = {"type": kind, "required": required, "node": "1", "class": "X", "field": "value"}
    return ContractInput.model_validate(shape)


CONTRACT = Contract(
    inputs={
        "text $a": row("STRING"),
        "seed": row("INT"),
        "on": row("BOOLEAN"),
        "photo": row("IMAGE"),
        "left out": row("STRING", required=False),
        "lacking": row("FLOAT"),
    }
)
VALUES = {"text $a": NASTY, "seed": 7, "on": True, "photo": f"a/b/{FILE}", "unknown": 1}


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[Any]]]:
    """A URL, and what was sent to it."""
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"id": "run"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/it's/runs", heard
        server.shutdown()


@pytest.mark.parametrize(
    ("language", "command"),
    [
        ("curl", ("sh", "-c")),
        ("python", (sys.executable, "-c")),
        ("javascript", ("node", "--input-type=module", "-e")),
    ],
)
def test_a_call_sends_just_these_values(
    language: str, command: tuple[str, ...], endpoint: tuple[str, list[Any]], tmp_path: Path
) -> None:
    for program in (command[0], language if language == "curl" else command[0]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on the PATH")
    url, heard = endpoint
    (tmp_path / FILE).write_bytes(b"\x00picture")
    text = calls(url, CONTRACT, VALUES)[language]
    environ = {**os.environ, "RUNFLOW_API_KEY": "rf_test_1"}
    done = subprocess.run(
        [*command, text], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    [(authorization, body)] = heard
    assert authorization == "Bearer rf_test_1"
    assert body == {
        "input": {
            "text $a": NASTY,
            "seed": 7,
            "on": True,
            "photo": "data:image/png;base64,AHBpY3R1cmU=",
            "lacking": None,
        }
    }
    assert [one.name for one in tmp_path.iterdir()] == [FILE]


def test_no_key_stands_in_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_secret")
    texts = calls("https://x.example", CONTRACT, VALUES).values()
    assert all("RUNFLOW_API_KEY" in one for one in texts)
    assert "rf_live_secret" not in "".join(texts)


def test_a_file_that_was_not_chosen_is_called_like_its_input() -> None:
    for text in calls("https://x.example", CONTRACT, {}).values():
        assert "photo.png" in text


def test_large_numbers_keep_their_digits() -> None:
    texts = calls("https://x.example", CONTRACT, {"seed": 2**64 - 1})
    for text in texts.values():
        assert "18446744073709551615" in text
