"""A diff of locks as the comment on a pull request.

The first line is the same for the same project in each run, so that a bot finds its comment again
and replaces it. Names and texts come from workflows, and a comment has mentions, links and markup:
what is not ours is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...findings import printable
from .change import RISKS, LockDiff
from .lines import Line, Part, counts_text, parts

MOST = 65_536  # of a comment at GitHub; we count in UTF-16, so that nobody counts more
_FRAME = 1_000  # for the head, and what says that something was cut

_MARKS = {"breaking": "**breaking** ", "risky": "*risky* ", "safe": ""}


def markdown(diff: LockDiff, project: str, base: str) -> str:
    where = f" in {_code(project)}" if project else ""
    since = f" since {_code(base)}" if base else ""
    head = f"**runflow.lock{where}: no changes**{since}"
    if diff:
        head = f"**runflow.lock{where}: {diff.risk}** — {counts_text(diff.changes)}{since}"
    head = f"{anchor(project)}\n{head}"
    blocks, cut = _fitting([*parts(diff)], MOST - _FRAME - _length(head))
    lines = [head, *blocks]
    if cut:
        lines += ["", f"{cut} changes were cut, the safe ones first: a comment holds no more. "]
        lines[-1] += "`runflow diff` on the branch shows them all."
    return "\n".join(lines)


def anchor(project: str) -> str:
    """The comment's first line; nothing in it can end it early."""
    if not project:
        return "<!-- runflow-diff -->"
    name = re.sub(r"[^A-Za-z0-9./_-]", lambda odd: f"%{ord(odd[0]):02X}", project)
    return f"<!-- runflow-diff: {name.replace('--', '-%2D')} -->"


def _fitting(found: list[Part], room: int) -> tuple[list[str], int]:
    """The sections with as many lines as there is room for, the worst first; how many changes are
    left out."""
    shown: list[list[str]] = [[] for _ in found]
    room -= sum(_length("\n".join(_fold(part, []))) + 1 for part in found)
    cut = 0
    for risk in RISKS:
        for part, rows in zip(found, shown, strict=True):
            for line in part.lines:
                if line.risk != risk:
                    continue
                row = _line(line)
                room -= _length(row) + 1
                if room >= 0:
                    rows.append(row)
                else:  # what is worse goes before what would just fit
                    cut += line.changes
    return [row for part, rows in zip(found, shown, strict=True) for row in _fold(part, rows)], cut


def _fold(part: Part, rows: list[str]) -> Iterator[str]:
    summary = f" ({part.summary})" if part.summary else ""
    yield f"<details{' open' if part.breaks else ''}>"
    yield f"<summary><b>{part.section}</b>{summary}: {part.counts}</summary>"
    yield ""
    yield from rows
    yield ""
    yield "</details>"


def _line(line: Line) -> str:
    told = ", ".join(_code(one) for one in line.named)
    if line.unnamed:
        told += f" and {line.unnamed} more"
    link = f" ([view]({line.link}))" if line.link else ""
    return f"- {_MARKS[line.risk]}{told}: {_plain(line.what)}{link}"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _code(text: str) -> str:
    """A code span; names come from workflows, and may hold backticks."""
    text = printable(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text or text != text.strip() or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


# What GitHub makes links and mentions of by itself: @name, #12, GH-12, https://…, www.…
_LINKING = re.compile(r"@|#(?=\d)|(?<=GH)-(?=\d)|(?<=:)//|(?<=www)\.", re.IGNORECASE)
_MARKUP = re.compile(r"[\\`*_<>\[\]|~#&!]")


def _plain(text: str) -> str:
    """Text that markdown and HTML leave alone, and that leads nowhere."""
    text = _MARKUP.sub(lambda one: f"\\{one[0]}", printable(text))
    return _LINKING.sub(lambda one: _apart(one[0]), text)


def _apart(text: str) -> str:
    """With a space of no width: what stands apart is no name, number or address."""
    return f"{text}&#8203;" if text != "." and text != "//" else f"&#8203;{text}"
