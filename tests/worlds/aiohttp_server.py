"""An aiohttp application on loopback, in a thread, as ComfyUI's is; and asking it."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The code in one of our refusals."""
        code: str = self.json["error"]["code"]
        return code


@dataclass(frozen=True)
class Running:
    """A server that answers. No header is added to those of a test, but the host."""

    port: int
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **options: Any,
    ) -> Answer:
        """One question on a connection of its own; header values are sent as Latin-1."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}), **options)
            answer = connection.getresponse()
            upgraded = answer.status == 101
            data = b"" if upgraded else answer.read()
            return Answer(answer.status, dict(answer.headers), data)
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", path, headers)

    def post(
        self, path: str, value: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a value as JSON."""
        return self.ask("POST", path, {**JSON, **(headers or {})}, json.dumps(value or {}))

    @contextmanager
    def websocket(self, path: str, headers: Mapping[str, str]) -> Iterator[socket.socket]:
        """A websocket that has been accepted; what it then gets can be read."""
        told = {"Host": f"127.0.0.1:{self.port}", **WEBSOCKET, **headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as one:
            one.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            head = one.recv(4096)
            assert head.startswith(b"HTTP/1.1 101"), head
            yield one


@contextmanager
def running(app_of: Callable[[], web.Application]) -> Iterator[Running]:
    """Serve the application until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait_for(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=30)

    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app_of(), shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    async def stop() -> None:
        await runner.cleanup()
        await loop.shutdown_default_executor()

    try:
        runner, port = wait_for(start())
        try:
            yield Running(port, loop)
        finally:
            wait_for(stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()


def basic(name: str, password: str, charset: str = "utf-8") -> dict[str, str]:
    """The header that a browser makes of name and password."""
    token = base64.b64encode(f"{name}:{password}".encode(charset)).decode()
    return {"Authorization": f"Basic {token}"}
