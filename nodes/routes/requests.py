"""Requests read safely: from our own pages, of bounded size, of the type they say, JSON in and out.

Every route of the pack is added through a `Table`. A handler raises RouteError or RunflowError for
whatever the user can mend; anything else is a defect of ours, is logged with its traceback, and the
page hears only that it happened.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from ...runflow_build.errors import ApiRefusedError, RunflowError, UsageError

MOST_BYTES = 1 << 20  # of a body, where a route says nothing else
ALLOWED_HOSTS = "RUNFLOW_ALLOWED_HOSTS"  # names under which a proxy serves a loopback ComfyUI

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

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answered(request, handler, request)

        self._routes.get(path)(answer)

    def post(self, path: str, handler: Handler, most_bytes: int = MOST_BYTES) -> None:
        """`handler(request, body)`, the body being a JSON object; only from our own pages."""

        async def parsed(request: web.Request) -> Any:
            require_own_page(request)
            return await handler(request, await _json_object(request, most_bytes))

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answered(request, parsed, request)

        self._routes.post(path)(answer)

    def upload(self, path: str, handler: Handler) -> None:
        """`handler(request)` reads the multipart body itself; only from our own pages."""

        async def checked(request: web.Request) -> Any:
            require_own_page(request)
            if request.content_type != "multipart/form-data":
                raise RouteError(415, "bad-content-type", "the body is not multipart/form-data")
            return await handler(request)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answered(request, checked, request)

        self._routes.post(path)(answer)


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run what blocks (files, hashes, networks) beside ComfyUI's event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *args)


def require_own_page(request: web.Request) -> None:
    """Raise RouteError 403 for a request that a page of another site may have caused.

    A browser says where a POST comes from; programs say nothing and are let through. A name that is
    not this machine's, for a ComfyUI that only this machine reaches, is a page that has its name
    point here (DNS rebinding), unless a proxy's name is allowed.
    """
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    if foreign or site not in ("same-origin", "none"):
        raise RouteError(403, "foreign-origin", "the request comes from a page of another site")
    if _listens_on_loopback() and not _is_own_name(host):
        name = _name(host)
        fix = f"behind a proxy, start ComfyUI with {ALLOWED_HOSTS}={name} in its environment"
        raise RouteError(403, "foreign-host", f"{name!r} is not a name of this machine", fix)


def _listens_on_loopback() -> bool:
    from .comfyui import options

    return all(_is_loopback(one.strip()) for one in str(options().listen).split(","))


def _is_own_name(host: str) -> bool:
    name = _name(host)
    allowed = os.environ.get(ALLOWED_HOSTS, "").lower().replace(",", " ").split()
    return _is_loopback(name) or name in allowed


def _name(host: str) -> str:
    return (urlsplit(f"//{host}").hostname or "").lower()


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


async def _json_object(request: web.Request, most_bytes: int) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise RouteError(415, "bad-content-type", "the body is not application/json")
    data = b""
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > most_bytes:
            raise RouteError(413, "too-large", f"the body is larger than {most_bytes} bytes")
    try:
        body = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise RouteError(400, "bad-json", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise RouteError(400, "bad-json", "the body is not a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _answered(request: web.Request, handler: Handler, *args: Any) -> web.StreamResponse:
    try:
        value = await handler(*args)
    except RouteError as error:
        return _refusal(error.status, error.error)
    except RunflowError as error:
        findings = [one.to_json() for one in error.findings]
        first = error.findings[0]
        told = {"code": first.code, "message": first.message, "findings": findings}
        return _refusal(_status(error), told)
    except web.HTTPException:
        raise
    except Exception:
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
