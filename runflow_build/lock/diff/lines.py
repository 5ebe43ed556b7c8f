"""Changes as the lines that a person reads: what belongs together in one, and no flood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..file_facts import size_text
from .change import RISKS, SECTIONS, Change, Kind, LockDiff, Risk, Section, shortened

NAMED = 3  # subjects that are named where many changed alike
LONGEST_SUBJECT, LONGEST_WHAT = 200, 600  # characters; names may be of any length
_KINDS: tuple[Kind, ...] = ("major", "new", "gone", "minor", "patch")


@dataclass(frozen=True)
class Line:
    """What one line says: a subject, or the first of several, and all that is said of it."""

    risk: Risk
    subjects: tuple[str, ...]
    what: str
    link: str | None
    changes: int  # how many it tells

    @property
    def named(self) -> tuple[str, ...]:
        """The subject, or the first of many."""
        few = self.subjects if len(self.subjects) == 1 else self.subjects[:NAMED]
        return tuple(shortened(one, LONGEST_SUBJECT) for one in few)

    @property
    def unnamed(self) -> int:
        return len(self.subjects) - len(self.named)


@dataclass(frozen=True)
class Part:
    """One section."""

    section: Section
    summary: str  # what all of it comes to; "" where the lines say it
    lines: tuple[Line, ...]
    counts: str  # "2 breaking, 1 safe"

    @property
    def breaks(self) -> bool:
        return any(line.risk == "breaking" for line in self.lines)


def parts(diff: LockDiff) -> Iterator[Part]:
    """The sections with changes, in their order."""
    for section in SECTIONS:
        changes = [one for one in diff.changes if one.section == section]
        if changes:
            lines = tuple(_merged([*_by_subject(changes)]))
            yield Part(section, _summary(section, changes, diff), lines, counts_text(changes))


def counts_text(changes: list[Change] | tuple[Change, ...]) -> str:
    """`2 breaking, 1 safe`."""
    found = Counter(change.risk for change in changes)
    return ", ".join(f"{found[risk]} {risk}" for risk in RISKS if found[risk])


def _by_subject(changes: list[Change]) -> Iterator[Line]:
    """What is told of one subject is one line, the worst first; what breaks stands by itself."""
    groups: dict[tuple[str, int], list[Change]] = {}
    for place, change in enumerate(changes):
        key = (change.subject, place if change.breaking else -1)
        groups.setdefault(key, []).append(change)
    for (subject, _), same in groups.items():
        link = next((one.link for one in same if one.link), None)
        what = shortened("; ".join(one.what for one in same), LONGEST_WHAT)
        yield Line(same[0].risk, (subject,), what, link, len(same))


def _merged(lines: list[Line]) -> Iterator[Line]:
    """Subjects of which the same is told share a line, where they are many."""
    alike: dict[tuple[Risk, str], list[Line]] = {}
    for line in lines:
        alike.setdefault((line.risk, line.what), []).append(line)
    for line in lines:
        group = alike[line.risk, line.what]
        if len(group) <= NAMED or line.risk == "breaking":
            yield line
        elif line is group[0]:
            subjects = tuple(one.subjects[0] for one in group)
            yield Line(line.risk, subjects, line.what, None, sum(one.changes for one in group))


def _summary(section: Section, changes: list[Change], diff: LockDiff) -> str:
    if section == "Packages":
        found = Counter(change.kind for change in changes)
        told = [f"{found[kind]} {kind}" for kind in _KINDS if found[kind]]
        return ", ".join(told) if len(changes) > NAMED else ""
    if section == "Models" and (diff.bytes_added or diff.bytes_removed):
        amounts = (("+", diff.bytes_added), ("-", diff.bytes_removed))
        return ", ".join(f"{sign}{size_text(size)}" for sign, size in amounts if size)
    return ""
