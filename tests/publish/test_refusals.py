"""Each answer that is no success, and the whole of what a person reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runflow_build.errors import ApiError, ApiRefusedError
from runflow_build.publish.refusals import Answer, Call, clean, json_object, refusal

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
PUBLISH = Call("POST", "/v1/comfyui-workflows", "api.example")
JSON = {"content-type": "application/json; charset=utf-8"}


def answer(status: int, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {**JSON, **headers}, content)


def envelope(code: str, message: str, errors: Any = None) -> dict[str, Any]:
    return {"code": code, "message": message, "errors": errors}


# Right for who types commands, and for who sits in ComfyUI's editor.
ADDRESS = "the API's address (RUNFLOW_API_URL; in ComfyUI its settings, or the Deploy node)"
MESSAGES = {
    "400": (
        answer(400, envelope("BAD_REQUEST", "No body.")),
        """\
error api-unexpected: api.example refuses the request: No body
  answer    400 BAD_REQUEST
  request   POST /v1/comfyui-workflows
  fix       check that runflow is up to date, and ADDRESS""",
    ),
    "401": (
        answer(401, envelope("UNAUTHORIZED", "Invalid token.")),
        """\
error api-unauthorized: api.example does not accept the API key: Invalid token
  answer    401 UNAUTHORIZED
  request   POST /v1/comfyui-workflows
  fix       check the key: it may be mistyped, revoked, or of another server""",
    ),
    "402": (
        answer(402, envelope("INSUFFICIENT_CREDIT", "Balance is 0.")),
        """\
error api-no-credit: the organization is out of credit: Balance is 0
  answer    402 INSUFFICIENT_CREDIT
  request   POST /v1/comfyui-workflows
  fix       add credit in the Runflow app, then try again""",
    ),
    "403 scope": (
        answer(403, envelope("PERMISSION_DENIED", "Missing scope.")),
        """\
error api-forbidden: the API key may not do this: Missing scope
  answer    403 PERMISSION_DENIED
  request   POST /v1/comfyui-workflows
  fix       use a key that has the scope comfyui-workflows:create; scopes are chosen when a key is \
made""",
    ),
    "403 enrolled": (
        answer(403, envelope("COMFYUI_DEPLOY_BETA_NOT_ENABLED", "Ask us.")),
        """\
error api-not-enrolled: ComfyUI Deploy is not enabled for the key's organization: Ask us
  answer    403 COMFYUI_DEPLOY_BETA_NOT_ENABLED
  request   POST /v1/comfyui-workflows
  fix       ask Runflow to enable it, or publish to a server of your own (`runflow serve`)""",
    ),
    "403 e-mail": (
        answer(403, envelope("EMAIL_NOT_VERIFIED", "")),
        """\
error api-forbidden: the API key may not do this
  answer    403 EMAIL_NOT_VERIFIED
  request   POST /v1/comfyui-workflows
  fix       confirm the account's e-mail address, then try again""",
    ),
    "403 membership": (
        answer(403, envelope("ORGANIZATION_MEMBERSHIP_REQUIRED", "")),
        """\
error api-forbidden: the API key may not do this
  answer    403 ORGANIZATION_MEMBERSHIP_REQUIRED
  request   POST /v1/comfyui-workflows
  fix       use a key of an organization that you belong to""",
    ),
    "403 role": (
        answer(403, envelope("ROLE_UNRESOLVED", "")),
        """\
error api-forbidden: the API key may not do this
  answer    403 ROLE_UNRESOLVED
  request   POST /v1/comfyui-workflows
  fix       ask the organization's owner to give you a role""",
    ),
    "403 impersonation": (
        answer(403, envelope("IMPERSONATION_READ_ONLY", "")),
        """\
error api-forbidden: the API key may not do this
  answer    403 IMPERSONATION_READ_ONLY
  request   POST /v1/comfyui-workflows
  fix       use a key of your own: an impersonated session only reads""",
    ),
    "404": (
        answer(404, envelope("NOT_FOUND", "No such workflow.")),
        """\
error api-not-found: api.example does not have /v1/comfyui-workflows: No such workflow
  answer    404 NOT_FOUND
  request   POST /v1/comfyui-workflows
  fix       check the slug, the organization and ADDRESS""",
    ),
    "409": (
        answer(409, envelope("CONFLICT", "The slug is taken."), **{"runflow-request-id": "r-1"}),
        """\
error api-conflict: api.example sees a conflict: The slug is taken
  answer    409 CONFLICT
  request   POST /v1/comfyui-workflows
  id        r-1
  fix       run the command again; if it stays, somebody else uses this slug""",
    ),
    "422": (
        answer(
            422,
            envelope(
                "VALIDATION_ERROR",
                "Request is not valid.",
                [
                    {
                        "loc": ["body", "gpu_models", 0],
                        "msg": "Unknown GPU.",
                        "type": "value_error",
                    },
                    {"loc": ["body", "name"], "msg": "too long"},
                ],
            ),
        ),
        """\
error api-invalid: api.example refuses `gpu_models.0`: Unknown GPU
  answer    422 VALIDATION_ERROR
  request   POST /v1/comfyui-workflows
  fix       correct the value where it comes from, then try again
error api-invalid: api.example refuses `name`: too long
  answer    422 VALIDATION_ERROR
  request   POST /v1/comfyui-workflows
  fix       correct the value where it comes from, then try again""",
    ),
    "422 without details": (
        answer(422, envelope("VALIDATION_ERROR", "The body is odd.")),
        """\
error api-invalid: api.example refuses what was sent: The body is odd
  answer    422 VALIDATION_ERROR
  request   POST /v1/comfyui-workflows
  fix       correct the value where it comes from, then try again""",
    ),
    "422 of an engine": (
        answer(
            422,
            envelope(
                "ENGINE_CLASS_MISSING",
                "this endpoint needs ComfyUI: KSampler, VAEDecode",
                [
                    {"loc": ["body", "workflow_json", "3"], "msg": "no KSampler"},
                    {"loc": ["body", "workflow_json", "9:8"], "msg": "no VAEDecode"},
                ],
            ),
        ),
        """\
error engine-class-missing: this endpoint needs ComfyUI: KSampler, VAEDecode
  nodes     3, 9:8
  answer    422 ENGINE_CLASS_MISSING
  request   POST /v1/comfyui-workflows
  fix       use a server that runs ComfyUI, or take these nodes out of the workflow""",
    ),
    "422 of an engine's package": (
        answer(422, envelope("ENGINE_EXTRA_MISSING", "the embedded engine needs torch for it")),
        """\
error engine-extra-missing: the embedded engine needs torch for it
  answer    422 ENGINE_EXTRA_MISSING
  request   POST /v1/comfyui-workflows
  fix       run pip install 'runflow-build[embedded]' where the server is, and start it again""",
    ),
    "429": (
        answer(429, envelope("RATE_LIMITED", "60 per minute")),
        """\
error api-rate-limited: api.example gets too many requests, 5 times in a row: 60 per minute
  answer    429 RATE_LIMITED
  request   POST /v1/comfyui-workflows
  fix       wait a minute, then try again""",
    ),
    "500": (
        answer(500, b"oops", **{"content-type": "text/plain"}),
        """\
error api-server-error: api.example has a problem of its own, 5 times in a row
  answer    500
  request   POST /v1/comfyui-workflows
  fix       try again in a few minutes""",
    ),
    "502 page": (
        answer(502, b"<html>Bad Gateway</html>", **{"content-type": "text/html"}),
        """\
error api-server-error: api.example has a problem of its own, 5 times in a row
  answer    502
  request   POST /v1/comfyui-workflows
  fix       try again in a few minutes""",
    ),
    "503": (
        answer(503, envelope("MODEL_UNAVAILABLE", "A provider is down.")),
        """\
error api-server-error: api.example has a problem of its own, 5 times in a row: A provider is down
  answer    503 MODEL_UNAVAILABLE
  request   POST /v1/comfyui-workflows
  fix       try again in a few minutes""",
    ),
    "404 page": (
        answer(404, b"<!DOCTYPE html><title>Not found</title>", **{"content-type": "text/html"}),
        """\
error api-not-json: api.example answered with a web page (404); is the address right?
  request   POST /v1/comfyui-workflows
  fix       name the API itself, not the app or the documentation, as ADDRESS""",
    ),
}
REFUSED = {"401"} | {name for name in MESSAGES if name.startswith("403")}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_status_has_its_message(name: str) -> None:
    given, expected = MESSAGES[name]
    attempts = 5 if given.status == 429 or given.status >= 500 else 1
    error = refusal(PUBLISH, given, KEY, attempts)
    assert str(error) == expected.replace("ADDRESS", ADDRESS)
    assert isinstance(error, ApiRefusedError) == (name in REFUSED)
    assert error.exit_code == (4 if name in REFUSED else 1)
    assert error.status == given.status


@pytest.mark.parametrize(
    ("call", "scope"),
    [
        (Call("GET", "/v1/comfyui-workflows", "h"), "comfyui-workflows:read"),
        (Call("GET", "/v1/comfyui-workflows/acme/card", "h"), "comfyui-workflows:read"),
        (Call("PATCH", "/v1/comfyui-workflows/01", "h"), "comfyui-workflows:edit"),
        (Call("DELETE", "/v1/comfyui-workflows/01", "h"), "comfyui-workflows:delete"),
        (Call("POST", "/v1/comfyui-workflows/acme/card/runs", "h"), "runs:create"),
        (Call("GET", "/v1/runs/01", "h"), "runs:read"),
        (Call("POST", "/v1/asset-uploads", "h"), "assets:create"),
        (Call("POST", "/v1/asset-uploads/01/confirmations", "h"), "assets:create"),
        (Call("GET", "/v1/assets/01", "h"), "assets:read"),
        (Call("GET", "/v1/auth/me", "h"), None),
    ],
)
def test_a_refusal_names_the_scope_that_lacks(call: Call, scope: str | None) -> None:
    error = refusal(call, answer(403, envelope("PERMISSION_DENIED", "")), KEY)
    wanted = f"the scope {scope};" if scope else "the scope for this;"
    assert wanted in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"code": "X", "message": "nested"}}, "nested"),
        ({"error": "a string"}, "a string"),
        ({"detail": "a detail"}, "a detail"),
        ({"detail": [{"loc": ["query", "q"], "msg": "bad"}]}, ""),
        ([1, 2], ""),
        ({"message": {"odd": 1}}, "{'odd': 1}"),
    ],
)
def test_other_envelopes_are_read_too(body: Any, words: str) -> None:
    error = refusal(PUBLISH, answer(400, body), KEY)
    expected = f"api.example refuses the request{': ' if words else ''}{words}"
    assert error.findings[0].message == expected


def test_a_422_with_fastapi_details_names_the_fields() -> None:
    error = refusal(PUBLISH, answer(422, {"detail": [{"loc": ["body", "a", 0], "msg": "b"}]}), KEY)
    assert error.findings[0].where.field == "a.0"


def test_a_422_with_a_thousand_details_stays_readable() -> None:
    errors = [{"loc": ["body", f"f{n}"], "msg": "bad"} for n in range(1000)]
    error = refusal(PUBLISH, answer(422, envelope("X", "", errors)), KEY)
    assert len(error.findings) == 21
    assert error.findings[-1].message == "api.example refuses 980 more values"


def test_the_apis_words_are_one_short_line_without_the_key() -> None:
    assert clean(f"no\n\x1b[31mentry for {KEY}.", KEY) == "no [31mentry for <the key>"
    assert len(clean("x" * 5000, KEY)) < 310
    assert clean("\ud800", KEY) == "?"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (answer(200, b"<html>", **{"content-type": "text/html"}), "api-not-json"),
        (answer(200, b"<!doctype html>"), "api-not-json"),
        (answer(200, b'{"a": '), "api-not-json"),
        (answer(200, b'{"a": NaN}'), "api-not-json"),
        (answer(200, b'{"a": 1e999}'), "api-not-json"),
        (answer(200, b"[" * 100_000), "api-not-json"),
        (answer(200, b"\xff\xfe"), "api-not-json"),
        (answer(200, b"ok", **{"content-type": "text/plain"}), "api-not-json"),
        (answer(200, []), "api-unexpected"),
        (answer(204, b""), "api-not-json"),
    ],
)
def test_a_success_that_is_no_json_object_is_a_finding(given: Answer, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        json_object(PUBLISH, given)
    assert refused.value.findings[0].code == code


def test_json_is_read_as_it_is() -> None:
    assert json_object(PUBLISH, answer(200, {"a": [1, None, "ä"]})) == {"a": [1, None, "ä"]}
