from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.workflow.texts import dynamic_prompt, filled_prefix


@pytest.mark.parametrize(
    ("text", "result", "chose"),
    [
        ("a car", "a car", False),
        ("a {red|green} car", "a red car", True),
        ("{same|same}", "same", False),
        ("{only}", "only", False),
        ("{a {b|c}|d}", "a b", True),
        ("{|x}", "", True),
        ("end {a|b", "end a", True),
        ("} | plain", "} | plain", False),
        (r"\{a\|b\} \n", r"{a|b} \n", False),
        (r"{a\|b|c}", "a|b", True),
        ("one // two\nthree /* four\nfive */six", "one \nthree six", False),
        ("see https://example.com now", "see https:", False),
        ("end \\", "end \\undefined", False),
    ],
)
def test_a_dynamic_prompt_is_settled_as_the_editor_may_settle_it(
    text: str, result: str, chose: bool
) -> None:
    assert dynamic_prompt(text) == (result, chose)


def test_nesting_has_no_limit() -> None:
    assert dynamic_prompt("{" * 1500 + "x" + "}" * 1500) == ("x", False)


@settings(max_examples=100)
@given(st.text(alphabet="ab {}|\\/*\n", max_size=40))
def test_every_text_has_an_end(text: str) -> None:
    result, _ = dynamic_prompt(text)
    assert len(result) <= len(text) + len("undefined") * (text.count("\\") + 1)


@pytest.mark.parametrize(
    ("prefix", "result"),
    [
        ("img", "img"),
        ("%KSampler.seed%_x", "42_x"),
        ("%KSampler.name%", "a_b_c"),
        ("%KSampler.on%%KSampler.none%", "true"),
        ("%KSampler.nope%", "%KSampler.nope%"),
        ("%width%_%date:yyyy%_%a.b.c%", "%width%_%date:yyyy%_%a.b.c%"),
    ],
)
def test_a_prefix_takes_the_values_of_widgets(prefix: str, result: str) -> None:
    values = {"seed": 42, "name": "a/b:c", "on": True, "none": None}
    assert filled_prefix(prefix, lambda node, widget: {"KSampler": values}[node][widget]) == result
