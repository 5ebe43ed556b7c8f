"""A workflow file, and the prompt it stands for; nothing here needs the document formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..findings import Where

Format = Literal["graph", "prompt"]

Prompt: TypeAlias = dict[str, dict[str, Any]]
"""``{id: {"class_type": str, "inputs": {name: value | [id, slot]}, "_meta": {"title": str}}}``.

A two-item list ``[str, int]`` is a link; a list that is a value is ``{"__value__": [...]}``.
`_meta` is optional. The title is what a person knows the node by, and is in no digest; `drawn`
names the fields that each run draws anew (see `drawing`), and is in every digest.
"""


def node_classes(prompt: Prompt) -> set[str]:
    """The classes of all nodes."""
    return {body["class_type"] for body in prompt.values()}


def where_in(prompt: Prompt, node: str, field: str | None = None) -> Where:
    """The place of a node of the prompt, with the title that its author knows it by."""
    body = prompt[node]
    title = body.get("_meta", {}).get("title")
    title = title if isinstance(title, str) else None  # a file or a request may hold anything
    return Where(node=node, title=title, class_type=body["class_type"], field=field)


@dataclass(frozen=True)
class Workflow:
    """One workflow file, parsed and known to be of one of the two formats."""

    path: str  # POSIX, relative to runflow.yaml
    format: Format
    data: dict[str, Any]  # the parsed JSON, never changed in place


Workflows: TypeAlias = Mapping[str, Workflow]  # by path, as runflow.yaml writes it
