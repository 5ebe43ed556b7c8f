"""A `runflow serve` in a process of its own, and asking it with a key."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runflow_build.server.keys import create_key

_ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Api:
    url: str
    key: str
    data: Path

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def call(self, slug: str, values: dict[str, Any]) -> dict[str, bytes]:
        """Call an endpoint as its users do; output -> the bytes of its file."""
        path = f"/v1/comfyui-workflows/local/{slug}/runs"
        run = self.ask("POST", path, {"input": values})
        end = time.monotonic() + 60
        while run["status_code"] not in _ENDED and time.monotonic() < end:
            time.sleep(0.05)
            run = self.ask("GET", f"/v1/runs/{run['id']}")
        assert run["status_code"] == "succeeded", run
        found = {}
        for row in run["output"]["outputs"]:
            with urllib.request.urlopen(row["url"], timeout=60) as answer:  # a link needs no key
                found[row["output_id"]] = answer.read()
        return found


@contextmanager
def serving(data: Path) -> Iterator[Api]:
    """Serve until the block ends; `data` is made, and holds `log.txt`."""
    data.mkdir(parents=True, exist_ok=True)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    key = create_key(data)
    command = [sys.executable, "-m", "runflow_build", "serve", "--port", str(port)]
    with (data / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--data", str(data)], stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{url}/v1/health", timeout=5).close()
                break
            assert process.poll() is None, (data / "log.txt").read_text()
            time.sleep(0.1)
        yield Api(url, key, data)
    finally:
        process.terminate()
        process.wait(timeout=30)
