"""Large bodies, read from the socket."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from file_host import FileHost, served

from runflow_build.sources import direct

CONTENT = hashlib.shake_128(b"weights").digest(3_000_001)


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "LARGE", 100_000)
    monkeypatch.setattr(direct, "CHUNK", 20_000)


@pytest.fixture
def host() -> Iterator[FileHost]:
    with served(CONTENT) as host:
        yield host


def received(host: FileHost, **options: Any) -> bytes:
    with httpx.Client(trust_env=False, **options) as client, client.stream("GET", host.url) as one:
        return b"".join(direct.raw_chunks(one))


@pytest.mark.parametrize("says_size", [True, False])
@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000, 1_000_000, len(CONTENT)])
def test_a_body_comes_whole(size: int, says_size: bool) -> None:
    with served(CONTENT[:size], says_size=says_size) as host:
        assert received(host) == CONTENT[:size]


def test_the_next_answer_of_the_same_client_is_whole_too(host: FileHost) -> None:
    with httpx.Client(trust_env=False) as client:
        for _ in range(3):
            with client.stream("GET", host.url) as response:
                assert b"".join(direct.raw_chunks(response)) == CONTENT


def test_a_body_that_nobody_reads_to_its_end_does_not_come_to_the_next_one(host: FileHost) -> None:
    with httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=1)) as client:
        for _ in range(2):
            with client.stream("GET", host.url) as response:
                chunks = direct.raw_chunks(response)
                assert CONTENT.startswith(next(chunks) + next(chunks))
        with client.stream("GET", host.url) as response:
            assert b"".join(direct.raw_chunks(response)) == CONTENT


def test_a_body_that_ends_too_early_is_an_error_of_the_transport(host: FileHost) -> None:
    host.cut_after = lambda start, number: 1_500_000
    with pytest.raises(httpx.RemoteProtocolError):
        received(host)


def test_a_host_that_falls_silent_is_an_error_of_the_transport(host: FileHost) -> None:
    going_on = threading.Event()
    host.before_chunk = lambda at: at > 1_000_000 and going_on.wait(20)
    with pytest.raises(httpx.ReadTimeout):
        received(host, timeout=0.3)
    going_on.set()
