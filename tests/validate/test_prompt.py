"""A prompt against its definitions: what ComfyUI looks at, and what it does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from runflow_build.findings import render
from runflow_build.project.catalogue import shipped
from runflow_build.validate.prompt import prompt_findings
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

PACK = {
    "Sink": {"input": {"required": {"in": ["IMAGE,MASK"]}}, "output": [], "output_node": True},
    "Anything": {"input": {"optional": {"in": ["*"]}}, "output": ["*", "A,B", "COMBO", "B, C"]},
    "Choosy": {
        "input": {"optional": {"one": [["a", "b"], {}], "two": ["COMBO"], "b": ["B"], "c": ["C"]}},
        "output": [["a", "b"]],
        "output_node": True,
    },
}
PROMPT: Prompt = {
    "7": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "12:5": {
        "class_type": "ResizeImageMaskNode",
        "inputs": {
            "input": ["7", 0],
            "resize_type": "scale dimensions",
            "resize_type.width": 64,
            "resize_type.height": 64,
            "resize_type.crop": "center",
            "scale_method": "area",
        },
        "_meta": {"title": "Inside"},
    },
    "9": {"class_type": "Sink", "inputs": {"in": ["12:5", 0]}},
}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions(PACK, shipped("0.8.0"))


def changed(node: str, **inputs: Any) -> Prompt:
    prompt = copy.deepcopy(PROMPT)
    prompt[node]["inputs"].update(inputs)
    return prompt


def codes(prompt: Prompt, definitions: Definitions) -> list[tuple[str, str | None, str | None]]:
    found = prompt_findings(prompt, definitions)
    return [(one.code, one.where.node, one.where.field) for one in found]


def test_a_prompt_that_comfyui_takes_has_no_findings(definitions: Definitions) -> None:
    assert codes(PROMPT, definitions) == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("resize_type.width", "wide", "value-wrong-type"),
        ("resize_type.width", -1, "value-out-of-range"),
        ("resize_type.crop", "centre", "value-not-in-list"),
        ("resize_type.width", ["7", 0], "link-type-mismatch"),
        ("resize_type", "scale dimension", "node-incomplete"),
        ("input", ["7", 1], "link-dangling"),
        ("input", ["7", 0, 0], "value-wrong-type"),
    ],
)
def test_inputs_that_a_choice_brings_are_checked_by_their_own_rules(
    definitions: Definitions, field: str, value: Any, code: str
) -> None:
    assert codes(changed("12:5", **{field: value}), definitions) == [(code, "12:5", field)]


def test_an_input_that_a_choice_brings_may_be_missing(definitions: Definitions) -> None:
    prompt = copy.deepcopy(PROMPT)
    del prompt["12:5"]["inputs"]["resize_type.width"]
    assert render(prompt_findings(prompt, definitions)) == (
        "error required-input-missing: `resize_type.width` of node 12:5 has neither a link nor a "
        "value, and needs one\n"
        '  at        node 12:5 "Inside" (ResizeImageMaskNode), field resize_type.width\n'
        "  fix       connect something that gives INT"
    )


def test_a_gap_is_a_warning_since_comfyui_runs_the_prompt(definitions: Definitions) -> None:
    batch = {"class_type": "BatchImagesNode", "inputs": {"images.image1": ["7", 0]}}
    prompt = {**changed("9", **{"in": ["3", 0]}), "3": batch}
    assert render(prompt_findings(prompt, definitions)) == (
        "warning node-incomplete: `images` of node 3 has 1 of at least 2; ComfyUI takes the "
        "prompt all the same, and the node may fail\n"
        "  at        node 3 (BatchImagesNode), field images\n"
        "  fix       connect `images.image0`"
    )


def test_only_what_an_output_needs_is_looked_at(definitions: Definitions) -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["4"] = {"class_type": "ImageInvert", "inputs": {}}
    prompt["9"]["inputs"]["undeclared"] = ["4", 0]
    assert codes(prompt, definitions) == []


def test_without_an_output_all_of_it_is(definitions: Definitions) -> None:
    prompt = {"4": {"class_type": "ImageInvert", "inputs": {}}}
    assert codes(prompt, definitions) == [
        ("prompt-no-output", "4", None),
        ("required-input-missing", "4", "image"),
    ]
    assert codes({}, definitions) == [("prompt-no-output", None, None)]


def test_an_unknown_class_may_be_the_output(definitions: Definitions) -> None:
    prompt = {**PROMPT, "9": {"class_type": "NobodyKnows", "inputs": {"in": ["12:5", 0]}}}
    assert codes(prompt, definitions) == [("node-class-unknown", "9", None)]
    prompt["12:5"] = {"class_type": "ImageInvert", "inputs": {}}
    assert ("required-input-missing", "12:5", "image") in codes(prompt, definitions)


@pytest.mark.parametrize(
    ("slot", "field", "fits"),
    [
        (0, "one", True),  # anything
        (1, "b", True),
        (1, "c", False),
        (3, "c", True),  # white space between types means nothing
        (2, "one", True),
        (2, "two", True),
        (2, "b", False),
        (-1, "b", True),  # Python counts from the end, and so does ComfyUI
        (-5, "b", False),
    ],
)
def test_two_lists_of_types_fit_when_they_share_one(
    definitions: Definitions, slot: int, field: str, fits: bool
) -> None:
    prompt = {
        "1": {"class_type": "Anything", "inputs": {}},
        "2": {"class_type": "Choosy", "inputs": {field: ["1", slot]}},
    }
    assert bool(codes(prompt, definitions)) is not fits


def test_a_list_of_choices_fits_a_combo_and_nothing_else(definitions: Definitions) -> None:
    choosy = {"class_type": "Choosy", "inputs": {}}
    for field, fits in (("one", True), ("two", True), ("b", False)):
        prompt = {"1": choosy, "2": {"class_type": "Choosy", "inputs": {field: ["1", 0]}}}
        assert bool(codes(prompt, definitions)) is not fits


def test_a_link_to_what_gives_nothing_is_said_so(definitions: Definitions) -> None:
    prompt = {**PROMPT, "10": {"class_type": "Sink", "inputs": {"in": ["9", 0]}}}
    assert "comes from node 9, which gives nothing" in render(prompt_findings(prompt, definitions))


def test_everything_is_said_at_once(definitions: Definitions) -> None:
    prompt = changed("12:5", **{"resize_type.width": -1, "scale_method": "best"})
    del prompt["7"]["inputs"]["color"]
    assert [field for _, _, field in codes(prompt, definitions)] == [
        "color",
        "resize_type.width",
        "scale_method",
    ]


def test_links_that_run_in_a_circle_end(definitions: Definitions) -> None:
    prompt = {"1": {"class_type": "Anything", "inputs": {"in": ["1", 0]}}, **PROMPT}
    prompt["9"] = {"class_type": "Sink", "inputs": {"in": ["1", 0]}}
    assert codes(prompt, definitions) == []
