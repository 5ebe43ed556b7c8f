"""The application: routes, and around them the request id, the key, CORS and the error envelope."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import __version__
from .access import authenticate
from .api import assets, auth, files, runs, status, workflows
from .clock import uuid7
from .problem import CODES, FieldError, Problem, envelope, invalid_fields
from .services import Services, open_services
from .settings import Settings
from .wire import Reply

log = logging.getLogger(__name__)

REQUEST_ID = "Runflow-Request-Id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ASKED_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-Organization-Id",
    REQUEST_ID,
]


def create_app(settings: Settings) -> FastAPI:
    """The server as an ASGI app. It opens the data folder now; its lifespan runs the workers.

    Raises RunflowError: see `services.open_services`.
    """
    services = open_services(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            services.dispatcher.start()
            yield
        finally:
            services.close()

    app = FastAPI(
        title="Runflow API",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # these pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.services = services
    for resource in (status, auth, workflows, runs, assets, files):
        app.include_router(resource.router)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_middleware(_Gate, services=services)
    app.add_middleware(
        CORSMiddleware,  # a browser sends no key by itself, so any page may ask
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=_ASKED_HEADERS,
        expose_headers=[REQUEST_ID],
    )
    return app


class _Gate:
    """What happens to every request: an id, the key, and one line in the log.

    A defect of ours becomes the envelope here: within CORS, so that a browser can read it, and
    without the traceback, which goes to the log.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        given = connection.headers.get(REQUEST_ID, "")
        request_id = given if _ID.fullmatch(given) else uuid7(self._services.settings.now())
        answer = _Answer(send, request_id)
        began = time.perf_counter()
        try:
            connection.state.request_id = request_id
            connection.state.caller = await authenticate(connection, self._services)
            await self._app(scope, receive, answer)
        except Problem as problem:
            await _reply(problem)(scope, receive, answer)
        except ClientDisconnect:
            pass  # nobody is there to be told
        except (OperationalError, OSError) as error:  # locked for long, or no space: try again
            log.error("request %s: %s", request_id, error)
            if answer.status is not None:
                raise
            await _reply(Problem(503, "the data folder is busy or full"))(scope, receive, answer)
        except Exception:
            log.exception("request %s failed by a defect", request_id)
            if answer.status is not None:
                raise
            message = f"the server failed; its log tells more about request {request_id}"
            body = envelope(CODES[500], message)
            await Reply(body, 500)(scope, receive, answer)
        finally:
            # Never the query: it holds the signatures of links.
            elapsed_ms = (time.perf_counter() - began) * 1000
            log.info("%s %s %s %.0f ms", scope["method"], scope["path"], answer.status, elapsed_ms)


class _Answer:
    """Sends the answer with the request's id, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None  # None: nothing is sent yet

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = self._request_id
        await self._send(message)


def _reply(problem: HTTPException) -> Reply:
    if isinstance(problem, Problem):
        code, errors = problem.code, problem.errors
    else:
        code, errors = CODES.get(problem.status_code, "ERROR"), None
    body = envelope(code, str(problem.detail), errors)
    return Reply(body, problem.status_code, headers=dict(problem.headers or {}))


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _reply(error)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    """422 in the API's shape; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    errors = [FieldError(one["loc"], one["msg"], one["type"]) for one in error.errors()]
    return _reply(invalid_fields(errors))
