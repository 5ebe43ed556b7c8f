"""What the API refuses, in words for a person: an HTTP answer in, an ApiError out. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ApiError, ApiRefusedError
from ..findings import Finding, Where
from .settings import ADDRESS

MOST_DETAILS = 20  # of a 422: enough to mend, not enough to flood a terminal
LONGEST_TEXT = 300  # characters of the API's own words
LONGEST_LIST = 2000  # of what an engine lacks: names, of which each one counts

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")

_SCOPES: Mapping[tuple[str, str], str] = {
    ("GET", "comfyui-workflows"): "comfyui-workflows:read",
    ("POST", "comfyui-workflows"): "comfyui-workflows:create",
    ("PATCH", "comfyui-workflows"): "comfyui-workflows:edit",
    ("DELETE", "comfyui-workflows"): "comfyui-workflows:delete",
    ("POST", "runs"): "runs:create",
    ("GET", "runs"): "runs:read",
    ("POST", "asset-uploads"): "assets:create",
    ("GET", "assets"): "assets:read",
}


@dataclass(frozen=True)
class Call:
    """One request, as far as a message needs it."""

    method: str
    path: str  # below the base URL, without the query: /v1/comfyui-workflows
    host: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def scope(self) -> str | None:
        """The scope that the API asks for, where it is known."""
        segments = self.path.strip("/").split("/")[1:]
        if not segments:
            return None
        resource = "runs" if segments[-1] == "runs" else segments[0]
        return _SCOPES.get((self.method, resource))


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("content-type", "").lower()

    @property
    def is_page(self) -> bool:
        start = self.body[:200].lstrip().lower()
        return "html" in self.headers.get("content-type", "").lower() or start.startswith(
            (b"<!doctype html", b"<html")
        )


@dataclass(frozen=True)
class Envelope:
    """The API's own account of what went wrong."""

    code: str = ""
    message: str = ""
    details: tuple[tuple[str, str], ...] = ()  # (field, text) of a 422
    request_id: str = ""  # by which the API's people find it in their log


def json_object(call: Call, answer: Answer) -> dict[str, Any]:
    """The answer's body. Raises ApiError: `api-not-json`, `api-unexpected`."""
    if answer.is_page or not answer.is_json:
        raise not_json(call, answer)
    try:
        value = json.loads(answer.body, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        raise not_json(call, answer) from None
    if not isinstance(value, dict):
        raise unexpected(call, "is JSON, but no object")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)  # 1e999 is JSON and yet infinite
    return number if math.isfinite(number) else _no_number(text)


def not_json(call: Call, answer: Answer) -> ApiError:
    """The answer is a web page or something else: mostly a wrong address."""
    what = "a web page" if answer.is_page else "something that is not JSON"
    status = f" ({answer.status})" if answer.status >= 400 else ""
    return _error(
        Finding(
            "api-not-json",
            f"{call.host} answered with {what}{status}; is the address right?",
            also=(("request", str(call)),),
            fix=f"name the API itself, not the app or the documentation, as {ADDRESS}",
        ),
        answer,
    )


def unexpected(call: Call, what: str) -> ApiError:
    """The answer is JSON and yet not what the documentation says; `what` completes `the answer`."""
    finding = Finding(
        "api-unexpected",
        f"the answer of {call.host} {what}",
        also=(("request", str(call)),),
        fix=f"check that runflow is up to date, and {ADDRESS}",
    )
    return ApiError(finding)


def refusal(call: Call, answer: Answer, secret: str, attempts: int = 1) -> ApiError:
    """The ApiError for an answer of status 400 and above; `secret` never shows in it."""
    told = _envelope(answer, secret)
    if answer.is_page and answer.status < 500 and answer.status != 429:
        return not_json(call, answer)
    if answer.status == 422 and told.code in _LACKS:
        return _lacking(call, answer, told)
    if answer.status == 422:
        return _invalid(call, answer, told)
    finding = _finding(call, answer, told, attempts)
    return _error(finding, answer, told.code)


def _finding(call: Call, answer: Answer, told: Envelope, attempts: int) -> Finding:
    words = f": {told.message}" if told.message else ""
    name = f"{answer.status} {told.code}".strip()
    times = f", {attempts} times in a row" if attempts > 1 else ""
    rows: dict[int, tuple[str, str, str]] = {
        401: (
            "api-unauthorized",
            f"{call.host} does not accept the API key{words}",
            "check the key: it may be mistyped, revoked, or of another server",
        ),
        402: (
            "api-no-credit",
            f"the organization is out of credit{words}",
            "add credit in the Runflow app, then try again",
        ),
        403: _forbidden(call, told, words),
        404: (
            "api-not-found",
            f"{call.host} does not have {call.path}{words}",
            f"check the slug, the organization and {ADDRESS}",
        ),
        409: (
            "api-conflict",
            f"{call.host} sees a conflict{words}",
            "run the command again; if it stays, somebody else uses this slug",
        ),
        429: (
            "api-rate-limited",
            f"{call.host} gets too many requests{times}{words}",
            "wait a minute, then try again",
        ),
    }
    if answer.status >= 500:
        code, message, fix = (
            "api-server-error",
            f"{call.host} has a problem of its own{times}{words}",
            "try again in a few minutes",
        )
    else:
        code, message, fix = rows.get(answer.status) or (
            "api-unexpected",
            f"{call.host} refuses the request{words}",
            f"check that runflow is up to date, and {ADDRESS}",
        )
    return Finding(code, message, also=(("answer", name), *_request(call, told)), fix=fix)


def _forbidden(call: Call, told: Envelope, words: str) -> tuple[str, str, str]:
    if told.code == "COMFYUI_DEPLOY_BETA_NOT_ENABLED":
        return (
            "api-not-enrolled",
            f"ComfyUI Deploy is not enabled for the key's organization{words}",
            "ask Runflow to enable it, or publish to a server of your own (`runflow serve`)",
        )
    fixes = {
        "EMAIL_NOT_VERIFIED": "confirm the account's e-mail address, then try again",
        "ORGANIZATION_MEMBERSHIP_REQUIRED": "use a key of an organization that you belong to",
        "ROLE_UNRESOLVED": "ask the organization's owner to give you a role",
        "IMPERSONATION_READ_ONLY": "use a key of your own: an impersonated session only reads",
    }
    fix = fixes.get(told.code)
    if fix is None:
        lacking = f"the scope {call.scope}" if call.scope else "the scope for this"
        fix = f"use a key that has {lacking}; scopes are chosen when a key is made"
    return "api-forbidden", f"the API key may not do this{words}", fix


def _invalid(call: Call, answer: Answer, told: Envelope) -> ApiError:
    """One finding for each value that the API complains about; `where.field` names it."""
    also = (("answer", f"422 {told.code}".strip()), *_request(call, told))
    rows = told.details or (("", told.message or "no reason given"),)
    findings = [
        Finding(
            "api-invalid",
            f"{call.host} refuses {f'`{field}`' if field else 'what was sent'}: {text}",
            Where(field=field or None),
            also,
            fix="correct the value where it comes from, then try again",
        )
        for field, text in rows[:MOST_DETAILS]
    ]
    if len(rows) > MOST_DETAILS:
        more = f"{call.host} refuses {len(rows) - MOST_DETAILS} more values"
        findings.append(Finding("api-invalid", more))
    return ApiError(*findings, status=answer.status, code=told.code)


def _lacking(call: Call, answer: Answer, told: Envelope) -> ApiError:
    """One finding for an endpoint that the API's engine cannot run, however many its nodes are."""
    code, fix = _LACKS[told.code]
    prefix = "workflow_json."
    nodes = [field.removeprefix(prefix) for field, _ in told.details if field.startswith(prefix)]
    more = " …" if len(nodes) > MOST_DETAILS else ""
    named = (("nodes", ", ".join(nodes[:MOST_DETAILS]) + more),) if nodes else ()
    also = (*named, ("answer", f"422 {told.code}"), *_request(call, told))
    finding = Finding(code, told.message, Where(field="workflow_json"), also, fix)
    return ApiError(finding, status=answer.status, code=told.code)


_LACKS: Mapping[str, tuple[str, str]] = {
    "ENGINE_CLASS_MISSING": (
        "engine-class-missing",
        "use a server that runs ComfyUI, or take these nodes out of the workflow",
    ),
    "ENGINE_EXTRA_MISSING": (
        "engine-extra-missing",
        "run pip install 'runflow-build[embedded]' where the server is, and start it again",
    ),
}
"""The API's code -> the finding's, and its fix."""


def _error(finding: Finding, answer: Answer, code: str = "") -> ApiError:
    kind = ApiRefusedError if finding.code in _REFUSALS else ApiError
    return kind(finding, status=answer.status, code=code)


_REFUSALS = {"api-unauthorized", "api-forbidden", "api-not-enrolled"}


def _request(call: Call, told: Envelope) -> tuple[tuple[str, str], ...]:
    rows = [("request", str(call))]
    if told.request_id:
        rows.append(("id", told.request_id))
    return tuple(rows)


def _envelope(answer: Answer, secret: str) -> Envelope:
    """The envelope in any of the forms that were seen: flat, nested below `error`, `detail`."""
    request_id = clean(answer.headers.get("runflow-request-id", ""), secret)
    try:
        value = json.loads(answer.body) if answer.is_json else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return Envelope(request_id=request_id)
    inner = value.get("error")
    source = inner if isinstance(inner, dict) else value
    message = source.get("message") or (inner if isinstance(inner, str) else "")
    errors = source.get("errors") or value.get("detail")
    if isinstance(errors, str):
        message, errors = message or errors, None
    details = [_detail(row, secret) for row in errors] if isinstance(errors, list) else []
    code = clean(source.get("code") or "", secret)
    longest = LONGEST_LIST if code in _LACKS else LONGEST_TEXT
    return Envelope(code, clean(message, secret, longest), tuple(details), request_id)


def _detail(row: Any, secret: str) -> tuple[str, str]:
    if not isinstance(row, dict):
        return "", clean(row, secret)
    loc = row.get("loc")
    parts = loc if isinstance(loc, list) else [loc] if loc else []
    parts = parts[1:] if parts[:1] == ["body"] else parts
    return clean(".".join(map(str, parts)), secret), clean(row.get("msg") or "", secret)


def clean(text: Any, secret: str, longest: int = LONGEST_TEXT) -> str:
    """The API's words as one short line without the key, control characters and a final stop."""
    line = _CONTROL.sub(" ", str(text)).strip()
    if secret:
        line = line.replace(secret, "<the key>")
    line = line.encode("utf-8", "replace").decode("utf-8")
    return (f"{line[:longest]}…" if len(line) > longest else line).removesuffix(".")
