"""Whether `workflow_json` is a prompt at all: the shape that everything behind it relies on."""

from __future__ import annotations

from typing import Any

from ..workflow.drawing import KINDS
from ..workflow.reach import link_of
from .problem import FieldError

_SHOWN_ERRORS = 50


def prompt_problems(prompt: dict[str, Any]) -> list[FieldError]:
    """What keeps this object from being a prompt, each by its place in the body; empty: nothing.

    The shape is `{id: {"class_type": str, "inputs": {name: value | [id, slot]}}}`; every link
    goes to a node that is there.
    """
    if not prompt:
        return [FieldError(("body", "workflow_json"), "has no nodes")]
    if isinstance(prompt.get("nodes"), list):
        message = "is an editor graph; send it as `graph`, and the API-format prompt here"
        return [FieldError(("body", "workflow_json"), message)]
    errors: list[FieldError] = []
    for node_id, node in prompt.items():
        errors += _node_problems(node_id, node, prompt)
        if len(errors) >= _SHOWN_ERRORS:
            break
    return errors


def _node_problems(node_id: str, node: Any, prompt: dict[str, Any]) -> list[FieldError]:
    place = ("body", "workflow_json", node_id)
    if not isinstance(node, dict):
        return [FieldError(place, "must be an object with `class_type` and `inputs`")]
    class_type = node.get("class_type")
    if not isinstance(class_type, str) or not class_type:
        return [FieldError((*place, "class_type"), "must be the name of a node class")]
    inputs = node.get("inputs")
    if not isinstance(inputs, dict):
        return [FieldError((*place, "inputs"), "must be an object from name to value")]
    if not isinstance(node.get("_meta", {}), dict):
        return [FieldError((*place, "_meta"), "must be an object")]
    if not _is_drawing(node.get("_meta", {}).get("drawn", {})):
        kinds = " or ".join(KINDS)
        message = f"must be an object from the name of an input to {kinds}"
        return [FieldError((*place, "_meta", "drawn"), message)]
    return [
        FieldError((*place, "inputs", name), f"links to node {link[0]}, which is not there")
        for name, value in inputs.items()
        if (link := link_of(value)) and link[0] not in prompt
    ]


def _is_drawing(marks: Any) -> bool:
    """Whether these are marks that every run can follow."""
    return isinstance(marks, dict) and all(kind in KINDS for kind in marks.values())
