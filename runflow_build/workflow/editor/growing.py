"""Inputs that come and go: choices that bring inputs, rows that grow, inputs that share a type.

Source: ComfyUI frontend 1.35.9, core/graph/widgets/dynamicWidgets.ts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..definitions import InputDefinition, input_definition
from ..javascript import text_of
from .canvas import ABSENT, Input, Later, Link, Node, Output, Widget, at, common_type, may_connect
from .wiring import disconnect, remove_input, renumber

AUTOGROW = "COMFY_AUTOGROW_V3"
MATCHTYPE = "COMFY_MATCHTYPE_V3"
BRANCHES = "COMFY_DYNAMICCOMBO_V3"
DYNAMIC = frozenset((AUTOGROW, MATCHTYPE, BRANCHES))

Add = Callable[[Node, InputDefinition], None]
"""Puts an input, socket or widgets, behind a node's others."""

_ORDINAL = re.compile(r"\d+$", re.ASCII)
_LONGEST = 300  # digits that make it too large anyway; Python reads no more than some thousands
_LARGEST = 100  # members of a group, when its definition does not say


class TypeConflictError(ValueError):
    """Inputs that must be of one type are linked to different ones; the editor gives up."""


class Branches(Widget):
    """A choice that decides which other inputs the node has, named `choice.input`."""

    __slots__ = ("_add", "_branches", "_chosen", "_later", "_node")

    def __init__(self, node: Node, definition: InputDefinition, add: Add, later: Later) -> None:
        self._node, self._add, self._later = node, add, later
        self._branches = _branches(definition)
        self._chosen: Any = next(iter(self._branches), ABSENT)
        Widget.__init__(self, definition.name, "combo", self._chosen, definition)

    @property
    def value(self) -> Any:
        return self._chosen

    @value.setter
    def value(self, value: Any) -> None:
        self._chosen = value
        if self in self._node.widgets:
            self.rebuild()

    @property
    def known(self) -> bool:
        """Whether the chosen branch exists."""
        return text_of(self._chosen) in self._branches

    def copied(self, name: str) -> Widget:
        return Widget(name, self.kind, self.value, self.definition)

    def rebuild(self) -> None:
        """Replace the inputs and widgets of the former branch by those of the chosen one."""
        node, group = self._node, f"{self.name}."
        removed = [one for one in node.inputs if one.name.startswith(group)]
        node.inputs[:] = [one for one in node.inputs if not one.name.startswith(group)]
        node.widgets[:] = [one for one in node.widgets if not one.name.startswith(group)]
        chosen = self._chosen
        branch = None
        if chosen is not ABSENT and chosen not in (None, "", 0, False):
            branch = self._branches.get(text_of(chosen))
        if branch is None:
            return
        widgets, inputs = len(node.widgets), len(node.inputs)
        for wanted in branch:
            self._add(node, wanted)
        place = node.widgets.index(self) + 1
        node.widgets[place:place] = _cut(node.widgets, widgets)
        socket = next((i for i, one in enumerate(node.inputs) if one.name == self.name), None)
        if socket is None:
            return
        node.inputs[socket + 1 : socket + 1] = _cut(node.inputs, inputs)
        renumber(node, socket + 1)
        for one in removed:
            self._carry_over(one)

    def _carry_over(self, former: Input) -> None:
        """Link the new input of the same name like the former one; else the link is cut."""
        node = self._node
        index = next((i for i, one in enumerate(node.inputs) if one.name == former.name), None)
        if index is None:
            node.inputs.append(former)
            remove_input(node, len(node.inputs) - 1)
            return
        node.inputs[index].link = former.link
        link = node.canvas.link(former.link) if node.canvas and former.link else None
        if link:
            link.target_slot = index
            changed(node, index, link, True, self._later)


@dataclass(frozen=True)
class _Group:
    """A row of inputs that has one free place behind the last linked one."""

    inputs: tuple[InputDefinition, ...]  # of each member
    names: tuple[str, ...] | None
    prefix: str
    least: int
    most: int

    def member(self, ordinal: int, key: str) -> str:
        if self.names is not None:
            return self.names[ordinal] if ordinal < len(self.names) else "undefined"
        return f"{self.prefix if len(self.inputs) == 1 else key}{ordinal}"

    def ordinal(self, name: str) -> int | None:
        if self.names is not None:
            return self.names.index(name) if name in self.names else None
        match = _ORDINAL.search(name)
        return int(match[0][:_LONGEST]) if match else None


def add_growing(node: Node, definition: InputDefinition, add: Add) -> None:
    """Put the first members of a group that grows onto the node."""
    template = _mapping(definition.options.get("template"))
    names = template.get("names")
    listed = tuple(str(name) for name in names) if isinstance(names, list) else None
    group = _Group(
        inputs=tuple(_inner(template.get("input"))),
        names=listed,
        prefix=str(template.get("prefix") or ""),
        least=_whole(template.get("min"), 1),
        most=len(listed) if listed is not None else _whole(template.get("max"), _LARGEST),
    )
    node.growth[definition.name] = (group, add)
    for ordinal in range(min(group.least, _LARGEST)):
        _add_member(node, definition.name, ordinal)


def add_matching(node: Node, definition: InputDefinition, add: Add, later: Later) -> None:
    """Put an input onto the node that must be of the same type as others of its template."""
    template = _mapping(definition.options.get("template"))
    allowed, key = str(template.get("allowed_types") or "*"), str(template.get("template_id"))
    add(node, _renamed(definition, definition.name, allowed))
    node.matches.setdefault(key, {})[definition.name] = allowed
    index = len(node.inputs) - 1
    later.append(lambda: changed(node, index, None, False, later))


def changed(node: Node, index: int, link: Link | None, linked: bool, later: Later) -> None:
    """Let the node react to what happened at an input. Raises TypeConflictError."""
    if node.growth:
        _grow(node, index, link, linked, later)
    if node.matches:
        _match(node, index, later)


def _grow(node: Node, index: int, link: Link | None, linked: bool, later: Later) -> None:
    slot = at(node.inputs, index)
    if slot is None or _group_name(slot.name) not in node.growth:
        return
    if linked and link:
        _grow_behind(node, slot)
    else:
        later.append(lambda: _close_gap(node, index))


def show_as_widget(node: Node, slot: Input) -> None:
    """Give a slot that says that it stands for a widget one that holds nothing."""
    if node.widget(slot.widget or slot.name) is None:
        node.widgets.append(Widget(slot.name, "shim", ABSENT, saved=False))
        slot.widget = slot.name


def in_growing_group(node: Node, slot: Input) -> bool:
    return _group_name(slot.name) in node.growth


def _grow_behind(node: Node, slot: Input) -> None:
    """Add a member when the last one was linked."""
    name = _group_name(slot.name)
    group, _ = node.growth[name]
    last = [one for one in node.inputs if one.name.startswith(name)][-1]
    ordinal = group.ordinal(slot.name[len(name) + 1 :])
    if ordinal is not None and ordinal == group.ordinal(last.name[len(name) + 1 :]):
        _add_member(node, name, ordinal + 1)


def _add_member(node: Node, name: str, ordinal: int) -> None:
    group, add = node.growth[name]
    if ordinal >= group.most:
        return
    fresh = []
    for one in group.inputs:
        full = f"{name}.{group.member(ordinal, one.name)}"
        if any(slot.name == full for slot in node.inputs):
            continue
        count = len(node.inputs)
        add(node, _renamed(one, full))
        added = _cut(node.inputs, count)
        if len(group.inputs) != 1:
            for slot in added:
                show_as_widget(node, slot)
        fresh += added
    own = [index for index, one in enumerate(node.inputs) if one.name.startswith(name)]
    place = own[-1] + 1 if own else len(node.inputs)
    node.inputs[place:place] = fresh
    renumber(node, place)


def _close_gap(node: Node, index: int) -> None:
    """An unlinked member: those behind it move up, and free places behind the last are removed."""
    slot = at(node.inputs, index)
    if slot is None or _group_name(slot.name) not in node.growth:
        return
    name = _group_name(slot.name)
    group, _ = node.growth[name]
    ordinal = group.ordinal(slot.name[len(name) + 1 :])
    if ordinal is None or ordinal + 1 < group.least:
        return
    members = [one for one in node.inputs if _group_name(one.name) == name]
    stride = len(group.inputs)
    if not stride or len(members) % stride:
        return
    places = {one: place for place, one in enumerate(node.inputs)}
    for to, source in zip(
        members[ordinal * stride :], members[(ordinal + 1) * stride :], strict=False
    ):
        to.link = source.link
        link = node.canvas.link(to.link) if node.canvas and to.link else None
        if link:
            link.target_slot = places[to]
    for one in members[-stride:]:
        one.link = None
    spare = members[max(group.least - 1, 0) * stride :] if group.least else members[-stride:]
    row = len(spare) - stride
    while row >= 0 and not any(one.link for one in spare[row : row + stride]):
        row -= stride
    gone = set(spare[row + stride * 2 :])
    names = {one.widget for one in gone if one.widget}
    node.inputs[:] = [one for one in node.inputs if one not in gone]
    node.widgets[:] = [one for one in node.widgets if one.name not in names]


def _match(node: Node, index: int, later: Later) -> None:
    slot, canvas = at(node.inputs, index), node.canvas
    if slot is None or canvas is None:
        return
    key = next((key for key, group in node.matches.items() if slot.name in group), None)
    if key is None:
        return
    group = node.matches[key]
    members = [one for one in node.inputs if one.name in group]
    types = [_carried(node, one) for one in members]
    for place, one in enumerate(members):
        fitting = common_type([*types[:place], *types[place + 1 :], group[one.name]])
        if not fitting:
            raise TypeConflictError(slot.name)
        one.type = fitting
    common = common_type(types)
    if not common:
        raise TypeConflictError(slot.name)
    matching = node.definition.output_matchtypes if node.definition else ()
    for output, template in zip(node.outputs, matching, strict=False):
        if template == key:
            _retype(node, output, common, later)


def _carried(node: Node, slot: Input) -> Any:
    canvas = node.canvas
    link = canvas.link(slot.link) if canvas and slot.link else None
    return (canvas.origin_type(link) if canvas and link else None) or "*"


def _retype(node: Node, output: Output, type: str, later: Later) -> None:
    """Give an output its type; links that no longer fit are cut."""
    canvas = node.canvas
    if output.type == type or canvas is None:
        output.type = type
        return
    output.type = type
    for id in list(output.links):
        link = canvas.link(id)
        target = canvas.by_id.get(link.target) if link else None
        slot = at(target.inputs, link.target_slot) if link and target else None
        if link is None or target is None or slot is None or not slot.type:
            continue
        keep = may_connect(type, slot.type)
        if not keep:
            disconnect(target, link.target_slot)
        changed(target, link.target_slot, link, keep, later)


def _branches(definition: InputDefinition) -> dict[str, list[InputDefinition]]:
    """The inputs of each choice, with their full names."""
    rows = definition.options.get("options")
    branches = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and isinstance(row.get("key"), str):
            inputs = _inner(row.get("inputs"))
            branches[row["key"]] = [
                _renamed(one, f"{definition.name}.{one.name}") for one in inputs
            ]
    return branches


def _inner(sections: Any) -> list[InputDefinition]:
    """The inputs that a definition holds inside another, in the order of its JSON."""
    return [
        input_definition(str(name), list(spec), section == "required")
        for section in ("required", "optional")
        for name, spec in _mapping(_mapping(sections).get(section)).items()
        if isinstance(spec, list | tuple)
    ]


def _renamed(one: InputDefinition, name: str, type: str | None = None) -> InputDefinition:
    return InputDefinition(name, type or one.type, one.options, one.required, one.choices)


def _group_name(name: str) -> str:
    return name.rpartition(".")[0]


def _cut(items: list[Any], start: int) -> list[Any]:
    """Take off and return everything from `start` on."""
    tail = items[start:]
    del items[start:]
    return tail


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
