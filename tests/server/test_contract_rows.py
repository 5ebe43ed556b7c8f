"""What a published workflow takes and gives: its Runflow nodes, and the rows sent beside them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runflow_build.errors import RunflowError
from runflow_build.server.contract_rows import (
    InputRow,
    OutputRow,
    RowsError,
    contract_of_record,
    input_rows,
    output_rows,
)
from runflow_build.workflow.contract_model import Contract
from runflow_build.workflow.model import Prompt

WORKFLOW = str(UUID(int=7))
PROMPT: Prompt = {
    "1": {
        "class_type": "RunflowInputString",
        "inputs": {"input_id": "prompt", "display_name": "Prompt", "required": True},
    },
    "2": {
        "class_type": "ImageScale",
        "inputs": {"upscale_method": "lanczos", "width": 8, "text": ["1", 0]},
        "_meta": {"title": "Make it fit"},
    },
    "9": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
    "10": {"class_type": "RunflowOutputImage", "inputs": {"output_id": "image", "value": ["2", 0]}},
}
METHOD: dict[str, Any] = {
    "name": "method",
    "variable_type_code": "string",
    "is_required": False,
    "default_value": "lanczos",
    "validator_attrs": {"choices": ["lanczos", "area"]},
    "comfyui_node_id": "2",
    "comfyui_field_name": "upscale_method",
}


def contract(inputs: list[dict[str, Any]] = [], outputs: list[dict[str, Any]] = []) -> Contract:  # noqa: B006
    return contract_of_record(
        PROMPT, [InputRow(**row) for row in inputs], [OutputRow(**row) for row in outputs]
    )


def test_runflow_nodes_speak_for_themselves() -> None:
    found = contract()
    assert list(found.inputs) == ["prompt"]
    assert found.inputs["prompt"].required
    assert list(found.outputs) == ["image"]


def test_a_row_makes_any_field_an_input() -> None:
    added = contract([METHOD]).inputs["method"]
    assert (added.type, added.node, added.field) == ("STRING", "2", "upscale_method")
    assert (added.class_type, added.title) == ("ImageScale", "Make it fit")
    assert (added.required, added.default) == (False, "lanczos")
    assert added.choices == ["lanczos", "area"]


def test_a_row_makes_the_files_of_any_node_an_output() -> None:
    row = {"name": "saved", "variable_type_code": "file", "comfyui_node_id": "9"}
    added = contract(outputs=[row]).outputs["saved"]
    assert (added.type, added.node, added.class_type) == ("FILE", "9", "SaveImage")


def test_a_row_with_the_name_of_a_runflow_node_refines_it() -> None:
    row = {"name": "prompt", "display_name": "What to draw", "is_required": False}
    refined = contract([row]).inputs["prompt"]
    assert (refined.display_name, refined.required, refined.node) == ("What to draw", False, "1")


@pytest.mark.parametrize(("order", "names"), [(0, ["method", "prompt"]), (1, ["prompt", "method"])])
def test_a_row_stands_where_it_says(order: int, names: list[str]) -> None:
    assert list(contract([{**METHOD, "sort_order": order}]).inputs) == names


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"comfyui_node_id": "77"}, "comfyui_node_id", "workflow_json has no node 77"),
        ({"comfyui_field_name": "blur"}, "comfyui_field_name", "node 2 has no input of that name"),
        (
            {"comfyui_field_name": None},
            "comfyui_field_name",
            "is needed where no Runflow node has this name",
        ),
        (
            {"variable_type_code": None},
            "variable_type_code",
            "is needed where no Runflow node has this name",
        ),
        (
            {"variable_type_code": "colour"},
            "variable_type_code",
            "known: string, integer, float, boolean, image, file",
        ),
        ({"validator_attrs": {"minimum": "1"}}, "validator_attrs", "minimum must be a number"),
        (
            {"validator_attrs": {"choices": [1]}},
            "validator_attrs",
            "choices must be a list of texts",
        ),
        ({"name": "prompt"}, "comfyui_node_id", "node 1 has this name already"),
    ],
)
def test_an_input_row_that_does_not_fit_is_named(
    change: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(RowsError) as caught:
        contract([{**METHOD, **change}])
    assert [(error.loc, error.msg) for error in caught.value.errors] == [
        (("body", "inputs", 0, field), message)
    ]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"name": "a", "comfyui_node_id": "77"}, "comfyui_node_id"),
        ({"name": "a", "comfyui_node_id": "9", "variable_type_code": "text"}, "variable_type_code"),
        ({"name": "image", "comfyui_node_id": "9"}, "comfyui_node_id"),
    ],
)
def test_an_output_row_that_does_not_fit_is_named(row: dict[str, Any], field: str) -> None:
    with pytest.raises(RowsError) as caught:
        contract(outputs=[row])
    assert caught.value.errors[0].loc == ("body", "outputs", 0, field)


def test_two_rows_of_one_name_are_refused() -> None:
    with pytest.raises(RowsError) as caught:
        contract([METHOD, METHOD])
    assert caught.value.errors[0].loc == ("body", "inputs", 1, "name")


def test_the_record_hands_a_row_back_as_it_came_and_fills_in_the_rest() -> None:
    shown = input_rows(WORKFLOW, contract([METHOD]), [METHOD])
    assert [row["name"] for row in shown] == ["prompt", "method"]
    assert {name: shown[1][name] for name in METHOD} == METHOD
    assert shown[1]["default_behavior_code"] == "optional"
    assert shown[0]["comfyui_field_name"] == "value"


def test_the_id_of_a_row_stays_while_others_come_and_go() -> None:
    before = input_rows(WORKFLOW, contract([METHOD]), [METHOD])[0]["id"]
    assert input_rows(WORKFLOW, contract(), [])[0]["id"] == before
    assert output_rows(WORKFLOW, contract(), [])[0]["id"] != before


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
FIELDS = ["input_id", "output_id", "display_name", "description", "required", "value", "minimum",
          "maximum", "step", "choices", "file_name", "output_name"]  # fmt: skip


@given(
    st.sampled_from(["String", "Int", "Float", "Boolean", "Image", "File"]),
    st.sampled_from(["Input", "Output"]),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8),
    VALUES,
)
@example("String", "Input", {"input_id": "a"}, ["no text"])
@example("Image", "Output", {"output_id": "a"}, {})
def test_whatever_stands_in_a_runflow_node_gives_a_contract_or_findings(
    kind: str, side: str, inputs: dict[str, Any], title: Any
) -> None:
    node = {"class_type": f"Runflow{side}{kind}", "inputs": inputs, "_meta": {"title": title}}
    try:
        found = contract_of_record({"1": node}, [], [])
    except RunflowError as error:
        assert error.findings
        return
    input_rows(WORKFLOW, found, [])
    output_rows(WORKFLOW, found, [])
    assert Contract.model_validate(found.model_dump(mode="json", by_alias=True)) == found
