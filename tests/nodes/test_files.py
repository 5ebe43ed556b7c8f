"""Uploads that are cut off or make no sense: refused in words, and nothing is left of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from aiohttp_server import Answer, Running
from pack_server import routes_of

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + b"1" * 100
PLACE = b'--x\r\nContent-Disposition: form-data; name="place"\r\n%b\r\n%b\r\n'
END = b"\r\n--x--\r\n"


@pytest.fixture
def server(comfyui_modules: SimpleNamespace) -> Iterator[Running]:
    (comfyui_modules.base / "input").mkdir()
    with routes_of("files") as one:
        yield one


def send(server: Running, body: bytes, **more: str) -> Answer:
    return server.ask("POST", "/runflow/upload-input-file", {**FORM, **more}, body)


def files(comfyui_modules: SimpleNamespace) -> list[str]:
    return sorted(one.name for one in (comfyui_modules.base / "input").rglob("*"))


def test_a_whole_one_is_kept(server: Running, comfyui_modules: SimpleNamespace) -> None:
    assert send(server, FILE + END).json == {"name": "a.png", "size": 100}
    assert files(comfyui_modules) == ["a.png"]


@pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionHeader")
@pytest.mark.parametrize("left", range(0, len(FILE) + 1, 13))
def test_one_that_is_cut_off_is_no_file(
    left: int, server: Running, comfyui_modules: SimpleNamespace
) -> None:
    answer = send(server, FILE[:left])
    assert (answer.status, answer.error) == (400, "bad-body")
    assert files(comfyui_modules) == []


@pytest.mark.parametrize(
    "body",
    [
        FILE.replace(b"a.png", b"a\0b.png") + END,
        FILE.replace(b"Content-Disposition", b"Content Disposition") + END,
        PLACE % (b"Content-Type: text/plain; charset=nonsense\r\n", b"x") + END,
        PLACE % (b"Content-Transfer-Encoding: nonsense\r\n", b"x") + END,
    ],
    ids=["nul", "header", "charset", "encoding"],
)
def test_one_that_makes_no_sense_is_refused_in_words(body: bytes, server: Running) -> None:
    answer = send(server, body)
    assert (answer.status, answer.error) == (400, "bad-body")


def test_so_is_one_that_cannot_be_unpacked(server: Running) -> None:
    answer = send(server, FILE + END, **{"Content-Encoding": "gzip"})
    assert (answer.status, answer.error) == (400, "bad-body")


def test_a_place_without_an_end_takes_no_memory(
    server: Running, comfyui_modules: SimpleNamespace
) -> None:
    large = PLACE % (b"", b"x" * (32 << 20)) + FILE + END
    tracemalloc.start()
    try:
        assert send(server, large).json["name"] == "a.png"
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 24 << 20
