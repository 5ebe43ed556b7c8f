"""Canonical JSON, and digests that never change."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build import digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


def test_known_values_have_the_digests_that_they_always_had() -> None:
    value = {"b": [1, 2.5, None, True], "a": {"é": "ü"}}
    assert digest.canonical(value) == '{"a":{"é":"ü"},"b":[1,2.5,null,true]}'.encode()
    assert digest.of(value) == ("3d3cde5d18b24d6609dc9e6963c345d69daec2eb31eaa1812a5e05ea3891f8c5")
    assert digest.of_bytes(b"") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@settings(max_examples=40)
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest.of(dict(reversed(value.items()))) == digest.of(value)


@settings(max_examples=60)
@given(JSON)
def test_the_canonical_form_is_json_of_the_same_value(value: object) -> None:
    assert json.loads(digest.canonical(value)) == value


def test_integers_are_exact_and_differ_from_floats() -> None:
    big = 2**64 + 1
    assert digest.canonical(big) == b"18446744073709551617"
    assert digest.of(1) != digest.of(1.0)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest.of([number])


def test_lone_surrogates_stay_apart() -> None:
    assert digest.of("\ud800") != digest.of("\ud801")
