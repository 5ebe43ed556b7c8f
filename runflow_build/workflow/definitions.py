"""What a node class takes and gives: definitions in ComfyUI's own shape, read on demand.

The raw shape is that of ComfyUI's /object_info: ``{class: {"input": {"required": {name: [type,
options]}, "optional": {…}}, "input_order": {…}, "output": [type…], "output_node": bool}}``, where
the type of a combo is the list of its choices, or "COMBO" with the choices in the options. What
/object_info does not say, a catalogue adds: ``"files": {input: folder}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import WorkflowError
from ..findings import Finding
from . import runflow_nodes

DEFINITIONS_FORMAT = 1
COMBO = "COMBO"

# What to do about a class that is not known; `lock` keeps of that file only what is in use.
DEFINE = (
    "save the definitions of a ComfyUI that has the class beside runflow.yaml: "
    "curl http://127.0.0.1:8188/object_info -o runflow.definitions.json"
)

Source = Literal["runflow", "file", "catalogue"]

# Options of a combo whose choices are files that people upload.
UPLOADS = ("image_upload", "animated_image_upload", "video_upload", "audio_upload")

# What conversion, contract and validation read; everything else (help texts, layout) is left out.
KEPT_OPTIONS = (
    "default",
    "min",
    "max",
    "step",
    "round",
    "options",
    "multiselect",
    "dynamicPrompts",
    "control_after_generate",
    "forceInput",
    "widgetType",
    "socketless",
    "template",
    "remote",
    *UPLOADS,
    "image_folder",
)


@dataclass(frozen=True)
class InputDefinition:
    """One input of a class, socket or widget."""

    name: str
    type: str  # COMBO, INT, IMAGE …; several types joined by commas
    options: Mapping[str, Any]
    required: bool
    choices: tuple[Any, ...] | None = None  # of a combo; None: not known


@dataclass(frozen=True)
class NodeDefinition:
    """One node class; the inputs in the order in which the editor builds their widgets."""

    class_type: str
    inputs: tuple[InputDefinition, ...]
    outputs: tuple[str, ...]  # types, by slot
    output_node: bool
    title: str  # what the editor calls a node that its author has not renamed
    output_names: tuple[str, ...] = ()  # by slot, as far as the class names them
    output_matchtypes: tuple[str | None, ...] = ()  # template that an output takes its type from
    pack: str | None = None  # folder of the node pack that brings it; None: ComfyUI itself

    def input(self, name: str) -> InputDefinition | None:
        return next((one for one in self.inputs if one.name == name), None)


class Definitions:
    """Node definitions in layers: Runflow's own classes, then the project's file, then a catalogue.

    `file` holds what runflow.definitions.json says, `catalogue` what shipped with this release;
    both are mappings of class to raw definition.
    """

    def __init__(self, file: Mapping[str, Any] | None, catalogue: Mapping[str, Any]) -> None:
        self._layers: tuple[tuple[Source, Mapping[str, Any]], ...] = (
            ("runflow", runflow_nodes.definitions()),
            ("file", file or {}),
            ("catalogue", catalogue),
        )
        self._parsed: dict[str, NodeDefinition | None] = {}

    def get(self, class_type: str) -> NodeDefinition | None:
        """The definition, or None for a class that no layer knows."""
        if class_type not in self._parsed:
            raw = self.raw(class_type)
            self._parsed[class_type] = None if raw is None else _node_definition(class_type, raw)
        return self._parsed[class_type]

    def source(self, class_type: str) -> Source | None:
        """Which layer knows the class."""
        return next((name for name, layer in self._layers if class_type in layer), None)

    def shipped(self, class_type: str) -> bool:
        """Whether ComfyUI itself, or Runflow, brings the class; the project's file has no say."""
        return any(name != "file" and class_type in layer for name, layer in self._layers)

    def file_folder(self, class_type: str, name: str) -> str | None:
        """Where the files lie that an input names: `models/loras`, `input`; None: it names none.

        With a slash at the end (`models/diffusers/`) the input names a folder that lies there.
        """
        for _, layer in self._layers:
            folder = _mapping(_mapping(layer.get(class_type)).get("files")).get(name)
            if isinstance(folder, str):
                return folder
        return None

    def raw(self, class_type: str) -> Mapping[str, Any] | None:
        """The definition as ComfyUI gave it."""
        for _, layer in self._layers:
            if isinstance(found := layer.get(class_type), Mapping):
                return found
        return None


def stripped(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A raw definition without what nothing here reads, its inputs in the editor's order."""
    inputs: dict[str, dict[str, Any]] = {}
    for one in _node_definition("", definition).inputs:
        options = {key: one.options[key] for key in KEPT_OPTIONS if key in one.options}
        if one.choices is not None:
            options.pop("options", None)
        shape: list[Any] = [one.type if one.choices is None else list(one.choices)]
        inputs.setdefault("required" if one.required else "optional", {})[one.name] = (
            [*shape, options] if options else shape
        )
    kept: dict[str, Any] = {"input": inputs, "output": list(definition.get("output") or [])}
    if definition.get("output_node"):
        kept["output_node"] = True
    if title := definition.get("display_name"):
        kept["display_name"] = title
    if any(templates := _sequence(definition.get("output_matchtypes"))):
        kept["output_matchtypes"] = templates
    if _pack(module := definition.get("python_module")):
        kept["python_module"] = module
    return kept


def definitions_text(definitions: Definitions, class_types: Iterable[str]) -> str:
    """The text of runflow.definitions.json for these classes: one line each, sorted.

    Runflow's own classes are left out (every release knows them), unknown ones too.
    """
    lines = [
        f"{json.dumps(name)}: {_utf8(json.dumps(stripped(raw), ensure_ascii=False))}"
        for name in sorted(set(class_types))
        if definitions.source(name) != "runflow" and (raw := definitions.raw(name)) is not None
    ]
    nodes = "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"
    return f'{{"definitions": {DEFINITIONS_FORMAT}, "nodes": {nodes}}}\n'


def _utf8(text: str) -> str:
    """JSON with escapes for halves of surrogate pairs, which UTF-8 does not have."""
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def read_definitions(text: str) -> Mapping[str, Any]:
    """The raw definitions in a runflow.definitions.json, or in an answer of /object_info.

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
    number = value.get("definitions")
    if isinstance(number, int):
        if number > DEFINITIONS_FORMAT:
            raise WorkflowError(
                Finding(
                    "definitions-newer",
                    f"the definitions are of format {number}; this release knows up to "
                    f"{DEFINITIONS_FORMAT}",
                    fix="install a newer release of runflow-build",
                )
            )
        value = value.get("nodes")
    if not isinstance(value, dict) or not all(
        isinstance(one, dict) and isinstance(one.get("input"), dict) for one in value.values()
    ):
        raise _malformed("the file does not hold a mapping of node classes")
    return value


def _malformed(message: str) -> WorkflowError:
    return WorkflowError(
        Finding("definitions-malformed", message, fix="write it anew with `runflow lock`")
    )


def _node_definition(class_type: str, raw: Mapping[str, Any]) -> NodeDefinition:
    return NodeDefinition(
        class_type=class_type,
        inputs=tuple(_inputs(raw)),
        outputs=tuple(
            COMBO if isinstance(one, list) else str(one) for one in _sequence(raw.get("output"))
        ),
        output_node=bool(raw.get("output_node")),
        title=str(raw.get("display_name") or class_type),
        output_names=tuple(str(one) for one in _sequence(raw.get("output_name"))),
        output_matchtypes=tuple(_sequence(raw.get("output_matchtypes"))),
        pack=_pack(raw.get("python_module")),
    )


def _pack(module: Any) -> str | None:
    """The folder that a class was loaded from: `custom_nodes.ComfyUI-KJNodes` and the like."""
    if not isinstance(module, str) or not module.startswith("custom_nodes."):
        return None
    return module.removeprefix("custom_nodes.")


def _inputs(raw: Mapping[str, Any]) -> Iterable[InputDefinition]:
    order = _mapping(raw.get("input_order"))
    sections = _mapping(raw.get("input"))
    for section in ("required", "optional"):
        inputs = _mapping(sections.get(section))
        first = [name for name in _sequence(order.get(section)) if name in inputs]
        for name in dict.fromkeys([*first, *inputs]):
            yield input_definition(name, _sequence(inputs[name]), section == "required")


def input_definition(name: str, spec: list[Any], required: bool) -> InputDefinition:
    """One input, from its entry in a raw definition."""
    options = _mapping(spec[1]) if len(spec) > 1 else {}
    kind = spec[0] if spec else "*"
    if isinstance(kind, list):
        return InputDefinition(name, COMBO, options, required, tuple(kind))
    if kind == COMBO:
        choices = options.get("options")
        known = tuple(choices) if isinstance(choices, list) else None
        return InputDefinition(name, COMBO, options, required, known)
    return InputDefinition(name, str(kind), options, required)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
