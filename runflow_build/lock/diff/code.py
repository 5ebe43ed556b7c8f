"""What runs: ComfyUI, node packs, Runflow's own nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .. import repository
from ..model import ComfyUIPin, Lock, NodePackPin
from .change import Change, by_key, fields, json_value, members, value
from .links import commit_link, compare_link

# (repository, commit of before, commit of now) -> how many commits that is forward. None: they are
# in no line. Absent: nobody could or wanted to count.
Distances = Mapping[tuple[str, str, str], int | None]

_LISTS = {
    "required_by": ("is used by {} too", "is used by {} no more"),
    "classes": ("brings {} by a look-up", "brings {} no more"),
    "needs": ("needs {} too", "needs {} no more"),
}


def code(old: Lock, new: Lock, distances: Distances) -> Iterator[Change]:
    before, after = _one(old.comfyui), _one(new.comfyui)
    for key, was, now in by_key(before, after):
        yield from _repository(key, was, now, distances)
    for key, old_pack, new_pack in by_key(old.nodes, new.nodes):
        yield from _repository(key, old_pack, new_pack, distances)
    for change in value("Code", "Runflow nodes", "release", old.runflow, new.runflow):
        is_other = old.runflow and new.runflow
        yield replace(change, risk="risky" if is_other else "safe")
    yield from _definitions(old, new)


def moved(old: Lock, new: Lock) -> list[tuple[str, str, str]]:
    """The keys of Distances that somebody could count: one repository, two commits."""
    pins = [*by_key(_one(old.comfyui), _one(new.comfyui)), *by_key(old.nodes, new.nodes)]
    rows: list[tuple[str, str, str]] = []
    for _, was, now in pins:
        if was is None or now is None or was.commit == now.commit:
            continue
        if repository.same(was.repository, now.repository):
            rows.append((now.repository, was.commit, now.commit))
    return sorted(set(rows))


def _one(pin: ComfyUIPin | None) -> dict[str, ComfyUIPin]:
    return {} if pin is None else {"ComfyUI": pin}


def _repository(
    key: str,
    before: ComfyUIPin | NodePackPin | None,
    after: ComfyUIPin | NodePackPin | None,
    distances: Distances,
) -> Iterator[Change]:
    if after is None:
        if before is not None:
            what = f"is gone ({before.commit[:12]})"
            yield Change("Code", key, what, before=json_value(before), kind="gone")
    elif before is None:
        what = f"is new: {_place(after.repository)} at {after.commit[:12]}"
        link = commit_link(after.repository, after.commit)
        yield Change("Code", key, what, "risky", None, json_value(after), None, "new", link)
        if after.dirty:
            yield _dirty(key, False, True)
    else:
        for change in fields("Code", key, before, after):
            yield _judged(change, before, after, distances)


def _judged(
    change: Change,
    before: ComfyUIPin | NodePackPin,
    after: ComfyUIPin | NodePackPin,
    distances: Distances,
) -> Change:
    if change.field == "commit":
        return _other_commit(change, before, after, distances)
    if change.field == "repository":
        is_same = repository.same(before.repository, after.repository)
        return replace(change, risk="safe" if is_same else "risky")
    if change.field == "dirty":
        return _dirty(change.subject, before.dirty, after.dirty)
    if change.field in _LISTS:
        return replace(change, what=members(change, *_LISTS[change.field]))
    return change


def _other_commit(
    change: Change,
    before: ComfyUIPin | NodePackPin,
    after: ComfyUIPin | NodePackPin,
    distances: Distances,
) -> Change:
    key = (after.repository, before.commit, after.commit)
    if not repository.same(before.repository, after.repository):
        link = commit_link(after.repository, after.commit)
        return replace(change, risk="risky", link=link)
    what, number = change.what, distances.get(key)
    if number is not None:
        what += f", {abs(number)} commit{'' if abs(number) == 1 else 's'}"
        what += " back" if number < 0 else ""
    elif key in distances:
        what += ", not in one line"
    return replace(change, what=what, risk="risky", link=compare_link(*key), commits=number)


def _dirty(subject: str, before: bool, after: bool) -> Change:
    what = "was locked from a tree with local changes" if after else "has no local changes any more"
    return Change("Code", subject, what, "risky" if after else "safe", before, after, "dirty")


def _place(url: str) -> str:
    return (repository.canonical(url) or url).removeprefix("https://")


def _definitions(old: Lock, new: Lock) -> Iterator[Change]:
    """The definitions decide what a graph is converted to; where that differs, the prompt says."""
    before, after = old.definitions, new.definitions
    if before != after:
        what = "changed" if before and after else "are new" if after else "are gone"
        pins: tuple[Any, Any] = (json_value(before), json_value(after))
        yield Change("Code", "node definitions", what, "safe", *pins)
