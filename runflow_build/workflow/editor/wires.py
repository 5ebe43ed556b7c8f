"""Where a link really comes from: through bypassed nodes, relays and the borders of subgraphs.

Source: ComfyUI frontend 1.35.9, ExecutableNodeDTO.ts and executableGroupNodeDto.ts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .canvas import SUBGRAPH_INPUT, Canvas, Mode, Node, Role, at, may_connect
from .virtual import setter_of


@dataclass(frozen=True)
class Shown:
    """A value that an instance of a subgraph shows in place of a link."""

    value: Any


Origin = tuple[str, int]
"""A node's id in the prompt, and the number of its output."""


class Box:
    """A node at one place: inside a subgraph it stands once for each instance around it."""

    __slots__ = ("around", "id", "node", "path")

    def __init__(self, node: Node, path: str = "", around: Box | None = None) -> None:
        self.node = node
        self.path = path  # ids of the instances around it, each with a colon behind
        self.id = path + node.id
        self.around = around


@dataclass(frozen=True)
class Loop:
    """A wire that leads back to itself; `box` is where."""

    box: Box


@dataclass(frozen=True)
class Dangling:
    """A link that leads nowhere."""

    what: str
    output: tuple[Box, int] | None = None  # that is to blame; None: the input that was asked for


Step = tuple[Box, int, bool, Any]
"""Where to look next: a box, a slot, whether that is an input, and the type that is looked for."""

Place = tuple[str, bool, int, str | None]
"""A step as a key: the box's id, whether it is an input, the slot, the type."""

End = Origin | Shown | Loop | Dangling | None
"""What feeds an input: a node's output, a shown value, or nothing; or what is wrong with it."""

_LONG = 8  # steps of a way that is worth remembering


class Wires:
    """All boxes of a graph, and the way back from an input to what feeds it."""

    def __init__(self, whole: Canvas, order: list[Node]) -> None:
        self.boxes: dict[str, Box] = {}
        self.straight: dict[str, Box] = {}  # subgraphs that were passed from an input to an output
        self._ends: dict[Place, End] = {}  # of places on long ways
        self._setters: dict[int, dict[tuple[str, str | None], list[Node]]] = {}  # by canvas
        todo = [Box(node) for node in reversed(order)]
        while todo:
            box = todo.pop()
            self.boxes[box.id] = box
            inside = box.node.inside
            if inside is not None:
                todo += [Box(node, f"{box.id}:", box) for node in reversed(inside.nodes)]

    def source(self, box: Box, slot: int) -> End:
        """What feeds an input of a box."""
        if box.around is not None and box.around.node.role is Role.GROUP:
            return _inside_group(box, box.around, slot)
        way: list[Place] = []
        seen: set[tuple[str, bool, int]] = set()
        into, type = True, None
        while True:
            # Where a way goes on from a place does not depend on how it came there, so that many
            # inputs behind one long chain need not all be followed to its start.
            kind = type if type is None or isinstance(type, str) else str(type)
            place = (box.id, into, slot, kind)
            if place in self._ends:
                end = self._ends[place]
                break
            if (box.id, into, slot) in seen:
                end = Loop(box)
                break
            seen.add((box.id, into, slot))
            way.append(place)
            look = self._before_input if into else self._before_output
            step = look(box, slot, type)
            if not isinstance(step, tuple) or len(step) == 2:
                end = step
                break
            box, slot, into, type = step
        if len(way) > _LONG:
            self._ends.update(dict.fromkeys(way, end))
        return end

    def _before_input(self, box: Box, slot: int, type: Any) -> Step | End:
        node = box.node
        wire = at(node.inputs, slot)
        if wire is None or wire.link is None or node.canvas is None:
            return None
        link = node.canvas.link(wire.link)
        if link is None:
            return Dangling("is not in the graph's table of links")
        if link.origin == SUBGRAPH_INPUT and box.around is not None:
            return self._outside(box, link.origin_slot)
        origin = node.canvas.by_id.get(link.origin)
        if origin is None:
            return Dangling(f"comes from node {link.origin}, which does not exist")
        before = self.boxes[box.path + origin.id]
        return before, link.origin_slot, False, wire.type if type is None else type

    def _outside(self, box: Box, slot: int) -> Step | Shown | Dangling | None:
        """What the instance around the box is given at one of the subgraph's inputs."""
        around = box.around
        assert around is not None
        outer = at(around.node.inputs, slot)
        if outer is None:
            return Dangling(f"comes from input {slot} of the subgraph around it, which it lacks")
        if outer.link is None:
            widget = around.node.widget(outer.widget)
            return Shown(widget.value) if widget else None
        link = around.node.canvas.link(outer.link) if around.node.canvas else None
        return around, link.target_slot if link else slot, True, None

    def _before_output(self, box: Box, slot: int, type: Any) -> Step | End:
        node = box.node
        if node.role is Role.GROUP:
            return _from_group(box, slot, type)
        if node.role is Role.GETTER:
            return self._named(box, slot, type)
        if node.mode == Mode.BYPASSED:
            passed = _passed_on(node, slot, type)
            return None if passed is None else (box, passed, True, None)
        if node.role is Role.SUBGRAPH:
            return self._inside(box, slot)
        if node.virtual:
            return (box, slot, True, type) if at(node.inputs, slot) else None
        output = at(node.outputs, slot)
        if (output is None or output.type is None) and (node.outputs or node.role is Role.REAL):
            return Dangling(f"comes from output {slot} of node {box.id}, which it lacks")
        return box.id, slot

    def _inside(self, box: Box, slot: int) -> Step | Dangling | None:
        """What feeds an output of a subgraph from within."""
        inside = box.node.inside
        output = at(inside.outputs, slot) if inside else None
        if inside is None or output is None:
            return Dangling("does not exist", (box, slot))
        link = next((found for id in output.links if (found := inside.link(id))), None)
        if link is None:
            return None
        if link.origin == SUBGRAPH_INPUT:
            # The editor gives up here; what is meant is plain.
            self.straight[box.id] = box
            return box, link.origin_slot, True, None
        inner = self.boxes.get(f"{box.id}:{link.origin}")
        if inner is None:
            return Dangling("has nothing behind it inside", (box, slot))
        return inner, link.origin_slot, False, None

    def _named(self, box: Box, slot: int, type: Any) -> Step | None:
        """What feeds the setter of the wire that the getter names.

        A getter of KJNodes looks in its own graph, then outwards; there the name must be unique.
        """
        name, kind = wire_name(box.node), setter_of(box.node.class_type)
        if name is None:
            return None
        setter = next(iter(self._setters_beside(box, kind, name)), None)
        if setter is not None and box.node.mode == Mode.BYPASSED:
            return None  # it has no input to pass on
        if setter is None and kind == "SetNode":
            around, found = box.around, []
            while around is not None:
                found += self._setters_beside(around, kind, name)
                around = around.around
            setter = found[0] if len(found) == 1 else None
        if setter is None or at(setter.node.inputs, slot) is None:
            return None
        return setter, slot, True, type

    def _setters_beside(self, box: Box, kind: str, name: str) -> list[Box]:
        """The first two setters of that kind and name in the box's own graph."""
        canvas = box.node.canvas
        if canvas is None:
            return []
        if id(canvas) not in self._setters:
            setters: dict[tuple[str, str | None], list[Node]] = {}
            for node in canvas.nodes:
                if node.role is Role.SETTER:
                    setters.setdefault((node.class_type, wire_name(node)), []).append(node)
            self._setters[id(canvas)] = setters
        found = self._setters[id(canvas)].get((kind, name), [])
        return [self.boxes[box.path + node.id] for node in found[:2]]


def wire_name(node: Node) -> str | None:
    """The name that a setter or getter has in its only widget."""
    values = node.values
    if isinstance(values, dict):
        name = values.get("0")
    else:
        name = values[0] if isinstance(values, list) and values else None
    return name if isinstance(name, str) and name else None


def _passed_on(node: Node, slot: int, type: Any) -> int | None:
    """Which input a bypassed node passes on at one of its outputs; None: nothing fits."""
    inputs, output = node.inputs, at(node.outputs, slot)
    if output is None:
        return None
    if type in ("*", ""):
        return slot if slot < len(inputs) else 0
    opposite = at(inputs, slot)
    if (
        opposite is not None
        and may_connect(opposite.type, output.type)
        and may_connect(opposite.type, type)
    ):
        return slot
    for index, one in enumerate(inputs):
        if one.type == type:
            return index
    for index, one in enumerate(inputs):
        if may_connect(one.type, output.type) and may_connect(one.type, type):
            return index
    return None


def _from_group(box: Box, slot: int, type: Any) -> Step | Origin | Dangling | None:
    """What an output of a group stands for: an inner node, behind inner reroutes."""
    node, group = box.node, box.node.group
    if node.mode == Mode.BYPASSED:
        for index in (slot, *range(len(node.inputs))):
            one = at(node.inputs, index)
            if one is not None and one.type == type:
                return box, index, True, None
        return None
    if slot >= len(group.output_of):
        return Dangling("does not exist", (box, slot))
    index, inner_slot = group.output_of[slot]
    seen = set()
    while group.nodes[index]["type"] == "Reroute":
        link = group.into.get((index, 0))
        if link is None or index in seen:
            return Dangling("has nothing behind it inside", (box, slot))
        seen.add(index)
        index, inner_slot = link[0], link[1]
    return f"{box.id}:{index}", inner_slot


def _inside_group(box: Box, around: Box, slot: int) -> Origin | None:
    """What feeds an input of a node inside a group; what is bypassed or a relay is not followed."""
    outer, group = around.node, around.node.group
    index = int(box.node.id)
    place = group.slot_of.get((index, slot))
    if place is not None:
        wire = at(outer.inputs, place)
        link = outer.canvas.link(wire.link) if wire and outer.canvas else None
        if link is None or outer.canvas is None or link.origin not in outer.canvas.by_id:
            return None
        return str(link.origin), link.origin_slot
    inner = group.into.get((index, slot))
    if inner is None or not 0 <= inner[0] < len(group.nodes):
        return None
    if group.nodes[inner[0]]["type"] == "PrimitiveNode":
        return None
    return f"{around.id}:{inner[0]}", inner[1]
