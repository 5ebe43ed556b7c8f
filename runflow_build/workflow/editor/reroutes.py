"""Reroute nodes: they cut links of types that do not fit what comes in.

Source: ComfyUI frontend 1.35.9, extensions/core/rerouteNode.ts.
"""

from __future__ import annotations

from .canvas import Canvas, Later, Node, Role, at, may_connect
from .growing import changed
from .wiring import disconnect


def settle_reroute(node: Node, later: Later) -> None:
    """Find what comes into the chain that the node is part of, and tell everything behind it."""
    canvas = node.canvas
    if canvas is None or not node.inputs:
        return
    found, type = _incoming(canvas, node)
    if not found:
        return
    chain, seen = [node], {node.id}
    while chain:
        current = chain.pop()
        for id in list(current.outputs[0].links) if current.outputs else []:
            link = canvas.link(id)
            target = canvas.by_id.get(link.target) if link else None
            if link is None or target is None:
                continue
            if target.role is Role.REROUTE:
                if target.id not in seen:
                    seen.add(target.id)
                    chain.append(target)
                continue
            slot = at(target.inputs, link.target_slot)
            if slot is None:
                return
            if type and slot.type and not may_connect(type, slot.type):
                disconnect(target, link.target_slot)
            else:
                changed(target, link.target_slot, link, True, later)
        if current.outputs:
            current.outputs[0].type = type or "*"


def _incoming(canvas: Canvas, node: Node) -> tuple[bool, object]:
    """Whether the chain before the node is whole, and the type of what comes into it, if any."""
    current, seen = node, set()
    while True:
        seen.add(current.id)
        id = current.inputs[0].link if current.inputs else None
        if id is None:
            return True, None
        link = canvas.link(id)
        origin = canvas.by_id.get(link.origin) if link else None
        if link is None or origin is None:
            return False, None
        if origin.role is not Role.REROUTE:
            output = at(origin.outputs, link.origin_slot)
            return True, output.type if output else None
        if origin is node:
            disconnect(current, link.target_slot)
            return True, None
        if origin.id in seen:
            return False, None
        current = origin
