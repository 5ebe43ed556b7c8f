"""The one shape of every error answer: `{code, message, errors}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from ..findings import Finding

Location = tuple[str | int, ...]  # ("body", "input", "prompt")

CODES: Mapping[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True)
class FieldError:
    """One part of a request that is wrong."""

    loc: Location
    msg: str
    type: str = "value_error"

    def to_json(self) -> dict[str, Any]:
        return {"loc": list(self.loc), "msg": self.msg, "type": self.type}


class Problem(HTTPException):
    """An answer other than the one that was asked for."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        errors: Iterable[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code or CODES[status]
        self.errors = None if errors is None else [error.to_json() for error in errors]


def envelope(code: str, message: str, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The body of an error answer."""
    return {"code": code, "message": message, "errors": errors}


def invalid(loc: Location, msg: str) -> Problem:
    """422 for one field."""
    return invalid_fields([FieldError(loc, msg)])


def invalid_fields(errors: list[FieldError]) -> Problem:
    """422 with an entry for each field; the message repeats the first, for who shows no more."""
    first = errors[0]
    place = ".".join(str(part) for part in first.loc)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(422, f"{place}: {first.msg}{more}", errors=errors)


def not_found(what: str, code: str | None = None) -> Problem:
    """404; the same for what does not exist and for what belongs to someone else."""
    return Problem(404, f"{what} was not found", code)


def of_finding(finding: Finding, loc: Location) -> FieldError:
    """A finding as one error of a 422: what is wrong, and how to mend it."""
    text = f"{finding.message}; {finding.fix}" if finding.fix else finding.message
    return FieldError(loc, text, finding.code)
