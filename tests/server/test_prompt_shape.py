"""Whether `workflow_json` is a prompt at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.server.prompt_shape import prompt_problems
from runflow_build.workflow.drawing import KINDS, drawn_fields

NODE: dict[str, Any] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}


def test_a_prompt_has_no_problems() -> None:
    source = {"class_type": "EmptyImage", "inputs": {"width": 8}, "_meta": {"title": "Empty"}}
    assert prompt_problems({"1": source, "2": NODE}) == []


@pytest.mark.parametrize(
    ("prompt", "place", "message"),
    [
        ({}, (), "has no nodes"),
        (
            {"nodes": [], "links": []},
            (),
            "is an editor graph; send it as `graph`, and the API-format prompt here",
        ),
        ({"1": []}, ("1",), "must be an object with `class_type` and `inputs`"),
        ({"1": {"inputs": {}}}, ("1", "class_type"), "must be the name of a node class"),
        ({"1": {"class_type": "A"}}, ("1", "inputs"), "must be an object from name to value"),
        (
            {"1": {"class_type": "A", "inputs": {}, "_meta": []}},
            ("1", "_meta"),
            "must be an object",
        ),
        (
            {"1": {"class_type": "A", "inputs": {}, "_meta": {"drawn": {"a": "dice"}}}},
            ("1", "_meta", "drawn"),
            "must be an object from the name of an input to choice or date",
        ),
        ({"2": NODE}, ("2", "inputs", "images"), "links to node 1, which is not there"),
    ],
)  # fmt: skip
def test_what_is_no_prompt_is_said_with_its_place(
    prompt: dict[str, Any], place: tuple[str, ...], message: str
) -> None:
    (found,) = prompt_problems(prompt)
    assert found.loc == ("body", "workflow_json", *place)
    assert found.msg == message


def test_a_pair_that_is_no_link_is_a_value() -> None:
    inputs = {"a": [1, 2], "b": ["x", "y"], "c": ["x", True], "d": {"__value__": ["x", 0]}}
    assert prompt_problems({"1": {"class_type": "A", "inputs": inputs}}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["class_type", "inputs", "_meta", "drawn", "1", "nodes"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["1", "2", "nodes"]), JSON, max_size=3))
def test_any_object_is_a_prompt_or_has_problems(prompt: dict[str, Any]) -> None:
    if not prompt_problems(prompt):
        for node in prompt.values():
            assert isinstance(node["class_type"], str)
            assert isinstance(node["inputs"], dict)
            assert set(drawn_fields(node).values()) <= set(KINDS)
