"""A text in which git left the marks of a merge, and the texts of its sides.

What git could merge line by line is in both sides. A mark is a line of seven equal signs and the
like; longer ones stand in a base that was itself merged, and belong to its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import LockError
from ..findings import Finding, Where

_MARK = re.compile(r"^(?:(<{7}|>{7}|\|{7})(?: ([^\r\n]*))?|(={7}))\r?$", re.MULTILINE)
RESOLVE = "run `runflow lock`: it takes the pins of both sides"
_FIX = (
    "take one side (`git checkout --theirs {file}`) and run `runflow lock`, which brings it up to "
    "date with the merged runflow.yaml"
)


class Sides(NamedTuple):
    """The whole texts that a merge started from, as far as they are known."""

    ours: str
    theirs: str
    base: str | None = None  # None: git was not asked to write it (merge.conflictStyle)
    our_name: str = ""  # as git calls it: HEAD, a branch, a commit
    their_name: str = ""


def first_mark(text: str) -> tuple[str, int] | None:
    """The first mark of a merge and its line, 1-based; None: there is none."""
    found = _MARK.search(text)
    return (found[0].rstrip(), text.count("\n", 0, found.start()) + 1) if found else None


def split_conflict(text: str, file: str) -> Sides:
    """Both sides of a text with marks, and the base where each conflict has it (`diff3`, `zdiff3`).

    Raises LockError `lock-conflict`, placed in `file`: marks that do not follow each other.
    """
    sides: dict[str, list[str]] = {"ours": [], "theirs": [], "base": []}
    names = {"ours": "", "theirs": ""}
    state, has_base = "all", True
    for number, line in enumerate(_lines(text), start=1):
        mark = _MARK.fullmatch(line.rstrip("\n"))
        if mark is None:
            for side in sides if state == "all" else (state,):
                sides[side].append(line)
            continue
        kind = (mark[1] or mark[3])[0]
        after = _AFTER.get((state, kind))
        if after is None:
            raise unreadable(file, number, f"`{mark[0].rstrip()}` stands where it makes no sense")
        if kind in "<>" and not names[name := "ours" if kind == "<" else "theirs"]:
            names[name] = mark[2] or ""
        has_base &= (state, kind) != ("ours", "=")
        state = after
    if state != "all":
        raise unreadable(file, text.count("\n") or 1, "a merge conflict has no end")
    base = "".join(sides["base"]) if has_base else None
    return Sides(
        "".join(sides["ours"]), "".join(sides["theirs"]), base, names["ours"], names["theirs"]
    )


def unreadable(file: str, line: int, why: str, fix: str = _FIX) -> LockError:
    """The error `lock-conflict`; without a `fix`, for what only a person can resolve."""
    finding = Finding("lock-conflict", why, Where(file, line, 1), fix=fix.format(file=file))
    return LockError(finding)


# Whose the lines are, and what a mark makes of that.
_AFTER = {
    ("all", "<"): "ours",
    ("ours", "|"): "base",
    ("ours", "="): "theirs",
    ("base", "="): "theirs",
    ("theirs", ">"): "all",
}


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; only LF ends one, whatever else a text of the lock may hold."""
    return (found[0] for found in re.finditer(r"[^\n]*\n|[^\n]+", text))
