"""Reroute nodes: they cut links of types that do not fit what comes in.

Source: ComfyUI frontend 1.35.9, extensions/core/rerouteNode.ts.
"""

from __future__ import annotations

from .canvas import Canvas, Later, Node, Output, Role, at, may_connect
from .growing import changed
from .wiring import disconnect

Head = tuple[bool, Output | None]
"""Whether the chain before a reroute is whole, and the output that feeds it, if any."""


class Reroutes:
    """The reroutes of a graph that was just opened, each of which settles in its turn.

    Each acts on everything behind it, and so does the one before it. What a former one said
    already is not said again, or a chain of n reroutes would take n x n steps.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._told: dict[Node, object] = {}  # the type that all behind a reroute was told
        self._heads: dict[Node, tuple[int, Head]] = {}  # with the number of links then

    def settle(self, node: Node) -> None:
        """Find what comes into the chain that the node is part of, and tell all behind it."""
        canvas = node.canvas
        if canvas is None or not node.inputs:
            return
        whole, head = self._head(canvas, node)
        type = head.type if head else None
        if not whole or (node in self._told and self._told[node] == type):
            return
        chain, seen = [node], {node}
        while chain:
            current = chain.pop()
            for id in list(current.outputs[0].links) if current.outputs else []:
                link = canvas.link(id)
                target = canvas.by_id.get(link.target) if link else None
                if link is None or target is None:
                    continue
                if target.role is Role.REROUTE:
                    told = target in self._told and self._told[target] == type
                    if target not in seen and not told:
                        seen.add(target)
                        chain.append(target)
                    continue
                slot = at(target.inputs, link.target_slot)
                if slot is None:
                    return
                if type and slot.type and not may_connect(type, slot.type):
                    disconnect(target, link.target_slot)
                else:
                    changed(target, link.target_slot, link, True, self._later)
            if current.outputs:
                current.outputs[0].type = type or "*"
        self._told.update(dict.fromkeys(seen, type))

    def _head(self, canvas: Canvas, node: Node) -> Head:
        """What the chain begins with. What was found before holds as long as no link was cut."""
        way: dict[Node, int] = {}
        current, end = node, None
        while end is None:
            known = self._heads.get(current)
            if known and known[0] == len(canvas.links):
                end = known[1]
                break
            way[current] = len(way)
            before, end = _step_back(canvas, current)
            if before is node:
                link = canvas.link(current.inputs[0].link)
                disconnect(current, link.target_slot if link else 0)
                self._heads.clear()
                end = True, None
            elif before and before in way:
                # Only the reroutes of the circle itself can cut it, each when its turn comes.
                way = {one: place for one, place in way.items() if place < way[before]}
                end = False, None
            elif before:
                current = before
        for one in way:
            self._heads[one] = len(canvas.links), end
        return end


def _step_back(canvas: Canvas, node: Node) -> tuple[Node | None, Head | None]:
    """The reroute before this one, or what stands there in its place."""
    id = node.inputs[0].link if node.inputs else None
    if id is None:
        return None, (True, None)
    link = canvas.link(id)
    origin = canvas.by_id.get(link.origin) if link else None
    if link is None or origin is None:
        return None, (False, None)
    if origin.role is Role.REROUTE:
        return origin, None
    return None, (True, at(origin.outputs, link.origin_slot))
