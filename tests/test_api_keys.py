"""A key is found wherever it hides; what only looks a little like one is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.api_keys import holds_api_key, keys_in

KEY = "rf_live_" + "a1b2c3d4" * 4


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"Authorization: Bearer {KEY}",
        f"https://example.com/?key={KEY}&x=1",
        f'{{"api_key":"{KEY}"}}',
        KEY.replace("live", "svc"),
        KEY.replace("live", "admin"),
        KEY.replace("_live", ""),
        "rfk_" + "Zz9" * 6,
        "rf_live_abcdefgh",
        f"{KEY}.png",
    ],
)
def test_a_key_is_found(text: str) -> None:
    assert holds_api_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rf_",
        "rf_live_…",
        "rf_live_*",
        "rf_inversion",
        "rf_inversion_strength_2",
        "rf_detr_base_medium_2025.safetensors",
        "a surf_live_abcdefghijk wave",
        "RF_LIVE_ABCDEFGHIJK",
    ],
)
def test_a_word_is_no_key(text: str) -> None:
    assert not holds_api_key(text)


def test_every_place_is_named_and_none_twice() -> None:
    document: Any = {"a": ["x", {"b": KEY}], "c": KEY, KEY: [KEY], "d": {"e": 5, "f": None}}
    assert keys_in(document) == [(), ("a", 1, "b"), ("c",), ("…", 0)]


def test_nesting_has_no_limit() -> None:
    deep: Any = KEY
    for _ in range(5000):
        deep = [deep]
    assert len(keys_in(deep)) == 1
