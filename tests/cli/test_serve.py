"""`runflow serve` as a person starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from runflow_build.cli.main import main
from runflow_build.server.keys import create_key


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal")
def test_it_tells_where_it_is_and_how_to_get_in_and_ends_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runflow_build", "serve", "--port", "0", "--log"]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={},  # no PYTHONUNBUFFERED, which would hide that a line waits in a buffer
    ) as child:
        assert child.stdout
        url = child.stdout.readline().split()[3]
        assert child.stdout.readline().endswith(f"runflow keys create --data {tmp_path}\n")
        headers = {"Authorization": f"Bearer {create_key(tmp_path)}"}
        assert httpx.get(f"{url}/v1/runs?q=status_code:queued", headers=headers).is_success
        child.send_signal(signal.SIGINT)
        _, log = child.communicate(timeout=20)
    assert "GET /v1/runs 200" in log
    assert "Traceback" not in log
    assert "queued" not in log
    assert child.returncode in (0, 130)


def test_wrong_use_is_said_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--host", "0.0.0.0", "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "error server-no-key: refusing to listen on 0.0.0.0: nobody has a key yet" in said
    assert f"fix       make one first: runflow keys create --data {tmp_path}" in said


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--workers", "0"]])
def test_a_number_that_makes_no_sense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", *arguments])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert arguments[0] in said
    assert "0 to 65535" in said or "1 to 64" in said
