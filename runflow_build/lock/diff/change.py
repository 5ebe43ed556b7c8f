"""One difference between two locks as a value, and how two records are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from ...document import Document
from ...redact import redacted
from ..repository import is_full_commit

# In the order in which a reviewer should meet them.
Section = Literal["API", "Endpoints", "Code", "Packages", "Models", "Inputs", "GPU", "Policy"]
SECTIONS: tuple[Section, ...] = get_args(Section)

# `breaking`: a call that worked may fail or get something else back. `risky`: the contract is the
# same, and code, weights, cost or trust are not. `safe`: neither. The worst stands first.
Risk = Literal["breaking", "risky", "safe"]
RISKS: tuple[Risk, ...] = get_args(Risk)

# Of a package also which part of its version went up.
Kind = Literal["new", "gone", "changed", "major", "minor", "patch"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Change:
    """One fact that is not as it was."""

    section: Section
    subject: str  # what changed: a slug, a model's path, a package
    what: str  # how, as the end of a sentence that begins with the subject
    risk: Risk = "safe"
    before: Any = None  # JSON; None: was not there
    after: Any = None  # JSON; None: is not there any more
    field: str | None = None  # of the subject; None: the whole of it
    kind: Kind = "changed"
    link: str | None = None  # https URL that shows the difference, or what is new
    commits: int | None = None  # how many the code went forward; below 0: back; None: not known

    @property
    def breaking(self) -> bool:
        return self.risk == "breaking"

    def to_json(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "subject": self.subject,
            "field": self.field,
            "kind": self.kind,
            "what": self.what,
            "risk": self.risk,
            "breaking": self.breaking,
            "before": self.before,
            "after": self.after,
            "link": self.link,
            "commits": self.commits,
        }


@dataclass(frozen=True)
class LockDiff:
    """All changes in the order of SECTIONS, in each the worst first, then by subject."""

    changes: tuple[Change, ...]
    bytes_added: int = 0  # of models and inputs whose content was nowhere in the lock before
    bytes_removed: int = 0  # of those whose content is nowhere in it any more

    @property
    def risk(self) -> Risk:
        """The worst of all; `safe` without changes."""
        return min((one.risk for one in self.changes), key=RISKS.index, default="safe")

    @property
    def breaking(self) -> bool:
        return self.risk == "breaking"

    def counts(self) -> dict[Risk, int]:
        """How many changes there are of each risk, the worst first."""
        risks = [one.risk for one in self.changes]
        return {risk: risks.count(risk) for risk in RISKS}

    def __bool__(self) -> bool:
        return bool(self.changes)


def differ(before: Any, after: Any) -> bool:
    """Whether two values of a lock are not the same: True == 1 for Python, and not for an API."""
    return bool(before != after) or isinstance(before, bool) is not isinstance(after, bool)


def by_key(
    before: Mapping[str, Value], after: Mapping[str, Value]
) -> Iterator[tuple[str, Value | None, Value | None]]:
    """Every key of the two, sorted, with what it stood and stands for; None: it is not there."""
    for key in sorted({*before, *after}):
        yield key, before.get(key), after.get(key)


def fields(section: Section, subject: str, before: Document, after: Document) -> Iterator[Change]:
    """The fields in which two records differ, as safe changes, in the order of the format."""
    for name, field in type(before).model_fields.items():
        shown = field.alias or name
        yield from value(section, subject, shown, getattr(before, name), getattr(after, name))


def value(section: Section, subject: str, name: str, before: Any, after: Any) -> Iterator[Change]:
    """One field, if it differs."""
    if differ(before, after):
        what = f"{name} {shown_value(name, before)} → {shown_value(name, after)}"
        yield Change(
            section, subject, what, before=json_value(before), after=json_value(after), field=name
        )


def members(change: Change, comes: str, goes: str) -> str:
    """What happened to a list of names, shorter than both lists: `comes` and `goes` have a {}."""
    before, after = change.before or [], change.after or []
    new = [one for one in after if one not in before]
    old = [one for one in before if one not in after]
    told = [text.format(", ".join(names)) for text, names in ((comes, new), (goes, old)) if names]
    return " and ".join(told) or change.what


def shown_value(name: str, value: Any) -> str:
    """A value in one short line."""
    if value is None or value == []:
        return "none"
    if name in ("commit", "sha256") or (name == "ref" and is_full_commit(value)):
        return str(value)[:12]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return shortened(redacted(", ".join(value)), 200)
    if isinstance(value, Document):
        return " ".join(str(part) for part in value.model_dump(exclude_none=True).values())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(redacted(" ".join(text.split())), 80)


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def json_value(value: Any) -> Any:
    if isinstance(value, Document):
        return value.model_dump(by_alias=True, exclude_defaults=True)
    return value
