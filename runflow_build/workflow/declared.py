"""The inputs and outputs that Runflow's own nodes declare in a prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..findings import Finding
from .contract_model import ContractInput, ContractOutput
from .model import Prompt, where_in
from .reach import link_of
from .runflow_nodes import INPUTS, OUTPUTS, RunflowInput

# Nodes whose output is one of their own values; what an author wires as a default.
_CONSTANTS: Mapping[str, str] = {
    "PrimitiveInt": "value",
    "PrimitiveFloat": "value",
    "PrimitiveString": "value",
    "PrimitiveStringMultiline": "value",
    "PrimitiveBoolean": "value",
    "LoadImage": "image",
}
_FILE_NAME = "file_name"  # of RunflowInputFile


def declared_inputs(prompt: Prompt) -> tuple[dict[str, ContractInput], list[Finding]]:
    """The inputs by id, in the prompt's order; of two with one id the first.

    Findings: `contract-id-blank`, `contract-id-duplicate`, `contract-limit`.
    """
    inputs: dict[str, ContractInput] = {}
    findings: list[Finding] = []
    for node, body in prompt.items():
        kind = INPUTS.get(body["class_type"])
        if kind is None:
            continue
        name = _id(prompt, node, "input_id", findings)
        if name is None:
            continue
        if name in inputs:
            findings.append(_duplicate(prompt, name, inputs[name].node, node, "input_id"))
            continue
        inputs[name] = _input(prompt, node, kind, findings)
    return inputs, findings


def declared_outputs(prompt: Prompt) -> tuple[dict[str, ContractOutput], list[Finding]]:
    """The outputs by id, in the prompt's order; of two with one id the first.

    Findings: `contract-id-blank`, `contract-id-duplicate`.
    """
    outputs: dict[str, ContractOutput] = {}
    findings: list[Finding] = []
    for node, body in prompt.items():
        kind = OUTPUTS.get(body["class_type"])
        if kind is None:
            continue
        name = _id(prompt, node, "output_id", findings)
        if name is None:
            continue
        if name in outputs:
            findings.append(_duplicate(prompt, name, outputs[name].node, node, "output_id"))
            continue
        outputs[name] = ContractOutput(
            type=kind.type,
            node=node,
            class_type=kind.class_type,
            title=own_title(prompt, node, kind.display_name),
            display_name=_text(body["inputs"].get("output_name")),
        )
    return outputs, findings


def default_of(prompt: Prompt, declared: ContractInput) -> Any:
    """The value that stands in the workflow when the caller gives none, or None.

    A literal is itself; a link to a constant or to LoadImage is that node's value.
    """
    node, field = default_place(prompt, declared)
    value = prompt[node]["inputs"].get(field)
    if field == _FILE_NAME != declared.field:
        return _text(value)
    return None if isinstance(value, list | dict) else value


def default_place(prompt: Prompt, declared: ContractInput) -> tuple[str, str]:
    """The (node id, field) where the default stands."""
    inputs = prompt[declared.node]["inputs"]
    value = inputs.get(declared.field)
    if declared.class_type == "RunflowInputFile" and value in (None, ""):
        return declared.node, _FILE_NAME
    if (link := link_of(value)) and link[0] in prompt:
        return link[0], _CONSTANTS.get(prompt[link[0]]["class_type"], "")
    return declared.node, declared.field


def own_title(prompt: Prompt, node: str, display_name: str | None) -> str | None:
    """The title that the author gave the node, or None where it goes by its class."""
    where = where_in(prompt, node)
    return where.title if where.title not in (where.class_type, display_name) else None


def _input(prompt: Prompt, node: str, kind: RunflowInput, findings: list[Finding]) -> ContractInput:
    inputs = prompt[node]["inputs"]
    limits = {}
    for name in ("minimum", "maximum", "step"):
        if any(widget.name == name for widget in kind.limits):
            limits[name] = _limit(prompt, node, kind, name, findings)
    declared = ContractInput(
        type=kind.type,
        required=inputs.get("required", True) is not False,
        node=node,
        class_type=kind.class_type,
        title=own_title(prompt, node, kind.display_name),
        field="value",
        display_name=_text(inputs.get("display_name")),
        description=_text(inputs.get("description")),
        choices=_choices(inputs.get("choices")) if kind.type == "STRING" else None,
        **limits,
    )
    if declared.required:
        return declared
    return declared.model_copy(update={"default": default_of(prompt, declared)})


def _id(prompt: Prompt, node: str, field: str, findings: list[Finding]) -> str | None:
    name = _text(prompt[node]["inputs"].get(field))
    if name is None:
        findings.append(
            Finding(
                "contract-id-blank",
                f"node {node} has no `{field}`, so no caller could name it",
                where_in(prompt, node, field),
                fix="write a short name into the node, unique in the workflow",
            )
        )
    return name


def _duplicate(prompt: Prompt, name: str, first: str, second: str, field: str) -> Finding:
    return Finding(
        "contract-id-duplicate",
        f"two nodes have the {field.replace('_', ' ')} `{name}`",
        where_in(prompt, second, field),
        (("also", where_in(prompt, first, field).node_text()),),
        "give one of them another id",
    )


def _limit(
    prompt: Prompt, node: str, kind: RunflowInput, name: str, findings: list[Finding]
) -> float | int | None:
    value = prompt[node]["inputs"].get(name)
    if value is None or value == "":
        return None
    number = _number(value)
    if number is not None and (kind.type == "FLOAT" or isinstance(number, int)):
        return number
    what = "a whole number" if kind.type == "INT" else "a number"
    findings.append(
        Finding(
            "contract-limit",
            f"`{name}` of node {node} is not {what}: {str(value)[:40]!r}",
            where_in(prompt, node, name),
            fix=f"write {what}, or leave it empty for no limit",
        )
    )
    return None


def _number(value: Any) -> float | int | None:
    """A number from a number or its text; None for anything else, NaN and infinity included."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _choices(value: Any) -> list[str] | None:
    """One choice per line, blank lines left out."""
    lines = value.splitlines() if isinstance(value, str) else []
    return [line.strip() for line in lines if line.strip()] or None


def _text(value: Any) -> str | None:
    """A text without white space around it; None when nothing is left, or it is no text."""
    return value.strip() or None if isinstance(value, str) else None
