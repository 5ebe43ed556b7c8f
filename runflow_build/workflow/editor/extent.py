"""How many nodes a graph stands for, once each subgraph and group is replaced by its inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from ..graph import SavedGraph, SavedSubgraph, class_of

MOST_NODES = 100_000  # a few lines of JSON could stand for billions
DEEPEST = 1_000  # subgraphs in each other; the editor's Subgraph.MAX_NESTED_SUBGRAPHS


def extent(
    graph: SavedGraph, subgraphs: Iterable[SavedSubgraph], in_group: Callable[[str], int]
) -> tuple[int, int]:
    """The number of nodes with all that is inside them, and how deep subgraphs nest.

    No subgraph may contain itself; `in_group` gives the number of nodes inside a group of a type.
    """
    inner = {one.id: _types(one.graph) for one in subgraphs}
    known: dict[str, tuple[int, int]] = {}

    def measured(types: Counter[str]) -> tuple[int, int]:
        nodes = sum(
            count * (1 + (known[kind][0] if kind in known else in_group(kind)))
            for kind, count in types.items()
        )
        return nodes, max((1 + known[kind][1] for kind in types if kind in known), default=0)

    todo = list(inner)
    while todo:
        waiting = [kind for kind in inner[todo[-1]] if kind in inner and kind not in known]
        if waiting:
            todo += waiting
        else:
            id = todo.pop()
            known[id] = measured(inner[id])
    return measured(_types(graph))


def _types(graph: SavedGraph) -> Counter[str]:
    return Counter(class_of(raw) for _, raw in graph.nodes)
