"""The editor graph as values: nodes, slots and links, read with a finding for whatever is odd.

Both schemas: 0.4 writes a link as a list, 1 as a mapping. Only the form that belongs to the
graph's `version` counts, as in the editor; a link in the other form is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..findings import Finding, Where

# Types that the editor renames when it opens a graph.
_RENAMED: Mapping[str, str] = {
    "T2IAdapterLoader": "ControlNetLoader",
    "ConditioningAverage ": "ConditioningAverage",
    "SDV_img2vid_Conditioning": "SVD_img2vid_Conditioning",
    "Load3DAnimation": "Load3D",
    "Preview3DAnimation": "Preview3D",
}


class Mode(IntEnum):
    """What the editor does with a node; any other number means ALWAYS."""

    ALWAYS = 0
    MUTED = 2
    BYPASSED = 4


@dataclass(frozen=True)
class Slot:
    """An input slot."""

    name: str
    type: str
    link: Any  # id of a link, as written; None: nothing linked
    widget: str | None  # the widget that the slot stands for; None: a plain socket


@dataclass(frozen=True)
class Link:
    """A wire, from an output slot of one node to an input slot of another."""

    id: Any
    origin: str  # node id
    origin_slot: int
    target: str
    target_slot: int


@dataclass(frozen=True)
class Node:
    """A box on the canvas."""

    id: str
    class_type: str
    title: str | None  # None: the author did not rename it
    mode: int
    inputs: tuple[Slot, ...]
    outputs: int  # number of output slots as saved
    widgets_values: Any  # list by position; some packs save a mapping; None: nothing saved
    properties: Mapping[str, Any]

    def where(self, field: str | None = None) -> Where:
        return Where(node=self.id, title=self.title, class_type=self.class_type, field=field)


@dataclass(frozen=True)
class Graph:
    """The whole canvas, without layout."""

    nodes: Mapping[str, Node]  # by id, in saved order
    links: Mapping[Any, Link]  # by id as written
    subgraphs: Mapping[str, str]  # names by the definitions' ids, which are also node types


def read_graph(data: Mapping[str, Any]) -> tuple[Graph, list[Finding]]:
    """The graph in a workflow's JSON, and what is wrong with its nodes.

    Findings: `node-malformed`, `node-duplicate-id`.
    """
    nodes: dict[str, Node] = {}
    findings: list[Finding] = []
    for index, raw in enumerate(data["nodes"]):
        problem = _problem(raw)
        if problem:
            findings.append(_malformed(index, raw, problem))
            continue
        node = _node(raw)
        if node.id in nodes:
            findings.append(_duplicate(nodes[node.id], node))
        else:
            nodes[node.id] = node
    return Graph(nodes, _links(data), _subgraphs(data)), findings


def id_text(value: Any) -> str | None:
    """A node's id as the prompt writes it; None when it is none. `7.0` is 7, as in JavaScript."""
    if type(value) is int:
        return str(value)
    if isinstance(value, bool) or not isinstance(value, float | str):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _problem(raw: Any) -> str | None:
    if not isinstance(raw, dict):
        return "it is no mapping"
    if not id_text(raw.get("id")):
        return "it has no id"
    if not isinstance(raw.get("type"), str) or not raw["type"]:
        return "it has no type"
    for name in ("inputs", "outputs"):
        slots = raw.get(name)
        if slots is None:
            continue
        if not isinstance(slots, list) or not all(isinstance(slot, dict) for slot in slots):
            return f"its `{name}` are no list of slots"
    if not all(isinstance(slot.get("name"), str) for slot in raw.get("inputs") or []):
        return "an input slot has no name"
    return None


def _malformed(index: int, raw: Any, problem: str) -> Finding:
    node = id_text(raw.get("id")) if isinstance(raw, dict) else None
    kind = raw.get("type") if isinstance(raw, dict) else None
    return Finding(
        "node-malformed",
        f"entry {index + 1} of `nodes` is not a node: {problem}",
        Where(
            key=("nodes", index),
            node=node or None,
            class_type=kind if isinstance(kind, str) and kind else None,
        ),
        fix="export the workflow from ComfyUI again",
    )


def _duplicate(first: Node, second: Node) -> Finding:
    return Finding(
        "node-duplicate-id",
        f"two nodes have the id {first.id}",
        first.where(),
        (("also", second.where().node_text()),),
        "open the workflow in ComfyUI, which gives one of them another id, and save it",
    )


def _node(raw: Mapping[str, Any]) -> Node:
    mode, title = raw.get("mode"), raw.get("title")
    properties = raw.get("properties")
    return Node(
        id=id_text(raw["id"]) or "",
        class_type=_RENAMED.get(raw["type"], raw["type"]),
        title=title if isinstance(title, str) and title else None,
        mode=mode if isinstance(mode, int) else Mode.ALWAYS,
        inputs=tuple(_slot(slot) for slot in raw.get("inputs") or []),
        outputs=len(raw.get("outputs") or []),
        widgets_values=raw.get("widgets_values"),
        properties=properties if isinstance(properties, dict) else {},
    )


def _slot(raw: Mapping[str, Any]) -> Slot:
    widget = raw.get("widget")
    name = widget.get("name") if isinstance(widget, dict) else None
    link = raw.get("link")
    return Slot(
        name=raw["name"],
        type=str(raw.get("type", "*")),
        link=link if isinstance(link, int | float | str) else None,
        widget=(name if isinstance(name, str) else raw["name"])
        if isinstance(widget, dict)
        else None,
    )


def _links(data: Mapping[str, Any]) -> dict[Any, Link]:
    """The link table; of two links with one id the later counts."""
    rows = data.get("links")
    read = _listed_link if data.get("version") == 0.4 else _mapped_link
    found = (read(row) for row in (rows if isinstance(rows, list) else []))
    return {link.id: link for link in found if link is not None}


def _listed_link(row: Any) -> Link | None:
    return _link(*row[:5]) if isinstance(row, list) and len(row) >= 5 else None


def _mapped_link(row: Any) -> Link | None:
    if not isinstance(row, dict):
        return None
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
    return _link(*(row.get(name) for name in names))


def _link(number: Any, origin: Any, origin_slot: Any, target: Any, target_slot: Any) -> Link | None:
    origin_id, target_id = id_text(origin), id_text(target)
    slots = (origin_slot, target_slot)
    if origin_id is None or target_id is None or id_text(number) is None:
        return None
    if not all(isinstance(slot, int | float) for slot in slots):
        return None
    return Link(number, origin_id, int(origin_slot), target_id, int(target_slot))


def _subgraphs(data: Mapping[str, Any]) -> dict[str, str]:
    definitions = data.get("definitions")
    rows = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    return {
        row["id"]: row["name"] if isinstance(row.get("name"), str) else ""
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("id"), str)
    }
