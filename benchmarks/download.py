"""Downloads over loopback: ours beside plain curl and `hf download`, in turn, in the same run.

    python benchmarks/download.py [--mib 2048] [--runs 3] [--folder DIR]

A file of random bytes is given out by a process that lets the kernel send it, so that it is none of
the clients that waits. Each client is a process of its own, from its start to its end. What they
do is not the same: curl only writes the file; `hf download` looks at the repository's answer too;
ours hashes the file, and waits until it lies on the disk before it gives it its name. So they are
compared by that: those that do not wait for the disk, ours made not to for once, and those that do.
"+ sha256sum" is what a careful person would add. Goal: in both, at least 0.9 of the best.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SERVE = "serve"
COMMIT = "0" * 40
OURS = """
import os, sys
from pathlib import Path
from runflow_build.restore.download import download
from runflow_build.restore.store import ModelStore
from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import Mirrors

url, folder, sha256, size, connections, waits = sys.argv[1:]
if waits == "no":
    os.fsync = lambda file: None
with Http(mirrors=Mirrors()) as http:
    download(http, url, ModelStore(Path(folder)), sha256, int(size),
             progress=lambda count: None, connections=int(connections))
"""


class Handler(BaseHTTPRequestHandler):
    """One file under every path, whole or in part, as the hub would describe it."""

    protocol_version = "HTTP/1.1"
    file: Path
    sha256: str

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        start, stop = self._head()
        with self.file.open("rb") as file:
            self.connection.setblocking(True)
            self.connection.sendfile(file, start, stop - start)

    def _head(self) -> tuple[int, int]:
        size = self.file.stat().st_size
        start, stop = 0, size
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, stop = int(asked[1]), int(asked[2] or size - 1) + 1
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{self.sha256}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        self.wfile.flush()
        return start, stop

    def log_message(self, *_: object) -> None:
        pass


def serve(path: Path, sha256: str) -> None:
    """Give the file out until the process is ended; the port goes to standard output."""
    Handler.file, Handler.sha256 = path, sha256
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=2048)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: temporary)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        source = Path(folder, "model.safetensors")
        sha256 = made(source, arguments.mib)
        server = subprocess.Popen(
            [sys.executable, __file__, SERVE, source, sha256], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            address = f"http://127.0.0.1:{int(server.stdout.readline())}"
            compare(address, source, sha256, arguments.runs, Path(folder, "to"))
        finally:
            server.kill()
            server.wait()


def made(path: Path, mib: int) -> str:
    state = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(mib):
            chunk = os.urandom(1 << 20)
            state.update(chunk)
            file.write(chunk)
    return state.hexdigest()


def compare(address: str, source: Path, sha256: str, runs: int, to: Path) -> None:
    size, url = source.stat().st_size, f"{address}/acme/styles/resolve/main/model.safetensors"
    took: dict[tuple[str, str], list[float]] = {}
    clients = clients_of(address, url, sha256, size, to)
    for _ in range(runs):
        for name, client in clients.items():
            shutil.rmtree(to, ignore_errors=True)
            to.mkdir()
            os.sync()  # nobody pays for what another one left to be written
            began = time.perf_counter()
            client()
            took.setdefault(name, []).append(time.perf_counter() - began)
    print(f"{size / 2**20:.0f} MiB, median of {runs} runs")
    for group in dict.fromkeys(group for group, _ in clients):
        rows = {name: statistics.median(took[group, name]) for one, name in clients if one == group}
        print(f"{group:<38}{'s':>8}{'MB/s':>8}{'of best':>9}")
        for name, seconds in rows.items():
            speed, share = size / seconds / 1e6, min(rows.values()) / seconds
            print(f"  {name:<36}{seconds:>8.2f}{speed:>8.0f}{share:>9.2f}")


def clients_of(
    address: str, url: str, sha256: str, size: int, to: Path
) -> dict[tuple[str, str], Callable[[], None]]:
    """By what they wait for, and their name."""

    def run(*command: str, **environ: str) -> Callable[[], None]:
        def go() -> None:
            subprocess.run(
                command,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=base | environ,
            )

        return go

    base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    out = str(to / "model.safetensors")
    curl = f"curl -sSf -o {out} {url}"
    cached, disk = "does not wait for the disk", "waits until it lies on the disk"
    rows = {
        (cached, "curl"): run("sh", "-c", curl),
        (disk, "curl + sync"): run("sh", "-c", f"{curl} && sync {out}"),
        (disk, "curl + sync + sha256sum"): run(
            "sh", "-c", f"{curl} && sync {out}; sha256sum {out}"
        ),
    }
    if hf := shutil.which("hf", path=str(Path(sys.executable).parent)) or shutil.which("hf"):
        command = (hf, "download", "acme/styles", "model.safetensors", "--local-dir", str(to))
        rows[cached, "hf download"] = run(*command, HF_ENDPOINT=address, HF_HOME=str(to / "home"))
    for connections in ("1", "4"):
        for group, waits in ((cached, "no"), (disk, "yes")):
            ours = (OURS, url, str(to), sha256, str(size), connections, waits)
            name = f"runflow, {connections} connection{'s' * (connections != '1')}"
            rows[group, name] = run(sys.executable, "-c", *ours)
    return rows


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        serve(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
