"""HTTP/2, against a real server with TLS on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from http2 import TLS, Speaking, speaking

from runflow_build.sources.http.backoff import Clock
from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import Mirrors
from runflow_build.sources.world import Unanswered


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaking]:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with speaking() as one:
        yield one


@pytest.fixture
def client() -> Iterator[Http]:
    with Http(mirrors=Mirrors(), clock=Clock(sleep=lambda _: None)) as one:
        yield one


def test_questions_of_all_threads_stand_open_on_one_connection(
    server: Speaking, client: Http
) -> None:
    assert client.json(f"{server.url}/first") == "/first"
    with ThreadPoolExecutor(20) as pool:  # nobody gets an answer before all twenty have asked
        found = list(pool.map(lambda _: client.json(f"{server.url}/wait/20"), range(20)))
    assert found == ["/wait/20"] * 20
    assert server.connections == 1


def test_every_question_gets_its_own_answer(server: Speaking, client: Http) -> None:
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda n: client.json(f"{server.url}/{n}"), range(300)))
    assert found == [f"/{n}" for n in range(300)]
    assert len(server.asked) == 300  # none had to be asked again


@pytest.mark.parametrize("path", ["/busy", "/cut"])
def test_what_breaks_is_asked_again(path: str, server: Speaking, client: Http) -> None:
    assert client.json(f"{server.url}{path}") == path
    assert server.asked == [path, path]


def test_a_certificate_that_nobody_vouches_for_is_said(
    server: Speaking, client: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    def received() -> None:
        with client.stream(f"{server.url}/a"):
            pass

    for ask in (lambda: client.json(f"{server.url}/a"), received):
        with pytest.raises(
            Unanswered, match=r"the certificate of localhost:\d+ is not trusted"
        ) as raised:
            ask()
        assert raised.value.fix and "SSL_CERT_FILE" in raised.value.fix
    assert server.asked == []


def test_a_client_that_is_closed_ends_its_thread(server: Speaking) -> None:
    with Http(mirrors=Mirrors()) as client:
        client.json(f"{server.url}/a")
        assert "runflow-http" in [one.name for one in threading.enumerate()]
    assert "runflow-http" not in [one.name for one in threading.enumerate()]
