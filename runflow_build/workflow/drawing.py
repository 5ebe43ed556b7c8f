"""Fields that a run draws anew: choices in texts, dates in file names.

A node of a prompt names them beside its title: ``"_meta": {"drawn": {field: "choice" | "date"}}``.
The field itself holds the text as `texts.settled_text` refused it and `texts.filled_prefix` gave
it. A server that knows nothing of the marks runs the text as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .. import digest
from .texts import dated_prefix, drawn_text

KINDS = ("choice", "date")
_MARKS = "drawn"


def drawn_fields(node: Mapping[str, Any]) -> dict[str, str]:
    """Field -> kind of what is drawn; empty for most nodes."""
    meta = node.get("_meta")
    marks = meta.get(_MARKS) if isinstance(meta, Mapping) else None
    return dict(marks) if isinstance(marks, Mapping) else {}


def marked(node: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """The node with exactly these fields marked; without any, nothing of the marks is left."""
    meta = {name: value for name, value in node.get("_meta", {}).items() if name != _MARKS}
    if fields:
        meta[_MARKS] = dict(fields)
    body = {name: value for name, value in node.items() if name != "_meta"}
    return {**body, "_meta": meta} if meta else body


def drawn(text: str, kind: str, place: tuple[str, str], seed: str, now: datetime) -> str:
    """The text as one run has it, of the field `place` (node id, name).

    A choice depends on the seed and the place alone: what else stands in the prompt changes
    nothing.
    """
    if kind == "date":
        return dated_prefix(text, now)
    if kind != "choice":
        return text
    count = 0

    def choose(options: int) -> int:
        nonlocal count
        count += 1
        return int(digest.of([seed, *place, count]), 16) % options

    return drawn_text(text, choose)
