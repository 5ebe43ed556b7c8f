"""Links that the file holds and the editor drops, where their author would not expect it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..graph import link_id
from .canvas import SUBGRAPH_INPUT, Mode, Node, Role
from .wires import Box


def lost_links(boxes: Iterable[Box]) -> Iterator[tuple[Box, str]]:
    """The boxes and inputs whose links are gone, once for all instances of a subgraph.

    Not those of nodes that are muted, bypassed or only in the editor.
    """
    seen: set[Node] = set()
    for box in boxes:
        node = box.node
        if node in seen or node.mode in (Mode.MUTED, Mode.BYPASSED):
            continue
        seen.add(node)
        if node.role is Role.GROUP:
            yield from ((box, name) for name in _into_widgets(node))
        elif not node.virtual:
            yield from ((box, name) for name in _cut(node))


def _cut(node: Node) -> Iterator[str]:
    """Inputs whose links were cut while the graph was opened, or moved onto others."""
    canvas = node.canvas
    rows = node.raw.get("inputs")
    if canvas is None or not rows:
        return
    kept = {slot.link for slot in node.inputs}
    for row in rows:
        id = link_id(row.get("link"))
        if id is None or id in kept:
            continue
        drawn = canvas.drawn.get(id)
        if drawn is None or drawn.target != node.id:
            continue
        if drawn.origin in canvas.by_id or drawn.origin == SUBGRAPH_INPUT:
            yield row["name"]


def _into_widgets(node: Node) -> Iterator[str]:
    """Widgets of a group that are linked; only a primitive writes into them."""
    canvas = node.canvas
    places = set(node.group.slot_of.values())
    for place, slot in enumerate(node.inputs):
        link = canvas.link(slot.link) if canvas and place not in places else None
        origin = canvas.by_id.get(link.origin) if canvas and link else None
        if origin is not None and origin.role is not Role.PRIMITIVE:
            yield slot.name
