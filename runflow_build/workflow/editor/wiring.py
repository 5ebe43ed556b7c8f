"""Links taken apart and put right: what the editor does when a slot moves or goes.

Source: ComfyUI frontend 1.35.9, LGraphNode.ts and utils/litegraphUtil.ts.
"""

from __future__ import annotations

from .canvas import SUBGRAPH_INPUT, Node, at


def disconnect(node: Node, index: int) -> None:
    """Cut what is linked to an input."""
    slot, canvas = at(node.inputs, index), node.canvas
    if slot is None or slot.link is None or canvas is None:
        return
    id, slot.link = slot.link, None
    link = canvas.link(id)
    if link is None:
        return
    if link.origin == SUBGRAPH_INPUT:
        behind = at(canvas.input_links, link.origin_slot)
        if behind and id in behind:
            behind.remove(id)
        del canvas.links[id]
        return
    origin = canvas.by_id.get(link.origin)
    output = at(origin.outputs, link.origin_slot) if origin else None
    if output is None or not output.links:
        return
    if id in output.links:
        output.links.remove(id)
    del canvas.links[id]


def remove_input(node: Node, index: int) -> None:
    """Take an input slot away; the links into those behind it move up."""
    if node.canvas:
        disconnect(node, index)
    del node.inputs[index]
    for slot in node.inputs[index:]:
        link = node.canvas.link(slot.link) if node.canvas and slot.link else None
        if link:
            link.target_slot -= 1


def renumber(node: Node, start: int = 0) -> None:
    """Tell the links into inputs from `start` on where their slots are now."""
    if node.canvas is None:
        return
    for index in range(start, len(node.inputs)):
        id = node.inputs[index].link
        link = node.canvas.link(id) if id else None
        if link:
            link.target_slot = index
