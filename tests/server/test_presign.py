"""Signed links: whoever changes one letter has nothing."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runflow_build.server.presign import Signer

SIGNER = Signer(b"0123456789abcdef")
FILE = "0197c0de-0000-7000-8000-000000000001"


def parts(path: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(path).query)
    return query["expires"][0], query["signature"][0]


def test_a_link_is_good_until_it_expires() -> None:
    expires, signature = parts(SIGNER.download_path(FILE, "a.png", expires=1000))
    assert SIGNER.allows("GET", FILE, expires, signature, now=999.9)
    assert not SIGNER.allows("GET", FILE, expires, signature, now=1000)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"file_id": FILE[:-1] + "2"},
        {"expires": "2000"},
        {"expires": "1000.5"},
        {"expires": ""},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "é\udcff"},
    ],
)
def test_a_changed_link_is_good_for_nothing(change: dict[str, str]) -> None:
    expires, signature = parts(SIGNER.download_path(FILE, "a.png", expires=1000))
    asked = {"method": "GET", "file_id": FILE, "expires": expires, "signature": signature}
    assert not SIGNER.allows(**{**asked, **change}, now=0)  # type: ignore[arg-type]


def test_a_link_of_another_server_is_good_for_nothing() -> None:
    expires, signature = parts(Signer(b"another").upload_path(FILE, expires=1000))
    assert not SIGNER.allows("PUT", FILE, expires, signature, now=0)


@given(st.text(max_size=40))
@example("a/b.png")
def test_any_name_makes_one_segment_of_the_path(name: str) -> None:
    path = urlsplit(SIGNER.download_path(FILE, name, expires=1)).path
    assert path.startswith(f"/v1/files/{FILE}/")
    assert unquote(path).count("/") == 4  # a server takes `%2F` for a slash
    assert path.isascii()


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_opens_a_file(expires: str, signature: str) -> None:
    assert not SIGNER.allows("GET", FILE, expires, signature, now=0)
