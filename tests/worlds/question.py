"""A request to one of the public hosts, and files as file hosts send them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote

from place import Fault, File, Place
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

WHEN = "2026-01-01T00:00:00.000Z"


# Storages are reached by another name than what sends there: clients ask whether the host changes.
STORES = (
    *("b2.civitai.com", "cas-bridge.xethub.hf.co", "release-assets.githubusercontent.com"),
    "cdn.comfy.org",
)


def local(public: str, port: int) -> str:
    """Where a stand-in on that port serves a public URL."""
    below = public.partition("://")[2]
    name = "localhost" if below.partition("/")[0] in STORES else "127.0.0.1"
    return f"http://{name}:{port}/{below}"


@dataclass(frozen=True)
class Question:
    """A request to one public host."""

    place: Place
    request: Request
    host: str
    path: str  # below the host, quoted, with its `/`
    fault: Fault

    @property
    def parts(self) -> list[str]:
        return [unquote(one) for one in self.path.strip("/").split("/")]

    @property
    def token(self) -> str | None:
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else self.request.query_params.get("token")

    def knows_token(self) -> bool:
        return self.token in self.place.tokens.get(self.host, set())

    def local(self, public: str) -> str:
        """Where this stand-in serves a public URL."""
        return local(public, self.request.url.port or 80)


def bytes_of(question: Question, file: File, **headers: str) -> Response:
    """The file as file hosts send it: ranges, If-Range, If-None-Match, and what goes wrong."""
    fault, asked = question.fault, question.request.headers
    if fault.body is not None:
        file = File(fault.body, kind=fault.kind or file.kind)
    etag, size = headers.get("etag", file.etag), file.size
    told = {"etag": etag, "accept-ranges": "bytes", "content-type": file.kind, **headers}
    if fault.no_etag:
        del told["etag"]
    if fault.no_ranges:
        del told["accept-ranges"]
    if asked.get("if-none-match") == etag and not fault.no_etag:
        return Response(status_code=304, headers=told)
    start, stop, status = 0, size, 200
    wanted = asked.get("range", "").removeprefix("bytes=")
    if wanted and not fault.no_ranges and asked.get("if-range", etag) == etag:
        first, _, last = wanted.partition("-")
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if start >= size:
            return Response(status_code=416, headers={**told, "content-range": f"bytes */{size}"})
        status, told["content-range"] = 206, f"bytes {start}-{stop - 1}/{size}"
    if not fault.no_length:
        told["content-length"] = str(stop - start)
    if question.request.method == "HEAD":
        return Response(status_code=status, headers=told)
    return StreamingResponse(_sent(question, file, start, stop), status, told)


async def _sent(question: Question, file: File, start: int, stop: int) -> AsyncIterator[bytes]:
    fault, left = question.fault, question.fault.cut_after
    for big in file.chunks(start, stop):
        for at in range(0, len(big), fault.chunk):
            chunk = big[at : at + fault.chunk]
            if fault.chunk_delay_s:
                await asyncio.sleep(fault.chunk_delay_s)
            if left is not None:
                chunk, left = chunk[:left], left - len(chunk)
            yield chunk
            if left is not None and left <= 0:
                _change(question)
                raise ConnectionAbortedError  # uvicorn closes the connection
    _change(question)


def _change(question: Question) -> None:
    if question.fault.becomes is not None:
        public = f"https://{question.host}{question.path}"
        question.place.files[public] = question.fault.becomes


def any_file(question: Question) -> Response:
    file = question.place.files.get(f"https://{question.host}{question.path}")
    return bytes_of(question, file) if file else Response("not found", 404)
