"""Legacy group nodes: several nodes saved as one class, in `extra.groupNodes` of the graph.

A group is a class of its own whose definition is put together from those of its inner nodes; its
widgets write into theirs. Source: ComfyUI frontend 1.35.9, extensions/core/groupNode.ts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..definitions import COMBO, Definitions, InputDefinition, NodeDefinition
from ..graph import shape_problem
from ..javascript import key_order
from .canvas import Node
from .widgets import CONTROL, SEEDS, WIDGET_TYPES, asked_inputs

_PREFIX = "workflow>"
_VIRTUAL = ("PrimitiveNode", "Reroute", "Note", "MarkdownNote")


@dataclass
class GroupClass:
    """One kind of group: how its slots and widgets belong to those of its inner nodes."""

    nodes: list[Mapping[str, Any]]
    into: dict[tuple[int, int], list[Any]]  # by (inner node, slot): [from, slot, to, slot, …]
    out_of: dict[int, dict[int, list[list[Any]]]]  # the same links, by inner node and slot
    inputs: dict[str, InputDefinition] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    output_of: list[tuple[int, int]] = field(default_factory=list)  # (inner node, slot)
    slot_of: dict[tuple[int, int], int] = field(default_factory=dict)  # (inner, slot) -> outer
    widget_of: dict[str, tuple[int, str]] = field(default_factory=dict)  # outer -> (inner, name)
    written: dict[int, list[tuple[int, str]]] = field(default_factory=dict)  # by primitives

    def links_from(self, node: int) -> dict[int, list[list[Any]]]:
        """The inner links out of a node, by slot."""
        return self.out_of.get(node, {})


class Groups:
    """The group classes that a graph brings."""

    def __init__(self, data: Mapping[str, Any], definitions: Definitions) -> None:
        self._definitions = definitions
        self._classes: dict[str, tuple[GroupClass, NodeDefinition]] = {}
        extra = data.get("extra")
        rows = extra.get("groupNodes") if isinstance(extra, dict) else None
        if isinstance(rows, dict):
            for name in sorted(rows, key=key_order):
                self._add(name, rows[name])

    def get(self, class_type: str) -> tuple[GroupClass, NodeDefinition] | None:
        """The group class and the definition that it amounts to; None for any other class."""
        name = group_name(class_type)
        return None if name is None else self._classes.get(name)

    def size(self, class_type: str) -> int:
        """The number of nodes inside a group of that type; 0 for any other class."""
        found = self.get(class_type)
        return len(found[0].nodes) if found else 0

    def _add(self, name: str, saved: Any) -> None:
        """Add a class, unless it needs one that is unknown; a group may hold those before it."""
        nodes = saved.get("nodes") if isinstance(saved, dict) else None
        if not isinstance(nodes, list) or not all(self._is_known(node) for node in nodes):
            return
        made = _Drawing(name, saved, self._definitions).drawn()
        definition = NodeDefinition(
            class_type=f"{_PREFIX}{name}",
            inputs=tuple(made.inputs.values()),
            outputs=tuple(made.outputs),
            output_node=False,
            title=name,
        )
        self._classes[name] = made, definition

    def _is_known(self, node: Any) -> bool:
        if not isinstance(node, dict) or shape_problem(node):
            return False
        kind = node["type"]
        known = kind in _VIRTUAL or self._definitions.get(kind) is not None
        return known or self.get(kind) is not None


def group_name(class_type: str) -> str | None:
    """The name of the group that a node type stands for, or None."""
    for prefix in (_PREFIX, "workflow/"):
        if class_type.startswith(prefix):
            return class_type[len(prefix) :]
    return None


def write_inside(node: Node, group: GroupClass) -> None:
    """Write the group's widget values into the inner nodes."""
    inner = node.inside.nodes if node.inside else []
    for name, (index, inner_name) in group.widget_of.items():
        widget = node.widget(name)
        if widget is None or index >= len(inner):
            continue
        value, target = widget.value, inner[index]
        places = [(index, inner_name)]
        if target.class_type == "PrimitiveNode":
            places = group.written.get(index, [])
        elif target.class_type == "Reroute":
            for _, _, to, slot, *_ in group.links_from(index).get(0, []):
                slots = inner[to].inputs if 0 <= to < len(inner) else []
                if 0 <= slot < len(slots) and slots[slot].widget:
                    places.append((to, str(slots[slot].widget)))
        for place, written in places:
            inner_widget = inner[place].widget(written) if place < len(inner) else None
            if inner_widget:
                inner_widget.value = value


class _Drawing:
    """One group class as it is put together."""

    def __init__(self, name: str, saved: Mapping[str, Any], definitions: Definitions) -> None:
        self._name = name
        self._definitions = definitions
        self._config = saved.get("config")
        links = saved.get("links")
        inner = [row for row in _lists(links) if _is_inner(row)]
        out_of: dict[int, dict[int, list[list[Any]]]] = {}
        for row in inner:
            out_of.setdefault(row[0], {}).setdefault(row[1], []).append(row)
        self._group = GroupClass(saved["nodes"], {(row[2], row[3]): row for row in inner}, out_of)
        self._external = {
            (row[0], row[1]): row[2]
            for row in _lists(saved.get("external"), 3)
            if type(row[0]) is type(row[1]) is int
        }
        self._pipes = _lists(links)
        self._seen: dict[str, int] = {}
        self._primitives: dict[int, InputDefinition] = {}
        self._names: dict[int, str] = {}  # what a primitive's value is called outside
        self._count = 0

    def drawn(self) -> GroupClass:
        late = []
        for index, node in enumerate(self._group.nodes):
            inputs, outputs = self._asked(index, node)
            if inputs is None:
                continue
            sockets, converted = self._widgets(index, node, inputs)
            self._sockets(index, node, inputs, sockets)
            late.append((index, node, inputs, len(sockets), converted))
            self._outputs(index, outputs)
        for index, node, inputs, first, converted in late:
            self._converted(index, node, inputs, first, converted)
        return self._group

    # -- what an inner node takes and gives

    def _asked(
        self, index: int, node: Mapping[str, Any]
    ) -> tuple[dict[str, InputDefinition] | None, list[str]]:
        definition = self._definitions.get(node["type"])
        if definition is not None:
            asked = {one.name: one for one in asked_inputs(definition)}
            return asked, list(definition.outputs)
        if node["type"] == "PrimitiveNode":
            return self._primitive(index)
        if node["type"] == "Reroute":
            return self._reroute(index)
        return None, []

    def _primitive(self, index: int) -> tuple[dict[str, InputDefinition] | None, list[str]]:
        links = self._group.links_from(index).get(0)
        if not links:
            return None, []
        type = str(links[0][5]) if len(links[0]) > 5 else "*"
        choices = None
        if type == COMBO:
            target, slot = links[0][2], links[0][3]
            theirs = self._behind(target, slot)
            choices = theirs.choices if theirs else None
        self._primitives[index] = InputDefinition("value", type, {}, True, choices)
        return {"value": self._primitives[index]}, [type]

    def _reroute(self, index: int) -> tuple[dict[str, InputDefinition] | None, list[str]]:
        into = self._group.into.get((index, 0))
        links = self._group.links_from(index).get(0, [])
        if into and links and (index, 0) not in self._external:
            return None, []
        type = "*"
        for link in links:
            slot = _slot(self._group.nodes, link[2], link[3])
            if type == "*":
                type = str(slot.get("type", "*"))
        if not links:
            # A reroute as a pipe to the outside has the type of what comes in.
            rows = [row for row in self._pipes if len(row) > 5 and row[2] == index]
            type = str(rows[0][5]) if rows else str(self._external.get((index, 0), "*"))
        one = InputDefinition(type, type, {"forceInput": True}, True)
        return {type: one}, [type]

    def _behind(self, node: int, slot: int) -> InputDefinition | None:
        """The definition of the widget behind a slot of an inner node."""
        widget = _slot(self._group.nodes, node, slot).get("widget")
        kind = self._group.nodes[node]["type"] if 0 <= node < len(self._group.nodes) else ""
        definition = self._definitions.get(kind)
        name = widget.get("name") if isinstance(widget, dict) else None
        return definition.input(name) if definition and isinstance(name, str) else None

    # -- what of it the group shows

    def _widgets(
        self, index: int, node: Mapping[str, Any], inputs: Mapping[str, InputDefinition]
    ) -> tuple[list[str], dict[int, str]]:
        """The sockets' names, and the widgets that were made sockets, by their saved slot."""
        sockets, converted = [], {}
        rows = node.get("inputs") or []
        for name, one in inputs.items():
            if one.type not in WIDGET_TYPES:
                sockets.append(name)
                continue
            slot = next((i for i, row in enumerate(rows) if _is_converted(row, name)), None)
            if slot is not None:
                converted[slot] = name
                continue
            shown, definition = self._shown(index, node, name, one)
            self._group.inputs[shown] = definition
            self._group.widget_of[shown] = (index, name)
            if index in self._primitives:
                self._names[index] = shown
        return sockets, converted

    def _sockets(
        self,
        index: int,
        node: Mapping[str, Any],
        inputs: Mapping[str, InputDefinition],
        sockets: list[str],
    ) -> None:
        for slot, name in enumerate(sockets):
            if link := self._group.into.get((index, slot)):
                self._note_primitive(link, name, inputs[name])
                continue
            shown, definition = self._shown(index, node, name, inputs[name])
            if self._custom(index, name).get("visible") is False:
                continue
            self._group.inputs[shown] = definition
            self._group.slot_of[index, slot] = self._count
            self._count += 1

    def _converted(
        self,
        index: int,
        node: Mapping[str, Any],
        inputs: Mapping[str, InputDefinition],
        first: int,
        converted: Mapping[int, str],
    ) -> None:
        for place, slot in enumerate(sorted(converted, key=str)):
            name = converted[slot]
            if link := self._group.into.get((index, first + place)):
                self._note_primitive(link, name, inputs[name])
                continue
            shown, definition = self._shown(index, node, name, inputs[name])
            self._group.inputs[shown] = definition
            self._group.widget_of[shown] = (index, name)
            self._group.slot_of[index, first + place] = self._count
            self._count += 1

    def _outputs(self, index: int, outputs: list[str]) -> None:
        links = self._group.links_from(index)
        for slot, type in enumerate(outputs):
            inner = bool(links.get(slot)) and (index, slot) not in self._external
            visible = self._custom(index, slot, "output").get("visible")
            if (not inner) if visible is None else visible:
                self._group.outputs.append(type)
                self._group.output_of.append((index, slot))

    def _note_primitive(self, link: list[Any], name: str, one: InputDefinition) -> None:
        """An input that a primitive in the group writes: the primitive takes over its limits."""
        source = link[0]
        primitive = self._primitives.get(source)
        if primitive is None:
            return
        shown = self._names.get(source, "value")
        options = {**one.options, CONTROL: True, "control_prefix": shown[:-6]}
        choices = primitive.choices
        self._group.inputs[shown] = InputDefinition(shown, primitive.type, options, True, choices)
        self._group.written.setdefault(source, []).append((link[2], name))

    def _shown(
        self, index: int, node: Mapping[str, Any], name: str, one: InputDefinition
    ) -> tuple[str, InputDefinition]:
        """What an inner input is called outside, and its definition there."""
        title, kind = node.get("title"), node["type"]
        rows = node.get("inputs") or []
        label = next((row.get("label") for row in rows if row.get("name") == name), None)
        shown = str(self._custom(index, name).get("name") or label or name)
        key, prefix = shown, ""
        if (kind == "PrimitiveNode" and title) or shown in self._seen:
            prefix = f"{kind if title is None else title} "
            key = shown = f"{prefix}{name}"
            if shown in self._seen:
                shown = f"{prefix}{self._seen[shown]} {name}"
        self._seen[key] = self._seen.get(key, 1) + 1
        options = dict(one.options)
        if name in SEEDS:
            options[CONTROL] = f"{prefix}{CONTROL}"
        return shown, InputDefinition(shown, one.type, options, True, one.choices)

    def _custom(self, index: int, name: str | int, of: str = "input") -> Mapping[str, Any]:
        """What the author set for an inner input or output in the group's own dialog."""
        value: Any = self._config
        for key in (str(index), of, str(name)):
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}


def _is_inner(row: list[Any]) -> bool:
    return len(row) >= 4 and all(type(one) is int for one in row[:4])


def _is_converted(row: Any, name: str) -> bool:
    widget = row.get("widget") if isinstance(row, dict) and row.get("name") == name else None
    return isinstance(widget, dict) and widget.get("name") == name


def _slot(nodes: list[Mapping[str, Any]], node: Any, slot: Any) -> Mapping[str, Any]:
    rows = nodes[node].get("inputs") or [] if 0 <= node < len(nodes) else []
    return rows[slot] if 0 <= slot < len(rows) and isinstance(rows[slot], dict) else {}


def _lists(rows: Any, least: int = 0) -> list[list[Any]]:
    listed = rows if isinstance(rows, list) else []
    return [row for row in listed if isinstance(row, list) and len(row) >= least]
