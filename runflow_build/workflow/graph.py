"""What a saved editor graph holds: nodes, links and subgraph definitions, checked for their shape.

Both schemas: 0.4 writes a link as a list, 1 and every subgraph as a mapping. A link is taken in
either form; that the editor itself would not find it is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..findings import Finding, Key, Where

# Types that the editor renames when it opens a graph.
RENAMED: Mapping[str, str] = {
    "T2IAdapterLoader": "ControlNetLoader",
    "ConditioningAverage ": "ConditioningAverage",
    "SDV_img2vid_Conditioning": "SVD_img2vid_Conditioning",
    "Load3DAnimation": "Load3D",
    "Preview3DAnimation": "Preview3D",
}


@dataclass(frozen=True)
class SavedGraph:
    """A graph or the inside of a subgraph, as written; what has no usable shape is left out."""

    nodes: tuple[tuple[str, Mapping[str, Any]], ...]  # id, entry; in saved order
    links: tuple[tuple[Any, str, int, str, int], ...]  # id, origin, slot, target, slot
    path: Key = ()  # key path in the file


@dataclass(frozen=True)
class SavedSubgraph:
    """A subgraph definition."""

    id: str
    name: str
    graph: SavedGraph
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]


def read_graph(data: Mapping[str, Any], path: Key = ()) -> tuple[SavedGraph, list[Finding]]:
    """The nodes and links of a graph.

    Of two nodes with one id the later is sent.
    Findings: `node-malformed`, `node-duplicate-id`, `links-form`.
    """
    nodes: dict[str, Mapping[str, Any]] = {}
    findings: list[Finding] = []
    links, misread = _links(data)
    rows = data.get("nodes")
    for index, raw in enumerate(rows if isinstance(rows, list) else []):
        problem = _problem(raw)
        if problem:
            findings.append(_malformed((*path, "nodes", index), index, raw, problem))
            continue
        node = id_text(raw["id"]) or ""
        if node in nodes:
            findings.append(_duplicate(node, nodes[node], raw))
        nodes[node] = raw
    if misread:
        findings.append(_form(misread, path))
    return SavedGraph(tuple(nodes.items()), links, path), findings


def subgraph_definitions(data: Mapping[str, Any]) -> tuple[list[SavedSubgraph], list[Finding]]:
    """The subgraph definitions of a graph, those inside others too, in the order of the file.

    Of several with one id the last counts.
    """
    found: dict[str, SavedSubgraph] = {}
    findings: list[Finding] = []
    todo: list[tuple[Mapping[str, Any], Key]] = [(data, ())]
    while todo:
        holder, path = todo.pop()
        for index, row in enumerate(subgraph_rows(holder)):
            if not isinstance(row.get("id"), str):
                continue
            place = (*path, "definitions", "subgraphs", index)
            graph, problems = read_graph(row, place)
            findings += problems
            found[row["id"]] = SavedSubgraph(
                row["id"],
                row["name"] if isinstance(row.get("name"), str) else "",
                graph,
                tuple(_mappings(row.get("inputs"))),
                tuple(_mappings(row.get("outputs"))),
            )
            todo.append((row, place))
    return list(found.values()), findings


def subgraph_circles(subgraphs: list[SavedSubgraph]) -> list[Finding]:
    """A finding for each subgraph that contains itself, straight or through others."""
    inner = {one.id: [class_of(raw) for _, raw in one.graph.nodes] for one in subgraphs}
    names = {one.id: one.name for one in subgraphs}
    findings, done = [], set()
    for start in inner:
        way, rest = [start], [iter(inner[start])]
        while way:
            found = next(rest[-1], None)
            if found is None:
                done.add(way.pop())
                rest.pop()
            elif found in way:
                findings.append(_circle([names[id] or id for id in way[way.index(found) :]]))
                done.update(way)
                break
            elif found in inner and found not in done:
                way.append(found)
                rest.append(iter(inner[found]))
    return findings


def _circle(names: list[str]) -> Finding:
    return Finding(
        "subgraph-cycle",
        f"a subgraph contains itself: {' -> '.join([*names, names[0]])}",
        fix="remove the inner one in ComfyUI, and save",
    )


def subgraph_rows(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The subgraph definitions right below a graph, as written."""
    definitions = holder.get("definitions")
    rows = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    return list(_mappings(rows))


def holders(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The graph, its subgraph definitions at any depth, and its group nodes: what holds nodes."""
    waiting = [data]
    while waiting:
        holder = waiting.pop(0)
        yield holder
        waiting += subgraph_rows(holder)
    extra = data.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, dict) else None
    yield from _mappings(list(groups.values()) if isinstance(groups, dict) else None)


def node_rows(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every node of a graph, as written: those in subgraphs and group nodes too."""
    for holder in holders(data):
        yield from _mappings(holder.get("nodes"))


def class_of(raw: Mapping[str, Any]) -> str:
    """A node's type by its name of today."""
    kind = str(raw["type"])
    return RENAMED.get(kind, kind)


def id_text(value: Any) -> str | None:
    """A node's id as the prompt writes it; None when it is none. `7.0` is 7, as in JavaScript."""
    if type(value) is int:
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float | str):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def link_id(value: Any) -> Any:
    """A link's id, the same whether written as number or text; None when it is none."""
    if type(value) is int:
        return value
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else value
    return value if isinstance(value, float) else None


def _problem(raw: Any) -> str | None:
    if not isinstance(raw, dict):
        return "it is no mapping"
    return shape_problem(raw) if id_text(raw.get("id")) else "it has no id"


def shape_problem(raw: Mapping[str, Any]) -> str | None:
    """What keeps an entry from being a node, its id aside; None: nothing."""
    if not isinstance(raw.get("type"), str | int | float) or raw["type"] == "":
        return "it has no type"
    for name in ("inputs", "outputs"):
        slots = raw.get(name)
        if slots is None:
            continue
        if not isinstance(slots, list) or not all(isinstance(slot, dict) for slot in slots):
            return f"its `{name}` are no list of slots"
    for slot in raw.get("inputs") or ():
        if not isinstance(slot.get("name"), str):
            return "an input slot has no name"
    return None


def _malformed(key: Key, index: int, raw: Any, problem: str) -> Finding:
    node = id_text(raw.get("id")) if isinstance(raw, dict) else None
    kind = raw.get("type") if isinstance(raw, dict) else None
    return Finding(
        "node-malformed",
        f"entry {index + 1} of `nodes` is not a node: {problem}",
        Where(
            key=key,
            node=node or None,
            class_type=kind if isinstance(kind, str) and kind else None,
        ),
        fix="export the workflow from ComfyUI again",
    )


def _duplicate(node: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Finding:
    return Finding(
        "node-duplicate-id",
        f"two nodes have the id {node}; only the later one is sent",
        _where(node, first),
        (("also", _where(node, second).node_text()),),
        "open the workflow in ComfyUI, which gives one of them another id, and save it",
    )


def _where(node: str, raw: Mapping[str, Any]) -> Where:
    title = raw.get("title")
    return Where(
        node=node,
        title=title if isinstance(title, str) and title else None,
        class_type=class_of(raw),
    )


def _form(misread: int, path: Key) -> Finding:
    return Finding(
        "links-form",
        f"{misread} of the links are not written as the graph's `version` says, so ComfyUI's "
        "editor does not find them; they are taken as they are meant",
        Where(key=(*path, "links")),
        fix="set `version` to 0.4 for links as lists, or to 1 for links as objects",
    )


def _links(data: Mapping[str, Any]) -> tuple[tuple[tuple[Any, str, int, str, int], ...], int]:
    """The rows of the link table that can be read, and how many the editor would not read."""
    rows = data.get("links")
    lists = data.get("version") == 0.4
    found, misread, texts = [], 0, 0
    for row in rows if isinstance(rows, list) else ():
        link = _link(row)
        if link is None:
            misread += 1
        else:
            found.append(link)
            misread += isinstance(row, list) != lists
            texts += isinstance(row[0] if isinstance(row, list) else row["id"], str)
    return tuple(found), misread or (0 if texts and _slots_say_texts(data) else texts)


def _slots_say_texts(data: Mapping[str, Any]) -> bool:
    """Whether the slots, too, write links' ids as texts."""
    return any(
        isinstance(slot.get("link"), str)
        for node in _mappings(data.get("nodes"))
        for slot in _mappings(node.get("inputs"))
    )


def _link(row: Any) -> tuple[Any, str, int, str, int] | None:
    if isinstance(row, list):
        if len(row) < 5:
            return None
        id, origin, origin_slot, target, target_slot = row[:5]
    elif isinstance(row, dict):
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        id, origin, origin_slot, target, target_slot = (row.get(name) for name in names)
    else:
        return None
    id, origin, target = link_id(id), id_text(origin), id_text(target)
    first, second = _slot(origin_slot), _slot(target_slot)
    if id is None or origin is None or target is None or first is None or second is None:
        return None
    return id, origin, first, target, second


def _slot(value: Any) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9
    return int(value) if digits else None


def _mappings(rows: Any) -> Iterator[Mapping[str, Any]]:
    yield from (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))
