"""Editor graphs of any size, as ComfyUI saves them: what `convert.py` measures growth on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

Graph = dict[str, Any]
Raw = dict[str, Any]


class _Table:
    """Nodes and links of one graph or one subgraph, while it is being drawn."""

    def __init__(self) -> None:
        self.nodes: list[Raw] = []
        self.links: list[tuple[int, int, int, int, int, str]] = []

    def add(self, kind: str, inputs: list[Raw], outputs: list[str], values: list[Any]) -> int:
        """Put a node on the canvas, nothing linked yet; returns its id."""
        id = len(self.nodes) + 1
        self.nodes.append(
            {
                "id": id,
                "type": kind,
                "pos": [300 * id, 100],
                "size": [270, 130],
                "flags": {},
                "order": id - 1,
                "mode": 0,
                "inputs": [{"link": None, **one} for one in inputs],
                "outputs": [{"name": type, "type": type, "links": []} for type in outputs],
                "properties": {"Node name for S&R": kind},
                "widgets_values": values,
            }
        )
        return id

    def link(self, origin: int, origin_slot: int, target: int, target_slot: int) -> None:
        id = len(self.links) + 1
        slot = self.nodes[target - 1]["inputs"][target_slot]
        slot["link"] = id
        self.nodes[origin - 1]["outputs"][origin_slot]["links"].append(id)
        self.links.append((id, origin, origin_slot, target, target_slot, slot["type"]))

    def scale(self, source: int | None) -> int:
        """An ImageScale, with four widgets and the slots that a current editor saves for them."""
        widgets = {"upscale_method": "COMBO", "width": "INT", "height": "INT", "crop": "COMBO"}
        slots = [{"name": "image", "type": "IMAGE"}]
        slots += [
            {"name": name, "type": type, "widget": {"name": name}} for name, type in widgets.items()
        ]
        id = self.add("ImageScale", slots, ["IMAGE"], ["area", 64, 48, "disabled"])
        if source is not None:
            self.link(source, 0, id, 0)
        return id

    def load(self) -> int:
        widgets = [{"name": "image", "type": "COMBO", "widget": {"name": "image"}}]
        return self.add("LoadImage", widgets, ["IMAGE", "MASK"], ["example.png", "image"])

    def save(self, source: int) -> None:
        slots = [{"name": "images", "type": "IMAGE"}]
        self.link(source, 0, self.add("SaveImage", slots, [], ["out"]), 0)

    def graph(self) -> Graph:
        return {
            "last_node_id": len(self.nodes),
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": [list(link) for link in self.links],
            "groups": [],
            "config": {},
            "extra": {},
            "version": 0.4,
        }

    def subgraph(self, name: str, first: int, last: int) -> Raw:
        """The graph as a definition with one input, into `first`, and one output, from `last`."""
        slot = self.nodes[first - 1]["inputs"][0]
        slot["link"] = into = len(self.links) + 1
        self.nodes[last - 1]["outputs"][0]["links"].append(into + 1)
        rows = [
            *self.links,
            (into, -10, 0, first, 0, "IMAGE"),
            (into + 1, last, 0, -20, 0, "IMAGE"),
        ]
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        border = {"bounding": [0, 0, 120, 60]}
        return {
            "id": _id(name),
            "version": 1,
            "revision": 0,
            "name": name,
            "state": dict.fromkeys(
                ("lastNodeId", "lastLinkId", "lastGroupId", "lastRerouteId"), 10**6
            ),
            "inputNode": {"id": -10, **border},
            "outputNode": {"id": -20, **border},
            "inputs": [_border(name + "in", into)],
            "outputs": [_border(name + "out", into + 1)],
            "widgets": [],
            "nodes": self.nodes,
            "links": [dict(zip(keys, row, strict=True)) for row in rows],
        }


def chain(nodes: int) -> Graph:
    """LoadImage, a chain of ImageScale, SaveImage."""
    table = _Table()
    last = table.load()
    for _ in range(nodes - 2):
        last = table.scale(last)
    table.save(last)
    return table.graph()


def fan_out(nodes: int) -> Graph:
    """One LoadImage that all others read from."""
    table = _Table()
    source = table.load()
    for _ in range((nodes - 1) // 2):
        table.save(table.scale(source))
    return table.graph()


def virtual(nodes: int) -> Graph:
    """A chain in which each fifth node is a scale; the others pass on, name or are bypassed."""
    table = _Table()
    last = table.load()
    for number in range((nodes - 2) // 5):
        reroute = table.add("Reroute", [{"name": "", "type": "*"}], ["*"], [])
        table.link(last, 0, reroute, 0)
        bypassed = table.scale(reroute)
        table.nodes[bypassed - 1]["mode"] = 4
        slot = [{"name": "IMAGE", "type": "*"}]
        table.link(bypassed, 0, table.add("SetNode", slot, ["*"], [f"wire {number}"]), 0)
        last = table.scale(table.add("GetNode", [], ["IMAGE"], [f"wire {number}"]))
    table.save(last)
    return table.graph()


def relays(nodes: int) -> Graph:
    """One chain of reroutes, and a node that reads from each."""
    table = _Table()
    last = table.load()
    for _ in range((nodes - 1) // 2):
        reroute = table.add("Reroute", [{"name": "", "type": "*"}], ["*"], [])
        table.link(last, 0, reroute, 0)
        table.save(reroute)
        last = reroute
    return table.graph()


def nested(nodes: int) -> Graph:
    """Subgraphs in subgraphs, four deep, ten nodes on each level, each of its own definition."""
    definitions: list[Raw] = []
    table = _Table()
    last = table.load()
    for number in range(nodes // 44):
        inner: str | None = None
        for level in range(4):
            inside = _Table()
            first = end = inside.scale(None)
            for _ in range(9):
                end = inside.scale(end)
            if inner is not None:
                end = _instance(inside, inner, end)
            inner = f"part {number} level {level}"
            definitions.append(inside.subgraph(inner, first, end))
        assert inner is not None
        last = _instance(table, inner, last)
    table.save(last)
    return {**table.graph(), "definitions": {"subgraphs": definitions}}


def instances(nodes: int) -> Graph:
    """One subgraph of ten nodes, used again and again."""
    inside = _Table()
    first = end = inside.scale(None)
    for _ in range(9):
        end = inside.scale(end)
    table = _Table()
    last = table.load()
    for _ in range(nodes // 11):
        last = _instance(table, "part", last)
    table.save(last)
    definition = inside.subgraph("part", first, end)
    return {**table.graph(), "definitions": {"subgraphs": [definition]}}


SHAPES: Mapping[str, Callable[[int], Graph]] = {
    "chain": chain,
    "fan-out": fan_out,
    "nested": nested,
    "instances": instances,
    "virtual": virtual,
    "relays": relays,
}


def _instance(table: _Table, name: str, source: int) -> int:
    id = table.add(_id(name), [{"name": "image", "type": "IMAGE"}], ["IMAGE"], [])
    table.link(source, 0, id, 0)
    return id


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _border(name: str, link: int) -> Raw:
    return {"id": _id(name), "name": "image", "type": "IMAGE", "linkIds": [link]}
