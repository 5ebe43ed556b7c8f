"""A host of one file on loopback that behaves as badly as a test wants."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FileHost:
    """`content` under any path. What a test changes holds from the next request on."""

    content: bytes
    url: str = ""
    ranges: bool = True
    says_size: bool = True
    etag: str | None = '"one"'
    content_type: str = "application/octet-stream"
    heeds_if_range: bool = True
    cut_after: Callable[[int, int], int | None] = lambda start, number: None  # bytes of an answer
    statuses: list[int] = field(default_factory=list)  # of the next answers, before any good one
    chunk: int = 1 << 16
    before_chunk: Callable[[int], Any] = lambda at: None
    asked: list[str | None] = field(default_factory=list)  # the Range of each request

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.asked.append(asked)
        if self.statuses:
            request.send_response(self.statuses.pop(0))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        content, start, stop, status = self.content, 0, len(self.content), 200
        other = request.headers.get("If-Range") not in (None, self.etag)
        if asked and self.ranges and not (other and self.heeds_if_range):
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
            assert found
            start, status = int(found[1]), 206
            stop = min(stop, int(found[2]) + 1) if found[2] else stop
        if status == 206 and start >= len(content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(content)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(status)
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        if self.says_size:
            request.send_header("Content-Length", str(stop - start))
        if self.etag:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Type", self.content_type)
        request.end_headers()
        cut = self.cut_after(start, len(self.asked))
        end = stop if cut is None else min(stop, start + cut)
        for at in range(start, end, self.chunk):
            self.before_chunk(at)
            request.wfile.write(content[at : min(end, at + self.chunk)])
        if cut is not None:
            request.close_connection = True


@contextmanager
def served(content: bytes, kind: type[FileHost] = FileHost, **manners: Any) -> Iterator[FileHost]:
    """The host, until the block ends."""
    host = kind(content, **manners)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if host.says_size else "HTTP/1.0"

        def do_GET(self) -> None:
            try:
                host.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that went away in the middle is what tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}/models/style.safetensors"
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
