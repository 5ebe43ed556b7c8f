"""What holds for every route: the key, the scopes, the envelope, the request id, CORS."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# Fixtures of tests/server/conftest.py; its classes cannot be imported under this import mode.
Api = Any

SOME_ID = "0197c0de-0000-7000-8000-000000000001"
WORKFLOWS = "/v1/comfyui-workflows"
# (method, path, scope): every route that asks for a key.
GUARDED = [
    ("GET", WORKFLOWS, "comfyui-workflows:read"),
    ("POST", WORKFLOWS, "comfyui-workflows:create"),
    ("GET", f"{WORKFLOWS}/{SOME_ID}", "comfyui-workflows:read"),
    ("PATCH", f"{WORKFLOWS}/{SOME_ID}", "comfyui-workflows:edit"),
    ("DELETE", f"{WORKFLOWS}/{SOME_ID}", "comfyui-workflows:delete"),
    ("GET", f"{WORKFLOWS}/{SOME_ID}/inputs", "comfyui-workflows:read"),
    ("GET", f"{WORKFLOWS}/{SOME_ID}/outputs", "comfyui-workflows:read"),
    ("GET", f"{WORKFLOWS}/local/poster", "comfyui-workflows:read"),
    ("GET", f"{WORKFLOWS}/local/poster/runs", "runs:read"),
    ("POST", f"{WORKFLOWS}/local/poster/runs", "runs:create"),
    ("POST", "/v1/models/local/poster/runs", "runs:create"),
    ("GET", "/v1/runs", "runs:read"),
    ("GET", "/v1/runs/statuses", "runs:read"),
    ("GET", f"/v1/runs/{SOME_ID}", "runs:read"),
    ("GET", f"/v1/runs/{SOME_ID}/logs", "runs:read"),
    ("POST", f"/v1/runs/{SOME_ID}/cancellation", "runs:create"),
    ("POST", "/v1/asset-uploads", "assets:create"),
    ("POST", f"/v1/asset-uploads/{SOME_ID}/confirmations", "assets:create"),
    ("GET", f"/v1/assets/{SOME_ID}", "assets:read"),
    ("GET", "/v1/auth/me", None),
]
OPEN = {
    ("GET", "/v1/health"),
    ("GET", "/v1/readiness"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/files/{file_id}/{name}"),
    ("HEAD", "/v1/files/{file_id}/{name}"),
    ("PUT", "/v1/uploads/{asset_id}"),
}


@pytest.fixture(scope="module")
def narrow(shared: Api) -> Iterator[dict[str, Api]]:
    """For each scope, somebody who has all the others."""
    scopes = sorted({scope for _, _, scope in GUARDED if scope})
    made = {scope: shared.with_key(*(s for s in scopes if s != scope)) for scope in scopes}
    yield made
    for api in made.values():
        api.client.close()


def envelope(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"code", "message", "errors"}
    assert body["code"] == code
    return body


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_without_a_valid_key_nobody_comes_in(
    method: str, path: str, scope: str | None, shared: Api
) -> None:
    for header in ("", "Bearer", "Bearer rf_live_no", "Basic YTpi", f"bearer {shared.key}x"):
        answer = shared.send(method, path, headers={"Authorization": header})
        envelope(answer, 401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "scope"), [row for row in GUARDED if row[2]])
def test_a_key_without_the_scope_is_told_which_one_it_lacks(
    method: str, path: str, scope: str, narrow: dict[str, Api]
) -> None:
    body = envelope(narrow[scope].send(method, path), 403, "PERMISSION_DENIED")
    assert body["message"] == f"the API key lacks the scope {scope}"


def test_every_route_is_in_one_of_the_two_tables(shared: Api) -> None:
    described = shared.web.get("/v1/openapi.json").json()["paths"]
    there = {(method.upper(), path) for path, methods in described.items() for method in methods}
    guarded = {
        (method, path.replace(SOME_ID, "{}").replace("local/poster", "{}/{}"))
        for method, path, _ in GUARDED
    }
    known = {("GET", "/v1/openapi.json")} ^ OPEN
    found = {(method, _blank(path)) for method, path in there - known}
    assert found == guarded


def _blank(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "NOT_FOUND"),
        ("GET", "/v1/runs/", 404, "NOT_FOUND"),
        ("PUT", "/v1/runs", 405, "METHOD_NOT_ALLOWED"),
        ("GET", f"/v1/runs/{SOME_ID}", 404, "RUN_NOT_FOUND"),
        ("GET", "/v1/runs/not-an-id", 404, "RUN_NOT_FOUND"),
        ("GET", f"{WORKFLOWS}/{SOME_ID}", 404, "NOT_FOUND"),
        ("GET", f"{WORKFLOWS}/local/nothing", 404, "NOT_FOUND"),
        ("GET", "/v1/runs?limit=0", 422, "VALIDATION_ERROR"),
        ("GET", "/v1/runs?limit=many", 422, "VALIDATION_ERROR"),
        ("GET", "/", 404, "NOT_FOUND"),
    ],
)
def test_every_error_is_an_envelope(
    method: str, path: str, status: int, code: str, shared: Api
) -> None:
    envelope(shared.send(method, path), status, code)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "the body is no valid JSON"),
        (b"\xff", 400, "the body is no valid JSON"),
        (b'{"name": NaN}', 400, "NaN is not a JSON number"),
        (b'{"name": 1e999}', 400, "1e999 is not a JSON number"),
        (b'{"name": ' + b"[" * 200 + b"]" * 200 + b"}", 400, "nests deeper than 100 levels"),
        (b"[" * 100_000, 400, "nests deeper than 100 levels"),
        (b"[]", 422, "body"),
        (b"", 422, "body.name: Field required"),
        (b'{"name": "\\ud800", "workflow_json": {}}', 422, "body.name"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    body: bytes, status: int, message: str, shared: Api
) -> None:
    answer = shared.send("POST", WORKFLOWS, content=body)
    assert answer.status_code == status
    assert message in answer.json()["message"]


def test_a_body_over_the_limit_is_refused_while_it_comes(shared: Api) -> None:
    parts = (b" " * (1 << 20) for _ in range(30))
    answer = shared.send("POST", WORKFLOWS, content=parts)
    body = envelope(answer, 413, "PAYLOAD_TOO_LARGE")
    assert body["message"] == "the body is larger than 25165824 bytes"


def test_an_unknown_field_is_named_with_the_nearest_known_one(shared: Api) -> None:
    answer = shared.send("POST", WORKFLOWS, json={"name": "a", "workflow_json": {}, "slugg": "a"})
    (error,) = envelope(answer, 422, "VALIDATION_ERROR")["errors"]
    assert error["loc"] == ["body", "slugg"]
    assert error["msg"].startswith("is not known; did you mean `slug`? accepted: name, slug, ")


def test_the_values_that_were_sent_are_not_repeated(shared: Api) -> None:
    answer = shared.send("POST", WORKFLOWS, json={"name": ["rf_live_secret"], "workflow_json": {}})
    assert answer.status_code == 422
    assert "secret" not in answer.text


PIECES = st.sampled_from(
    ["slug", "status_code", "created_at", ".eq", ".in", ":", ">", "'a'", "'", "(", ")", ",",
     " AND ", "NOT ", "null", "9" * 30, "W10", "eyJ", "=", "-", "\x00", "é", "%", "id", ":desc"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["q", "sort_by", "fields", "pq", "limit", "from_prev"]), TEXTS, max_size=3
    )
)
def test_no_query_breaks_a_list(shared: Api, params: dict[str, str]) -> None:
    for path in (WORKFLOWS, "/v1/runs"):
        answer = shared.send("GET", path, params=params)
        assert answer.status_code in (200, 422), answer.text


def test_the_request_id_comes_back(shared: Api) -> None:
    answer = shared.send("GET", "/v1/runs", headers={"Runflow-Request-Id": "mine-1"})
    assert answer.headers["runflow-request-id"] == "mine-1"


@pytest.mark.parametrize("given", [None, "a b", "x" * 200])
def test_a_request_without_a_usable_id_gets_one(given: str | None, shared: Api) -> None:
    headers = {} if given is None else {"Runflow-Request-Id": given}
    for path in ("/v1/runs", "/v1/nothing", "/v1/health"):
        answer = shared.send("GET", path, headers=headers)
        assert len(answer.headers["runflow-request-id"]) == 36


def test_a_browser_may_ask_from_any_page(shared: Api) -> None:
    headers = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = shared.web.options(WORKFLOWS, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", ["/v1/runs", "/v1/nothing"])
def test_a_browser_may_read_errors_too(path: str, shared: Api) -> None:
    answer = shared.web.get(path, headers={"Origin": "https://app.example.com"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_key_of_another_organization_is_refused(shared: Api) -> None:
    me = shared.get("/v1/auth/me")["memberships"][0]["org"]
    for own in (me["id"], me["slug"]):
        assert shared.send("GET", "/v1/runs", headers={"X-Organization-Id": own}).is_success
    answer = shared.send("GET", "/v1/runs", headers={"X-Organization-Id": "acme"})
    envelope(answer, 403, "ORGANIZATION_MEMBERSHIP_REQUIRED")


def test_a_defect_tells_nothing_but_where_to_look(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    run = api.publish()
    # The record in the database is damaged by hand; reading it must fail inside.
    damage(api.data_dir, "UPDATE revisions SET contract = '{\"inputs\": 5}'")
    answer = api.send("GET", f"{WORKFLOWS}/{run['id']}", headers={"Origin": "https://a.example"})
    body = envelope(answer, 500, "INTERNAL_ERROR")
    request_id = answer.headers["runflow-request-id"]
    assert body["message"] == f"the server failed; its log tells more about request {request_id}"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert f"request {request_id} failed by a defect" in caplog.text
    assert "ValidationError" in caplog.text


def damage(data_dir: Path, statement: str) -> None:
    import sqlite3

    connection = sqlite3.connect(data_dir / "runflow.db")
    with connection:
        connection.execute(statement)
    connection.close()


def test_the_log_holds_neither_keys_nor_signatures(
    api: Api, png: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asset = api.upload(png)
    api.web.get(asset["url"])
    api.send("GET", "/v1/runs", headers={"Authorization": "Bearer rf_live_wrong"})
    assert "PUT /v1/uploads/" in caplog.text
    ours = [record.getMessage() for record in caplog.records if "runflow_build" in record.name]
    text = "\n".join(ours)
    assert "signature" not in text
    assert api.key not in text
    assert "rf_live" not in text


def test_the_description_of_the_api_names_the_bodies(shared: Api) -> None:
    described = shared.web.get("/v1/openapi.json").json()
    post = described["paths"][WORKFLOWS]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["name", "workflow_json"]
    assert json.dumps(described)
