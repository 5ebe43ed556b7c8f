"""The one HTTP client, against real servers on loopback."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from place import Fault, File, Repo

from runflow_build.sources.http import client as http
from runflow_build.sources.http.answers import AnswerCache
from runflow_build.sources.http.backoff import ATTEMPTS, LONGEST_WAIT_S, Clock, asked_wait_s
from runflow_build.sources.http.client import Head, Http, Missing, Refused
from runflow_build.sources.http.outage import environment_tokens
from runflow_build.sources.mirrors import Mirrors, mirrors_of
from runflow_build.sources.world import Unanswered

HOST = "https://files.example"
URL = f"{HOST}/a.json"
JSON = "application/json"
DATA = os.urandom(3_000_000)


@dataclass
class Time:
    """A clock that goes on only when somebody sleeps."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def world(stand_in: Any) -> Any:
    stand_in.place.files[URL] = File(b'{"a": 1}', kind=JSON)
    stand_in.place.files[f"{HOST}/big.bin"] = File(DATA)
    stand_in.place.files["https://other.example/b.json"] = File(b'{"b": 2}', kind=JSON)
    return stand_in


@pytest.fixture
def new(world: Any, time: Time) -> Iterator[Callable[..., Http]]:
    made: list[Http] = []

    def make(**more: Any) -> Http:
        more = {"clock": time.clock, "mirrors": mirrors_of(world.environ), **more}
        made.append(Http(**more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[AnswerCache]:
    one = AnswerCache(tmp_path / "answers.db")
    yield one
    one.close()


def reason(asked: Callable[[], Any]) -> str:
    with pytest.raises(Unanswered) as raised:
        asked()
    return raised.value.reason


def received(client: Http, url: str, **part: Any) -> bytes:
    with client.stream(url, **part) as body:
        return b"".join(body.chunks)


# -- answers


def test_json_and_text_and_what_is_not_there(new: Callable[..., Http]) -> None:
    client = new()
    assert client.json(URL) == {"a": 1}
    assert client.text(URL) == '{"a": 1}'
    assert client.json(f"{HOST}/none") is None
    assert client.text(f"{HOST}/none") is None
    assert client.head(f"{HOST}/none") is None
    with pytest.raises(Missing), client.stream(f"{HOST}/none"):
        pass


def test_a_head_says_size_and_etag(new: Callable[..., Http], world: Any) -> None:
    etag = world.place.files[f"{HOST}/big.bin"].etag
    head = new().head(f"{HOST}/big.bin")
    assert head is not None
    assert (head.url, head.size, head.etag) == (f"{HOST}/big.bin", len(DATA), etag)
    assert head.headers["accept-ranges"] == "bytes"


def test_the_hub_says_everything_before_it_sends_one_elsewhere(
    new: Callable[..., Http], world: Any
) -> None:
    world.place.repos["o/n"] = Repo({"a" * 40: {"m.safetensors": File(DATA)}})
    world.place.repos["o/old"] = Repo({}, moved_to="o/n")
    client = new()
    for name in ("o/n", "o/old"):
        head = client.head(
            f"https://huggingface.co/{name}/resolve/main/m.safetensors", elsewhere=False
        )
        assert head is not None
        assert head.url == "https://huggingface.co/o/n/resolve/main/m.safetensors"
        assert head.size == len(DATA)
        assert head.headers["x-repo-commit"] == "a" * 40
        assert head.headers["x-linked-etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert world.place.count("xethub") == 0
    far = client.head("https://huggingface.co/o/n/resolve/main/m.safetensors")
    assert far is not None
    assert far.url.startswith("https://cas-bridge.xethub.hf.co/o/n/")  # public, and unsigned
    assert "?" not in far.url
    assert far.headers["x-repo-commit"] == "a" * 40


@pytest.mark.parametrize("status", [405, 501])
def test_a_host_that_knows_no_head_is_asked_for_the_first_byte(
    status: int, new: Callable[..., Http], world: Any
) -> None:
    world.place.faults[f"{HOST}/big.bin"] = Fault(status=status)
    head = new().head(f"{HOST}/big.bin")
    assert head is not None
    assert head.size == len(DATA)
    assert world.place.asked[-1].headers["range"] == "bytes=0-0"


def test_a_signature_that_is_for_get_alone_is_no_refusal(
    new: Callable[..., Http], world: Any
) -> None:
    world.place.releases["o/r"] = {"v1": {"m.bin": File(DATA)}}
    store = f"https://release-assets.githubusercontent.com/{hashlib.sha256(DATA).hexdigest()}"
    world.place.faults[f"{store}?sig=abc"] = Fault(status=403)
    head = new().head("https://github.com/o/r/releases/download/v1/m.bin")
    assert head is not None
    assert head.size == len(DATA)


def test_packed_answers_are_unpacked(new: Callable[..., Http], world: Any) -> None:
    packed = gzip.compress(b'{"packed": 1}')
    headers = {"content-encoding": "gzip"}
    world.place.faults[URL] = Fault(None, 200, headers=headers, body=packed, kind=JSON)
    client = new()
    assert client.json(URL) == {"packed": 1}
    assert "as it is" in reason(lambda: received(client, URL))


def test_the_whole_file_and_parts_of_it(new: Callable[..., Http], world: Any) -> None:
    client, url = new(), f"{HOST}/big.bin"
    with client.stream(url) as body:
        assert (body.status, body.size_total, body.url) == (200, len(DATA), url)
        assert b"".join(body.chunks) == DATA
    with client.stream(url, start=10, stop=1_000_010, etag=body.etag) as part:
        assert (part.status, part.size_total, part.etag) == (206, len(DATA), body.etag)
        assert b"".join(part.chunks) == DATA[10:1_000_010]
    assert received(client, url, start=2_999_999) == DATA[-1:]
    with client.stream(url, start=len(DATA)) as beyond:
        assert (beyond.status, beyond.size_total, list(beyond.chunks)) == (416, len(DATA), [])


def test_a_part_of_another_file_by_now_is_the_whole_new_one(
    new: Callable[..., Http], world: Any
) -> None:
    client = new()
    with client.stream(f"{HOST}/big.bin", start=10, etag='"older"') as body:
        assert body.status == 200
        assert b"".join(body.chunks) == DATA


def test_a_host_without_parts_gives_the_whole(new: Callable[..., Http], world: Any) -> None:
    world.place.faults[f"{HOST}/big.bin"] = Fault(no_ranges=True)
    with new().stream(f"{HOST}/big.bin", start=10) as body:
        assert body.status == 200


def test_a_host_that_sends_another_part_is_found_out(new: Callable[..., Http], world: Any) -> None:
    headers = {"content-range": "bytes 0-2/10"}
    world.place.faults[URL] = Fault(None, 206, headers=headers, body=b"abc")
    assert "other bytes" in reason(lambda: received(new(), URL, start=5))


def test_a_file_without_a_length_is_read_to_its_end(new: Callable[..., Http], world: Any) -> None:
    world.place.faults[f"{HOST}/big.bin"] = Fault(None, no_length=True)
    with new().stream(f"{HOST}/big.bin") as body:
        assert body.size_total is None
        assert b"".join(body.chunks) == DATA


@pytest.mark.parametrize("after", [0, 1, 1_500_000, len(DATA) - 1])
@pytest.mark.parametrize("no_length", [False, True])
def test_a_connection_that_is_cut_is_no_end_of_the_file(
    after: int, no_length: bool, new: Callable[..., Http], world: Any
) -> None:
    world.place.faults[f"{HOST}/big.bin"] = Fault(cut_after=after, no_length=no_length)
    client = new()
    got = bytearray()
    with client.stream(f"{HOST}/big.bin") as body, pytest.raises(Unanswered, match="broke off"):
        for chunk in body.chunks:
            got += chunk
    assert DATA.startswith(got)
    assert len(got) <= after
    assert received(client, f"{HOST}/big.bin", start=len(got)) == DATA[len(got) :]


def test_a_body_that_is_left_half_read_leaves_nothing_behind(new: Callable[..., Http]) -> None:
    client = new()
    for _ in range(3):
        with client.stream(f"{HOST}/big.bin") as body:
            next(body.chunks)
    assert received(client, f"{HOST}/big.bin") == DATA


def test_an_answer_that_is_cut_is_asked_for_again(
    new: Callable[..., Http], world: Any, time: Time
) -> None:
    world.place.faults[URL] = Fault(times=2, cut_after=3)
    assert new().json(URL) == {"a": 1}
    assert len(time.slept) == 2


# -- what is no answer


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(body=b"<!DOCTYPE html><p>Log in", kind="text/html"), "a web page instead of data"),
        (Fault(body=b"\n<html>", kind=JSON), "a web page instead of data"),
        (Fault(body=b'{"a": ', kind=JSON), "is no JSON"),
        (Fault(body=b"[" * 100_000, kind=JSON), "is no JSON"),
        (Fault(body=b"", kind=JSON), "is no JSON"),
        (Fault(status=204), "answers 204"),
        (Fault(status=418), "answers 418"),
        (Fault(status=400, headers={"x-error-message": "no such filter"}), "400: no such filter"),
        (Fault(status=304), "answers 304"),
        (Fault(status=302), "redirects to nowhere"),
        (Fault(status=302, headers={"location": "ftp://a/b"}), "redirects to what is no URL"),
        (Fault(status=302, headers={"location": "http://[x/"}), "redirects to what is no URL"),
        (Fault(status=302, headers={"location": "http://a.example/"}), "from https to http"),
        (Fault(status=200, headers={"content-encoding": "gzip"}, body=b"no gzip"), "is damaged"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_kept(
    fault: Fault, words: str, new: Callable[..., Http], world: Any, cache: AnswerCache
) -> None:
    world.place.faults[URL] = fault
    client = new(cache=cache)
    said = reason(lambda: client.json(URL))
    assert words in said
    assert said.startswith(("files.example ", "the answer of files.example "))
    assert client.json(URL, keep="for ever") == {"a": 1}


def test_a_text_that_is_none_is_said(new: Callable[..., Http], world: Any) -> None:
    world.place.faults[URL] = Fault(body=b"\xff\xfe\x00")
    assert "not UTF-8" in reason(lambda: new().text(URL))


def test_an_answer_is_read_up_to_its_limit(new: Callable[..., Http], world: Any) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    headers = {"content-encoding": "gzip"}
    world.place.faults[URL] = Fault(None, 200, headers=headers, body=bomb, kind=JSON)
    said = reason(lambda: new().json(URL, most_bytes=1 << 20))
    assert said == "files.example answers with more than 1 MiB"


def test_redirects_are_followed_and_named_publicly(new: Callable[..., Http], world: Any) -> None:
    world.place.faults[URL] = Fault(redirect="https://other.example/b.json")
    with new().stream(URL) as body:
        assert body.url == "https://other.example/b.json"
        assert b"".join(body.chunks) == b'{"b": 2}'


@pytest.mark.parametrize("length", [1, 2, 40])
def test_redirects_that_never_end_are_said(
    length: int, new: Callable[..., Http], world: Any
) -> None:
    urls = [f"{HOST}/{n}" for n in range(length)]
    for n, url in enumerate(urls):
        world.place.faults[url] = Fault(None, redirect=urls[(n + 1) % length])
    assert reason(lambda: new().json(urls[0])) == "files.example redirects in a circle"
    assert world.place.count() <= 12


@pytest.mark.parametrize("url", ["ftp://a/b", "nonsense", "http://", "https://a:b/", "http://[x/"])
def test_what_is_no_url_of_the_web_is_said(url: str, new: Callable[..., Http]) -> None:
    client = new()
    for ask in (client.json, client.text, client.head, lambda url: received(client, url)):
        assert "no http or https URL" in reason(lambda ask=ask: ask(url))


# -- tokens


def test_a_token_goes_to_its_own_host_and_along_no_redirect(
    new: Callable[..., Http], world: Any
) -> None:
    client = new(tokens={"files.example": "T"})
    world.place.faults[f"{HOST}/here"] = Fault(None, redirect=URL)
    world.place.faults[f"{HOST}/away"] = Fault(None, redirect="https://other.example/b.json")
    world.place.faults["https://other.example/back"] = Fault(None, redirect=URL)
    for url in (f"{HOST}/here", f"{HOST}/away", "https://other.example/back"):
        client.json(url)
        received(client, url)
    shown = {(one.url, one.headers.get("authorization")) for one in world.place.asked}
    assert shown == {
        (f"{HOST}/here", "Bearer T"),
        (f"{HOST}/away", "Bearer T"),
        (URL, "Bearer T"),
        ("https://other.example/b.json", None),
        ("https://other.example/back", None),
        (URL, None),  # another host sent us there
    }


def test_a_token_is_not_sent_in_clear_text(new: Callable[..., Http], world: Any) -> None:
    plain = world.at(URL)
    client = new(tokens={"127.0.0.1": "T"}, mirrors=Mirrors())
    assert client.json(plain) == {"a": 1}
    assert "authorization" not in world.place.asked[-1].headers


def test_tokens_are_read_under_the_names_that_people_know() -> None:
    assert environment_tokens({"HF_TOKEN": " T\n", "GITHUB_TOKEN": ""}) == {"huggingface.co": "T"}


def test_a_refusal_names_the_way_in(new: Callable[..., Http], world: Any) -> None:
    world.place.repos["o/n"] = Repo({"a" * 40: {"m": File(b"x")}}, gated=True, readers=("R",))
    world.place.tokens["huggingface.co"] = {"T"}
    url = "https://huggingface.co/o/n/resolve/main/m"
    with pytest.raises(Refused, match=r"huggingface\.co .* refuses it \(401\)") as raised:
        new().head(url, elsewhere=False)
    assert raised.value.fix == "set HF_TOKEN to a token that may read it"
    assert raised.value.headers["x-error-code"] == "GatedRepo"
    with pytest.raises(Refused, match="403") as raised:
        new(tokens={"huggingface.co": "T"}).head(url, elsewhere=False)
    assert raised.value.fix and raised.value.fix.startswith("ask for access on huggingface.co")
    assert new(tokens={"huggingface.co": "R"}).head(url, elsewhere=False) is not None


def test_no_secret_is_said_logged_or_kept(
    new: Callable[..., Http],
    world: Any,
    cache: AnswerCache,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    base = world.at(HOST).replace("http://", "http://user:hunter2@")
    client = new(cache=cache, tokens={"files.example": "hunter3"})
    assert client.json(f"{base}/a.json?token=hunter4", keep="for ever") == {"a": 1}
    assert client.json(URL, keep="for ever") == {"a": 1}
    world.place.faults[f"{HOST}/x"] = Fault(None, status=500)
    told = [reason(lambda: client.json(f"{base}/x?token=hunter4")), repr(client)]
    told.append(reason(lambda: client.json("http://user:hunter2@127.0.0.1:9/x?token=hunter4")))
    cache.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "hunter" not in "".join(told)
    assert b"hunter" not in kept
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("uvicorn")]
    assert ours and "hunter" not in "".join(ours)


# -- patience


def test_a_busy_host_is_asked_again_when_it_wants(
    new: Callable[..., Http], world: Any, time: Time
) -> None:
    world.place.faults[URL] = Fault(times=2, status=429, retry_after="7")
    assert new().json(URL) == {"a": 1}
    assert 14 <= sum(time.slept) < 16


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_a_broken_host_is_asked_again_with_growing_pauses(
    status: int, new: Callable[..., Http], world: Any, time: Time
) -> None:
    world.place.faults[URL] = Fault(times=ATTEMPTS - 1, status=status)
    assert new().json(URL) == {"a": 1}
    assert time.slept == sorted(time.slept)
    assert len(time.slept) == ATTEMPTS - 1
    assert sum(time.slept) < 10


def test_patience_ends(new: Callable[..., Http], world: Any, time: Time) -> None:
    world.place.faults[URL] = Fault(None, status=503)
    assert reason(lambda: new().json(URL)).endswith(f"answers 503 ({ATTEMPTS} attempts)")
    assert world.place.count() == ATTEMPTS


def test_a_host_that_wants_too_long_a_pause_is_not_waited_for(
    new: Callable[..., Http], world: Any, time: Time
) -> None:
    world.place.faults[URL] = Fault(None, status=429, retry_after="3600")
    client = new()
    said = reason(lambda: client.json(URL))
    assert "answers 429" in said and "3600 s" in said
    assert "is busy" in reason(lambda: client.json(f"{HOST}/big.bin"))  # nor is it asked again
    assert world.place.count() == 1
    assert sum(time.slept) < LONGEST_WAIT_S


def test_a_host_that_answers_nobody_is_soon_asked_but_once_each(
    new: Callable[..., Http], world: Any
) -> None:
    world.place.faults[URL] = Fault(None, status=500)
    client = new()
    for _ in range(100):
        reason(lambda: client.json(URL))
    assert world.place.count() == 3 * ATTEMPTS + 97


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"ratelimit": '"api";r=0;t=55'}, 55.0),
        ({"ratelimit": '"api";r=9;t=55'}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "130"}, 30.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "130"}, None),
    ],
)
def test_how_hosts_say_when(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait_s(headers, 100.0) == seconds


# -- a network that is not there


@pytest.fixture
def closed() -> int:
    """A port of this machine where nothing answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_of_a_network_that_is_down_400_questions_cost_a_few_attempts(
    closed: int, time: Time, new: Callable[..., Http]
) -> None:
    here = f"http://127.0.0.1:{closed}"
    client = new(mirrors=Mirrors((("https://huggingface.co", here),)))
    urls = [f"https://huggingface.co/o/n/resolve/main/{n}" for n in range(400)]
    with ThreadPoolExecutor(16) as pool:
        said = set(pool.map(lambda url: reason(lambda: client.head(url)), urls))
    assert {one.removesuffix(" (2 attempts)") for one in said} == {
        f"nothing answers at huggingface.co (its mirror 127.0.0.1:{closed})"
    }
    assert len(time.slept) <= 2 * 16


def test_one_host_that_is_gone_does_not_spoil_the_others(
    closed: int, new: Callable[..., Http], world: Any
) -> None:
    client = new()
    for _ in range(3):
        reason(lambda: client.json(f"http://127.0.0.1:{closed}/"))
    assert client.json(URL) == {"a": 1}


def test_a_host_that_comes_up_within_the_first_pause_is_no_outage(closed: int, world: Any) -> None:
    answers = threading.Event()

    def sleep(_: float) -> None:
        if not answers.is_set():
            server.listen(5)
            answers.set()

    with socket.socket() as server:
        server.bind(("127.0.0.1", closed))
        thread = threading.Thread(target=_answer_once, args=(server, answers))
        thread.start()
        with Http(mirrors=Mirrors(), clock=Clock(sleep=sleep)) as client:
            assert client.text(f"http://127.0.0.1:{closed}/") == "ok"
        thread.join()


def _answer_once(server: socket.socket, listening: threading.Event) -> None:
    listening.wait()
    connection, _ = server.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1"])
def test_what_is_wrong_with_the_network_is_said(
    host: str, closed: int, new: Callable[..., Http]
) -> None:
    client = new(mirrors=Mirrors())
    url = f"http://{host}:{closed}/"
    words = "nothing answers at" if host == "127.0.0.1" else "there is no host"
    assert words in reason(lambda: client.json(url))
    assert words in reason(lambda: received(new(mirrors=Mirrors()), url))


@pytest.mark.parametrize("bulk", [False, True])
def test_silence_is_said(bulk: bool, closed: int, new: Callable[..., Http]) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", closed))
        server.listen(50)  # accepts, and never says a word
        client = new(mirrors=Mirrors(), silent_s=0.05)
        url = f"http://127.0.0.1:{closed}/"
        ask = (lambda: received(client, url)) if bulk else (lambda: client.json(url))
        assert "fell silent" in reason(ask)
        assert "fell silent" in reason(ask)


@pytest.mark.parametrize("bulk", [False, True])
def test_a_host_that_speaks_no_http_is_said(
    bulk: bool, closed: int, new: Callable[..., Http]
) -> None:
    def babble() -> None:
        for _ in range(ATTEMPTS):
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"220 mail.example ESMTP\r\n" * 10)

    with socket.socket() as server:
        server.bind(("127.0.0.1", closed))
        server.listen(50)
        thread = threading.Thread(target=babble)
        thread.start()
        client, url = new(mirrors=Mirrors()), f"http://127.0.0.1:{closed}/"
        ask = (lambda: received(client, url)) if bulk else (lambda: client.json(url))
        assert "broke off" in reason(ask)
        thread.join()


@pytest.mark.parametrize("bulk", [False, True])
def test_tls_where_there_is_none_is_said_at_once(
    bulk: bool, new: Callable[..., Http], world: Any, time: Time
) -> None:
    client = new(mirrors=Mirrors())
    url = world.at(URL).replace("http://", "https://")
    ask = (lambda: received(client, url)) if bulk else (lambda: client.json(url))
    assert "does not speak TLS" in reason(ask)
    assert time.slept == []


# -- the cache


def test_what_is_kept_for_ever_is_asked_once(
    new: Callable[..., Http], world: Any, cache: AnswerCache
) -> None:
    for _ in range(2):
        client = new(cache=cache)
        assert client.json(URL, keep="for ever") == {"a": 1}
        assert client.head(URL, keep="for ever") == Head(
            URL, 8, world.place.files[URL].etag, client.head(URL, keep="for ever").headers
        )
    assert world.place.count(method="GET") == world.place.count(method="HEAD") == 1


def test_what_is_asked_each_time_is_sent_once(
    new: Callable[..., Http], world: Any, cache: AnswerCache
) -> None:
    client = new(cache=cache)
    etag = world.place.files[URL].etag
    assert client.json(URL) == client.json(URL) == {"a": 1}
    assert world.place.asked[-1].headers["if-none-match"] == etag
    world.place.files[URL] = File(b'{"a": 2}', kind=JSON)
    assert client.json(URL) == {"a": 2}
    assert client.json(URL) == {"a": 2}
    assert world.place.count() == 4


def test_an_absence_is_kept_but_not_for_ever(
    new: Callable[..., Http], world: Any, cache: AnswerCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, url = new(cache=cache), f"{HOST}/later.json"
    assert client.json(url, keep="for ever") is None
    world.place.files[url] = File(b"1", kind=JSON)
    assert client.json(url, keep="for ever") is None
    assert new(cache=cache, offline=True).json(url) is None
    tomorrow = http.time.time() + 25 * 3600
    monkeypatch.setattr(http.time, "time", lambda: tomorrow)
    assert "offline" in reason(lambda: new(cache=cache, offline=True).json(url))
    assert client.json(url, keep="for ever") == 1


def test_offline_an_answer_of_any_age_counts_and_nobody_is_asked(
    new: Callable[..., Http], world: Any, cache: AnswerCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = new(cache=cache)
    client.json(URL)
    client.head(URL)
    asked = world.place.count()
    year = http.time.time() + 365 * 24 * 3600
    monkeypatch.setattr(http.time, "time", lambda: year)
    away = new(cache=cache, offline=True)
    assert away.json(URL, keep="a day") == {"a": 1}
    head = away.head(URL)
    assert head is not None and head.size == 8
    said = "files.example was not asked: we are offline"
    for ask in (away.json, away.text, away.head, lambda url: received(away, url)):
        assert reason(lambda ask=ask: ask(f"{HOST}/big.bin")) == said
    assert reason(lambda: new(offline=True).json(URL)) == said
    assert world.place.count() == asked


def test_an_answer_to_a_token_is_for_that_token(
    new: Callable[..., Http], world: Any, cache: AnswerCache
) -> None:
    assert new(cache=cache, tokens={"files.example": "T"}).json(URL, keep="for ever") == {"a": 1}
    world.place.files[URL] = File(b'{"for": "all"}', kind=JSON)
    assert new(cache=cache).json(URL, keep="for ever") == {"for": "all"}
    assert new(cache=cache, tokens={"files.example": "T"}).json(URL, keep="for ever") == {"a": 1}


def test_who_asks_the_same_at_once_waits_for_the_first(
    new: Callable[..., Http], world: Any, cache: AnswerCache
) -> None:
    client = new(cache=cache)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: client.json(URL, keep="a day"), range(64)))
    assert found == [{"a": 1}] * 64
    assert world.place.count() == 1


def test_many_threads_share_a_client(new: Callable[..., Http], world: Any) -> None:
    for n in range(200):
        world.place.files[f"{HOST}/{n}.json"] = File(b"%d" % n, kind=JSON)
    client = new(connections=8)
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda n: client.json(f"{HOST}/{n}.json"), range(200)))
    assert found == list(range(200))


def test_a_cookie_is_not_kept(new: Callable[..., Http], world: Any) -> None:
    world.place.faults[URL] = Fault(200, status=200, headers={"set-cookie": "a=b"}, body=b"1")
    client = new()
    client.text(URL)
    client.text(URL)
    received(client, URL)
    received(client, URL)
    assert not any("cookie" in one.headers for one in world.place.asked)


def test_a_client_that_was_closed_can_be_used_again(new: Callable[..., Http]) -> None:
    client = new()
    for _ in range(2):
        assert client.json(URL) == {"a": 1}
        assert received(client, URL) == b'{"a": 1}'
        client.close()
