"""What of a value may stand in a message."""

from __future__ import annotations

import pytest

from runflow_build.redact import redacted, secret_in, shown

KEY = "rf_live_" + "a1b2" * 8


@pytest.mark.parametrize(
    ("text", "kind", "rest"),
    [
        (f"use {KEY} here", "an API key", "use rf_… here"),
        ("https://me:pw@host/x", "a URL with a user name or password", "https://…@host/x"),
        ("https://tok@host/x", "a URL with a user name or password", "https://…@host/x"),
        ("https://h/x?a=1&token=abc#f", "a URL with a token", "https://h/x?a=1&token=…#f"),
        ("https://h/x?X-Amz-Signature=ab", "a URL with a token", "https://h/x?X-Amz-Signature=…"),
    ],
)
def test_a_secret_is_named_and_taken_out(text: str, kind: str, rest: str) -> None:
    assert secret_in(text) == kind
    assert redacted(text) == rest
    assert secret_in(redacted(text)) is None or "…" in redacted(text)


@pytest.mark.parametrize(
    "text",
    ["", "rf_detr_base.pth", "https://host/a@b", "user@host", "https://h/x?tokenizer=bert", "rf_"],
)
def test_ordinary_text_stays(text: str) -> None:
    assert secret_in(text) is None
    assert redacted(text) == text


def test_a_message_shows_no_control_characters_and_no_novels() -> None:
    assert shown("a\x1b[31m\nb\u202e") == "a\\x1b[31m\\nb\\u202e"
    assert len(shown("x" * 1000)) < 64
    assert shown("画像 é") == "画像 é"


def test_a_secret_is_taken_out_before_it_is_cut() -> None:
    assert "hunter" not in shown("https://user:" + "hunter2" * 20 + "@host/x")
