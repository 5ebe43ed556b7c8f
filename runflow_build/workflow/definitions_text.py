"""Definitions as runflow.definitions.json and the catalogues write them: the exact text.

One class a line, sorted, and of each class what conversion, contract and validation read. What says
something of the machine that was asked is left out: the names of its files.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import WorkflowError
from ..findings import Finding
from .definitions import (
    Definitions,
    InputDefinition,
    NodeDefinition,
    input_definition,
    mapping,
    node_definition,
    sequence,
)

DEFINITIONS_FORMAT = 1

# Texts for people. All else may decide what a widget makes of a value, or with which other widget
# a primitive can share one.
_TEXTS = frozenset(("tooltip", "placeholder", "label_on", "label_off"))
_FILE_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,11}$")
# Files and folders that every ComfyUI brings: in input/, and the configurations of old checkpoints.
_BROUGHT = re.compile(r"example\.png|3d|anything_v3\.yaml|v[12]-in[a-z0-9_-]+\.yaml")


@dataclass(frozen=True)
class DefinitionsFile:
    """What a file of definitions says."""

    nodes: Mapping[str, Any]  # raw definitions by class
    comfyui: str | None = None  # which ComfyUI they are for: version or commit; None: it says none
    as_answered: bool = False  # as a ComfyUI gave them, with names of its machine's files


def definitions_text(definitions: Definitions, class_types: Iterable[str]) -> str:
    """The text of runflow.definitions.json for these classes.

    Runflow's own classes are left out (every release knows them), unknown ones too.
    """
    lines = []
    for name in sorted(set(class_types)):
        raw = definitions.raw(name)
        if raw is None or definitions.source(name) == "runflow":
            continue
        kept = json.dumps(stripped(raw, definitions.files(name)), ensure_ascii=False)
        lines.append(f"{json.dumps(name)}: {_utf8(kept)}")
    head = f'"definitions": {DEFINITIONS_FORMAT}'
    if definitions.comfyui:
        head += f', "comfyui": {json.dumps(definitions.comfyui)}'
    nodes = "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"
    return f'{{{head}, "nodes": {nodes}}}\n'


def stripped(
    definition: Mapping[str, Any], files: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A raw definition without what nothing here reads, its inputs in the editor's order.

    Choices that hold names of files are those of one machine, and left out, all of them: a part of
    a list would be a wrong list. So are those of an input that names folders; `files` says which
    inputs name what, as `Definitions.files`.
    """
    files = files or {}
    known = node_definition("", definition)
    inputs: dict[str, dict[str, Any]] = {}
    for one in known.inputs:
        section = inputs.setdefault("required" if one.required else "optional", {})
        section[one.name] = _spec(one, files.get(one.name))
    kept: dict[str, Any] = {"input": inputs}
    if order := _order(mapping(definition.get("input_order")), known, inputs):
        kept["input_order"] = order
    kept["output"] = list(known.outputs)
    if known.output_names and known.output_names != known.outputs:
        kept["output_name"] = list(known.output_names)
    if any(known.output_matchtypes):
        kept["output_matchtypes"] = list(known.output_matchtypes)
    if known.output_node:
        kept["output_node"] = True
    if title := definition.get("display_name"):
        kept["display_name"] = title
    if known.pack:
        kept["python_module"] = definition["python_module"]
    return kept


def _spec(one: InputDefinition, folder: str | None = None) -> list[Any]:
    """The input as written; `folder` is where its files lie, if ComfyUI's own."""
    options = {
        key: value
        for key, value in one.options.items()
        if key not in _TEXTS and not (isinstance(value, float) and not math.isfinite(value))
    }
    kind: Any = one.type
    if one.choices is not None:
        options.pop("options", None)
        kind = _portable(one.choices, folder)
        first = one.choices[0] if one.choices else None
        if len(kind) < len(one.choices) and not _is_local(first, folder):
            options.setdefault("default", first)  # what the editor starts with, as `None` or `auto`
    elif isinstance(rows := options.get("options"), list):  # choices that bring inputs
        options["options"] = [_with_inputs(row, "inputs") for row in rows]
    if "template" in options:  # of inputs that grow
        options["template"] = _with_inputs(options["template"], "input")
    return [kind, options] if options else [kind]


def _with_inputs(holder: Any, key: str) -> Any:
    """What holds inputs of its own, with those stripped."""
    sections = mapping(mapping(holder).get(key))
    if not sections:
        return holder
    inputs = {
        section: {
            name: _spec(input_definition(name, sequence(spec), section == "required"))
            for name, spec in mapping(sections[section]).items()
        }
        for section in ("required", "optional")
        if section in sections
    }
    return {**holder, key: inputs}


def _portable(choices: Sequence[Any], folder: str | None) -> list[Any]:
    """The choices where none is a machine's own; else those at most that every ComfyUI brings."""
    if not any(_is_local(choice, folder) for choice in choices):
        return list(choices)
    return [choice for choice in choices if folder and _is_brought(choice)]


def _is_local(choice: Any, folder: str | None) -> bool:
    """Whether a choice is a file or folder of the machine that was asked."""
    if not isinstance(choice, str) or (folder and _is_brought(choice)):
        return False
    return (folder or "").endswith("/") or _FILE_NAME.search(choice) is not None


def _is_brought(choice: Any) -> bool:
    return isinstance(choice, str) and _BROUGHT.fullmatch(choice) is not None


def _order(
    given: Mapping[str, Any], known: NodeDefinition, inputs: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The `input_order` that is needed where the places in the mappings do not tell the order."""
    names = [one.name for one in known.inputs]
    if not given or [one.name for one in node_definition("", {"input": inputs}).inputs] == names:
        return {}
    return {
        section: [name for name in names if name in rows and name in sequence(given.get(section))]
        for section, rows in inputs.items()
    }


def _utf8(text: str) -> str:
    """JSON with escapes for halves of surrogate pairs, which UTF-8 does not have."""
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def read_definitions(text: str) -> DefinitionsFile:
    """Read a runflow.definitions.json, or an answer of /object_info.

    Raises WorkflowError: `definitions-malformed`, `definitions-newer`.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _malformed(f"the file is not JSON: {error}") from None
    except RecursionError:
        raise _malformed("the JSON nests too deeply") from None
    if not isinstance(value, dict):
        raise _malformed("the file does not hold a mapping of node classes")
    nodes: Any = value
    comfyui = None
    if isinstance(number := value.get("definitions"), int):
        if number > DEFINITIONS_FORMAT:
            raise _newer(number)
        nodes, comfyui = value.get("nodes"), value.get("comfyui")
    if not isinstance(nodes, dict) or not all(
        isinstance(one, dict) and isinstance(one.get("input"), dict) for one in nodes.values()
    ):
        raise _malformed("the file does not hold a mapping of node classes")
    return DefinitionsFile(
        nodes, comfyui if isinstance(comfyui, str) else None, as_answered=nodes is value
    )


def _newer(number: int) -> WorkflowError:
    return WorkflowError(
        Finding(
            "definitions-newer",
            f"the definitions are of format {number}; this release knows up to "
            f"{DEFINITIONS_FORMAT}",
            fix="install a newer release of runflow-build",
        )
    )


def _malformed(message: str) -> WorkflowError:
    return WorkflowError(
        Finding("definitions-malformed", message, fix="write it anew with `runflow lock`")
    )
