"""A diff of locks for a terminal, a pull request or a program."""

from __future__ import annotations

import json
from typing import Literal

from ...findings import printable
from .change import LockDiff
from .lines import Line, counts_text, parts

DiffFormat = Literal["text", "markdown", "json"]

MOST_SAFE = 20  # lines of a section, in the text form


def render_diff(diff: LockDiff, format: DiffFormat, project: str = "", base: str = "") -> str:
    """The changes for a terminal, a review comment or a program, without a final newline.

    `project` is the project's folder in its repository ("": the top), by which the comments of
    several are told apart; `base` is what the lock is compared with, as a person calls it.
    """
    if format == "json":
        return _json(diff, project, base)
    if format == "markdown":
        from .markdown import markdown

        return markdown(diff, project, base)
    return text(diff)


def headline(diff: LockDiff) -> str:
    """`breaking: 2 breaking, 3 risky, 1 safe`: the word for all of it, and what there is."""
    return f"{diff.risk}: {counts_text(diff.changes)}" if diff else "no changes"


def text(diff: LockDiff) -> str:
    lines = [headline(diff)]
    for part in parts(diff):
        lines.append(f"{part.section}{f' ({part.summary})' if part.summary else ''}")
        safe = [line for line in part.lines if line.risk == "safe"]
        kept = safe if len(safe) <= MOST_SAFE else safe[: MOST_SAFE - 1]
        lines += [_text_line(line) for line in part.lines if line.risk != "safe"]
        lines += [_text_line(line) for line in kept]
        if left := sum(line.changes for line in safe[len(kept) :]):
            lines.append(f"  … and {left} more that are safe")
    return "\n".join(lines)


def _text_line(line: Line) -> str:
    marks = {"breaking": "BREAKING ", "risky": "risky ", "safe": ""}
    more = f" and {line.unnamed} more" if line.unnamed else ""
    told = f"  {marks[line.risk]}{', '.join(line.named)}{more}: {line.what}"
    return printable(f"{told}  {line.link}" if line.link else told)


def _json(diff: LockDiff, project: str, base: str) -> str:
    shape = {
        "diff": 1,  # of this format
        "project": project,
        "base": base,
        "risk": diff.risk,
        "breaking": diff.breaking,
        "counts": diff.counts(),
        "bytes_added": diff.bytes_added,
        "bytes_removed": diff.bytes_removed,
        "changes": [change.to_json() for change in diff.changes],
    }
    return json.dumps(shape, indent=2)
