"""The order in which the editor goes through nodes. Source: frontend 1.35.9, LGraph.ts."""

from __future__ import annotations

from collections import deque

from ..javascript import key_order
from .canvas import Canvas, Node


def execution_order(canvas: Canvas) -> list[Node]:
    """Nodes behind what they are linked to; circles come last."""
    ready: deque[Node] = deque()
    waiting: dict[str, int] = {}
    for node in canvas.nodes:
        count = sum(1 for slot in node.inputs if slot.link is not None)
        if count:
            waiting[node.id] = count
        else:
            ready.append(node)
    order: list[Node] = []
    done: set[str] = set()
    seen = set()
    while ready:
        node = ready.popleft()
        order.append(node)
        done.add(node.id)
        for output in node.outputs:
            for id in output.links:
                link = canvas.link(id)
                if link is None or link.id in seen:
                    continue
                seen.add(link.id)
                if link.target not in waiting:
                    continue
                waiting[link.target] -= 1
                if waiting[link.target] == 0:
                    ready.append(canvas.by_id[link.target])
    rest = [node for node in canvas.nodes if node.id not in done]
    return [*order, *sorted(rest, key=lambda node: key_order(node.id))]
