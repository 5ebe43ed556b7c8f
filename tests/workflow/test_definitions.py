from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.definitions import Definitions, NodeDefinition

RAW: dict[str, Any] = {
    "input": {
        "required": {
            "b": ["INT", {"default": 1, "tooltip": "long help"}],
            "a": [["x", "y"], {"default": "y"}],
        },
        "optional": {"c": ["COMBO", {"options": ["p", "q"]}], "d": ["STRING"]},
        "hidden": {"prompt": "PROMPT"},
    },
    "input_order": {"required": ["a", "b"], "optional": ["d", "c"]},
    "output": ["IMAGE", "MASK"],
    "output_node": True,
    "display_name": "My Node",
    "category": "x",
    "description": "long help",
}


def definition_of(raw: dict[str, Any]) -> NodeDefinition:
    definition = Definitions({"A": raw}, {}).get("A")
    assert definition is not None
    return definition


def names(order: Any, required: list[str], optional: list[str]) -> str:
    """The names of the inputs, in order; each input is a letter or digit."""
    sections = {"required": required, "optional": optional}
    rows = {section: {name: ["INT"] for name in inputs} for section, inputs in sections.items()}
    raw = {"input": rows, "output": [], **({} if order is None else {"input_order": order})}
    return "".join(one.name for one in definition_of(raw).inputs)


def test_inputs_come_in_the_editors_order_and_hidden_ones_not_at_all() -> None:
    definition = Definitions({"A": RAW}, {}).get("A")
    assert definition is not None
    assert [(one.name, one.type, one.required) for one in definition.inputs] == [
        ("a", "COMBO", True),
        ("b", "INT", True),
        ("d", "STRING", False),
        ("c", "COMBO", False),
    ]
    assert (definition.outputs, definition.output_node) == (("IMAGE", "MASK"), True)
    assert definition.title == "My Node"


def test_both_forms_of_a_combo_give_its_choices() -> None:
    definition = Definitions({"A": RAW}, {}).get("A")
    assert definition is not None
    old, new, other = (definition.input(name) for name in "acb")
    assert old is not None and new is not None and other is not None
    assert (old.choices, new.choices, other.choices) == (("x", "y"), ("p", "q"), None)


def test_runflows_own_classes_come_before_the_file_and_the_file_before_the_catalogue() -> None:
    shadow: dict[str, Any] = {"input": {}, "output": ["SHADOW"]}
    definitions = Definitions(
        {"RunflowInputInt": shadow, "A": RAW}, {"RunflowInputInt": shadow, "A": shadow, "B": shadow}
    )
    sources = [definitions.source(name) for name in ("RunflowInputInt", "A", "B", "C")]
    assert sources == ["runflow", "file", "catalogue", None]
    found = {name: definitions.get(name) for name in ("RunflowInputInt", "A", "B")}
    assert [one.outputs for one in found.values() if one] == [
        ("INT",),
        ("IMAGE", "MASK"),
        ("SHADOW",),
    ]
    assert definitions.get("C") is None


@pytest.mark.parametrize(
    "raw", [{}, {"input": None, "output": 3}, {"input": {"required": {"a": 5}}}]
)
def test_a_strange_definition_harms_nothing(raw: Any) -> None:
    assert Definitions({"A": raw}, {}).get("A") is not None


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "abcd"),
        ({"required": ["b", "a"], "optional": ["d", "c"]}, "badc"),
        ({"optional": ["d"]}, "dabc"),  # what is not listed comes behind all that is
        ({"required": ["b"], "optional": ["d"]}, "bdac"),
        ({"required": ["c", "b", "z"], "optional": ["a", "d"]}, "bdac"),  # listed as the other kind
        ({"required": ["b", "b", 7, ["a"]]}, "bacd"),
        ({}, "abcd"),
        ("nonsense", "abcd"),
    ],
)
def test_what_input_order_lists_comes_first(order: Any, expected: str) -> None:
    assert names(order, ["a", "b"], ["c", "d"]) == expected


def test_without_an_order_numbers_come_first_as_the_editor_holds_them() -> None:
    assert names(None, ["b", "2", "1"], ["a", "0"]) == "012ba"
    assert names({"required": ["b", "2", "1"]}, ["b", "2", "1"], ["a", "0"]) == "b210a"


def test_an_input_of_both_kinds_is_an_optional_one() -> None:
    raw = {"input": {"required": {"a": ["INT"]}, "optional": {"a": ["FLOAT"]}}, "output": []}
    (one,) = definition_of(raw).inputs
    assert (one.type, one.required) == ("FLOAT", False)


def test_what_the_outputs_are_called_and_take_their_types_from() -> None:
    definition = definition_of(
        {
            "input": {},
            "output": [["x", "y"], "COMFY_MATCHTYPE_V3"],
            "output_name": ["choice", "same"],
            "output_matchtypes": [None, "group"],
        }
    )
    assert definition.outputs == ("COMBO", "COMFY_MATCHTYPE_V3")
    assert definition.output_names == ("choice", "same")
    assert definition.output_matchtypes == (None, "group")


@pytest.mark.parametrize(
    ("module", "pack"),
    [("custom_nodes.ComfyUI-KJNodes", "ComfyUI-KJNodes"), ("comfy_extras.nodes_mask", None)],
)
def test_the_pack_that_brings_a_class(module: str, pack: str | None) -> None:
    assert definition_of({"input": {}, "output": [], "python_module": module}).pack == pack
