"""What was saved of a node, given to the node: links by name, values by position.

Source: ComfyUI frontend 1.35.9, LGraphNode.configure and the classes of litegraphService.ts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..graph import link_id
from ..javascript import number_of
from .building import Blueprint
from .canvas import ABSENT, Input, Node, Output, Role
from .packs import assign_by_pack


def merge_inputs(node: Node, rows: Any) -> None:
    """The class's inputs with the saved links, by name; then inputs that only the file knows."""
    if not rows:
        return
    by_name = {row["name"]: row for row in rows}
    defined = set()
    for slot in node.inputs:
        defined.add(slot.name)
        slot.config = None
        row = by_name.get(slot.name)
        if row is not None:
            slot.link = link_id(row.get("link"))
            if slot.widget is None and node.role is Role.SUBGRAPH:
                slot.widget = _widget_name(row)
    if len(by_name) > len(defined) or not by_name.keys() <= defined:
        node.inputs.extend(_input(row) for row in rows if row["name"] not in defined)


def merge_outputs(node: Node, rows: Any) -> None:
    for index, row in enumerate(rows):
        if index < len(node.outputs):
            node.outputs[index].links = link_ids(row.get("links"))
        else:
            node.outputs.append(Output(slot_name(row), row.get("type"), link_ids(row.get("links"))))


def replace_slots(node: Node, raw: Mapping[str, Any]) -> None:
    """Slots as saved; those that the class brings besides stay behind them."""
    inputs = [_input(row) for row in raw.get("inputs") or ()]
    outputs = [
        Output(slot_name(row), row.get("type"), link_ids(row.get("links")))
        for row in raw.get("outputs") or ()
    ]
    node.inputs[: len(inputs)] = inputs
    node.outputs[: len(outputs)] = outputs


def placed_values(node: Node, blueprint: Blueprint | None) -> Any:
    """`widgets_values` without the places of inputs that have since become sockets only.

    The editor drops them only when the list has the length that it would have with them, and then
    counts places without controls; both are followed to the letter.
    """
    saved = node.values
    if blueprint is None or not isinstance(saved, list) or not any(blueprint.former):
        return saved
    if blueprint.places != len(saved):
        return saved
    gone = blueprint.former
    return [one for i, one in enumerate(saved) if i >= len(gone) or not gone[i]]


def assign(node: Node, saved: Any) -> None:
    """Give the widgets the saved values by position; some add widgets on the way."""
    if node.definition and node.definition.pack and assign_by_pack(node, saved):
        return
    if isinstance(saved, str | int | float) and saved:
        saved = {}  # has no numbered entries either
    if isinstance(saved, list):
        values: Mapping[Any, Any] | list[Any] = saved
        count: float = len(saved)
    elif isinstance(saved, dict):
        values, count = saved, _length(saved.get("length"))
    else:
        return
    position = index = 0
    widgets = node.widgets
    while index < len(node.widgets):
        widget = widgets[index]
        index += 1
        if not widget.saved:
            continue
        if position >= count:
            break
        if isinstance(values, list):
            widget.value = values[position]
        else:
            widget.value = values.get(str(position), ABSENT)
        position += 1


def _length(value: Any) -> float:
    """How far an object is read that says a `length`; without one, without end."""
    length = math.nan if value is None else number_of(value)
    return math.inf if math.isnan(length) else length


def _input(row: Mapping[str, Any]) -> Input:
    return Input(row["name"], row.get("type"), link_id(row.get("link")), _widget_name(row))


def _widget_name(row: Mapping[str, Any]) -> str | None:
    widget = row.get("widget")
    if not isinstance(widget, dict):
        return None
    name = widget.get("name")
    return name if isinstance(name, str) else row["name"]


def slot_name(row: Mapping[str, Any]) -> str:
    name = row.get("name")
    return name if isinstance(name, str) else ""


def link_ids(rows: Any) -> list[Any]:
    return [link_id(one) for one in rows] if isinstance(rows, list) else []
