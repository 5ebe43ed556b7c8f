"""Graphs as the editor saves them, written down node by node."""

from __future__ import annotations

from typing import Any

Link = tuple[int, int, str]  # node, slot, type


class Canvas:
    """Nodes and links in the order in which they are added; the ids are 1, 2, 3 …"""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []

    def add(
        self, class_type: str, *widgets: Any, gives: str = "", title: str = "", **linked: Link
    ) -> Link:
        """Add a node; what its first output gives, to be linked. `linked`: input -> origin."""
        number = len(self.nodes) + 1
        node = {
            "id": number,
            "type": class_type,
            "pos": [340 * (number - 1) + 60, 100 + 60 * (number % 3)],
            "size": [300, 200],
            "mode": 0,
            "inputs": [],
            "outputs": [{"name": gives, "type": gives, "links": []}] if gives else [],
            "widgets_values": list(widgets),
            **({"title": title} if title else {}),
        }
        for place, (name, (origin, slot, kind)) in enumerate(linked.items()):
            link = len(self.links) + 1
            self.links.append([link, origin, slot, number, place, kind])
            self.nodes[origin - 1]["outputs"][slot]["links"].append(link)
            row = {"name": name, "type": kind, "link": link}
            if name not in ("value", "image", "images", "audio", "video"):
                row["widget"] = {"name": name}
            node["inputs"].append(row)
        self.nodes.append(node)
        return number, 0, gives

    def graph(self) -> dict[str, Any]:
        return {"nodes": self.nodes, "links": self.links, "version": 0.4}
