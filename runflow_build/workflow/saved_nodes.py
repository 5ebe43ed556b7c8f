"""The node as the author's file holds it, behind a node of the prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .graph import id_text, subgraph_rows
from .model import Workflow

_GROUP_NODE = re.compile(r"workflow[/>](?P<name>.*)", re.DOTALL)


class SavedNodes:
    """The nodes of an editor graph by the ids that they have in the prompt.

    `12:7:5` is node 5 of the subgraph that node 7 stands for, in the subgraph that node 12 stands
    for; of a group node `12:0` is its first node. In a prompt file, or without a workflow, nothing
    is found.
    """

    def __init__(self, workflow: Workflow | None) -> None:
        data = workflow.data if workflow and workflow.format == "graph" else {}
        self._root = _by_id(data)
        self._subgraphs = {
            row["id"]: _by_id(row) for row in _definitions(data) if isinstance(row.get("id"), str)
        }
        groups = _mapping(_mapping(data.get("extra")).get("groupNodes"))
        self._groups = {name: _by_index(_mapping(row)) for name, row in groups.items()}

    def get(self, node: str) -> Mapping[str, Any]:
        """The saved node, empty when there is none."""
        found = self._root.get(node)
        if found is None:
            first, *rest = node.split(":")
            found = self._root.get(first)
            for inner in rest:
                found = self._inside(found).get(inner)
        return found or {}

    def properties(self, node: str) -> Mapping[str, Any]:
        """The node's `properties`, where the editor keeps what it knows of pack and models."""
        return _mapping(self.get(node).get("properties"))

    def _inside(self, node: Mapping[str, Any] | None) -> Mapping[str, Mapping[str, Any]]:
        kind = (node or {}).get("type")
        if not isinstance(kind, str):
            return {}
        group = _GROUP_NODE.fullmatch(kind)
        return self._subgraphs.get(kind) or self._groups.get(group["name"] if group else "") or {}


def _definitions(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All subgraph definitions; those of an inner subgraph may lie in the outer one's."""
    waiting = [data]
    while waiting:
        rows = subgraph_rows(waiting.pop())
        waiting += rows
        yield from rows


def _by_id(graph: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {id_text(node.get("id")) or "": node for _, node in _nodes(graph)}


def _by_index(group: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(index): node for index, node in _nodes(group)}


def _nodes(graph: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = graph.get("nodes")
    for index, node in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(node, dict):
            yield index, node


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
