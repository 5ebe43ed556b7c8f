"""Python and its packages: what a version that is not the same may bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..model import PythonPins, TargetPins
from .change import Change, Kind, Risk, by_key, json_value, value

if TYPE_CHECKING:
    from packaging.version import Version


def python(before: PythonPins, after: PythonPins) -> Iterator[Change]:
    if before.version:
        for change in value("Packages", "Python", "version", before.version, after.version):
            yield replace(change, risk="risky")
        yield from value(
            "Packages", "Python", "requirements", before.requirements, after.requirements
        )
    else:
        yield Change("Packages", "Python", f"is {after.version}", after=after.version, kind="new")
    yield from _versions("", before.packages, after.packages)
    for target, old, new in by_key(before.targets, after.targets):
        shared = before.packages != after.packages
        yield from _target(target, old, new, shared)


def _target(
    target: str, old: TargetPins | None, new: TargetPins | None, shared: bool
) -> Iterator[Change]:
    if old is None:
        yield Change("Packages", target, "is a new target", after=json_value(new), kind="new")
    elif new is None:
        what = "is no target any more"  # machines of the kind can no more be restored
        yield Change("Packages", target, what, "risky", json_value(old), kind="gone")
    else:
        yield from _versions(f" ({target})", old.packages, new.packages)
        yield from _files(target, old, new, shared or old.packages != new.packages)


def _files(
    target: str, old: TargetPins, new: TargetPins, versions_differ: bool
) -> Iterator[Change]:
    """The pylock. Other files under the same versions are what nobody would expect."""
    for change in value("Packages", target, "pylock", old.pylock, new.pylock):
        if old.pylock is None or new.pylock is None:
            what = "has a list of package files" if new.pylock else "has no list of package files"
            yield replace(change, what=what, risk="safe" if new.pylock else "risky")
        elif versions_differ:
            yield replace(change, what="has another list of package files")
        else:
            what = "has other package files, of the same versions"
            yield replace(change, what=what, risk="risky")


def _versions(suffix: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name, old, new in by_key(before, after):
        if old == new:
            continue
        subject, told = f"{name}{suffix}", f"{old or 'new'} → {new or 'gone'}"
        if old is None:
            yield Change("Packages", subject, told, "risky", None, new, None, "new")
        elif new is None:
            yield Change("Packages", subject, told, "safe", old, None, None, "gone")
        else:
            kind, risk, why = _step(old, new)
            told += f", {why}" if why else ""
            yield Change("Packages", subject, told, risk, old, new, "version", kind)


def _step(old: str, new: str) -> tuple[Kind, Risk, str]:
    """What kind of step it is from one version to another, and what to say of it."""
    was, now = _version(old), _version(new)
    if was is None or now is None:
        return "changed", "risky", "another source"
    if now.public == was.public:
        if now.local == was.local:  # 1.0 and 1.0.0
            return "patch", "safe", ""
        return "changed", "risky", "another build"
    kind = _kind(was, now)
    if now < was:
        return kind, "risky", "downgrade"
    if now.is_prerelease and not was.is_prerelease:
        return kind, "risky", "pre-release"
    # Before 1.0 the second number is what says that something breaks.
    if kind == "major" or (kind == "minor" and was.major == 0):
        return "major", "risky", "major"
    return kind, "safe", ""


def _kind(was: Version, now: Version) -> Kind:
    if (was.epoch, was.major) != (now.epoch, now.major):
        return "major"
    return "minor" if was.minor != now.minor else "patch"


def _version(text: str) -> Version | None:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None
