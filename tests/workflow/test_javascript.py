"""JSON values as the editor's language sees them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from runflow_build.workflow.javascript import key_order, number_of, plain, text_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (64.0, 64),
        (-0.0, 0),
        (0.1, 0.1),
        (1e20, 10**20),
        (1e21, 1e21),
        (math.inf, None),
        (math.nan, None),
        (2**70, 2**70),
        (True, True),
        ([1.0, {"a": 2.0}], [1, {"a": 2}]),
        ("1.0", "1.0"),
    ],
)
def test_a_prompt_holds_whole_numbers_without_a_fraction(value: Any, expected: Any) -> None:
    assert (plain(value), type(plain(value))) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (1e-6, "0.000001"),
        (-1.5e-5, "-0.000015"),
        (0.00001234, "0.00001234"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
        ("x", "x"),
        ([1, None, ["a", 2.0]], "1,,a,2"),
        ({}, "[object Object]"),
    ],
)
def test_string_of_a_value(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0),
        (True, 1),
        ("", 0),
        (" 12 ", 12),
        ("-7", -7),
        ("+3", 3),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("9007199254740993", 9007199254740993),
        ("1e400", math.inf),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_number_of_a_value(value: Any, number: Any) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize(
    "value", ["x", "1_0", "\N{FULLWIDTH DIGIT ONE}", "inf", "nan", "-", "1 2", [1, 2], {}]
)
def test_what_is_no_number_is_not_a_number(value: Any) -> None:
    assert math.isnan(number_of(value))


def test_an_object_holds_numbers_first_by_size_then_all_else_as_it_came() -> None:
    names = ["b", "10", "9", "a", "01", "-1", "1.5", "4294967295", "4294967294", "٣", "0"]
    assert sorted(names, key=key_order) == [
        *("0", "9", "10", "4294967294"),
        *("b", "a", "01", "-1", "1.5", "4294967295", "٣"),
    ]
