"""Requests read safely: from our own pages, of bounded size, of the type they say, JSON in and out.

Every route of the pack is added through a `Table`. A handler raises RouteError or RunflowError for
whatever the user can mend; anything else is a defect of ours, is logged with its traceback, and the
page hears only that it happened.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from ...runflow_build.errors import ApiRefusedError, RunflowError, UsageError
from .. import packages
from ..security.origin import ALLOWED_HOSTS, is_foreign, is_loopback, is_own_name, name_of

MOST_BYTES = 1 << 20  # of a body, where a route says nothing else
MOST_GRAPH_BYTES = 64 << 20  # of a body with a graph in it

Handler = Callable[..., Awaitable[Any]]
T = TypeVar("T")

_log = logging.getLogger(__name__)


class RouteError(Exception):
    """Why a request is refused: HTTP status, code, what is wrong and how to mend it."""

    def __init__(self, status: int, code: str, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, **({"fix": fix} if fix else {})}


class Table:
    """Adds routes; `routes` is ComfyUI's RouteTableDef."""

    def __init__(self, routes: Any) -> None:
        self._routes = routes

    def get(self, path: str, handler: Handler) -> None:
        """`handler(request)` gives a JSON value or a response."""

        async def checked(request: web.Request) -> Any:
            require_own_name(request)
            return await handler(request)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answered(request, checked)

        self._routes.get(path)(answer)

    def post(self, path: str, handler: Handler, most_bytes: int = MOST_BYTES) -> None:
        """`handler(request, body)`, the body being a JSON object; only from our own pages."""

        async def parsed(request: web.Request) -> Any:
            require_own_page(request)
            return await handler(request, await _json_object(request, most_bytes))

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answered(request, parsed)

        self._routes.post(path)(answer)

    def upload(self, path: str, handler: Handler) -> None:
        """`handler(request)` reads the multipart body itself; only from our own pages."""

        async def checked(request: web.Request) -> Any:
            require_own_page(request)
            if request.content_type != "multipart/form-data":
                raise RouteError(415, "bad-content-type", "the body is not multipart/form-data")
            return await handler(request)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answered(request, checked)

        self._routes.post(path)(answer)


def text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text of the body. Raises RouteError."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise RouteError(400, "bad-body", f"`{name}` is not a text")
    return value


def texts(body: dict[str, Any], name: str, most: int = 10_000) -> list[str]:
    """A list of texts of the body, empty where it is left out. Raises RouteError."""
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RouteError(400, "bad-body", f"`{name}` is not a list of texts")
    if len(found) > most:
        raise RouteError(400, "bad-body", f"`{name}` has more than {most} texts")
    return found


def graph(body: dict[str, Any]) -> dict[str, Any]:
    """The graph in the body, as the editor saves it. Raises RouteError."""
    found = body.get("graph")
    if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
        raise RouteError(400, "bad-body", "`graph` is not a graph as the editor saves it")
    return found


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run what blocks (files, hashes, networks) beside ComfyUI's event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *args)


def require_own_page(request: web.Request) -> None:
    """Raise RouteError 403 for a request that a page of another site may have caused."""
    require_own_name(request)
    if is_foreign(request.headers):
        raise RouteError(403, "foreign-origin", "the request comes from a page of another site")


def require_own_name(request: web.Request) -> None:
    """Raise RouteError 403 where only this machine reaches ComfyUI, yet calls it by a strange name.

    It is that of a page which has its name point here (DNS rebinding), unless a proxy's.
    """
    host = request.headers.get("Host", "")
    if _listens_on_loopback() and not is_own_name(host):
        name = name_of(host) or ""
        fix = f"behind a proxy, start ComfyUI with {ALLOWED_HOSTS}={name} in its environment"
        message = f"{name!r} is not a name of this machine"
        raise RouteError(403, "foreign-host", message, fix if name else None)


def _listens_on_loopback() -> bool:
    from .comfyui import options

    return all(is_loopback(one.strip()) for one in str(options().listen).split(","))


async def _json_object(request: web.Request, most_bytes: int) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise RouteError(415, "bad-content-type", "the body is not application/json")
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise RouteError(415, "bad-content-type", "the body is not in UTF-8")
    try:
        body = _json_of(await _bytes_of(request, most_bytes))
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise RouteError(400, "bad-json", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise RouteError(400, "bad-json", "the body is not a JSON object")
    return body


async def _bytes_of(request: web.Request, most_bytes: int) -> bytes:
    too_large = RouteError(413, "too-large", f"the body is larger than {most_bytes} bytes")
    if (request.content_length or 0) > most_bytes:
        raise too_large
    parts, size = [], 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > most_bytes:
                raise too_large
            parts.append(chunk)
    except (web.RequestPayloadError, OSError) as error:
        # Cut off on the way, or packed in a way that cannot be unpacked.
        raise RouteError(400, "bad-body", "the body did not arrive whole") from error
    return b"".join(parts)


def _json_of(data: bytes) -> Any:
    """The value; NaN, numbers out of range and halves of characters are no JSON that we pass on."""
    value = json.loads(data.decode("utf-8-sig"), parse_constant=_finite, parse_float=_finite)
    if b"\\ud" in data.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not JSON")
    return value


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        value = await handler(request)
    except RouteError as error:
        return _refusal(error.status, error.error)
    except RunflowError as error:
        findings = [one.to_json() for one in error.findings]
        first = error.findings[0]
        told = {"code": first.code, "message": first.message, "findings": findings}
        return _refusal(_status(error), told)
    except web.HTTPException:
        raise
    except Exception as error:
        if missing := packages.explained(error):
            return _refusal(503, missing)
        _log.exception("runflow: %s %s failed", request.method, request.path)
        message = "something went wrong in the Runflow pack; ComfyUI's log says what"
        return _refusal(500, {"code": "internal", "message": message})
    if isinstance(value, web.StreamResponse):
        return value
    return web.json_response(value, headers={"Cache-Control": "no-store"})


def _refusal(status: int, error: dict[str, Any]) -> web.Response:
    return web.json_response({"error": error}, status=status, headers={"Cache-Control": "no-store"})


def _status(error: RunflowError) -> int:
    if isinstance(error, UsageError):
        return 400
    return 403 if isinstance(error, ApiRefusedError) else 422
