"""The rows of a setup: each thing that the graph needs, where it comes from, what to say yes to."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...findings import Finding, Where
from ...lock.file_facts import size_text
from ...redact import redacted
from ...restore.interpreter import Change
from ...restore.wanted import WantedFile, WantedTree
from .wishes import User

Kind = Literal["pack", "model"]
State = Literal["missing", "update", "present", "refused", "unresolved"]

_MOST_USERS = 20  # of one row that a page is told of
_AGAIN = re.compile(r"\b(restore|run it|run the command) again\b")
# Words of a fix that only makes sense to somebody who has a project.
_OF_A_PROJECT = re.compile(
    r"runflow\b|runflow\.yaml|under (models|nodes|policy|python)|`ref`|restore |--trust|lock again"
)


@dataclass(frozen=True)
class Ask:
    """What the user has to say yes to, or may."""

    key: str  # "trust:kijai/KJNodes"
    text: str  # the question, as the label of a box
    reasons: tuple[str, ...] = ()
    is_required: bool = True  # else the row can do without it

    def to_json(self) -> dict[str, Any]:
        told = {"key": self.key, "text": self.text, "reasons": list(self.reasons)}
        return {**told, "required": self.is_required}


@dataclass(frozen=True)
class Row:
    """One node pack or one model file."""

    kind: Kind
    name: str  # a pack's folder; a path below models/
    state: State
    users: Sequence[User] = ()
    source: str | None = None  # URL that it comes from
    version: str | None = None  # of a pack, as people say it: "1.2.0 (0123456789ab)"
    size: int | None = None  # bytes to fetch; None: not known
    verified: bool | None = None  # whether the content is known before it comes
    asks: tuple[Ask, ...] = ()
    changes: tuple[Change, ...] | None = ()  # of Python packages; None: seen when it is installed
    note: str | None = None  # what is so, where nothing is wrong
    findings: tuple[Finding, ...] = ()
    # what is done with it
    tree: WantedTree | None = None
    file: WantedFile | None = None
    requirements: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def place(self) -> str:
        """What it makes, below ComfyUI's base folder."""
        return self.tree.place if self.tree else self.file.place if self.file else ""

    @property
    def can_be_done(self) -> bool:
        return self.state in ("missing", "update")

    def lacks(self, yes: Collection[str]) -> list[Ask]:
        """The questions that want a yes and have none."""
        return [one for one in self.asks if one.is_required and one.key not in yes]

    def to_json(self) -> dict[str, Any]:
        """A JSON object for the page; absent parts are left out."""
        told: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "users": [one.to_json() for one in self.users[:_MOST_USERS]],
            "source": redacted(self.source) if self.source else None,
            "version": self.version,
            "size": self.size,
            "size_text": None if self.size is None else size_text(self.size),
            "verified": self.verified,
            "asks": [one.to_json() for one in self.asks],
            "changes": None if self.changes is None else [_words(one) for one in self.changes],
            "note": self.note,
            "findings": [one.to_json() for one in self.findings],
        }
        return {name: value for name, value in told.items() if value is not None}


def refused(row: Row, *findings: Finding) -> Row:
    """The row, which cannot be done."""
    told = tuple(plain(one, row.kind) for one in findings)
    return replace(row, state="refused", findings=(*row.findings, *told))


def plain(finding: Finding, kind: Kind) -> Finding:
    """A finding for somebody who has an editor and no project."""
    where = replace(finding.where, file=None, line=None, column=None, key=())
    message = finding.message
    for of_a_lock, words in _WORDS.items():
        message = message.replace(of_a_lock, words)
    fix = _AGAIN.sub("look again", finding.fix or "") or None
    if finding.code == "restore-in-the-way":
        fix = "move it away, or undo what was changed in it, and look again"
    elif fix and ("--offline" in fix or fix == "restore online"):
        fix = "restart ComfyUI with RUNFLOW_OFFLINE unset, and look again"
    elif fix and "_TOKEN to" in fix:
        fix = f"{fix}, and restart ComfyUI with it"
    elif finding.code == "restore-no-room":  # all of it lies on the models' own disk
        fix = "make room on the disk of ComfyUI's models folder, and look again"
    elif fix and _OF_A_PROJECT.search(fix):
        fix = _BY_HAND[kind] if finding.severity == "error" else None
    also = tuple(row for row in finding.also if row[0] not in ("used by", "needed by"))
    where = where if where.node else Where()
    return replace(finding, message=message, where=where, also=also, fix=fix)


# What a lock has of a thing, in words that need no lock.
_WORDS = {
    " has no known content": " is not there, and nothing says where it can be had",
    ", is pinned": ", is taken",
}
_BY_HAND: dict[Kind, str] = {
    "pack": "ask the author of the workflow which pack it is, and install it by hand",
    "model": "download it by hand into that folder of models/, or choose another file in the node",
}


def _words(change: Change) -> str:
    if change.before is None:
        return f"{change.name} {redacted(change.after or '')}"
    return f"{change.name} {change.before} → {redacted(change.after or 'removed')}"
