"""Who may do what: every path below /v1 wants a key, unless it is named here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from .keys import Caller, caller_of
from .problem import Problem
from .services import Services

# Health checks, the description of the API, and links that carry their own signature.
_OPEN = re.compile(r"/v1/(health|readiness|openapi\.json|files/.*|uploads/.*)")
_KEY = re.compile(r"[A-Za-z0-9_]{1,200}")


async def authenticate(connection: HTTPConnection, services: Services) -> Caller | None:
    """The caller of a request; None where no key is asked for.

    Raises Problem: 401 without a valid key, 403 for another organization than the key's.
    """
    if _OPEN.fullmatch(connection.url.path):
        return None
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    key = key.strip()
    caller = None
    if scheme.lower() == "bearer" and _KEY.fullmatch(key):
        caller = await run_in_threadpool(caller_of, services.database, key)
    if caller is None:
        message = "no valid API key: send `Authorization: Bearer <key>`"
        raise Problem(401, message, headers={"WWW-Authenticate": "Bearer"})
    wanted = connection.headers.get("x-organization-id")
    if wanted and wanted not in (caller.org_id, caller.organization):
        message = "X-Organization-Id names another organization than the key's"
        raise Problem(403, message, "ORGANIZATION_MEMBERSHIP_REQUIRED")
    return caller


async def any_caller(request: Request) -> Caller:
    """Whoever holds a key."""
    caller: Caller = request.state.caller
    return caller


def _holder_of(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    async def holder(request: Request) -> Caller:
        caller = await any_caller(request)
        if scope not in caller.scopes:
            raise Problem(403, f"the API key lacks the scope {scope}")
        return caller

    return holder


AnyCaller = Annotated[Caller, Depends(any_caller)]
WorkflowReader = Annotated[Caller, Depends(_holder_of("comfyui-workflows:read"))]
WorkflowCreator = Annotated[Caller, Depends(_holder_of("comfyui-workflows:create"))]
WorkflowEditor = Annotated[Caller, Depends(_holder_of("comfyui-workflows:edit"))]
WorkflowDeleter = Annotated[Caller, Depends(_holder_of("comfyui-workflows:delete"))]
RunCreator = Annotated[Caller, Depends(_holder_of("runs:create"))]
RunReader = Annotated[Caller, Depends(_holder_of("runs:read"))]
AssetCreator = Annotated[Caller, Depends(_holder_of("assets:create"))]
AssetReader = Annotated[Caller, Depends(_holder_of("assets:read"))]
