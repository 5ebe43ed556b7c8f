from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.findings import render
from runflow_build.workflow.compare import ABSENT, Difference, differences, explained, same
from runflow_build.workflow.model import Prompt


def sampler(**inputs: Any) -> dict[str, Any]:
    return {
        "class_type": "KSampler",
        "inputs": {"steps": 20, "model": ["4", 0], **inputs},
        "_meta": {"title": "Draw it"},
    }


def prompt(**inputs: Any) -> Prompt:
    return {"3": sampler(**inputs)}


def told(ours: Prompt, theirs: Any) -> str:
    return render(explained(differences(ours, theirs), ours, theirs, "prompt.json"))


# -- values


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (64, 64.0, True),
        (0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (1, "1", False),
        (None, 0, False),
        (None, None, True),
        ([1, 2.0], [1.0, 2], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, False),
        ([], {}, False),
        (2**64 - 1, 2.0**64, False),
        (0.1, 0.1, True),
    ],
)
def test_values_are_compared_as_json(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON)
def test_a_value_is_the_same_as_itself_read_again(value: Any) -> None:
    assert same(value, json.loads(json.dumps(value)))


# -- prompts


def test_the_same_prompt_differs_in_nothing() -> None:
    assert differences(prompt(), prompt()) == []


def test_titles_notes_and_every_order_are_nothing() -> None:
    ours = {"3": sampler(), "4": {"class_type": "A", "inputs": {}}}
    theirs = {
        "4": {"inputs": {}, "class_type": "A", "is_changed": ["x"]},
        "3": {"inputs": {"model": ["4", 0.0], "steps": 20.0}, "class_type": "KSampler"},
    }
    assert differences(ours, theirs) == []


def test_each_input_that_differs_is_named_with_both_values() -> None:
    assert differences(prompt(cfg=8, seed=1), prompt(cfg=7.5, denoise=1)) == [
        Difference("3", "cfg", 8, 7.5),
        Difference("3", "seed", 1, ABSENT),
        Difference("3", "denoise", ABSENT, 1),
    ]


def test_null_is_not_nothing() -> None:
    assert differences(prompt(mask=None), prompt()) == [Difference("3", "mask", None, ABSENT)]


def test_a_link_to_another_output_differs() -> None:
    (one,) = differences(prompt(), prompt(model=["4", 1]))
    assert (one.field, one.ours, one.theirs) == ("model", ["4", 0], ["4", 1])


def test_the_class_is_compared_too() -> None:
    theirs = {"3": {**sampler(), "class_type": "KSamplerAdvanced"}}
    assert differences(prompt(), theirs) == [
        Difference("3", "class_type", "KSampler", "KSamplerAdvanced")
    ]


def test_nodes_that_only_one_has_stand_in_the_order_of_ours_and_then_of_theirs() -> None:
    ours = {"9": sampler(), "3": sampler(), "1": sampler()}
    theirs = {"3": sampler(), "5": sampler(), "2": sampler()}
    assert [(one.node, one.field) for one in differences(ours, theirs)] == [
        ("9", None),
        ("1", None),
        ("5", None),
        ("2", None),
    ]


@pytest.mark.parametrize("body", [None, 7, [], {}, {"inputs": 3}, {"inputs": {"steps": 20}}])
def test_what_is_no_node_differs_and_never_crashes(body: Any) -> None:
    """The editor writes a node of unknown class without its `class_type`."""
    fields = [one.field for one in differences(prompt(), {"3": body})]
    assert "class_type" in fields
    assert "node 3 differs" in told(prompt(), {"3": body})


# -- in words


def test_a_node_is_told_with_its_id_and_title() -> None:
    assert told(prompt(steps=20), prompt(steps=25)) == (
        "error prompt-differs: node 3 differs from prompt.json\n"
        '  at        node 3 "Draw it" (KSampler)\n'
        "  steps     20 here, 25 there"
    )


def test_the_first_differences_of_each_node_are_told() -> None:
    text = told(
        {"3": sampler(a=1, b=1, c=1, d=1, e=1, f=1, g=1), "4": sampler(z=1)},
        {"3": sampler(), "4": sampler()},
    )
    assert "  a         1 here, nothing there\n" in text
    assert "  e         1 here, nothing there\n  …         and 2 more\n" in text
    assert text.endswith("  z         1 here, nothing there")


def test_nodes_of_one_prompt_alone_are_told_with_their_titles() -> None:
    text = told({"3": sampler()}, {"4": {**sampler(), "_meta": {"title": "Old"}}})
    assert text == (
        "error prompt-differs: node 3 is not in prompt.json\n"
        '  at        node 3 "Draw it" (KSampler)\n'
        "error prompt-differs: node 4 is in prompt.json alone\n"
        '  at        node 4 "Old" (KSampler)'
    )


def test_of_long_texts_what_stands_around_the_difference_is_told() -> None:
    words = "a sea otter " * 20
    text = told(prompt(text=f"{words}swims{words}"), prompt(text=f"{words}sleeps{words}"))
    assert "otter swims" in text
    assert "otter sleeps" in text
    assert max(map(len, text.splitlines())) < 140


def test_of_a_text_that_goes_on_its_end_is_told() -> None:
    start = "a sea otter " * 20
    assert 'otter, at night" here' in told(
        prompt(text=f"{start[:-1]}, at night"), prompt(text=start)
    )


def test_a_seed_that_the_editor_rounded_is_told_as_that() -> None:
    text = told(prompt(seed=18446744073709551615), prompt(seed=18446744073709552000))
    assert text.endswith(
        "18446744073709551615 here, 18446744073709552000 there (beyond 2^53 the editor rounds)"
    )
    assert "rounds" not in told(prompt(seed=2**60), prompt(seed=2**61))


def test_a_secret_is_not_told() -> None:
    text = told(prompt(url="https://me:one@x.org/a"), prompt(url="https://me:two@x.org/a"))
    assert "  url       a secret, which is not shown" in text
    assert "one" not in text.replace("alone", "")
