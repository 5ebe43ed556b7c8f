"""Models and input files: content, source, kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..file_facts import host_of, is_pickle, size_text
from ..model import Lock, ModelPin, ResourcePin
from .change import Change, Risk, Section, by_key, fields, json_value, members, shown_value

Pin: TypeAlias = ModelPin | ResourcePin


@dataclass(frozen=True)
class _Files:
    """One section, with what the whole of both locks says of hosts and contents."""

    section: Section
    before: Mapping[str, Pin]
    after: Mapping[str, Pin]
    hosts: frozenset[str] | None  # of the lock of before; None: there was none
    names: Mapping[str, str]  # content -> a name that it had, and has no more

    def changes(self) -> Iterator[Change]:
        for key, old, new in by_key(self.before, self.after):
            if old is None and new is not None:
                yield self._new(key, new)
            elif new is None and old is not None:
                what = f"is gone ({_content(old)})"
                yield Change(self.section, key, what, before=json_value(old), kind="gone")
            elif old is not None and new is not None:
                yield from self._changed(key, old, new)

    def _new(self, key: str, new: Pin) -> Change:
        facts, risk = [], self._kind_of(key)[1]
        if name := self.names.get(new.sha256):
            facts.append(f"with the content of {name}")
        facts.append(self._kind_of(key)[0])
        host, host_risk = self._host(new)
        facts.append(host)
        told = ", ".join(("is new", *filter(None, facts), _content(new)))
        worst: Risk = "risky" if "risky" in (risk, host_risk) else "safe"
        return Change(self.section, key, told, worst, after=json_value(new), kind="new")

    def _changed(self, key: str, old: Pin, new: Pin) -> Iterator[Change]:
        is_same = old.sha256 == new.sha256
        for change in fields(self.section, key, old, new):
            if change.field == "sha256":
                yield self._other_content(change)
            elif change.field == "url":
                yield self._other_source(change, new, is_same)
            elif change.field == "used_by":
                told = members(change, "is used by {} too", "is used by {} no more")
                yield replace(change, what=told)
            elif change.field == "size" and old.size is not None and new.size is not None:
                # Of the same content one of the two was wrong.
                risk: Risk = "risky" if is_same else "safe"
                yield replace(change, what=_growth(old.size, new.size), risk=risk)
            else:
                yield change

    def _other_content(self, change: Change) -> Change:
        facts = [
            f"is another file under the same name: {change.what}",
            self._kind_of(change.subject)[0],
        ]
        return replace(change, what=", ".join(filter(None, facts)), risk="risky")

    def _other_source(self, change: Change, new: Pin, is_same: bool) -> Change:
        if new.url is None:
            what = "has no source any more" if self.section == "Models" else "lies in the project"
            return replace(change, what=what, risk="risky" if self.section == "Models" else "safe")
        host, risk = self._host(new)
        place = shown_value("url", new.url)
        told = f"the same file comes from {place}" if is_same else f"comes from {place}"
        return replace(change, what=", ".join(filter(None, (told, host))), risk=risk)

    def _kind_of(self, key: str) -> tuple[str, Risk]:
        if self.section == "Models" and is_pickle(key):
            return "a pickle, which can run code when it is loaded", "risky"
        return "", "safe"

    def _host(self, pin: Pin) -> tuple[str, Risk]:
        host = host_of(pin.url) if pin.url else ""
        if not host or self.hosts is None or host in self.hosts:
            return "", "safe"
        return f"from a new host, {host}", "risky"


def files(old: Lock, new: Lock, is_first: bool) -> Iterator[Change]:
    """The changes of both sections. `is_first`: there was no lock, and then no host is new."""
    pins: list[Pin] = [*old.models.values(), *old.resources.values()]
    hosts = None if is_first else frozenset(host_of(pin.url) for pin in pins if pin.url)
    sections: tuple[tuple[Section, Mapping[str, Pin], Mapping[str, Pin]], ...] = (
        ("Models", old.models, new.models),
        ("Inputs", old.resources, new.resources),
    )
    for section, before, after in sections:
        left = {pin.sha256: key for key, pin in before.items() if key not in after}
        yield from _Files(section, before, after, hosts, left).changes()


def bytes_moved(old: Lock, new: Lock) -> tuple[int, int]:
    """Bytes of contents that are new, and of those that are gone; one content counts once."""
    before, after = _sizes(old), _sizes(new)
    added = sum(size for sha256, size in after.items() if sha256 not in before)
    removed = sum(size for sha256, size in before.items() if sha256 not in after)
    return added, removed


def _sizes(lock: Lock) -> dict[str, int]:
    pins: list[Pin] = [*lock.models.values(), *lock.resources.values()]
    return {pin.sha256: pin.size or 0 for pin in pins}


def _content(pin: Pin) -> str:
    size = f", {size_text(pin.size)}" if pin.size is not None else ""
    return f"{pin.sha256[:12]}{size}"


def _growth(old: int, new: int) -> str:
    sign = "+" if new > old else "-"
    return f"size {size_text(new)} ({sign}{size_text(abs(new - old))})"
