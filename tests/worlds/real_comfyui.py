"""What a test asks of a running ComfyUI: run a prompt, give back what its output nodes made."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

_WAIT_S = 120


@dataclass(frozen=True)
class Made:
    """One file that an output node saved."""

    node: str
    name: str  # with its folder below output or temp
    data: bytes


@dataclass(frozen=True)
class Outcome:
    """How a prompt ended. `refused`: node -> kinds of validation errors; `failed`: the node."""

    files: tuple[Made, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()  # node, text; of PreviewAny
    refused: dict[str, list[str]] | None = None
    failed: str | None = None


def get(url: str, path: str) -> Any:
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return json.load(answer)


def post(url: str, path: str, value: Any) -> Any:
    request = urllib.request.Request(url + path, json.dumps(value).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def run(url: str, prompt: Any) -> Outcome:
    """Execute a prompt on the ComfyUI at `url`."""
    body = json.dumps({"prompt": prompt}).encode()
    request = urllib.request.Request(url + "/prompt", body, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            number = json.load(answer)["prompt_id"]
    except urllib.error.HTTPError as error:
        told = json.load(error)
        kinds = {
            node: [one["type"] for one in found["errors"]]
            for node, found in (told.get("node_errors") or {}).items()
        }
        return Outcome(refused=kinds or {"": [told["error"]["type"]]})
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        if entry := get(url, f"/history/{number}").get(number):
            return _outcome(url, entry)
        time.sleep(0.02)
    raise AssertionError("the prompt did not finish")


def _outcome(url: str, entry: Any) -> Outcome:
    if entry["status"]["status_str"] != "success":
        told = dict(entry["status"]["messages"])
        return Outcome(failed=told["execution_error"]["node_id"])
    files, texts = [], []
    for node, shown in entry["outputs"].items():
        texts += [(node, text) for text in shown.get("text", ()) if isinstance(text, str)]
        for rows in shown.values():
            for row in rows:
                if isinstance(row, dict) and "filename" in row:
                    with urllib.request.urlopen(f"{url}/view?{urllib.parse.urlencode(row)}") as got:
                        name = f"{row['subfolder']}/{row['filename']}".lstrip("/")
                        files.append(Made(node, name, got.read()))
    return Outcome(tuple(files), tuple(texts))
