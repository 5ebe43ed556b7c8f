"""The open canvas to the prompt that the editor would send.

Source: ComfyUI frontend 1.35.9, utils/executionUtil.ts `graphToPrompt`.
"""

from __future__ import annotations

from typing import Any

from ...findings import Finding
from ..javascript import key_order, plain
from ..model import Prompt
from ..texts import has_date, settled_text
from . import remarks
from .canvas import ABSENT, Canvas, Mode, Node, Role, Widget
from .group_nodes import write_inside
from .guessing import guessed_values, primitive_value
from .losses import lost_links
from .ordering import execution_order
from .primitives import apply_primitive
from .replacing import SAVERS, Names
from .subgraphs import carry_in
from .wires import Box, Dangling, Loop, Origin, Shown, Wires

# Widgets whose value is made when a prompt is sent, and what it is.
_LIVE = {"webcam": "a camera's picture", "load_3d": "pictures of its 3D view"}


class Sending:
    """One canvas on its way to a prompt; collects what it meets."""

    def __init__(self, canvas: Canvas) -> None:
        self.errors: list[Finding] = []
        self.notes: list[Finding] = []
        self._canvas = canvas
        self._names = Names(canvas)

    def prompt(self) -> Prompt:
        """The nodes that are sent, each with what its widgets and links say."""
        order = execution_order(self._canvas)
        self._act(order)
        wires = Wires(self._canvas, order)
        prompt: Prompt = {}
        for box in wires.boxes.values():
            node = box.node
            if not node.virtual and node.mode not in (Mode.MUTED, Mode.BYPASSED):
                prompt[box.id] = self._body(box, wires)
        for id, body in prompt.items():
            inputs = body["inputs"]
            for name, value in list(inputs.items()):
                if isinstance(value, list) and value[0] not in prompt:
                    del inputs[name]
                    if wires.boxes[value[0]].node.mode != Mode.MUTED:
                        self.notes.append(remarks.lost(wires.boxes[id], name))
        self.notes += [remarks.lost(*one) for one in lost_links(wires.boxes.values())]
        self.notes += [remarks.straight_through(box) for box in wires.straight.values()]
        return {id: prompt[id] for id in sorted(prompt, key=key_order)}

    def _act(self, order: list[Node]) -> None:
        """Let virtual nodes write into others, and instances into what they show."""
        canvases = _canvases(order, self._canvas)
        for nodes, canvas in canvases:
            names = Names(canvas)
            for node in nodes:
                if node.role is Role.PRIMITIVE:
                    apply_primitive(node, names.replaced)
        for nodes, canvas in canvases:
            carry_in(canvas)
            for node in nodes:
                if node.role is Role.GROUP:
                    write_inside(node, node.group)

    def _body(self, box: Box, wires: Wires) -> dict[str, Any]:
        node = box.node
        meta: dict[str, Any] = {"title": node.title}
        fed = self._fed(box, wires)
        if node.role is Role.UNKNOWN:
            inputs = self._guess(box)
        else:
            inputs = {}
            for widget in node.widgets:
                if not widget.sent or not widget.name:
                    continue
                if widget.name in fed and widget.value is not ABSENT:
                    inputs[widget.name] = None  # keeps its place
                else:
                    _put(inputs, widget.name, self._value(box, widget, meta))
        for name, source in fed.items():
            if isinstance(source, Shown):
                _put(inputs, name, source.value)
            else:
                inputs[name] = list(source)
        return {"class_type": node.class_type, "inputs": inputs, "_meta": meta}

    def _fed(self, box: Box, wires: Wires) -> dict[str, Origin | Shown]:
        """What feeds the inputs of a box, by name; those that nothing feeds are left out."""
        in_group = box.around is not None and box.around.node.role is Role.GROUP
        fed = {}
        for index, slot in enumerate(box.node.inputs):
            if slot.link is not None or in_group:
                source = self._source(box, wires, index)
                if source is not None:
                    fed[slot.name] = source
        return fed

    def _source(self, box: Box, wires: Wires, index: int) -> Origin | Shown | None:
        end = wires.source(box, index)
        if isinstance(end, Dangling):
            self.errors.append(remarks.dangling(end, box, index))
        elif isinstance(end, Loop):
            self.errors.append(remarks.loop(end))
        else:
            return end
        return None

    def _value(self, box: Box, widget: Widget, meta: dict[str, Any]) -> Any:
        """A widget's value after what the editor does to texts; texts to draw are marked."""
        value = widget.value
        if widget.kind in _LIVE:
            self.notes.append(remarks.needs_browser(box, _LIVE[widget.kind]))
        if widget.definition is not None and widget.definition.options.get("remote"):
            self.notes.append(remarks.remote_choice(box, widget.name))
        named = widget.name == "filename_prefix" and box.node.class_type in SAVERS
        if not isinstance(value, str):
            if named:
                self.notes.append(remarks.refused(box.node, "its file name is no text"))
            return value
        if widget.dynamic:
            text = settled_text(value)
            if text is None:
                meta.setdefault("drawn", {})[widget.name] = "choice"
                self.notes.append(remarks.choice(box, widget.name))
                return value
            if text != value:
                self.notes += remarks.cut(box, widget.name, value)
            return text
        if named:
            value = self._names.replaced(value)
        if (named or widget.dated) and has_date(value):
            meta.setdefault("drawn", {})[widget.name] = "date"
            self.notes.append(remarks.date(box, widget.name))
        return value

    def _guess(self, box: Box) -> dict[str, Any]:
        node = box.node
        values, lost = guessed_values(node)
        for slot in node.inputs:
            value = primitive_value(node, slot.link) if slot.link is not None else ABSENT
            if value is not ABSENT:
                values[slot.widget or slot.name] = value
        self.notes.append(remarks.unknown_class(box, values, lost))
        return {name: sent(value) for name, value in values.items()}


def sent(value: Any) -> Any:
    """A widget's value in a prompt; a list is wrapped, since a bare one may mean a link."""
    value = plain(value)
    return {"__value__": value} if isinstance(value, list) else value


def _put(inputs: dict[str, Any], name: str, value: Any) -> None:
    if value is ABSENT:
        inputs.pop(name, None)
    else:
        inputs[name] = sent(value)


def _canvases(order: list[Node], whole: Canvas) -> list[tuple[list[Node], Canvas]]:
    """The whole graph and the inside of each subgraph once, outer ones first, with their nodes."""
    found = {id(whole): (order, whole)}
    todo = [whole]
    while todo:
        for node in todo.pop().nodes:
            inside = node.inside
            if inside is not None and node.role is Role.SUBGRAPH and id(inside) not in found:
                found[id(inside)] = (inside.nodes, inside)
                todo.append(inside)
    return list(found.values())
