"""A prompt checked as ComfyUI checks it before queueing, by what the engine finds wrong with it.

Each output is checked by itself: those that pass run, whatever is wrong with the others. Source:
execution.py validate_prompt and validate_inputs at 3cd7b32f; a finding has its kinds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nodes
from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import planning
from runflow_build.errors import EngineError
from runflow_build.findings import Finding
from runflow_build.workflow.reach import link_of, reached

_MESSAGES = {
    "required_input_missing": "Required input is missing",
    "invalid_input_type": "An input value has the wrong type",
    "value_smaller_than_min": "Value smaller than its minimum",
    "value_bigger_than_max": "Value bigger than its maximum",
    "value_not_in_list": "Value not in list",
    "bad_linked_input": "Bad linked input, must be a length-2 list of [node_id, slot_index]",
    "return_type_mismatch": "Return type mismatch between linked nodes",
    "custom_validation_failed": "Custom validation failed for node",
    "exception_during_validation": "Exception when validating node",
    "exception_during_inner_validation": "Exception when validating inner node",
    "dependency_cycle": "Dependency cycle detected",
    "not_in_the_stand_in": "The stand-in for ComfyUI cannot run this class",
}
_ABOUT_VALUES = {
    "invalid_input_type",
    "value_smaller_than_min",
    "value_bigger_than_max",
    "value_not_in_list",
}


@dataclass
class Checked:
    """What ComfyUI answers about a prompt; with an `error` it is refused."""

    outputs: list[str] = field(default_factory=list)  # those that can run
    node_errors: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None


def check(
    prompt: Mapping[str, Any],
    only: Collection[str] | None,
    known: planning.Known,
    folders: RunFolders,
) -> Checked:
    """`only`: the outputs that are wanted, as `partial_execution_targets` names them."""
    for node, content in prompt.items():
        if "class_type" not in content:
            return _refused("invalid_prompt", "A node has no class_type.", f"Node ID '#{node}'")
        if (name := content["class_type"]) not in nodes.NODE_CLASS_MAPPINGS:
            message = f"Cannot execute because node {name} does not exist."
            return _refused("invalid_prompt", message, f"Node ID '#{node}'")
    outputs = [node for node in prompt if _is_output(prompt[node]) and (not only or node in only)]
    if not outputs:
        return _refused("prompt_no_outputs", "Prompt has no outputs")
    checked = Checked()
    for output in outputs:
        findings = _findings(part_of(prompt, [output]), known, folders)
        if not findings:
            checked.outputs.append(output)
        for finding in findings:
            _add(checked.node_errors, finding, prompt, output)
    if not checked.outputs:
        refused = _refused("prompt_outputs_failed_validation", "Prompt outputs failed validation")
        checked.error = refused.error
    return checked


def part_of(prompt: Mapping[str, Any], outputs: Collection[str]) -> dict[str, Any]:
    """The nodes that the outputs need."""
    needed = reached(dict(prompt), outputs)
    return {node: content for node, content in prompt.items() if node in needed}


def _findings(
    prompt: dict[str, Any], known: planning.Known, folders: RunFolders
) -> Sequence[Finding]:
    try:
        planning.plan(prompt, known, folders)
    except EngineError as error:
        return error.findings
    return ()


def _is_output(content: Mapping[str, Any]) -> bool:
    return bool(getattr(nodes.NODE_CLASS_MAPPINGS[content["class_type"]], "OUTPUT_NODE", False))


def _refused(kind: str, message: str, details: str = "") -> Checked:
    return Checked(error={"type": kind, "message": message, "details": details, "extra_info": {}})


def _add(
    node_errors: dict[str, Any], finding: Finding, prompt: Mapping[str, Any], output: str
) -> None:
    node = finding.where.node or output
    told = node_errors.setdefault(
        node,
        {"errors": [], "dependent_outputs": [], "class_type": prompt[node]["class_type"]},
    )
    error = _error(finding, prompt[node])
    if error not in told["errors"]:
        told["errors"].append(error)
    if output not in told["dependent_outputs"]:
        told["dependent_outputs"].append(output)


def _error(finding: Finding, content: Mapping[str, Any]) -> dict[str, Any]:
    kind = dict(finding.also).get("kind", "not_in_the_stand_in")
    if kind == "invalid_prompt":  # a node without inputs: ComfyUI's own check stumbles over it
        kind = "exception_during_validation"
    name = finding.where.field
    about: dict[str, Any] = {"input_name": name} if name else {}
    value = content.get("inputs", {}).get(name)
    if kind in _ABOUT_VALUES:
        about |= {"input_config": _config(content["class_type"], name), "received_value": value}
    elif link := link_of(value):
        about |= {"input_config": _config(content["class_type"], name), "linked_node": list(link)}
    return {
        "type": kind,
        "message": _MESSAGES[kind],
        "details": f"{name} - {finding.message}" if name else finding.message,
        "extra_info": about,
    }


def _config(class_type: str, name: str | None) -> Any:
    sections = nodes.NODE_CLASS_MAPPINGS[class_type].INPUT_TYPES()  # type: ignore[attr-defined]
    return next((fields[name] for fields in sections.values() if name in fields), None)
