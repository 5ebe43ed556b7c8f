"""A published workflow's contract: what its Runflow nodes say, and the rows given beside them.

A row of `inputs[]` or `outputs[]` with the name that a Runflow node has refines that input or
output; another one makes the field of any node an input, or the files of any node an output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from pydantic import Field

from ..workflow.contract import served_contract
from ..workflow.contract_model import (
    TYPE_CODES,
    Contract,
    ContractInput,
    ContractOutput,
    InputType,
    OutputType,
)
from ..workflow.model import Prompt
from .problem import FieldError
from .wire import Body

_INPUT_TYPES: Mapping[str, InputType] = {
    code: name for name, code in TYPE_CODES.items() if name != "COMBO"
}
_OUTPUT_TYPES: Mapping[str, OutputType] = {"image": "IMAGE", "file": "FILE"}
_LIMITS = ("minimum", "maximum", "step", "choices")  # in a row's `validator_attrs`


class _Row(Body):
    name: str = Field(min_length=1, max_length=255)
    variable_type_code: str | None = None
    display_name: str | None = None
    description: str | None = None
    validator_code: str | None = None
    validator_attrs: dict[str, Any] | None = None
    sort_order: int | None = None
    comfyui_node_id: str | None = None
    comfyui_field_name: str | None = None


class InputRow(_Row):
    """One entry of `inputs[]` in a request."""

    default_behavior_code: str | None = None
    is_required: bool | None = None
    default_value: Any = None


class OutputRow(_Row):
    """One entry of `outputs[]` in a request."""


class RowsError(Exception):
    """Rows that do not fit the prompt, each by its place in the body."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(errors)
        self.errors = errors


def contract_of_record(
    prompt: Prompt, inputs: Sequence[InputRow], outputs: Sequence[OutputRow]
) -> Contract:
    """The contract that a request is checked with. Raises RowsError."""
    served = served_contract(prompt)
    errors: list[FieldError] = []
    all_inputs = dict(served.inputs)
    for index, row in enumerate(inputs):
        said = _input_problem(row, served, prompt)
        if said:
            errors.append(FieldError(("body", "inputs", index, said[0]), said[1]))
        else:
            all_inputs[row.name] = _input(row, served.inputs.get(row.name), prompt)
    all_outputs = dict(served.outputs)
    for index, given in enumerate(outputs):
        said = _output_problem(given, served, prompt)
        if said:
            errors.append(FieldError(("body", "outputs", index, said[0]), said[1]))
        else:
            all_outputs[given.name] = _output(given, served.outputs.get(given.name), prompt)
    errors += _doubles("inputs", inputs) + _doubles("outputs", outputs)
    if errors:
        raise RowsError(errors)
    return Contract(inputs=_ordered(all_inputs, inputs), outputs=_ordered(all_outputs, outputs))


def input_rows(
    workflow_id: str, contract: Contract, given: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """`inputs[]` as a record shows it; what was given is handed back as it came."""
    by_name = {row["name"]: row for row in given}
    return [
        {
            "id": _row_id(workflow_id, "inputs", name),
            "name": name,
            "variable_type_code": TYPE_CODES[item.type],
            "display_name": item.display_name,
            "description": item.description,
            "default_behavior_code": "required" if item.required else "optional",
            "validator_code": None,
            "validator_attrs": _limits(item),
            "is_required": item.required,
            "default_value": item.default,
            "sort_order": order,
            "comfyui_node_id": item.node,
            "comfyui_field_name": item.field,
        }
        | dict(by_name.get(name, {}))
        for order, (name, item) in enumerate(contract.inputs.items())
    ]


def output_rows(
    workflow_id: str, contract: Contract, given: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """`outputs[]` as a record shows it; what was given is handed back as it came."""
    by_name = {row["name"]: row for row in given}
    return [
        {
            "id": _row_id(workflow_id, "outputs", name),
            "name": name,
            "variable_type_code": TYPE_CODES[item.type],
            "display_name": item.display_name,
            "description": item.description,
            "validator_code": None,
            "validator_attrs": None,
            "sort_order": order,
            "comfyui_node_id": item.node,
            "comfyui_field_name": None,
        }
        | dict(by_name.get(name, {}))
        for order, (name, item) in enumerate(contract.outputs.items())
    ]


def _input_problem(row: InputRow, served: Contract, prompt: Prompt) -> tuple[str, str] | None:
    """(field, what is wrong with it), or None."""
    if row.variable_type_code is not None and row.variable_type_code not in _INPUT_TYPES:
        return "variable_type_code", f"known: {', '.join(_INPUT_TYPES)}"
    limits = row.validator_attrs or {}
    for name in ("minimum", "maximum", "step"):
        value = limits.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            return "validator_attrs", f"{name} must be a number"
    choices = limits.get("choices")
    if choices is not None and not (
        isinstance(choices, list) and all(isinstance(choice, str) for choice in choices)
    ):
        return "validator_attrs", "choices must be a list of texts"
    if row.name in served.inputs:
        return _elsewhere(row, served.inputs[row.name].node)
    if row.comfyui_node_id not in prompt:
        return "comfyui_node_id", f"workflow_json has no node {row.comfyui_node_id}"
    if not row.comfyui_field_name:
        return "comfyui_field_name", "is needed where no Runflow node has this name"
    if row.comfyui_field_name not in prompt[row.comfyui_node_id]["inputs"]:
        return "comfyui_field_name", f"node {row.comfyui_node_id} has no input of that name"
    if row.variable_type_code is None:
        return "variable_type_code", "is needed where no Runflow node has this name"
    return None


def _output_problem(row: OutputRow, served: Contract, prompt: Prompt) -> tuple[str, str] | None:
    if row.variable_type_code is not None and row.variable_type_code not in _OUTPUT_TYPES:
        return "variable_type_code", f"known: {', '.join(_OUTPUT_TYPES)}"
    if row.name in served.outputs:
        return _elsewhere(row, served.outputs[row.name].node)
    if row.comfyui_node_id not in prompt:
        return "comfyui_node_id", f"workflow_json has no node {row.comfyui_node_id}"
    return None


def _elsewhere(row: _Row, node: str) -> tuple[str, str] | None:
    if row.comfyui_node_id in (None, node):
        return None
    return "comfyui_node_id", f"node {node} has this name already"


def _input(row: InputRow, served: ContractInput | None, prompt: Prompt) -> ContractInput:
    limits = row.validator_attrs or {}
    said = {
        "display_name": row.display_name,
        "description": row.description,
        "required": row.is_required,
        "default": row.default_value,
        **{name: limits.get(name) for name in _LIMITS},
    }
    refined = {name: value for name, value in said.items() if value is not None}
    if served:
        return served.model_copy(update=refined)
    node = str(row.comfyui_node_id)
    return ContractInput(
        type=_INPUT_TYPES[str(row.variable_type_code)],
        node=node,
        class_type=prompt[node]["class_type"],
        title=_title(prompt[node]),
        field=str(row.comfyui_field_name),
        **{"required": False, **refined},
    )


def _output(row: OutputRow, served: ContractOutput | None, prompt: Prompt) -> ContractOutput:
    said = {"display_name": row.display_name, "description": row.description}
    refined = {name: value for name, value in said.items() if value is not None}
    if served:
        return served.model_copy(update=refined)
    node = str(row.comfyui_node_id)
    return ContractOutput(
        type=_OUTPUT_TYPES[row.variable_type_code or "image"],
        node=node,
        class_type=prompt[node]["class_type"],
        title=_title(prompt[node]),
        **refined,
    )


def _title(node: Mapping[str, Any]) -> str | None:
    title = (node.get("_meta") or {}).get("title")
    return title if isinstance(title, str) and title != node["class_type"] else None


def _doubles(kind: str, rows: Sequence[_Row]) -> list[FieldError]:
    names = [row.name for row in rows]
    return [
        FieldError(("body", kind, index, "name"), f"`{name}` is there twice")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _ordered(items: dict[str, Any], rows: Sequence[_Row]) -> dict[str, Any]:
    """Each row that gives a `sort_order` at that place; the others stay as they are around it."""
    given = {row.name: row.sort_order for row in rows if row.sort_order is not None}
    names = [name for name in items if name not in given]
    for name, order in sorted(given.items(), key=lambda row: row[1]):
        names.insert(max(0, order), name)
    return {name: items[name] for name in names}


def _limits(item: ContractInput) -> dict[str, Any] | None:
    limits = {name: getattr(item, name) for name in _LIMITS}
    return {name: value for name, value in limits.items() if value is not None} or None


def _row_id(workflow_id: str, kind: str, name: str) -> str:
    """The same for as long as the workflow has an input or output of that name."""
    return str(uuid5(UUID(workflow_id), f"{kind}/{name}"))
