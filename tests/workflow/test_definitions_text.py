"""The text of a definitions file: what is kept of a class, and what is read back."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.workflow.definitions import Definitions, NodeDefinition
from runflow_build.workflow.definitions_text import definitions_text, read_definitions, stripped

RAW: dict[str, Any] = {
    "input": {
        "required": {
            "b": ["INT", {"default": 1, "tooltip": "long help", "display": "slider"}],
            "a": [["x", "y"], {"default": "y"}],
        },
        "optional": {
            "c": ["COMBO", {"options": ["p", "q"]}],
            "d": ["STRING", {"multiline": True}],
        },
        "hidden": {"prompt": "PROMPT"},
    },
    "input_order": {"required": ["a", "b"], "optional": ["d", "c"]},
    "output": ["IMAGE", "MASK"],
    "output_is_list": [False, False],
    "output_name": ["picture", "MASK"],
    "output_node": True,
    "display_name": "My Node",
    "category": "x",
    "description": "long help",
    "python_module": "nodes",
}


def definition_of(raw: Any) -> NodeDefinition:
    definition = Definitions({"A": raw}, {}).get("A")
    assert definition is not None
    return definition


def kept_of(spec: Any, files: dict[str, str] | None = None) -> Any:
    """What is kept of an input `a`; always the same when it is stripped again."""
    slim = stripped({"input": {"required": {"a": spec}}, "output": []}, files)
    assert stripped(slim, files) == slim
    return slim["input"]["required"]["a"]


# -- what is kept of a class


def test_stripping_keeps_what_conversion_reads_and_no_help() -> None:
    slim = stripped(RAW)
    assert slim == {
        "input": {
            "required": {
                "a": [["x", "y"], {"default": "y"}],
                "b": ["INT", {"default": 1, "display": "slider"}],
            },
            "optional": {"d": ["STRING", {"multiline": True}], "c": [["p", "q"]]},
        },
        "output": ["IMAGE", "MASK"],
        "output_name": ["picture", "MASK"],
        "output_node": True,
        "display_name": "My Node",
    }
    assert list(slim["input"]["required"]) == ["a", "b"]
    assert list(slim["input"]["optional"]) == ["d", "c"]
    assert stripped(slim) == slim


@pytest.mark.parametrize(
    "order",
    [
        {"required": ["b", "1", "a"], "optional": ["d", "c"]},
        {"optional": ["c"]},  # the required ones come behind
        {"required": ["a"], "optional": ["d"]},
        {},
    ],
)
def test_the_editors_order_survives_stripping(order: Any) -> None:
    rows = {
        "required": {name: ["INT"] for name in ("a", "b", "1")},
        "optional": {name: ["INT"] for name in ("c", "d")},
    }
    raw = {"input": rows, "input_order": order, "output": []}
    slim = stripped(raw)
    through_a_file = json.loads(json.dumps(slim))
    before, after = definition_of(raw).inputs, definition_of(through_a_file).inputs
    assert [one.name for one in after] == [one.name for one in before]
    assert stripped(slim) == slim


def test_the_class_of_a_pack_keeps_where_it_is_from() -> None:
    slim = stripped({"input": {}, "output": [], "python_module": "custom_nodes.Masks"})
    assert definition_of(slim).pack == "Masks"


def test_inputs_inside_of_inputs_are_stripped_too() -> None:
    size = {"width": ["INT", {"default": 8, "tooltip": "help"}], "fit": ["COMBO", {"options": []}]}
    growing = {"input": {"required": {"image": ["IMAGE", {"tooltip": "help"}]}}, "prefix": "image"}
    raw = {
        "input": {
            "required": {
                "size": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "none"},
                            {"key": "by size", "inputs": {"required": size}},
                        ]
                    },
                ],
                "images": ["COMFY_AUTOGROW_V3", {"template": growing}],
                "any": ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t"}}],
            }
        },
        "output": ["COMFY_MATCHTYPE_V3"],
        "output_matchtypes": ["t"],
    }
    slim = stripped(raw)
    inner = {"width": ["INT", {"default": 8}], "fit": [[]]}
    assert slim["input"]["required"] == {
        "size": [
            "COMFY_DYNAMICCOMBO_V3",
            {"options": [{"key": "none"}, {"key": "by size", "inputs": {"required": inner}}]},
        ],
        "images": [
            "COMFY_AUTOGROW_V3",
            {"template": {"input": {"required": {"image": ["IMAGE"]}}, "prefix": "image"}},
        ],
        "any": ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t"}}],
    }
    assert slim["output_matchtypes"] == ["t"]
    assert stripped(slim) == slim


@pytest.mark.parametrize(
    "choice", ["loras/anna.safetensors", "IMG_0001.JPG", "a b.mp4", "sub/model.onnx"]
)
def test_a_list_that_holds_a_files_name_is_left_out(choice: str) -> None:
    """All of it: what else stands in it may be a folder, and a part would be a wrong list."""
    assert kept_of([["None", "holiday", choice]]) == [[], {"default": "None"}]
    assert kept_of(["COMBO", {"options": [choice, "None"]}]) == [[]]
    assert kept_of(["COMBO", {"options": ["a", choice], "default": choice}])[0] == []


def test_what_the_editor_starts_with_stays() -> None:
    assert kept_of([["auto", "a.onnx"], {"default": "a.onnx"}]) == [[], {"default": "a.onnx"}]
    assert kept_of([["auto", "a.onnx"]]) == [[], {"default": "auto"}]
    assert kept_of([["a.onnx", "auto"]]) == [[]], "but for a machine's own"


def test_what_only_looks_a_little_like_a_file_stays() -> None:
    choices = ["gpt-4.1", "1.5", "v2.0", "FLUX.1-dev", "a.b", 1.5, 7, True]
    assert kept_of([choices]) == [choices]


@pytest.mark.parametrize("folder", ["input", "models/diffusers/"])
def test_of_comfyuis_own_inputs_for_files_those_stay_that_it_brings(folder: str) -> None:
    own = ["example.png", "3d", "v1-inference.yaml"]
    assert kept_of([own], {"a": folder}) == [own]
    assert kept_of([["anna.png", *own]], {"a": folder}) == [own]
    assert kept_of([["anna.png", *own]], {"b": folder}) == [[]]


def test_names_of_folders_are_left_out_where_the_input_is_known_to_name_folders() -> None:
    listed = [["holiday", "faces/anna"]]
    assert kept_of(listed, {"a": "models/diffusers/"}) == [[]]
    assert kept_of(listed, {"a": "models/loras", "b": "input/"}) == listed


@pytest.mark.parametrize("limit", [float("inf"), float("-inf"), float("nan")])
def test_a_limit_that_is_none_is_left_out(limit: float) -> None:
    raw = {"input": {"required": {"a": ["FLOAT", {"max": limit, "min": 0.0}]}}, "output": []}
    assert stripped(raw)["input"]["required"]["a"] == ["FLOAT", {"min": 0.0}]


@pytest.mark.parametrize(
    "raw", [{}, {"input": None, "output": 3}, {"input": {"required": {"a": 5, "b": [None, 3]}}}]
)
def test_a_strange_definition_harms_nothing(raw: Any) -> None:
    assert stripped(stripped(raw)) == stripped(raw)


# -- the file


def test_the_files_text_does_not_depend_on_the_order_of_anything() -> None:
    names = [f"Class{number}" for number in range(20)]
    texts = set()
    for seed in range(5):
        shuffled = random.Random(seed).sample(names, len(names))
        definitions = Definitions(dict.fromkeys(shuffled, RAW), {})
        texts.add(definitions_text(definitions, shuffled))
    [text] = texts
    assert read_definitions(text).nodes == dict.fromkeys(names, stripped(RAW))
    assert text.endswith("}}\n") and len(text.splitlines()) == len(names) + 2


def test_the_file_leaves_out_runflows_own_and_unknown_classes() -> None:
    definitions = Definitions({"A": RAW}, {})
    text = definitions_text(definitions, ["RunflowInputInt", "A", "Unknown"])
    assert list(read_definitions(text).nodes) == ["A"]
    assert definitions_text(definitions, []) == '{"definitions": 1, "nodes": {}}\n'


@pytest.mark.parametrize("comfyui", ["0.8.0", "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce", None])
def test_the_file_says_for_which_comfyui_it_is(comfyui: str | None) -> None:
    text = definitions_text(Definitions({"A": RAW}, {}, comfyui), ["A"])
    assert read_definitions(text).comfyui == comfyui


def test_a_folder_that_a_catalogue_knows_is_no_choice() -> None:
    listed = {"input": {"required": {"name": [["holiday"]]}}, "output": []}
    known = Definitions({"A": listed}, {"A": {"input": {}, "files": {"name": "models/dirs/"}}})
    text = definitions_text(known, ["A"])
    assert read_definitions(text).nodes["A"]["input"]["required"] == {"name": [[]]}


def test_a_choice_with_half_a_surrogate_pair_can_be_written_and_read() -> None:
    raw = {"input": {"required": {"name": [["a\\", "\ud800\\é"]]}}, "output": []}
    text = definitions_text(Definitions({"A": raw}, {}), ["A"])
    assert read_definitions(text.encode().decode()).nodes["A"] == raw


def test_an_answer_of_object_info_can_be_read_too() -> None:
    read = read_definitions(json.dumps({"A": RAW}))
    assert (read.nodes, read.comfyui, read.as_answered) == ({"A": RAW}, None, True)
    assert not read_definitions('{"definitions": 1, "nodes": {}}').as_answered


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "definitions-malformed"),
        ("[]", "definitions-malformed"),
        ('{"A": 1}', "definitions-malformed"),
        ('{"definitions": 1}', "definitions-malformed"),
        ("[" * 50_000, "definitions-malformed"),
        ('{"definitions": 2, "nodes": {}}', "definitions-newer"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(text: str, code: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        read_definitions(text)
    assert [finding.code for finding in caught.value.findings] == [code]
