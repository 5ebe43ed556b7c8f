"""The password before everything; each fault that the original had (S4 to S8) by its name."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp_server import WEBSOCKET, Running, basic, running
from loaded_pack import part

argon2 = pytest.importorskip("argon2", reason="argon2-cffi is not installed")

NAME, PASSWORD = "ada", "correct horse"
RIGHT = basic(NAME, PASSWORD)
FILE = "runflow_security.json"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Hashes that take no time; the real class."""
    real: Callable[..., Any] = argon2.PasswordHasher
    cheap = functools.partial(real, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(argon2, "PasswordHasher", cheap)
    return real


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(part("nodes.security.attempts").Attempts.__init__, "__defaults__", (one,))
    return one


@pytest.fixture
def comfyui(comfyui_modules: SimpleNamespace) -> Callable[[], AbstractContextManager[Running]]:
    """`with comfyui() as server`: one that starts, with its own routes and ours."""
    comfyui_modules.handled = []

    async def answer(request: web.Request) -> web.Response:
        comfyui_modules.handled.append(request.path)
        return web.Response(text="ComfyUI")

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    @web.middleware
    async def options_answered(request: web.Request, handler: Any) -> web.StreamResponse:
        return web.Response() if request.method == "OPTIONS" else await handler(request)

    def app() -> web.Application:
        (comfyui_modules.base / "static").mkdir(exist_ok=True)
        (comfyui_modules.base / "static" / "a.js").write_text("1")
        made = web.Application(middlewares=[options_answered])
        routes = comfyui_modules.server.routes = web.RouteTableDef()
        comfyui_modules.server.app = made
        routes.get("/")(answer)
        routes.route("*", "/prompt")(answer)
        routes.get("/ws")(websocket)
        part("nodes.loading").load()
        made.middlewares.insert(0, options_answered)  # of a pack that comes later
        # As ComfyUI: every route below /api/ too.
        made.add_routes([web.route(one.method, f"/api{one.path}", one.handler) for one in routes])
        made.add_routes(routes)
        made.add_routes([web.static("/", comfyui_modules.base / "static")])
        return made

    return lambda: running(app)


@pytest.fixture
def file(comfyui_modules: SimpleNamespace) -> Path:
    path: Path = comfyui_modules.base / FILE
    return path


@pytest.fixture
def protected(
    file: Path, comfyui: Callable[[], AbstractContextManager[Running]], clock: Clock
) -> Iterator[Running]:
    """A ComfyUI that asks for the password."""
    file.write_text(kept(NAME, PASSWORD))
    with comfyui() as server:
        yield server


def kept(name: str, password: str) -> str:
    """The file of a password."""
    hashed = argon2.PasswordHasher().hash(password)
    return json.dumps({"version": 1, "enabled": True, "username": name, "password_hash": hashed})


def status(server: Running, headers: dict[str, str] | None = None) -> int:
    return server.get("/", headers).status


# ---- everything asks ----


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/"), ("HEAD", "/"), ("OPTIONS", "/"), ("OPTIONS", "*")),
        *(
            ("POST", "/prompt"),
            ("DELETE", "/prompt"),
            ("PROPFIND", "/prompt"),
            ("OPTIONS", "/prompt"),
        ),
        *(
            ("GET", "/a.js"),
            ("GET", "/api/"),
            ("POST", "/api/prompt"),
            ("GET", "/api/runflow/security"),
        ),
        *(
            ("GET", "/runflow/security"),
            ("POST", "/runflow/security/off"),
            ("POST", "/runflow/port-scan"),
        ),
        *(("GET", "/no/such"), ("POST", "/no/such"), ("GET", "//"), ("GET", "/%2e%2e/%2e%2e/etc")),
        *(("GET", "/%70rompt"), ("GET", "/../runflow_security.json"), ("GET", "/prompt/")),
        *(("GET", "http://127.0.0.1/"), ("GET", "http://other.example/prompt")),
    ],
)
def test_nothing_is_answered_without_the_password(
    method: str, path: str, protected: Running, comfyui_modules: SimpleNamespace
) -> None:
    answer = protected.ask(method, path)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="ComfyUI", charset="UTF-8"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert comfyui_modules.handled == []


def test_nor_is_a_websocket_opened(protected: Running) -> None:
    for path in ("/ws", "/api/ws", "/ws?clientId=1"):
        assert protected.get(path, WEBSOCKET).status == 401
        assert protected.get(path, {**WEBSOCKET, **RIGHT}).status == 101


def test_the_password_opens_everything(protected: Running) -> None:
    for path in ("/", "/a.js", "/prompt", "/runflow/security", "/api/runflow/security"):
        assert protected.get(path, RIGHT).status == 200
    assert protected.get("/no/such", RIGHT).status == 404


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YWRh",  # a name only
        "Bearer x",
        "Digest username=ada",
        f"Basic {base64.b64encode(b'ada:correct hors').decode()}",
        f"Basic {base64.b64encode(b'ada:correct horse ').decode()}",
        f"Basic {base64.b64encode(b'Ada:correct horse').decode()}",
        f"Basic {base64.b64encode(b':correct horse').decode()}",
        f"Basic {base64.b64encode(b'ada:').decode()}",
        f"Basic {base64.b64encode(b'ada:correct horse' + bytes([0])).decode()}",
        "correct horse",
        "Basic \xff\xfe",
    ],
)
def test_what_is_not_the_password_opens_nothing(header: str, protected: Running) -> None:
    assert status(protected, {"Authorization": header}) == 401


def test_the_word_basic_is_written_as_one_likes(protected: Running) -> None:
    token = RIGHT["Authorization"].removeprefix("Basic ")
    assert status(protected, {"Authorization": f"bAsIc   {token} "}) == 200


def test_s7_a_password_beyond_ascii_is_right_in_either_charset(
    file: Path, comfyui: Any, clock: Clock
) -> None:
    file.write_text(kept("jürgen", "pässwörd-é"))
    with comfyui() as server:
        for charset in ("utf-8", "latin-1"):
            assert status(server, basic("jürgen", "pässwörd-é", charset)) == 200
        # e and an accent, as some keyboards write it
        assert status(server, basic("jürgen", "pässwörd-é")) == 200
        assert status(server, basic("jürgen", "passwort-e", "latin-1")) == 401
    file.write_text(kept("a", "Ã©tude-Ã©tude"))  # its Latin-1 is UTF-8 of another text
    with comfyui() as server:
        assert status(server, basic("a", "Ã©tude-Ã©tude", "latin-1")) == 200


def test_a_password_may_hold_colons(file: Path, comfyui: Any) -> None:
    file.write_text(kept("ada", "one:two:three"))
    with comfyui() as server:
        assert status(server, basic("ada", "one:two:three")) == 200


# ---- what it costs ----


def test_a_credential_is_hashed_once_however_many_ask_at_the_same_time(
    protected: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    guard = part("nodes.security.guard")
    real = guard.is_right

    def slowly(*given: Any) -> bool:
        hashed.append(threading.current_thread())
        time.sleep(0.2)
        answer: bool = real(*given)
        return answer

    monkeypatch.setattr(guard, "is_right", slowly)
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: status(protected, RIGHT), range(24))) == {200}
    assert len(hashed) == 1
    assert hashed[0].name.startswith("runflow-password")  # not the event loop's
    assert status(protected, RIGHT) == 200
    assert len(hashed) == 1


def test_the_event_loop_goes_on_while_a_password_is_hashed(
    file: Path, comfyui: Any, cheap_hashes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", cheap_hashes)  # as it is
    file.write_text(kept(NAME, PASSWORD))
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while not stop.is_set():
            began = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - began)

    stop = threading.Event()
    with comfyui() as server:
        watching = asyncio.run_coroutine_threadsafe(watch(), server.loop)
        began = time.monotonic()
        assert [status(server, basic(NAME, f"wrong {n}")) for n in range(3)] == [401] * 3
        took = (time.monotonic() - began) / 3
        stop.set()
        watching.result(timeout=10)
    assert took > 0.02  # it is argon2, and no toy
    assert longest < took


def test_a_known_credential_costs_next_to_nothing(protected: Running) -> None:
    status(protected, RIGHT)
    open_ = min(_seconds(protected, RIGHT) for _ in range(50))
    refused = min(_seconds(protected, {}) for _ in range(50))
    assert open_ < refused + 0.005


def _seconds(server: Running, headers: dict[str, str]) -> float:
    began = time.perf_counter()
    status(server, headers)
    return time.perf_counter() - began


def test_a_wrong_name_takes_as_long_as_a_wrong_password() -> None:
    password = part("nodes.security.password")
    verified = []

    class Hasher:
        def verify(self, *given: str) -> bool:
            verified.append(given)
            return True

    state = password.On(NAME, "hash")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2, "PasswordHasher", Hasher)
        assert not password.is_right(state, "eve", PASSWORD)
    assert verified == [("hash", PASSWORD)]


# ---- guessing ----


def test_s7_three_hundred_wrong_passwords_are_not_three_hundred_guesses(
    protected: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = part("nodes.security.guard")
    hashed = []
    monkeypatch.setattr(guard, "is_right", lambda *given: hashed.append(given))
    answers = [protected.get("/", basic(NAME, f"guess {n}")) for n in range(300)]
    assert [one.status for one in answers[:6]] == [401] * 5 + [429]
    assert {one.status for one in answers[6:]} == {429}
    assert answers[-1].headers["Retry-After"] == "1"
    assert b"Try again in 1 s" in answers[-1].body
    assert len({password for _, _, password in hashed}) == 5


def test_the_wait_grows_with_each_guess_and_ends_with_the_right_one(
    protected: Running, clock: Clock
) -> None:
    waits = []
    for n in range(5):
        assert status(protected, basic(NAME, f"guess {n}")) == 401
    for n in range(5, 14):
        answer = protected.get("/", basic(NAME, f"guess {n}"))
        assert answer.status == 429
        waits.append(int(answer.headers["Retry-After"]))
        clock.now += waits[-1]
        assert status(protected, basic(NAME, f"guess {n}")) == 401
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert status(protected, RIGHT) == 429  # nobody knows that it is right, and it is not tried
    clock.now += 60
    assert status(protected, RIGHT) == 200
    assert status(protected, basic(NAME, "after the right one")) == 401


def test_the_owner_who_is_in_stays_in_while_others_guess(protected: Running) -> None:
    assert status(protected, RIGHT) == 200
    for n in range(20):
        status(protected, basic(NAME, f"guess {n}"))
    assert status(protected, basic(NAME, "again")) == 429
    assert status(protected, RIGHT) == 200


def test_the_same_wrong_one_again_is_no_guess(protected: Running) -> None:
    """A page that was left open goes on asking with the password of yesterday."""
    old = basic(NAME, "the one of yesterday")
    assert {status(protected, old) for _ in range(50)} == {401}
    assert status(protected, RIGHT) == 200


def test_guesses_from_many_addresses_wait_together() -> None:
    clock = Clock()
    attempts = part("nodes.security.attempts").Attempts(clock)
    attempts.begin("10.0.0.1")
    attempts.was_right("10.0.0.1")
    made = 0
    for n in range(3600):  # an hour of guesses, each from an address of its own
        for _ in range(10):
            if attempts.wait_s(f"192.0.{n % 256}.{n // 256}") == 0:
                attempts.begin(f"192.0.{n % 256}.{n // 256}")
                made += 1
        clock.now += 1
    assert made < 30 + 3600 / 5 + 5
    assert attempts.wait_s("10.0.0.1") == 0  # where the password was known
    clock.now += 901
    assert attempts.wait_s("192.0.2.1") == 0


def test_however_many_come_in_strangers_do_not_wait_for_that() -> None:
    module = part("nodes.security.attempts")
    attempts = module.Attempts(Clock())
    for n in range(2 * module.FREE_TOGETHER):
        attempts.begin(f"10.0.0.{n}")
        attempts.was_right(f"10.0.0.{n}")
    assert attempts.wait_s("192.0.2.1") == 0


def test_a_network_of_ipv6_is_one_address_and_ipv4_in_it_another_spelling() -> None:
    attempts = part("nodes.security.attempts").Attempts(Clock())
    for n in range(6):
        attempts.begin(f"2001:db8::{n}")
        attempts.begin("::ffff:192.0.2.1")
    assert attempts.wait_s("2001:db8::ffff:1") > 0
    assert attempts.wait_s("2001:db8:0:1::1") == 0
    assert attempts.wait_s("192.0.2.1") > 0


def test_what_is_remembered_of_strangers_is_bounded() -> None:
    module = part("nodes.security.attempts")
    attempts = module.Attempts(Clock())
    for n in range(module.MOST_ADDRESSES + 10):
        attempts.begin(f"host {n}")
        attempts.was_right(f"friend {n}")
    assert len(attempts._by_address) == len(attempts._friends) == module.MOST_ADDRESSES
    # Whoever comes last is known, or a flood of addresses would hide the guesses of the next one.
    for _ in range(module.FREE + 1):
        attempts.begin("last host")
    attempts.was_right("last friend")
    assert attempts.wait_s("last host") > 0
    assert [next(reversed(attempts._friends)), len(attempts._friends)] == [
        "last friend",
        module.MOST_ADDRESSES,
    ]


# ---- the file ----


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"version": 1, "enabled": true, "username": "ada", "password_ha',
        "[]",
        '[{"enabled": false}]',
        "null",
        "false",
        "0",
        '""',
        "{}",
        '{"username": "ada"}',
        '{"version": 1}',
        '{"version": 2, "enabled": false}',
        '{"enabled": "false"}',
        '{"enabled": 0}',
        '{"enabled": null, "username": "", "password": ""}',
        '{"enabled": true}',
        '{"enabled": true, "username": "ada"}',
        '{"enabled": true, "username": "ada", "password": 12345678}',
        '{"enabled": true, "username": ["ada"], "password": "x"}',
        '{"enabled": true, "username": "a:b", "password": "x"}',
        '{"enabled": true, "username": "ada", "password": "\\ud800"}',
        '{"enabled": true, "username": "ada", "password_hash": "x"}',
        '{"enabled": true, "username": "ada", "password_hash": "$argon2id$v=19$m=8"}',
        '{"enabled": true, "username": "ada", "password_hash": "$2b$12$abcdefghijklmnopqrstuv"}',
        '{"enabled": true, "username": "ada", "password_hash": "x", "password": "y"}',
        '{"enabled": true, "username": "", "password_hash": "x"}',
        "[" * 60_000,
        '{"enabled": false, "x": "' + "x" * 70_000 + '"}',
    ],
)
def test_s6_a_file_that_is_not_clear_lets_nobody_in(
    text: str, file: Path, comfyui: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(text)
    with comfyui() as server:
        answers = [server.get(path, RIGHT) for path in ("/", "/a.js", "/runflow/security", "/no")]
        answers += [server.get("/ws", WEBSOCKET), server.ask("OPTIONS", "/prompt")]
    assert {one.status for one in answers} == {503}
    told = answers[0].body.decode()
    assert told.startswith(f"The file {FILE} beside ComfyUI does not say who may come in: ")
    assert told.endswith("or delete it to be asked for no password, and start ComfyUI again.\n")
    assert str(file.parent) not in told
    assert f"runflow: nobody is let in. {told.strip()}" in caplog.messages
    assert file.read_text() == text  # for whoever mends it


def test_s6_so_does_a_file_that_cannot_be_read(file: Path, comfyui: Any) -> None:
    def refused() -> tuple[int, bytes]:
        with comfyui() as server:
            answer = server.get("/")
        return answer.status, answer.body

    file.write_bytes(b'{"enabled": false, "x": "\xff"}')
    assert refused()[0] == 503
    file.unlink()
    file.mkdir()
    assert b"it is no file" in refused()[1]
    file.rmdir()
    file.symlink_to("nowhere")
    assert b"it cannot be read: No such file" in refused()[1]
    file.unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(file)
        assert b"it is no file" in refused()[1]


def test_s6_and_one_that_is_forbidden(
    file: Path, comfyui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    file.write_text('{"enabled": false}')
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)  # a mode would not keep root out
        state = part("nodes.security.password").PasswordFile(file.parent).read()
    assert state == part("nodes.security.password").Broken("it cannot be read: Permission denied")


def test_nobody_is_asked_where_there_is_no_file_or_where_it_says_so(
    file: Path, comfyui: Any
) -> None:
    for text in (
        None,
        '{"version": 1, "enabled": false}',
        '\ufeff{"enabled": false}',
        '{"enabled": false, "username": "", "password": ""}',
        '{"enabled": true, "username": "", "password": ""}',  # the original asked nobody then
        '{"enabled": true, "username": "ada", "password": ""}',
        '{"enabled": true, "username": "", "password": "typed first"}',
    ):
        if text:
            file.write_text(text, encoding="utf-8")
        with comfyui() as server:
            assert server.get("/").status == 200, text
            assert server.get("/runflow/security").json["password"] == "off"


def test_s5_a_password_in_clear_becomes_a_hash_for_the_owners_eyes(
    file: Path, comfyui: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file.write_text(json.dumps({"enabled": True, "username": NAME, "password": "geheim"}))
    file.chmod(0o644)
    with comfyui() as server:
        assert status(server) == 401
        assert status(server, basic(NAME, "geheim")) == 200  # shorter than a new one may be
    written = json.loads(file.read_text())
    assert written.pop("password_hash").startswith("$argon2id$")
    assert written == {"version": 1, "enabled": True, "username": NAME}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "geheim" not in caplog.text
    assert sorted(os.listdir(file.parent)) == [FILE, "static"]
    with comfyui() as server:
        assert status(server, basic(NAME, "geheim")) == 200


def test_s5_a_password_that_is_not_asked_for_does_not_stay_in_clear(
    file: Path, comfyui: Any
) -> None:
    file.write_text(json.dumps({"enabled": False, "username": NAME, "password": "geheim"}))
    with comfyui() as server:
        assert status(server) == 200
    assert json.loads(file.read_text()) == {"version": 1, "enabled": False}


def test_a_password_in_clear_is_asked_for_where_the_file_cannot_be_written(
    file: Path, comfyui: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = json.dumps({"enabled": True, "username": NAME, "password": "geheim"})
    file.write_text(text)

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with comfyui() as server:
        assert status(server) == 401
        assert status(server, basic(NAME, "geheim")) == 200
    assert file.read_text() == text
    assert f"{FILE} still holds a password in clear text: Permission denied" in caplog.text
    assert not list(file.parent.glob(".*"))


def test_the_file_is_found_where_the_original_had_it_and_stays_there(
    comfyui_modules: SimpleNamespace, file: Path, comfyui: Any
) -> None:
    old = comfyui_modules.code / FILE
    old.write_text(json.dumps({"enabled": True, "username": NAME, "password": "geheim"}))
    with comfyui() as server:
        assert status(server) == 401
    assert "password_hash" in json.loads(old.read_text())
    assert not file.exists()
    file.write_text('{"enabled": false}')  # the base folder's goes first
    with comfyui() as server:
        assert status(server) == 200


def test_a_link_stays_one_and_what_it_links_to_is_hashed(
    file: Path, tmp_path: Path, comfyui: Any
) -> None:
    target = tmp_path / "kept.json"
    target.write_text(json.dumps({"enabled": True, "username": NAME, "password": "geheim"}))
    file.symlink_to(target)
    with comfyui() as server:
        assert status(server) == 401
    assert file.is_symlink()
    assert "geheim" not in target.read_text()


def test_a_file_for_all_eyes_is_hidden(file: Path, comfyui: Any) -> None:
    file.write_text(kept(NAME, PASSWORD))
    file.chmod(0o644)
    with comfyui():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_argon2_a_password_is_asked_for_and_none_is_right(
    file: Path, comfyui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"enabled": True, "username": NAME, "password": PASSWORD})
    file.write_text(text)
    monkeypatch.setitem(sys.modules, "argon2", None)
    with comfyui() as server:
        answer = server.get("/", RIGHT)
    assert answer.status == 503
    assert b"argon2-cffi, which checks passwords, is not installed" in answer.body
    assert file.read_text() == text
    file.unlink()
    with comfyui() as server:
        assert server.get("/runflow/security").json["can_hash"] is False
        refusal = turn_on(server)
        assert (refusal.status, refusal.error) == (409, "no-argon2")
        assert "pip install argon2-cffi" in refusal.json["error"]["fix"]
        assert status(server) == 200


def test_the_way_back_in_is_told_loudly(
    file: Path,
    comfyui: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("RUNFLOW_DISABLE_AUTH", "1")
    loud = "runflow: RUNFLOW_DISABLE_AUTH is set: ANYBODY is let in without a password"
    for text, state in ((kept(NAME, PASSWORD), "on"), ("{", "broken")):
        file.write_text(text)
        caplog.clear()
        with comfyui() as server:
            told = server.get("/runflow/security").json
            assert (told["password"], told["out_of_order"]) == (state, "RUNFLOW_DISABLE_AUTH")
            refusal = turn_on(server, current_password="no idea")
            assert refusal.error == {"on": "wrong-password", "broken": "broken-file"}[state]
        assert (loud, "ERROR") in [(one.message, one.levelname) for one in caplog.records]
    monkeypatch.setenv("RUNFLOW_DISABLE_AUTH", "0")
    with comfyui() as server:
        assert status(server) == 503


# ---- changing it ----


def turn_on(server: Running, headers: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"username": NAME, "password": PASSWORD, **more}
    return server.post("/runflow/security/password", body, headers)


def test_switched_on_it_is_asked_for_from_the_next_request_on(file: Path, comfyui: Any) -> None:
    with comfyui() as server:
        assert status(server) == 200
        assert turn_on(server).json["password"] == "on"
        assert status(server) == 401
        assert status(server, RIGHT) == 200
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with comfyui() as server:  # and after a restart
        assert status(server) == 401
        assert status(server, RIGHT) == 200


def test_a_websocket_from_before_is_ended(comfyui: Any) -> None:
    with comfyui() as server, server.websocket("/ws", {}) as listening:
        assert turn_on(server).status == 200
        assert listening.recv(100) == b""
    with comfyui() as server, server.websocket("/ws", RIGHT) as listening:
        changed = turn_on(server, RIGHT, password="another one", current_password=PASSWORD)
        assert changed.status == 200
        assert listening.recv(100) == b""


def test_changing_it_wants_the_current_one_again(protected: Running, file: Path) -> None:
    before = file.read_text()
    other = {"password": "another one", "username": "eve"}
    for current in ({}, {"current_password": ""}, {"current_password": "guess"}):
        refusal = turn_on(protected, RIGHT, **other, **current)
        assert (refusal.status, refusal.error) == (403, "wrong-password")
        refusal = protected.post("/runflow/security/off", current, RIGHT)
        assert refusal.error in ("wrong-password", "too-many-attempts")
    assert file.read_text() == before
    assert status(protected, RIGHT) == 200


def test_changed_the_old_one_opens_nothing(protected: Running) -> None:
    assert status(protected, RIGHT) == 200
    told = turn_on(protected, RIGHT, password="another one", current_password=PASSWORD)
    assert told.json["password"] == "on"
    assert status(protected, RIGHT) == 401
    assert status(protected, basic(NAME, "another one")) == 200


def test_what_was_being_checked_when_it_changed_is_right_no_longer(
    protected: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = part("nodes.security.guard")
    real, began, go_on = guard.is_right, threading.Event(), threading.Event()

    def slowly(state: Any, *given: Any) -> bool:
        answer: bool = real(state, *given)
        if given == (NAME, PASSWORD) and not began.is_set():
            began.set()
            assert go_on.wait(10)
        return answer

    other = basic(NAME, PASSWORD)
    assert status(protected, basic(NAME, PASSWORD, "utf-16")) == 401  # not the mark in question
    monkeypatch.setattr(guard, "is_right", slowly)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(status, protected, other)
        assert began.wait(10)
        spaced = {"Authorization": other["Authorization"].replace("Basic", "basic")}
        changed = turn_on(protected, spaced, password="another one", current_password=PASSWORD)
        go_on.set()
        assert changed.status == 200
        assert late.result() == 401
    assert status(protected, other) == 401


def test_of_two_changes_at_once_one_is_made(comfyui: Any) -> None:
    def change(name: str) -> int:
        try:
            answer: int = turn_on(server, username=name).status
        except ConnectionError:  # ended by the one that came first
            return 0
        return answer

    names = [f"user{n}" for n in range(6)]
    with comfyui() as server, ThreadPoolExecutor(6) as pool:
        answers = dict(zip(names, pool.map(change, names), strict=True))
        done = [name for name, one in answers.items() if one == 200]
        assert len(done) == 1
        assert set(answers.values()) <= {0, 200, 401, 403, 409}
        assert [name for name in names if status(server, basic(name, PASSWORD)) == 200] == done


def test_a_change_is_not_made_over_another(tmp_path: Path) -> None:
    password, module = part("nodes.security.password"), part("nodes.security.guard")

    async def change() -> None:
        guard = module.Guard(password.PasswordFile(tmp_path))
        before = guard.state
        await guard._change(before, password.On(NAME, "hash"))
        with pytest.raises(module.ChangedMeanwhileError):
            await guard.turn_off(before)
        assert guard.state.username == NAME
        guard._threads.shutdown()

    asyncio.run(change())


def test_switched_off_it_is_asked_for_no_longer(protected: Running, file: Path) -> None:
    answer = protected.post("/runflow/security/off", {"current_password": PASSWORD}, RIGHT)
    assert answer.json["password"] == "off"
    assert status(protected) == 200
    assert json.loads(file.read_text()) == {"version": 1, "enabled": False}


def test_s7_guesses_at_the_current_one_wait_too(protected: Running) -> None:
    assert status(protected, RIGHT) == 200
    answers = [
        protected.post("/runflow/security/off", {"current_password": f"guess {n}"}, RIGHT)
        for n in range(8)
    ]
    assert [one.error for one in answers] == ["wrong-password"] * 5 + ["too-many-attempts"] * 3
    assert answers[-1].status == 429


def test_nothing_changes_where_the_file_cannot_be_written(
    file: Path, comfyui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with comfyui() as server:
        refusal = turn_on(server)
        assert (refusal.status, refusal.error) == (500, "file-not-written")
        assert "No space left on device; nothing has changed" in refusal.json["error"]["message"]
        assert status(server) == 200
    assert not file.exists()
    assert not list(file.parent.glob(".*"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"username": ""}, "the user name is empty"),
        (
            {"username": "a:b"},
            "a user name cannot hold a colon: it ends where the first one stands",
        ),
        ({"username": "a\nb"}, "the user name holds a character that cannot be typed"),
        ({"username": "a" * 257}, "the user name is longer than 256 characters"),
        ({"password": "1234567"}, "the password is shorter than 8 characters"),
        ({"password": "1234567\0"}, "the password holds a character that cannot be typed"),
        ({"password": "x" * 257}, "the password is longer than 256 characters"),
        ({"password": None}, "`password` is not a text"),
        ({"username": ["ada"]}, "`username` is not a text"),
    ],
)
def test_what_nobody_could_log_in_with_is_refused(
    body: dict[str, Any], message: str, comfyui: Any
) -> None:
    with comfyui() as server:
        refusal = turn_on(server, **body)
        assert refusal.json["error"]["message"] == message
        assert status(server) == 200


# ---- what is told ----


def test_s5_the_password_is_in_no_answer_no_log_and_no_repr(
    file: Path, comfyui: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cret-s3cret"
    right = basic(NAME, secret)
    with comfyui() as server:
        answers = [turn_on(server, password=secret)]
        answers += [server.get("/runflow/security", headers) for headers in (right, {}, RIGHT)]
        answers += [turn_on(server, right, password=secret, current_password="wrong")]
        answers += [server.post("/runflow/security/off", {"current_password": [secret]}, right)]
    hashed = json.loads(file.read_text())["password_hash"]
    state = part("nodes.security.password").On(NAME, hashed)
    token = right["Authorization"].removeprefix("Basic ")
    for one in (secret, hashed, token):
        assert one.encode() not in b"".join(answer.body for answer in answers)
        assert one not in caplog.text
        assert one not in repr(state)
    assert secret not in file.read_text()


def test_s4_asking_for_the_state_writes_nothing(
    comfyui: Any, comfyui_modules: SimpleNamespace
) -> None:
    with comfyui() as server:
        before = sorted(comfyui_modules.base.rglob("*"))
        assert server.get("/runflow/security").json["password"] == "off"
        assert sorted(comfyui_modules.base.rglob("*")) == before


def test_s4_empty_settings_do_not_switch_it_off(protected: Running, file: Path) -> None:
    before = file.read_text()
    empty = {"enabled": False, "username": "", "password": ""}
    assert protected.post("/runflow/security", empty, RIGHT).status == 405
    assert protected.post("/runflow/security/off", empty, RIGHT).error == "wrong-password"
    assert protected.post("/runflow/security/password", empty, RIGHT).status == 422
    assert file.read_text() == before


def test_s8_a_page_of_another_site_changes_nothing(
    protected: Running, file: Path, comfyui_modules: SimpleNamespace
) -> None:
    """A browser that knows the password sends it along with the requests of other sites, too."""
    before = file.read_text()
    body = json.dumps({"current_password": PASSWORD})
    for away in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/runflow/security/off", "/prompt", "/api/prompt"):
            for kind in ("text/plain", "application/json"):
                headers = {**RIGHT, **away, "Content-Type": kind}
                assert protected.ask("POST", path, headers, body).status == 403
        assert protected.get("/ws", {**WEBSOCKET, **RIGHT, **away}).status == 403
        assert protected.get("/", {**RIGHT, **away}).status == 200  # a link to it
        loaded = {
            **RIGHT,
            **away,
            "Sec-Fetch-Mode": "no-cors",
        }  # a picture: the GET of a pack may act
        assert protected.get("/", loaded).status == 403
    assert protected.get("/", {**RIGHT, "Sec-Fetch-Mode": "cors"}).status == 200
    assert file.read_text() == before
    assert comfyui_modules.handled == ["/", "/", "/"]


def test_pages_of_other_sites_may_act_where_comfyui_was_started_so(
    file: Path, comfyui: Any, comfyui_modules: SimpleNamespace
) -> None:
    comfyui_modules.arguments.enable_cors_header = "*"
    file.write_text(kept(NAME, PASSWORD))
    away = {**RIGHT, "Origin": "http://friend.example"}
    with comfyui() as server:
        assert server.ask("POST", "/prompt", away).status == 200
        # But our own routes are for our own pages.
        assert server.post("/runflow/security/off", {}, away).error == "foreign-origin"


def test_the_state_tells_who_reaches_comfyui(
    comfyui: Any, comfyui_modules: SimpleNamespace
) -> None:
    comfyui_modules.arguments.listen = "0.0.0.0,::"
    with comfyui() as server:
        told = server.get("/runflow/security").json
    assert [one["level"] for one in told["listens_to"]] == ["bad", "bad"]
    assert told["scan"]["ports"] == [8188, 80, 8080, 443]
    assert told["encrypted"] is False


def test_no_part_of_the_pack_that_fails_takes_the_password_away(
    file: Path,
    comfyui: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file.write_text(kept(NAME, PASSWORD))
    monkeypatch.setattr(part("nodes.routes.job_routes"), "add", None)
    with comfyui() as server:
        assert status(server) == 401
        assert status(server, RIGHT) == 200
    assert "Runflow's part of the editor does not start" in caplog.text


def test_nor_does_the_original_beside_it_or_a_second_copy(
    file: Path,
    comfyui: Any,
    comfyui_modules: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part("nodes.routes.comfyui"), "other_pack", lambda ours: "ComfyUI-Runflow")
    file.write_text(kept(NAME, PASSWORD))
    with comfyui() as server:
        assert status(server) == 401
        before = len(comfyui_modules.server.app.middlewares)
        part("nodes.security.guard").guard_comfyui()  # as the second copy does
        assert len(comfyui_modules.server.app.middlewares) == before


def test_s6_a_file_that_cannot_be_checked_lets_nobody_in(
    file: Path, comfyui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: str) -> None:
        raise MemoryError

    file.write_text(json.dumps({"enabled": True, "username": NAME, "password": "geheim"}))
    monkeypatch.setattr(part("nodes.security.password"), "hashed", fail)
    with comfyui() as server:
        answer = server.get("/")
    assert answer.status == 503
    assert b"it cannot be checked, and ComfyUI's log says why" in answer.body
