"""Requests of our routes: who may ask, and what of a body is taken."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp_server import JSON, Running, running
from loaded_pack import part
from pack_server import routes_of

MOST = 1000
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture
def asked() -> list[Any]:
    """The bodies that reached the handler."""
    return []


@pytest.fixture
def server(comfyui_modules: SimpleNamespace, asked: list[Any]) -> Iterator[Running]:
    async def take(request: web.Request, body: Any = None) -> dict[str, Any]:
        asked.append(body)
        return {"ok": True}

    def app() -> web.Application:
        routes = web.RouteTableDef()
        table = part("nodes.routes.requests").Table(routes)
        table.get("/runflow/state", take)
        table.post("/runflow/act", take, most_bytes=MOST)
        table.post("/runflow/act-at-length", take)
        table.upload("/runflow/upload", take)
        made = web.Application()
        made.add_routes(routes)
        return made

    with running(app) as one:
        yield one


def act(server: Running, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.post("/runflow/act", {"a": 1}, named)


# ---- whose page ----


def test_a_program_says_nothing_and_is_let_through(server: Running, asked: list[Any]) -> None:
    assert act(server).json == {"ok": True}
    assert asked == [{"a": 1}]


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://127.0.0.1:8188", "127.0.0.1:8188", 200),
        ("http://LOCALHOST:8188", "localhost:8188", 200),
        ("http://localhost:8188", "LocalHost:8188", 200),
        ("http://localhost.:8188", "localhost:8188", 200),
        ("http://comfy.localhost", "comfy.localhost", 200),
        ("http://localhost", "localhost:80", 200),
        ("https://localhost", "localhost:443", 200),
        ("http://[::1]:8188", "[::1]:8188", 200),
        ("http://[0:0:0:0:0:0:0:1]:8188", "[::1]:8188", 403),  # no browser writes it so
        ("http://127.0.0.1:8189", "127.0.0.1:8188", 403),
        ("http://localhost:8188", "127.0.0.1:8188", 403),
        ("https://localhost", "localhost:80", 403),
        ("http://evil.example", "127.0.0.1:8188", 403),
        ("http://127.0.0.1:8188.evil.example", "127.0.0.1:8188", 403),
        ("http://127.0.0.1:8188@evil.example", "127.0.0.1:8188", 403),
        ("null", "127.0.0.1:8188", 403),
        ("", "127.0.0.1:8188", 403),
        ("file://", "127.0.0.1:8188", 403),
        ("chrome-extension://127.0.0.1:8188", "127.0.0.1:8188", 403),
        ("http://[", "127.0.0.1:8188", 403),
        ("http://127.0.0.1:port", "127.0.0.1:8188", 403),
    ],
)
def test_a_page_may_act_where_it_comes_from(
    origin: str, host: str, status: int, server: Running, asked: list[Any]
) -> None:
    assert act(server, Origin=origin, Host=host).status == status
    assert len(asked) == (status == 200)


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403), ("x", 403)],
)
def test_what_the_browser_itself_says_of_the_page_counts(
    site: str, status: int, server: Running
) -> None:
    assert act(server, Sec_Fetch_Site=site).status == status


def test_a_proxy_may_change_the_host_where_the_browser_vouches_for_the_page(
    server: Running,
) -> None:
    away = {"Origin": "https://comfy.example", "Host": "127.0.0.1:8188"}
    assert act(server, **away).error == "foreign-origin"
    assert act(server, **away, Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1:8188",
        "a@127.0.0.1",
        "[::1",
        "",
        "..",
        "a b",
        "localhost/a",
        "localhost?a",
        "[::ffff:10.0.0.1]",
    ],
)
def test_a_name_made_to_point_here_reaches_no_route(
    host: str, server: Running, asked: list[Any]
) -> None:
    assert act(server, Host=host, Origin=f"http://{host}").error in (
        "foreign-host",
        "foreign-origin",
    )
    assert act(server, Host=host).error == "foreign-host"
    assert server.get("/runflow/state", {"Host": host}).error == "foreign-host"
    assert asked == []


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.:8188", "comfy.localhost", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_whatever_this_machine_calls_itself_is_fine(host: str, server: Running) -> None:
    assert act(server, Host=host).status == 200


def test_a_name_is_fine_where_a_proxy_has_it_or_others_reach_comfyui(
    server: Running, comfyui_modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"Host": "Comfy.example:8443", "Origin": "https://comfy.example:8443"}
    refusal = act(server, **named).json["error"]
    assert refusal["message"] == "'comfy.example' is not a name of this machine"
    assert "RUNFLOW_ALLOWED_HOSTS=comfy.example" in refusal["fix"]
    monkeypatch.setenv("RUNFLOW_ALLOWED_HOSTS", "other.example, COMFY.example.")
    assert act(server, **named).status == 200
    assert act(server, Host="127.0.0.1:8188", Origin="https://comfy.example").status == 200
    monkeypatch.delenv("RUNFLOW_ALLOWED_HOSTS")
    comfyui_modules.arguments.listen = "0.0.0.0,::"
    assert act(server, **named).status == 200
    assert act(server, Host="comfy.example", Origin="https://evil.example").status == 403


def test_s8_no_form_and_no_simple_request_of_another_site_gets_through(
    server: Running, asked: list[Any]
) -> None:
    away = {"Origin": "http://evil.example"}
    for kind in (
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
    ):
        for headers in (away, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = server.ask(
                "POST", "/runflow/act", {"Content-Type": kind, **headers}, b'{"a":1}'
            )
            assert (answer.status, answer.error) == (403, "foreign-origin")
        # Nor is one taken for JSON that says nothing of where it comes from.
        answer = server.ask("POST", "/runflow/act", {"Content-Type": kind}, b'{"a":1}')
        assert (answer.status, answer.error) == (415, "bad-content-type")
    assert server.ask("POST", "/runflow/act", {}, b'{"a":1}').status == 415
    body = b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\na\r\n--x--\r\n"
    assert server.ask("POST", "/runflow/upload", {**BOUNDARY, **away}, body).status == 403
    assert server.ask("POST", "/runflow/upload", JSON, b"{}").status == 415
    assert asked == []


# ---- bodies ----


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"7",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 900 + b"e999}",
        b'{"a": "\\ud800"}',
        b'{"\\uDFFF": 1}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b"[" * 900,
        b'{"a":' * 190,
    ],
)
def test_what_is_no_json_object_is_refused_in_words(
    body: bytes, server: Running, asked: list[Any]
) -> None:
    answer = server.ask("POST", "/runflow/act", JSON, body)
    assert (answer.status, answer.error) == (400, "bad-json")
    assert asked == []


@pytest.mark.parametrize("inside", [b"1", b'"\\ud800"'])
def test_a_very_deep_value_is_refused_in_words(
    inside: bytes, server: Running, asked: list[Any]
) -> None:
    deep = b'{"a":' + b"[" * 200_000 + inside + b"]" * 200_000 + b"}"
    answer = server.ask("POST", "/runflow/act-at-length", JSON, deep)
    assert (answer.status, answer.error) == (400, "bad-json")
    assert asked == []


@pytest.mark.parametrize("body", ['{"a": "\\ud83d\\ude00"}', '\ufeff{"a": "ü"}', '{"a": 1e300}'])
def test_what_is_json_is_taken(body: str, server: Running, asked: list[Any]) -> None:
    assert server.ask("POST", "/runflow/act", JSON, body.encode()).status == 200
    assert asked == [json.loads(body.removeprefix("\ufeff"))]


@pytest.mark.parametrize(
    ("charset", "status"), [("utf-8", 200), ("UTF8", 200), ("latin-1", 415), ("utf-16", 415)]
)
def test_json_is_in_utf_8(charset: str, status: int, server: Running) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    assert server.ask("POST", "/runflow/act", headers, b"{}").status == status


def test_a_body_over_the_cap_is_refused_however_it_comes(server: Running, asked: list[Any]) -> None:
    body = json.dumps({"a": "x" * MOST}).encode()
    assert server.ask("POST", "/runflow/act", JSON, body).error == "too-large"
    pieces = iter([body[:500], body[500:], b" " * 100_000])
    chunked = server.ask("POST", "/runflow/act", JSON, pieces, encode_chunked=True)
    assert (chunked.status, chunked.error) == (413, "too-large")
    packed = gzip.compress(json.dumps({"a": "x" * 10_000_000}).encode())
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert server.ask("POST", "/runflow/act", headers, packed).error in ("too-large", "bad-body")
    assert asked == []


def test_a_body_is_not_waited_for_where_its_size_is_too_large(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as one:
        head = "POST /runflow/act HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        one.sendall(f"{head}Content-Length: {MOST + 1}\r\n\r\n".encode())
        assert one.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_cannot_be_unpacked_is_refused(server: Running, caplog: Any) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = server.ask("POST", "/runflow/act", headers, b'{"a": 1}')
    assert answer.status == 400
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("after", ["", "-1", "x", "9" * 5000])
def test_a_number_in_a_query_is_one(after: str, comfyui_modules: SimpleNamespace) -> None:
    with routes_of("job_routes") as server:
        answer = server.get(f"/runflow/jobs/x?after={after}")
    assert (answer.status, answer.error) == (400, "bad-query")


# ---- answers ----


def test_a_defect_of_ours_is_logged_and_tells_the_page_nothing(
    comfyui_modules: SimpleNamespace, caplog: Any
) -> None:
    async def fail(request: web.Request) -> None:
        raise KeyError("/secret/place")

    def app(handler: Callable[..., Any] = fail) -> web.Application:
        routes = web.RouteTableDef()
        part("nodes.routes.requests").Table(routes).get("/runflow/fail", handler)
        made = web.Application()
        made.add_routes(routes)
        return made

    with running(app) as server:
        answer = server.get("/runflow/fail")
    assert (answer.status, answer.error) == (500, "internal")
    assert b"secret" not in answer.body
    assert "/secret/place" in caplog.text


def test_no_answer_is_kept_by_a_cache(server: Running) -> None:
    for answer in (server.get("/runflow/state"), act(server, Origin="null")):
        assert answer.headers["Cache-Control"] == "no-store"
