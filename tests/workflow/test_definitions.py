from __future__ import annotations

import json
import random
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.workflow.definitions import (
    Definitions,
    definitions_text,
    read_definitions,
    stripped,
)

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


def test_stripping_keeps_what_conversion_reads() -> None:
    slim = stripped(RAW)
    assert "tooltip" not in json.dumps(slim) and "description" not in slim
    assert Definitions({"A": slim}, {}).get("A") is not None
    before, after = Definitions({"A": RAW}, {}).get("A"), Definitions({"A": slim}, {}).get("A")
    assert before is not None and after is not None
    assert [(one.name, one.type, one.required, one.choices) for one in before.inputs] == [
        (one.name, one.type, one.required, one.choices) for one in after.inputs
    ]
    assert stripped(slim) == slim


def test_the_files_text_does_not_depend_on_the_order_of_anything() -> None:
    names = [f"Class{number}" for number in range(20)]
    texts = set()
    for seed in range(5):
        shuffled = random.Random(seed).sample(names, len(names))
        definitions = Definitions(dict.fromkeys(shuffled, RAW), {})
        texts.add(definitions_text(definitions, shuffled))
    [text] = texts
    assert read_definitions(text) == dict.fromkeys(names, stripped(RAW))
    assert text.endswith("}}\n") and len(text.splitlines()) == len(names) + 2


def test_the_file_leaves_out_runflows_own_and_unknown_classes() -> None:
    definitions = Definitions({"A": RAW}, {})
    text = definitions_text(definitions, ["RunflowInputInt", "A", "Unknown"])
    assert list(read_definitions(text)) == ["A"]
    assert definitions_text(definitions, []) == '{"definitions": 1, "nodes": {}}\n'


def test_a_choice_with_half_a_surrogate_pair_can_be_written_and_read() -> None:
    raw = {"input": {"required": {"name": [["a\\", "\ud800\\é"]]}}, "output": []}
    text = definitions_text(Definitions({"A": raw}, {}), ["A"])
    assert read_definitions(text.encode().decode())["A"] == raw


def test_an_answer_of_object_info_can_be_read_too() -> None:
    assert read_definitions(json.dumps({"A": RAW})) == {"A": RAW}


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
