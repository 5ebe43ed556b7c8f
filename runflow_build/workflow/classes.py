"""The node classes that a workflow file uses: what converting it may want definitions of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..findings import Where
from .definitions import mapping
from .editor.group_nodes import group_name
from .editor.virtual import ROLES
from .graph import RENAMED, holders, id_text, node_rows
from .model import Workflow

_SUBGRAPH = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def classes_in_use(workflow: Workflow) -> dict[str, Where]:
    """Each class with the place of its first node.

    Of a graph those of all nodes, in subgraphs and group nodes too, and of muted and bypassed ones:
    which links fit depends on their definitions. Subgraphs, group nodes, and what only the editor
    has (notes, reroutes, primitives) are no classes.
    """
    found: dict[str, Where] = {}
    for node, class_type, title in _nodes(workflow):
        where = Where(file=workflow.path, node=node, title=title, class_type=class_type)
        found.setdefault(class_type, where)
    return found


def _nodes(workflow: Workflow) -> Iterator[tuple[str | None, str, str | None]]:
    """(id, class, title) of each node that is of a class; inside of a graph, the id in there."""
    if workflow.format == "prompt":
        for node, body in workflow.data.items():
            if isinstance(kind := mapping(body).get("class_type"), str):
                yield node, kind, _text(mapping(mapping(body).get("_meta")).get("title"))
        return
    subgraphs = {row.get("id") for row in holders(workflow.data) if isinstance(row.get("id"), str)}
    for raw in node_rows(workflow.data):
        kind = raw.get("type")
        if not isinstance(kind, str) or kind in subgraphs or kind in ROLES:
            continue
        if group_name(kind) is None and not _SUBGRAPH.fullmatch(kind):
            yield id_text(raw.get("id")), RENAMED.get(kind, kind), _text(raw.get("title"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
