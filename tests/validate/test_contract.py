"""An API that a caller can use: outputs, names, limits and defaults that make sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.findings import Finding, render

Checked = Callable[..., list[Finding]]


def a_prompt(inputs: dict[str, Any], class_type: str = "RunflowInputInt") -> dict[str, Any]:
    """A Runflow input into the width of an image."""
    base = {"input_id": "width", "display_name": "", "description": ""}
    return {
        "1": {"class_type": class_type, "inputs": {**base, **inputs}},
        "2": {
            "class_type": "EmptyImage",
            "inputs": {"width": ["1", 0], "height": 64, "batch_size": 1, "color": 0},
        },
        "3": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "picture", "output_name": "", "value": ["2", 0]},
        },
    }


def test_an_endpoint_without_an_output(checked: Checked) -> None:
    data = {**a_prompt({})}
    data["3"] = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
    assert render(checked(data)) == (
        "runflow.yaml: error contract-no-output: poster gives nothing back: no output is declared\n"
        "  fix       add a Runflow Output node to the workflow, or name a node under outputs:"
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("wid\u200bth", "the name `wid\\u200bth` holds a character that cannot be seen"),
        (
            "w" * 101,
            f"the name `{'w' * 57}…` is longer than 100 characters",
        ),
        ("a width", None),
    ],
)
def test_names_that_no_caller_can_type(checked: Checked, name: str, problem: str | None) -> None:
    found = checked(a_prompt({"input_id": name}))
    assert [(one.code, one.message) for one in found] == (
        [("contract-name", problem)] if problem else []
    )


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            {"minimum": "9", "maximum": "1"},
            "the input `width` allows nothing: its minimum 9 is above its maximum 1",
        ),
        ({"minimum": "1", "maximum": "1"}, None),
    ],
)
def test_limits_that_allow_nothing(
    checked: Checked, limits: dict[str, str], message: str | None
) -> None:
    found = checked(a_prompt(limits))
    assert [one.message for one in found] == ([message] if message else [])


def test_choices_are_told_apart(checked: Checked) -> None:
    data = a_prompt({"choices": "a\nb\na"}, "RunflowInputString")
    data["2"] = {"class_type": "PrimitiveString", "inputs": {"value": ["1", 0]}}
    data["3"] = {
        "class_type": "RunflowOutputFile",
        "inputs": {"output_id": "o", "output_name": "", "value": ["2", 0]},
    }
    assert [(one.code, one.message) for one in checked(data)] == [
        ("contract-limits", "the input `width` lists a choice twice: `a`")
    ]


def test_a_default_must_be_one_that_a_caller_could_give(checked: Checked) -> None:
    data = a_prompt({"required": False, "value": 99, "maximum": "50"})
    assert render(checked(data)) == (
        "poster.json: error contract-default: the default of `width` must be at most 50, not 99\n"
        "  at        node 1 (RunflowInputInt), field value\n"
        "  fix       give it a default that a caller could give: a whole number up to 50"
    )


def test_an_input_that_may_be_left_out_needs_a_default_where_it_is_needed(
    checked: Checked,
) -> None:
    assert render(checked(a_prompt({"required": False}))) == (
        "poster.json: warning input-no-default: the input `width` may be left out, but nothing "
        "then takes its place\n"
        "  at        node 1 (RunflowInputInt)\n"
        "  needed by poster.json, node 2 (EmptyImage), field width\n"
        "  fix       make it required, or wire a default into its `value`"
    )
    assert checked(a_prompt({"required": False, "value": 5})) == []
    assert checked(a_prompt({"required": True})) == []


def test_an_input_that_changes_nothing(checked: Checked) -> None:
    data = a_prompt({})
    data["2"]["inputs"]["width"] = 64
    assert render(checked(data)) == (
        "poster.json: warning input-unused: the input `width` changes nothing: no output needs "
        "node 1\n"
        "  at        node 1 (RunflowInputInt)\n"
        "  fix       connect the node to what makes an output, or remove it"
    )


def test_what_the_contract_itself_finds_is_placed_in_its_file(checked: Checked) -> None:
    data = a_prompt({"input_id": " "})
    found = checked(data, inputs={"depth": {"node": "2", "field": "depth"}})
    assert [(one.code, one.where.file) for one in found] == [
        ("contract-id-blank", "poster.json"),
        ("field-missing", "runflow.yaml"),
    ]


def test_an_input_on_a_node_that_a_runflow_output_replaces(checked: Checked) -> None:
    data = a_prompt({})
    data["3"] = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
    wishes: dict[str, Any] = {
        "inputs": {"name": {"node": "3", "field": "filename_prefix"}},
        "outputs": {"picture": {"node": "3"}},
    }
    assert render(checked(data, **wishes)) == (
        "poster.json: warning input-unused: the input `name` changes nothing: a Runflow Output "
        "saves the picture instead\n"
        "  at        node 3 (SaveImage), field filename_prefix\n"
        '  fix       remove it from inputs:, or list node "3" under keep: as well'
    )
    assert checked(data, **wishes, keep=["3"]) == []
