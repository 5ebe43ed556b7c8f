"""Which nodes feed which: what a set of outputs needs, and circles. No recursion anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .model import Prompt


def link_of(value: Any) -> tuple[str, int] | None:
    """(node, slot) when an input's value is a link, else None.

    ComfyUI's own rule: a list of two, text and number. A list that is a value is wrapped.
    """
    if (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
        and not isinstance(value[1], bool)
    ):
        return value[0], int(value[1])
    return None


def sources(node: dict[str, Any]) -> Iterator[str]:
    """The ids of the nodes that feed this one, in input order, repeated where it takes several."""
    for value in node.get("inputs", {}).values():
        if link := link_of(value):
            yield link[0]


def reached(prompt: Prompt, targets: Iterable[str]) -> set[str]:
    """The ids of all nodes that `targets` need, themselves included; unknown ids are left out."""
    found: set[str] = set()
    waiting = [node for node in targets if node in prompt]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        waiting.extend(source for source in sources(prompt[node]) if source in prompt)
    return found


def cycles(prompt: Prompt) -> list[list[str]]:
    """One circle of each knot of nodes that feed each other, in feeding order, first node once.

    Each starts at its smallest id, so the answer does not depend on the order of nodes.
    """
    found: list[list[str]] = []
    state: dict[str, bool] = {}  # False: on the current way, True: done
    for start in sorted(prompt):
        if start in state:
            continue
        way = [start]
        rest = [_known_sources(prompt, start)]
        state[start] = False
        while way:
            source = next(rest[-1], None)
            if source is None:
                state[way.pop()] = True
                rest.pop()
            elif source not in state:
                state[source] = False
                way.append(source)
                rest.append(_known_sources(prompt, source))
            elif not state[source]:
                found.append(_from_smallest(way[way.index(source) :]))
    return _apart(found)


def _known_sources(prompt: Prompt, node: str) -> Iterator[str]:
    return iter(sorted({source for source in sources(prompt[node]) if source in prompt}))


def _from_smallest(way: list[str]) -> list[str]:
    """The circle in feeding order (the way runs against it), turned to start at its smallest id."""
    circle = way[::-1]
    start = circle.index(min(circle))
    return circle[start:] + circle[:start]


def _apart(circles: list[list[str]]) -> list[list[str]]:
    """The circles less those that share a node with one before: one is enough to mend a knot."""
    seen: set[str] = set()
    kept = []
    for circle in circles:
        if seen.isdisjoint(circle):
            kept.append(circle)
        seen.update(circle)
    return kept
