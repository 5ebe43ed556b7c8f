"""Subgraphs on the canvas: the widgets of inner nodes that their instances show and own.

All instances share the nodes inside; what an instance shows on its outside is its own copy.
Source: ComfyUI frontend 1.35.9, SubgraphNode.ts and core/graph/subgraph/proxyWidget.ts.
"""

from __future__ import annotations

import json
from typing import Any

from ..javascript import text_of
from .canvas import Canvas, Input, Node, Widget, at


def promote(node: Node) -> None:
    """Give an instance the widgets that its inputs lead to."""
    inside = node.inside
    if inside is None:
        return
    by_name: dict[str, int] = {}
    for index, slot in enumerate(inside.inputs):
        by_name.setdefault(slot.name, index)
    node.widgets = []
    for outer in node.inputs:
        place = by_name.get(outer.name)
        if place is None:
            continue
        for id in inside.input_links[place]:
            link = inside.link(id)
            target = inside.by_id.get(link.target) if link else None
            inner = next((one for one in target.inputs if one.link == id), None) if target else None
            widget = target.widget(inner.widget) if target and inner else None
            if target and inner and widget:
                _show(node, outer, inside.inputs[place].name, widget, (target, inner))
                break


def promote_late(node: Node) -> None:
    """The same for an instance that was there before the inside of its subgraph was filled.

    Then the editor looks for a widget that is called like the subgraph's input.
    """
    inside = node.inside
    if inside is None:
        return
    for place, slot in enumerate(inside.inputs):
        outer = next((one for one in node.inputs if one.name == slot.name), None)
        links = inside.input_links[place]
        link = inside.link(links[0]) if links else None
        target = inside.by_id.get(link.target) if link else None
        widget = target.widget(slot.name) if target else None
        inner = at(target.inputs, link.target_slot) if target and link else None
        if outer and target and widget:
            _show(node, outer, slot.name, widget, (target, inner) if inner else None)


def show_chosen(node: Node) -> bool:
    """Follow `proxyWidgets`, the author's choice of what the instance shows, and in what order.

    A widget that it names again as an inner node's is that node's, and the instance's is gone.
    False: the property has no shape that the editor reads.
    """
    chosen = _chosen(node.properties.get("proxyWidgets"))
    if not chosen:
        return chosen is not None
    by_name = {one.name: one for one in reversed(node.widgets)}
    own = [by_name.get(name) if inner == "-1" else None for inner, name in chosen]
    names = {name for _, name in chosen}
    kept = [one for one in node.widgets if one.name not in names]
    node.widgets = [*kept, *(one for one in own if one)]
    values = node.values if isinstance(node.values, list) else []
    for widget, value in zip(own, values, strict=False):
        if widget and value is not None:
            widget.value = value
    return True


def has_unclaimed_values(node: Node) -> bool:
    """Whether more values are saved than widgets shown, and nothing says which is whose."""
    if not isinstance(node.values, list) or len(node.values) <= len(node.widgets):
        return False
    chosen = _chosen(node.properties.get("proxyWidgets")) or ()
    own = {name for inner, name in chosen if inner == "-1"}
    return any(widget.name not in own for widget in node.widgets)


def carry_in(canvas: Canvas) -> None:
    """Write what instances show into the inner widgets, as the editor does when it saves."""
    for node in canvas.nodes:
        inside = node.inside
        if inside is None:
            continue
        places = {slot.name: place for place, slot in reversed([*enumerate(inside.inputs)])}
        taken = {slot.name for slot in node.inputs}
        for widget in node.widgets:
            if widget.name in places and widget.name in taken:
                for inner in connected_widgets(inside, places[widget.name]):
                    inner.value = widget.value


def connected_widgets(inside: Canvas, place: int) -> list[Widget]:
    """The widgets that an input of the subgraph leads to."""
    found = []
    for id in inside.input_links[place]:
        link = inside.link(id)
        target = inside.by_id.get(link.target) if link else None
        slot = at(target.inputs, link.target_slot) if target and link else None
        widget = target.widget(slot.widget) if target and slot else None
        if widget:
            found.append(widget)
    return found


def _show(
    node: Node, outer: Input, name: str, widget: Widget, inner: tuple[Node, Input] | None
) -> None:
    place = sum(1 for one in node.inputs if one.widget)
    copy = widget.copied(name)
    node.widgets.insert(place, copy)
    outer.widget = name
    outer.inner = inner


def _chosen(value: Any) -> list[tuple[str, str]] | None:
    """(inner node or "-1", widget) pairs; None for what is no list of pairs."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if value is None:
        return []
    rows = value if isinstance(value, list) else [None]
    pairs = [row for row in rows if isinstance(row, list) and len(row) == 2]
    if len(pairs) < len(rows) or not all(isinstance(row[1], str) for row in pairs):
        return None
    return [(text_of(row[0]), row[1]) for row in pairs]
