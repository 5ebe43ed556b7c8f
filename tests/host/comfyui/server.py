"""PromptServer: the routes, the application, the pages' websockets.

Source: server.py at 3cd7b32f.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import mimetypes
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from comfy.cli_args import args

import nodes

MAX_UPLOAD_BYTES = round(args.max_upload_size * 1024 * 1024)
FEATURES = {
    "supports_preview_metadata": True,
    "max_upload_size": MAX_UPLOAD_BYTES,
    "extension": {"manager": {"supports_v4": True}},
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def fresh_scripts(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A browser asks again for a script or a style before it uses a copy."""
    answer = await handler(request)
    if request.path.endswith((".js", ".css")):
        answer.headers.setdefault("Cache-Control", "no-cache")
    return answer


@web.middleware
async def own_origin_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A loopback server refuses pages of other sites; under any other name ComfyUI lets them in."""
    host, origin = request.headers.get("Host", "").lower(), request.headers.get("Origin")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != host
    if foreign and _is_loopback(urlsplit(f"//{host}").hostname):
        return web.Response(status=403)
    return await handler(request)


def _is_loopback(name: str | None) -> bool:
    try:
        return ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return name == "localhost"


class PromptServer:
    """What packs know as `PromptServer.instance`."""

    instance: PromptServer

    def __init__(self, loop: asyncio.AbstractEventLoop, web_root: str) -> None:
        PromptServer.instance = self
        mimetypes.add_type("application/javascript; charset=utf-8", ".js")
        self.loop = loop
        self.web_root = web_root
        self.routes = web.RouteTableDef()
        self.app = web.Application(
            client_max_size=MAX_UPLOAD_BYTES, middlewares=[fresh_scripts, own_origin_only]
        )
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.client_id: str | None = None  # whose prompt is running
        self.prompt_queue: Any = None
        self.on_prompt_handlers: list[Callable[[dict[str, Any]], dict[str, Any]]] = []
        self._messages: asyncio.Queue[tuple[str, Any, str | None]] = asyncio.Queue()
        self.routes.get("/ws")(self._websocket)

    def add_on_prompt_handler(self, handler: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.on_prompt_handlers.append(handler)

    def send_sync(self, event: str, data: Any, sid: str | None = None) -> None:
        """Tell one page, or all; from any thread."""
        self.loop.call_soon_threadsafe(self._messages.put_nowait, (event, data, sid))

    def queue_updated(self) -> None:
        self.send_sync("status", {"status": self.get_queue_info()})

    def get_queue_info(self) -> dict[str, Any]:
        return {"exec_info": {"queue_remaining": self.prompt_queue.get_tasks_remaining()}}

    async def publish_loop(self) -> None:
        """Send what was put by, in order; a page that has gone does not matter."""
        while True:
            event, data, sid = await self._messages.get()
            for socket in [self.sockets.get(sid)] if sid else list(self.sockets.values()):
                if socket is not None:
                    with contextlib.suppress(ConnectionError):
                        await socket.send_json({"type": event, "data": data})

    def add_routes(self) -> None:
        """Every route a second time below /api, then what packs and the frontend serve as files."""
        for route in list(self.routes):
            if isinstance(route, web.RouteDef):
                self.app.router.add_route(
                    route.method, f"/api{route.path}", route.handler, **route.kwargs
                )
        self.app.add_routes(self.routes)
        for name, folder in nodes.EXTENSION_WEB_DIRS.items():
            self.app.add_routes([web.static(f"/extensions/{name}", folder)])
        self.app.add_routes([web.static("/", self.web_root)])

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = request.query.get("clientId") or uuid.uuid4().hex
        self.sockets[sid] = socket
        try:
            self.send_sync("status", {"status": self.get_queue_info(), "sid": sid}, sid)
            async for message in socket:
                told = json.loads(message.data) if message.type == WSMsgType.TEXT else {}
                if told.get("type") == "feature_flags":
                    self.send_sync("feature_flags", FEATURES, sid)
        finally:
            if self.sockets.get(sid) is socket:
                del self.sockets[sid]
        return socket
