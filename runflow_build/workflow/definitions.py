"""What a node class takes and gives: definitions in ComfyUI's own shape, read on demand.

The raw shape is that of ComfyUI's /object_info: ``{class: {"input": {"required": {name: [type,
options]}, "optional": {…}}, "input_order": {…}, "output": [type…], "output_node": bool}}``, where
the type of a combo is the list of its choices, or "COMBO" with the choices in the options. What
/object_info does not say, a catalogue adds: ``"files": {input: folder}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from . import runflow_nodes
from .javascript import key_order

COMBO = "COMBO"

# What to do about a class that is not known.
DEFINE = (
    "take its definition from a ComfyUI that has the class: "
    "runflow record --from http://127.0.0.1:8188"
)

Source = Literal["runflow", "file", "catalogue"]

# Options of a combo whose choices are files that people upload.
UPLOADS = ("image_upload", "animated_image_upload", "video_upload", "audio_upload")


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
    ordered: bool = True  # whether ComfyUI said the order of inputs; old releases did not

    def input(self, name: str) -> InputDefinition | None:
        return next((one for one in self.inputs if one.name == name), None)


class Definitions:
    """Node definitions in layers: Runflow's own classes, then the project's file, then a catalogue.

    `file` holds what runflow.definitions.json says, `catalogue` what shipped with this release;
    both are mappings of class to raw definition. `comfyui` is which ComfyUI they are all for: its
    version, or its commit where that is no release; None: any.
    """

    def __init__(
        self,
        file: Mapping[str, Any] | None,
        catalogue: Mapping[str, Any],
        comfyui: str | None = None,
    ) -> None:
        self.comfyui = comfyui
        self._catalogue = catalogue
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
            self._parsed[class_type] = None if raw is None else node_definition(class_type, raw)
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
        return self.files(class_type).get(name)

    def files(self, class_type: str) -> Mapping[str, str]:
        """The inputs that name files or folders -> where those lie, as `file_folder` says."""
        return mapping(mapping(self._catalogue.get(class_type)).get("files"))

    def raw(self, class_type: str) -> Mapping[str, Any] | None:
        """The definition as ComfyUI gave it."""
        for _, layer in self._layers:
            if isinstance(found := layer.get(class_type), Mapping):
                return found
        return None


def node_definition(class_type: str, raw: Mapping[str, Any]) -> NodeDefinition:
    """A class, from its raw definition; what has no usable shape in that is left out."""
    return NodeDefinition(
        class_type=class_type,
        inputs=tuple(_inputs(raw)),
        outputs=tuple(
            COMBO if isinstance(one, list) else str(one) for one in sequence(raw.get("output"))
        ),
        output_node=bool(raw.get("output_node")),
        title=str(raw.get("display_name") or class_type),
        output_names=tuple(str(one) for one in sequence(raw.get("output_name"))),
        output_matchtypes=tuple(sequence(raw.get("output_matchtypes"))),
        pack=pack_of(raw.get("python_module")),
        ordered="input_order" in raw or "name" not in raw,  # stripped ones are in order
    )


def pack_of(module: Any) -> str | None:
    """The folder that a class was loaded from: `custom_nodes.ComfyUI-KJNodes` and the like."""
    if not isinstance(module, str) or not module.startswith("custom_nodes."):
        return None
    return module.removeprefix("custom_nodes.")


def _inputs(raw: Mapping[str, Any]) -> Iterable[InputDefinition]:
    """The inputs as the editor orders them.

    Those that `input_order` lists come first, the required before the optional; then the others. An
    input of both kinds is an optional one.
    Source: ComfyUI frontend 1.35.9, workbench/utils/nodeDefOrderingUtil.ts.
    """
    order = mapping(raw.get("input_order"))
    sections = mapping(raw.get("input"))
    specs = {
        name: (sequence(spec), section == "required")
        for section in ("required", "optional")
        for name, spec in mapping(sections.get(section)).items()
    }
    listed = [
        name
        for section in ("required", "optional")
        for name in sequence(order.get(section))
        if isinstance(name, str) and name in specs and specs[name][1] is (section == "required")
    ]
    for name in dict.fromkeys([*listed, *sorted(specs, key=key_order)]):
        yield input_definition(name, *specs[name])


def input_definition(name: str, spec: list[Any], required: bool) -> InputDefinition:
    """One input, from its entry in a raw definition."""
    options = mapping(spec[1]) if len(spec) > 1 else {}
    kind = spec[0] if spec else "*"
    if isinstance(kind, list):
        return InputDefinition(name, COMBO, options, required, tuple(kind))
    if kind == COMBO:
        choices = options.get("options")
        known = tuple(choices) if isinstance(choices, list) else None
        return InputDefinition(name, COMBO, options, required, known)
    return InputDefinition(name, str(kind), options, required)


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return list(value) if isinstance(value, list | tuple) else []
