from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.workflow.texts import (
    dated_prefix,
    drawn_text,
    filled_prefix,
    formatted,
    has_date,
    settled_text,
)


def in_turn(*indexes: int) -> Callable[[int], int]:
    """A chooser that gives these indexes, then zeros."""
    given_ones = iter(indexes)
    return lambda _: next(given_ones, 0)


# Each is what the real frontend 1.35.9's own function gives.
@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("a car", "a car"),
        ("{same|same}", "same"),
        ("{only}", "only"),
        ("{{a|a}|{a|a}}", "a"),
        ("{a|{a|a/**/}}", "a"),
        ("} | plain", "} | plain"),
        (r"\{a\|b\} \n", r"{a|b} \n"),
        (r"{a\|b}", "a|b"),
        (r"{\\\{}", r"\{"),
        ("one // two\nthree /* four\nfive */six", "one \nthree six"),
        ("one // two\rthree // four\u2028five", "one \rthree \u2028five"),
        ("{a /* | b */}", "a "),
        ("{x/{}/y}", "x//y"),
        ("{x{/}{/}y}", "x//y"),
        ("a//**/b\nc", "a\nc"),
        ("a/ /**// b", "a/ / b"),
        ("{a//**//* b\n|c}", None),
        ("see https://example.com now", "see https:"),
        ("end \\", "end \\undefined"),
        ("{end \\", "end \\undefined"),
    ],
)
def test_a_text_without_a_choice_is_settled(text: str, settled: str | None) -> None:
    assert settled_text(text) == settled


@pytest.mark.parametrize(
    ("text", "indexes", "drawn"),
    [
        ("a {red|green} car", (0,), "a red car"),
        ("a {red|green} car", (1,), "a green car"),
        ("{a|b} {a|b}", (1, 0), "b a"),
        ("{a {b|c}|d}", (0, 1), "a c"),
        ("{a {b|c}|d}", (1,), "d"),
        ("{|x}", (0,), ""),
        ("end {a|b", (1,), "end b"),
        ("{a|{b|c", (1, 0), "b"),
        (r"{a\|b|c}", (0,), "a|b"),
        (r"{a|\}}", (1,), "}"),
        ("{a|b // |c\n}", (1,), "b \n"),
    ],
)
def test_a_choice_is_drawn(text: str, indexes: tuple[int, ...], drawn: str) -> None:
    assert settled_text(text) is None
    assert drawn_text(text, in_turn(*indexes)) == drawn


@pytest.mark.parametrize("text", ["{" * 20_000 + "x", "{a|" * 20_000, "{a|b}" * 20_000])
def test_nesting_and_length_have_no_limit(text: str) -> None:
    assert len(drawn_text(text, lambda count: count - 1)) <= len(text)


TEXTS = st.text(alphabet="ab {}|\\/*\n", max_size=40)


def possible(text: str) -> set[str]:
    """All that the editor may draw, by its own rule said the slow way: option by option."""
    text = re.sub(r"/\*[\s\S]*?\*/|//[^\n]*", "", text)
    if re.search(r"(?<!\\)(\\\\)*\\\Z", text):
        text += "undefined"
    results, place = {""}, 0
    while place < len(text):
        if text[place] != "{":
            size = 2 if text[place] == "\\" else 1
            results = {result + text[place : place + size] for result in results}
            place += size
            continue
        options, depth, place = [""], 0, place + 1
        while place < len(text) and not (text[place] == "}" and depth == 0):
            size = 2 if text[place] == "\\" else 1
            piece = text[place : place + size]
            depth += (piece == "{") - (piece == "}")
            if piece == "|" and depth == 0:
                options.append("")
            else:
                options[-1] += piece
            place += size
        place += 1
        inner = set().union(*(possible(option) for option in options))
        results = {result + one for result in results for one in inner}
    return {re.sub(r"\\([{}|])", r"\1", result) for result in results}


@settings(max_examples=300)
@given(TEXTS, st.lists(st.integers(0, 1000)))
def test_what_is_drawn_is_one_that_the_editor_may_draw(text: str, draws: list[int]) -> None:
    given_ones: Iterator[int] = iter(draws)
    drawn = drawn_text(text, lambda count: next(given_ones, 0) % count)
    assert drawn in possible(text)
    if (settled := settled_text(text)) is not None:
        assert possible(text) == {settled}


@settings(max_examples=100)
@given(st.lists(st.text(alphabet="abc{}|\\", max_size=6), min_size=1, max_size=5))
def test_every_option_can_be_drawn_as_it_was_escaped(options: list[str]) -> None:
    # An author who escapes each mark gets his own words back.
    marks = re.compile(r"[{}|]")
    plain = [option.replace("\\", "") for option in options]
    text = "{" + "|".join(marks.sub(r"\\\g<0>", option) for option in plain) + "}"
    for index, option in enumerate(plain):
        assert drawn_text(text, in_turn(index)) == option


# -- file name patterns

WIDGETS = {
    ("KSampler", "seed"): "42",
    ("KSampler", "name"): "a/b:c",
    ("KSampler", "none"): "",
    ("KSampler", "share"): "50%",
}


def value_of(node: str, widget: str) -> str:
    return WIDGETS[node, widget]


NOON = datetime(2031, 4, 5, 13, 7, 9)


@pytest.mark.parametrize(
    ("prefix", "filled"),
    [
        ("img", "img"),
        ("%KSampler.seed%_x", "42_x"),
        ("%KSampler.name%", "a_b_c"),
        ("%KSampler.none%", ""),
        ("%KSampler.nope%", "%KSampler.nope%"),
        ("%width%_%date%_%a.b.c%", "%width%_%date%_%a.b.c%"),
        ("%KSampler.seed%/%date:yyyy-MM%", "42/%date:yyyy-MM%"),
        ("%date:yyyy.MM%", "%date:yyyy.MM%"),
    ],
)
def test_a_prefix_takes_the_values_of_widgets(prefix: str, filled: str) -> None:
    assert filled_prefix(prefix, value_of) == filled


@pytest.mark.parametrize(
    ("prefix", "dated"),
    [
        ("%date:yyyy-MM-dd%/x", "2031-04-05/x"),
        ("%date:hhmmss%_%date:h:m:s%", "130709_13:7:9"),
        ("%date:yy%", "31"),
        ("%date:d.M.yyyy%", "5"),  # of several dots, only what stands before the first counts
        ("%date:%x", "x"),
    ],
)
def test_a_date_is_filled_in_at_the_run(prefix: str, dated: str) -> None:
    filled = filled_prefix(prefix, value_of)
    assert has_date(filled)
    assert dated_prefix(filled, NOON) == dated


@pytest.mark.parametrize("prefix", ["%date%", "%date:yyyy.MM%", "date:yyyy", "%year%", "%datex:d%"])
def test_what_only_looks_like_a_date_is_none(prefix: str) -> None:
    assert not has_date(filled_prefix(prefix, value_of))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd hh:mm:ss", "2031-04-05 13:07:09"),
        ("yyyyMMdd", "20310405"),
        ("yyy", "yyy"),
        ("yyyyyy", "203131"),
        ("y", "y"),
        ("ddd", "055"),
        ("month", "7ont13"),
        ("YYYY-DD", "YYYY-DD"),
    ],
)
def test_the_date_format_is_the_editors(pattern: str, text: str) -> None:
    assert formatted(NOON, pattern) == text


WORDS = ["%", "date:", "%date:", "yyyy", "MM", ".", "KSampler.share", "%KSampler.share%", "x"]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=9).map("".join))
def test_filling_now_and_dating_later_is_the_editors_one_pass(prefix: str) -> None:
    def in_one_pass(match: re.Match[str]) -> str:
        parts = match[1].split(".")
        if len(parts) == 2:
            return WIDGETS.get((parts[0], parts[1]), match[0])
        return (
            formatted(NOON, parts[0].removeprefix("date:"))
            if parts[0].startswith("date:")
            else match[0]
        )

    expected = re.sub("%([^%]+)%", in_one_pass, prefix)
    assert dated_prefix(filled_prefix(prefix, value_of), NOON) == expected
