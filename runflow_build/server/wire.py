"""Requests and answers as JSON: size, depth and numbers are checked before anything reads them."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from ..workflow.formats import nests_deeper
from .problem import FieldError, Problem, invalid_fields

MAX_BODY = 24 * 1024 * 1024  # bytes: a prompt of 16 MiB and the graph beside it
_MAX_DEPTH = 100


class Reply(JSONResponse):
    """A JSON answer in ASCII: half a surrogate pair in a prompt comes back as it was."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


class Body(BaseModel):
    """The body of a request: no unknown fields, and no value is silently converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


_Body = TypeVar("_Body", bound=Body)


def body_of(model: type[_Body]) -> Callable[[Request], Awaitable[_Body]]:
    """A dependency that reads the body as `model`; put it behind the one that asks for a scope.

    Raises Problem: 400 for what is no JSON, 413, 422 with an entry for each wrong field.
    """

    async def read(request: Request) -> _Body:
        return await run_in_threadpool(_checked, model, await _limited(request))

    return read


def described(model: type[Body], required: bool = True) -> dict[str, Any]:
    """The body for the description of the API, as a route's `openapi_extra`."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"content": content, "required": required}}


async def _limited(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Problem(413, f"the body is larger than {MAX_BODY} bytes")
    return bytes(body)


def _checked(model: type[_Body], body: bytes) -> _Body:
    try:
        return model.model_validate(parsed(body) if body.strip() else {})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise invalid_fields([_field_error(model, detail) for detail in details]) from None


def _field_error(model: type[Body], detail: ErrorDetails) -> FieldError:
    place, message = detail["loc"], detail["msg"]
    if detail["type"] == "extra_forbidden" and len(place) == 1:
        near = get_close_matches(str(place[0])[:100], model.model_fields, n=1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        message = f"is not known; {hint}accepted: {', '.join(model.model_fields)}"
    return FieldError(("body", *place), message, detail["type"])


def parsed(body: bytes) -> Any:
    """The JSON value of a body. Raises Problem 400: no JSON, NaN or Infinity, nested too deep."""
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Problem(400, f"the body is no valid JSON: {str(error)[:200]}") from None
    if nests_deeper(value, _MAX_DEPTH):
        raise _too_deep()
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text[:20])


def _too_deep() -> Problem:
    return Problem(400, f"the body nests deeper than {_MAX_DEPTH} levels")
