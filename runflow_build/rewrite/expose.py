"""Exposed fields and outputs become Runflow nodes, so that any server sees them in the prompt.

Where no link can go into a field (a combo, a file list), the caller's value is put into the field
itself, and the contract says where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..workflow import runflow_nodes
from ..workflow.contract import PICTURE_SINKS
from ..workflow.contract_model import Contract, ContractInput, ContractOutput
from ..workflow.declared import default_place
from ..workflow.definitions import Definitions
from ..workflow.drawing import drawn_fields, marked
from ..workflow.model import Prompt
from ..workflow.reach import link_of
from .trim import VALUE, is_runflow_input

_CLASS_OF_TYPE: Mapping[str, str] = {
    node.type: node.class_type for node in runflow_nodes.INPUTS.values() if node.type != "FILE"
}
_LOADER = "LoadImage"
_LOADER_FIELD = "image"
_INPUT_IMAGE = "RunflowInputImage"
_OUTPUT_IMAGE = "RunflowOutputImage"


def expose(prompt: Prompt, contract: Contract, definitions: Definitions) -> tuple[Prompt, Contract]:
    """The prompt with a Runflow node for each exposed field and output, and its contract.

    Runflow nodes that the author placed get what runflow.yaml says about them written into their
    widgets. Injected nodes are called `runflow-<input or output id>`; all other ids stay.
    """
    exposure = _Exposure(dict(prompt), definitions)
    inputs = {key: exposure.input(key, row) for key, row in contract.inputs.items()}
    inputs = {key: exposure.with_true_default(row) for key, row in inputs.items()}
    outputs = {key: exposure.output(key, row) for key, row in contract.outputs.items()}
    return exposure.prompt, Contract(inputs=inputs, outputs=outputs)


class _Exposure:
    """A prompt on its way; nodes are replaced in it, never changed."""

    def __init__(self, prompt: Prompt, definitions: Definitions) -> None:
        self.prompt = prompt
        self.definitions = definitions

    def input(self, key: str, row: ContractInput) -> ContractInput:
        if is_runflow_input(row):
            self._refine(key, row)
            return row
        if row.type == "IMAGE" and row.class_type == _LOADER and row.field == _LOADER_FIELD:
            return self._in_place_of_loader(key, row)
        if row.type in _CLASS_OF_TYPE and self._takes_link(row):
            return self._in_front_of_field(key, row)
        self._set_directly(row)
        return row

    def with_true_default(self, row: ContractInput) -> ContractInput:
        """The row without its default, where a required input has taken the default's place."""
        if row.type != "IMAGE" or row.default is None or not is_runflow_input(row):
            return row
        if self._has_default(row, self.prompt[row.node]["inputs"]):
            return row
        return row.model_copy(update={"default": None})

    def output(self, key: str, row: ContractOutput) -> ContractOutput:
        inputs = self.prompt[row.node]["inputs"]
        if row.class_type in runflow_nodes.OUTPUTS:
            widgets = {"output_id": key, "output_name": row.display_name or ""}
            self._set(row.node, widgets)
            return row
        socket = PICTURE_SINKS.get(row.class_type)
        if socket is None or link_of(inputs.get(socket)) is None:
            return row
        shape = {"output_id": key, "output_name": row.display_name or "", VALUE: inputs[socket]}
        node_id = self._add(f"runflow-{key}", _OUTPUT_IMAGE, shape)
        return row.model_copy(update={"node": node_id, "class_type": _OUTPUT_IMAGE, "title": None})

    def _refine(self, key: str, row: ContractInput) -> None:
        """Write the contract into the widgets of the author's own Runflow Input."""
        former = self.prompt[row.node]["inputs"]
        widgets = _widgets(key, row, former)
        if not row.required and row.default is not None and not self._has_default(row, former):
            default = row.default
            if row.type == "IMAGE":
                default = [
                    self._add(f"runflow-{key}-default", _LOADER, {_LOADER_FIELD: default}),
                    0,
                ]
            widgets[VALUE] = default
        self._set(row.node, widgets, self._drawing(row, widgets.get(VALUE)))

    def _has_default(self, row: ContractInput, former: Mapping[str, Any]) -> bool:
        """Whether the node gives the contract's default by itself."""
        if row.type == "FILE" and VALUE not in former:
            return bool(former.get("file_name") == row.default)
        link = link_of(former.get(VALUE)) if row.type == "IMAGE" else None
        origin = self.prompt.get(link[0]) if link else None
        while origin and origin["class_type"] == _INPUT_IMAGE:  # the loader is exposed, too
            link = link_of(origin["inputs"].get(VALUE))
            origin = self.prompt.get(link[0]) if link else None
        return origin is not None and bool(origin["inputs"].get(_LOADER_FIELD) == row.default)

    def _set_directly(self, row: ContractInput) -> None:
        """The field itself is the input: give it the default, and no file of the author's."""
        if row.required and row.type in ("IMAGE", "FILE"):
            self._set(row.node, {row.field: ""})
        elif not row.required and row.default is not None:
            self._set(row.node, {row.field: row.default})

    def _in_front_of_field(self, key: str, row: ContractInput) -> ContractInput:
        former = self.prompt[row.node]["inputs"].get(row.field)
        shape = _widgets(key, row, {})
        if not row.required:
            # A wired field keeps its wiring as the default, unless runflow.yaml gives another.
            default = former if link_of(former) and row.default is None else row.default
            if default is not None:
                shape[VALUE] = default
        injected = self._inject_input(key, row, shape, self._drawing(row, shape.get(VALUE)))
        self._set(row.node, {row.field: [injected.node, 0]})
        return injected

    def _in_place_of_loader(self, key: str, row: ContractInput) -> ContractInput:
        """Rewire what shows the loader's picture; the loader itself stays behind as the default.

        Its mask would still be that of the default picture. So where something uses the mask, the
        caller's file name goes into the loader itself.
        """
        used = self._slots_used(row.node)
        if not used or any(slot != 0 for _, _, slot in used):
            self._set_directly(row)
            return row
        shape = _widgets(key, row, {})
        if not row.required:
            self._set_directly(row)
            shape[VALUE] = [row.node, 0]
        injected = self._inject_input(key, row, shape)
        for node_id, field, _ in used:
            self._set(node_id, {field: [injected.node, 0]})
        return injected

    def _slots_used(self, origin: str) -> list[tuple[str, str, int]]:
        """Who takes what from a node: (consumer, its field, the origin's slot)."""
        return [
            (node_id, field, link[1])
            for node_id, node in self.prompt.items()
            for field, value in node["inputs"].items()
            if (link := link_of(value)) and link[0] == origin
        ]

    def _takes_link(self, row: ContractInput) -> bool:
        """Whether ComfyUI accepts a link of the input's type in the field."""
        definition = self.definitions.get(row.class_type)
        field = definition.input(row.field) if definition else None
        if field is None or field.options.get("socketless"):
            return False
        types = {one.strip() for one in field.type.split(",")}
        return bool(types & {row.type, "*"})

    def _drawing(self, row: ContractInput, default: Any) -> dict[str, str]:
        """The mark of a `value` whose default is the author's own text, to be drawn at each run."""
        node_id, name = default_place(self.prompt, row)
        node = self.prompt[node_id]
        kind = drawn_fields(node).get(name)
        return {VALUE: kind} if kind and node["inputs"].get(name) == default else {}

    def _inject_input(
        self,
        key: str,
        row: ContractInput,
        shape: dict[str, Any],
        drawing: Mapping[str, str] | None = None,
    ) -> ContractInput:
        class_type = _CLASS_OF_TYPE[row.type]
        node_id = self._add(f"runflow-{key}", class_type, shape, drawing)
        return row.model_copy(
            update={"node": node_id, "class_type": class_type, "field": VALUE, "title": None}
        )

    def _add(
        self,
        wanted_id: str,
        class_type: str,
        inputs: dict[str, Any],
        drawing: Mapping[str, str] | None = None,
    ) -> str:
        """Put a node into the prompt; returns its id."""
        node_id, count = wanted_id, 1
        while node_id in self.prompt:  # the author's own node, or an output beside an input
            count += 1
            node_id = f"{wanted_id}-{count}"
        self.prompt[node_id] = marked({"class_type": class_type, "inputs": inputs}, drawing or {})
        return node_id

    def _set(
        self, node_id: str, fields: Mapping[str, Any], drawing: Mapping[str, str] | None = None
    ) -> None:
        """Set inputs of a node. One whose value changes is not drawn, unless `drawing` has it."""
        node = self.prompt[node_id]
        former, inputs = node["inputs"], {**node["inputs"], **fields}
        marks = {
            name: kind
            for name, kind in drawn_fields(node).items()
            if inputs.get(name) == former.get(name)
        }
        self.prompt[node_id] = marked({**node, "inputs": inputs}, {**marks, **(drawing or {})})


def _widgets(key: str, row: ContractInput, former: Mapping[str, Any]) -> dict[str, Any]:
    """The widget values of a Runflow Input; limits that it neither has nor had are left out."""
    values = {
        "input_id": key,
        "display_name": row.display_name or "",
        "description": row.description or "",
        "required": row.required,
        "minimum": _limit(row.minimum),
        "maximum": _limit(row.maximum),
        "step": _limit(row.step),
        "choices": "\n".join(row.choices or []),
    }
    class_type = row.class_type if is_runflow_input(row) else _CLASS_OF_TYPE[row.type]
    node = runflow_nodes.INPUTS[class_type]
    optional = {widget.name for widget in node.limits}
    return {
        widget.name: values[widget.name]
        for widget in node.widgets
        if widget.name in values
        and (widget.name not in optional or values[widget.name] or widget.name in former)
    }


def _limit(number: int | float | None) -> str:
    if number is None:
        return ""
    return str(int(number)) if number == int(number) else str(number)
