"""The connection's routes: keys go in, nothing gives them back, a key belongs to one host."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp_server import Running
from loaded_pack import part
from pack_server import routes_of

from runflow_build.publish.settings import host_of

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
HOSTED = {
    "url": "https://api.runflow.io",
    "host": "api.runflow.io",
    "url_from": "default",
    "has_key": False,
    "hosts": [],
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RUNFLOW_API_URL", "RUNFLOW_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "runflow" / "config.yaml"


@pytest.fixture
def server(comfyui_modules: SimpleNamespace, config: Path) -> Iterator[Running]:
    with routes_of("connection") as one:
        yield one


def change(server: Running, **body: Any) -> Any:
    answer = server.post("/runflow/connection", body)
    assert answer.status == 200, answer.body
    return answer.json


def test_without_anything_the_hosted_api_is_meant_and_nothing_is_written(
    server: Running, config: Path
) -> None:
    assert server.get("/runflow/connection").json == HOSTED
    assert not config.parent.exists()


def test_a_key_is_kept_for_its_owner_alone_and_comes_back_nowhere(
    server: Running, config: Path
) -> None:
    told = change(server, action="keep-key", url="https://api.runflow.io", key=f" {KEY}\n")
    host = {"host": "api.runflow.io", "from": "config"}
    assert told == {**HOSTED, "has_key": True, "hosts": [host]}
    assert KEY in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    answer = server.get("/runflow/connection")
    assert answer.json == told
    assert KEY.encode() not in answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert change(server, action="forget-key", host="api.runflow.io") == HOSTED
    assert KEY not in config.read_text()


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("own.example", "https://own.example"),
        ("127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("localhost", "http://localhost"),
        ("[::1]:8787", "http://[::1]:8787"),
        ("https://own.example/v1/", "https://own.example"),
    ],
)
def test_an_address_is_taken_as_people_type_it(server: Running, typed: str, url: str) -> None:
    told = change(server, action="set-url", url=typed)
    assert (told["url"], told["url_from"]) == (url, "config")
    assert change(server, action="set-url", url=" ") == HOSTED


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("LocalHost:80", "localhost"),
        ("localhost:80", "localhost"),
        (" http://localhost:80/ ", "localhost"),
        ("Own.Example:443", "own.example"),
        ("localhost:443", "localhost:443"),
        ("http://[::1]:80", "[::1]"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/v1", "xn--bcher-kva.example"),
        ("\u0430pi.runflow.io", "xn--pi-6kc.runflow.io"),  # looks like ours
    ],
)
def test_a_host_has_one_spelling_however_it_is_typed(
    server: Running, connection_of: Any, typed: str, host: str
) -> None:
    answer = server.get(f"/runflow/connection?{urlencode({'url': typed})}")
    assert answer.json == {**HOSTED, "named": host}
    with pytest.raises(Exception) as caught:
        connection_of(typed, "", KEY)
    assert refused(caught) == "host-not-confirmed"
    assert host_of(connection_of(typed, host, KEY).base_url) == host
    assert change(server, action="keep-key", url=typed, key=KEY)["hosts"] == [
        {"host": host, "from": "config"}
    ]
    assert change(server, action="set-url", url=typed)["host"] == host
    assert connection_of(typed, "", "").api_key == KEY


@pytest.mark.parametrize("typed", ["a..ü", "http://far.example", "☃.example", "a:b:c"])
def test_an_address_that_is_none_has_no_spelling(server: Running, typed: str) -> None:
    answer = server.get(f"/runflow/connection?{urlencode({'url': typed})}")
    assert (answer.status, answer.error) == (422, "api-url-invalid")


def test_the_environment_comes_first_and_its_key_is_for_its_host_alone(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_API_URL", "https://own.example")
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)
    answer = server.get("/runflow/connection")
    assert answer.json == {
        "url": "https://own.example",
        "host": "own.example",
        "url_from": "environment",
        "has_key": True,
        "hosts": [{"host": "own.example", "from": "environment"}],
    }
    assert KEY.encode() not in answer.body


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad-body"),
        ({"action": "keep-key", "url": "https://a.example"}, 400, "bad-body"),
        ({"action": "keep-key", "url": "https://a.example", "key": 5}, 400, "bad-body"),
        ({"action": "keep-key", "url": "https://a.example", "key": ""}, 403, "api-key-malformed"),
        (
            {"action": "keep-key", "url": "https://a.example", "key": "a b"},
            403,
            "api-key-malformed",
        ),
        ({"action": "keep-key", "url": "http://a.example", "key": KEY}, 422, "api-url-invalid"),
        ({"action": "set-url", "url": "ftp://a.example"}, 422, "api-url-invalid"),
        ({"action": "set-url", "url": f"https://u:{KEY}@a.example"}, 422, "api-url-invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    server: Running, config: Path, body: dict[str, Any], status: int, code: str
) -> None:
    answer = server.post("/runflow/connection", body)
    assert (answer.status, answer.error) == (status, code)
    assert KEY.encode() not in answer.body
    assert not config.exists()


def test_another_site_changes_nothing(server: Running, config: Path) -> None:
    body = {"action": "keep-key", "url": "https://a.example", "key": KEY}
    answer = server.post("/runflow/connection", body, {"Origin": "https://evil.example"})
    assert (answer.status, answer.error) == (403, "foreign-origin")
    text = server.ask("POST", "/runflow/connection", {"Content-Type": "text/plain"}, "{}")
    assert (text.status, text.error) == (415, "bad-content-type")
    assert not config.exists()


def test_a_file_that_others_may_read_is_said_with_its_cure(server: Running, config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("")
    config.chmod(0o644)
    answer = server.get("/runflow/connection")
    assert (answer.status, answer.error) == (403, "config-not-private")
    assert "chmod 600" in answer.json["error"]["findings"][0]["fix"]


# -- which key goes where, when a workflow names the host


@pytest.fixture
def connection_of(comfyui_modules: SimpleNamespace, config: Path) -> Any:
    return part("nodes.routes.deploy").connection_of


def refused(caught: pytest.ExceptionInfo[Any]) -> str:
    error = caught.value
    code: str = error.error["code"] if hasattr(error, "error") else error.findings[0].code
    return code


def test_a_host_of_a_workflow_gets_nothing_without_a_yes_to_just_this_host(
    connection_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)
    assert connection_of("", "", "").api_key == KEY
    assert connection_of("https://api.runflow.io/", "", "").api_key == KEY
    for host, allowed, key in [
        ("https://evil.example", "", ""),
        ("https://evil.example", "other.example", ""),
        ("https://evil.example", "", KEY),
        ("api.runflow.io.evil.example", "api.runflow.io", ""),
        ("https://api.runflow.io:444", "", ""),
    ]:
        with pytest.raises(Exception) as caught:
            connection_of(host, allowed, key)
        assert refused(caught) == "host-not-confirmed", host


def test_a_yes_to_a_host_sends_it_its_own_key_and_no_other(
    connection_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part("runflow_build.publish.settings_edit").keep_key("https://api.runflow.io", KEY)
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)
    with pytest.raises(Exception) as caught:
        connection_of("https://evil.example", "evil.example", "")
    assert refused(caught) == "api-key-missing"
    assert connection_of("https://evil.example", "evil.example", "typed").api_key == "typed"
