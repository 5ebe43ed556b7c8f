"""What the editor repairs in a graph's link table before it opens it.

It compares the table with what the slots say, mends the outputs, and deletes links that neither
side knows. It does so only when the whole file fits its schema, and gives up, changing nothing,
where its own notes contradict each other. Source: ComfyUI frontend 1.35.9, utils/linkFixer.ts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ..graph import SavedGraph, link_id


def repaired(graph: SavedGraph, fits_schema: Callable[[], bool]) -> SavedGraph:
    """The graph as the editor opens it; `fits_schema` is asked only where there is a repair."""
    if all(taken == id and id in given for id, taken, given in _lookups(graph)):
        return graph
    if not fits_schema():
        return graph
    repair = _Repair(graph)
    try:
        repair.run()
    except _GaveUpError:
        return graph
    return repair.result()


class _GaveUpError(Exception):
    """The editor's repair stops with an error."""


Link = tuple[Any, str, int, str, int]


class _Repair:
    def __init__(self, graph: SavedGraph) -> None:
        self._graph = graph
        self._nodes = dict(graph.nodes)
        self._inputs: dict[str, dict[int, Any]] = {}  # patched, by node and slot; None: removed
        self._outputs: dict[str, dict[int, list[Any]]] = {}
        self._changes: dict[tuple[str, int], dict[Any, str]] = {}
        self._deleted: list[Any] = []

    def run(self) -> None:
        rows = list(reversed(self._graph.links))
        for link in rows:
            self._mend(link)
        for link in rows:
            id, origin, origin_slot, target, target_slot = link
            from_origin = origin in self._nodes and self._gives(origin, origin_slot, id)
            if not from_origin and not (
                target in self._nodes and self._takes(target, target_slot, id)
            ):
                self._deleted.append(id)

    def result(self) -> SavedGraph:
        nodes = tuple((id, self._patched(id, raw)) for id, raw in self._graph.nodes)
        gone = Counter(self._deleted)
        links = []
        for link in self._graph.links:
            if gone[link[0]]:
                gone[link[0]] -= 1  # of several with one id the first go
            else:
                links.append(link)
        return SavedGraph(nodes, tuple(links), self._graph.path)

    def _mend(self, link: Link) -> None:
        id, origin, origin_slot, target, target_slot = link
        if origin not in self._nodes or target not in self._nodes:
            if origin in self._nodes:
                if self._gives(origin, origin_slot, id):
                    self._patch_output(origin, origin_slot, id, "remove")
            elif target in self._nodes and self._takes(target, target_slot, id):
                self._patch_input(target, target_slot, None)
            return
        takes, gives = self._takes(target, target_slot, id), self._gives(origin, origin_slot, id)
        if takes and not gives:
            self._patch_output(origin, origin_slot, id, "add")
        elif gives and not takes:
            taken = self._takes_any(target, target_slot)
            if taken or not self._patch_input(target, target_slot, id):
                self._patch_output(origin, origin_slot, id, "remove")

    def _takes(self, node: str, slot: int, id: Any) -> bool:
        said: bool = _saved_link(self._nodes[node], slot) == id
        patched = self._inputs.get(node)
        if patched is None:
            return said
        # The editor notes an input's change without making it, and trips over the difference.
        noted = slot in patched and patched[slot] == id
        if said != noted:
            raise _GaveUpError
        return noted

    def _takes_any(self, node: str, slot: int) -> bool:
        said = _saved_link(self._nodes[node], slot) is not None
        patched = self._inputs.get(node)
        if patched is None:
            return said
        noted = patched.get(slot) is not None
        if said != noted:
            raise _GaveUpError
        return noted

    def _gives(self, node: str, slot: int, id: Any) -> bool:
        return id in self._links_of(node, slot)

    def _links_of(self, node: str, slot: int) -> list[Any]:
        patched = self._outputs.get(node, {})
        return patched[slot] if slot in patched else _saved_links(self._nodes[node], slot)

    def _patch_input(self, node: str, slot: int, id: Any) -> bool:
        patched = self._inputs.setdefault(node, {})
        if slot in patched:
            return False
        patched[slot] = id
        return True

    def _patch_output(self, node: str, slot: int, id: Any, change: str) -> None:
        changes = self._changes.setdefault((node, slot), {})
        if id in changes:
            return
        links = list(self._links_of(node, slot))
        changes[id] = change
        if change == "add":
            links.append(id)
        elif id in links:
            links.remove(id)
        self._outputs.setdefault(node, {})[slot] = links

    def _patched(self, id: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        patched = self._outputs.get(id)
        if not patched:
            return raw
        outputs = [dict(slot) for slot in raw.get("outputs") or ()]
        for slot, links in patched.items():
            while slot >= len(outputs) and slot < 256:
                outputs.append({})
            if 0 <= slot < len(outputs):
                outputs[slot]["links"] = links
        return {**raw, "outputs": outputs}


def _lookups(graph: SavedGraph) -> list[tuple[Any, Any, Any]]:
    """For each link what its two ends say: (id, link of the input, links of the output)."""
    nodes = dict(graph.nodes)
    outputs: dict[tuple[str, int], frozenset[Any]] = {}
    rows = []
    for id, origin, origin_slot, target, target_slot in graph.links:
        key = (origin, origin_slot)
        if key not in outputs:
            given = _saved_links(nodes[origin], origin_slot) if origin in nodes else []
            outputs[key] = frozenset(given)
        taken = _saved_link(nodes[target], target_slot) if target in nodes else None
        rows.append((id, taken, outputs[key]))
    return rows


def _saved_link(raw: Mapping[str, Any], slot: int) -> Any:
    rows = raw.get("inputs") or ()
    return link_id(rows[slot].get("link")) if 0 <= slot < len(rows) else None


def _saved_links(raw: Mapping[str, Any], slot: int) -> list[Any]:
    rows = raw.get("outputs") or ()
    links = rows[slot].get("links") if 0 <= slot < len(rows) else None
    return [link_id(one) for one in links] if isinstance(links, list) else []
