"""What has to be done so that a folder is what the lock says: wanted + present -> steps. Pure.

What is true already gives no step, so a plan is empty the second time. What belongs to the user is
never overwritten: what stands in the way is a finding, and then nothing at all is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from ..file_names import LOCK_FILE
from ..findings import Finding, Severity, Where
from ..lock import repository
from ..lock.file_facts import PICKLE_SUFFIXES, host_of
from ..sources.files import Content
from ..spec.model import Choice, Spec
from .state import Restored
from .wanted import ENVIRONMENT, Wanted, WantedFile, WantedTree

if TYPE_CHECKING:
    from .environment import PackageDrift

Kind = Literal["checkout", "environment", "model", "resource", "script"]

_LEVELS: Mapping[Choice, Severity | None] = {"deny": "error", "warn": "warning", "allow": None}


@dataclass(frozen=True)
class Tree:
    """A git work tree as it is."""

    commit: str | None  # None: nothing was ever checked out
    remote: str | None  # URL of its origin, as configured
    changes: tuple[str, ...] = ()  # files that differ from the commit
    submodules: tuple[str, ...] = ()  # paths of those that are not at the commit's
    is_moving: bool = False  # a checkout was killed on its way; its changes are not the user's


@dataclass(frozen=True)
class InTheWay:
    """Something else than what belongs there."""

    what: str  # "a folder that is no git clone"


@dataclass(frozen=True)
class Present:
    """What is in the folder and at hand; places are POSIX paths below it."""

    trees: Mapping[str, Tree | InTheWay] = field(default_factory=dict)  # absent: nothing is there
    files: Mapping[str, Content | InTheWay] = field(
        default_factory=dict
    )  # absent: nothing is there
    strangers: Sequence[str] = ()  # node packs that ComfyUI would load and nobody wants
    environment: bool = False  # there is a Python environment
    is_own: bool = False  # restore made it
    is_whole: bool = False  # and came to the end with just this pylock
    packages: Sequence[PackageDrift] = ()  # those that are not as the pylock says
    state: Restored = field(default_factory=Restored)
    stored: Collection[str] = ()  # sha256 of files that are at hand whole
    partial: Mapping[str, int] = field(default_factory=dict)  # sha256 -> bytes at hand
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    # `inputs`: input file of the project -> its sha256; None: the file is not there


@dataclass(frozen=True)
class Step:
    """One thing to do; a step that is done gives no step the next time."""

    kind: Kind
    name: str  # ComfyUI, a pack's key, models/<path>, input/<path>, the pylock
    place: str  # what it makes: a POSIX path below the folder
    reason: str  # why it is to be done: "missing"
    size: int | None = 0  # bytes to fetch; None: not known before they come
    url: str | None = None  # from where; None: from nowhere else
    commit: str | None = None  # of code
    trusted: bool | None = None  # of code; None: this step brings none that would need it

    def to_json(self) -> dict[str, Any]:
        """A JSON object; absent parts are left out."""
        shape = {
            "kind": self.kind,
            "name": self.name,
            "reason": self.reason,
            "size": self.size,
            "url": self.url,
            "commit": self.commit,
            "trusted": self.trusted,
        }
        return {name: value for name, value in shape.items() if value is not None}


@dataclass(frozen=True)
class Plan:
    """The steps, and what speaks against them; errors mean that nothing may be done."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def fetch(self) -> int:
        """Bytes to fetch, as far as they are known."""
        return sum(step.size or 0 for step in self.steps)

    @property
    def unsized(self) -> int:
        """How many steps fetch nobody knows how much: git says no sizes."""
        return sum(step.size is None for step in self.steps)

    def of(self, *kinds: Kind) -> list[Step]:
        return [step for step in self.steps if step.kind in kinds]


def plan(wanted: Wanted, present: Present, spec: Spec, trusted: Callable[[str], bool]) -> Plan:
    """The steps in the order in which they depend on each other.

    `trusted` says of a repository's URL whether its code may be installed unasked.
    """
    parts = [
        *_trees(wanted.trees, present, trusted),
        *_environment(wanted, present),
        *_files(wanted.files, present, spec),
    ]
    steps = [part for part in parts if isinstance(part, Step)]
    steps += _scripts(wanted, present, spec.policy.install_scripts, steps)
    return Plan(tuple(steps), tuple(part for part in parts if isinstance(part, Finding)))


# -- git trees


def _trees(
    trees: Sequence[WantedTree], present: Present, trusted: Callable[[str], bool]
) -> Iterator[Step | Finding]:
    for tree in trees:
        verdict = _tree(tree, present)
        if isinstance(verdict, str):
            yield Step(
                "checkout",
                tree.name,
                tree.place,
                verdict,
                None,
                tree.url,
                tree.commit,
                trusted(tree.url),
            )
        elif verdict:
            yield verdict


def _tree(wanted: WantedTree, present: Present) -> str | Finding | None:
    """Why it is to be checked out, what forbids it, or None where all is well."""
    found = present.trees.get(wanted.place)
    if found is None:
        return "missing"
    if isinstance(found, InTheWay):
        return in_the_way(wanted.place, found.what)
    if found.remote is None or not repository.same(found.remote, wanted.url):
        return in_the_way(wanted.place, "a clone of another repository")
    if found.is_moving:
        return "an interrupted checkout"
    is_there = found.commit == wanted.commit
    if found.changes and not is_there:
        return in_the_way(
            wanted.place,
            f"at {_short(found.commit)} with changed files ({_few(found.changes)}), and the lock "
            f"wants {_short(wanted.commit)}",
            "commit or undo the changes, and run it again",
        )
    if found.changes:
        return _left_alone(wanted, found.changes)
    if not is_there:
        return f"at {_short(found.commit)}"
    return f"submodules: {_few(found.submodules)}" if found.submodules else None


def _left_alone(wanted: WantedTree, changes: Sequence[str]) -> Finding:
    return Finding(
        "drift-files",
        f"{wanted.place} has changed files ({_few(changes)}); they stay as they are",
        fix="undo the changes to have what the lock says",
        level="warning",
    )


# -- packages


def _environment(wanted: Wanted, present: Present) -> Iterator[Step | Finding]:
    packages, off = wanted.packages, present.packages
    if packages is None:
        return
    if present.state.scripts:  # an install.py may install what it likes
        off = [one for one in off if one.kind != "extra"]
    if present.environment and not off and (present.is_whole or not present.is_own):
        return
    if present.environment and not present.is_own:
        yield in_the_way(ENVIRONMENT, "a Python environment that restore did not make")
        return
    names = _few([one.name for one in off]) or "none"
    reason = f"packages that differ: {names}" if present.is_whole else "not whole for this pylock"
    reason = reason if present.environment else "missing"
    yield Step("environment", packages.file, ENVIRONMENT, reason, packages.size)


def _scripts(
    wanted: Wanted, present: Present, allowed: Collection[str], steps: Sequence[Step]
) -> Iterator[Step]:
    """The install.py of packs that may run theirs; again after what it worked on has changed."""
    anew = {step.name for step in steps if step.kind == "checkout"}
    new_environment = any(step.kind == "environment" for step in steps)
    for pack in wanted.packs:
        ran = present.state.scripts.get(pack.name)
        if pack.name in allowed and (new_environment or pack.name in anew or ran != pack.commit):
            place = f"{pack.place}/install.py"
            yield Step("script", pack.name, place, "allowed by policy", commit=pack.commit)


# -- files


def _files(files: Sequence[WantedFile], present: Present, spec: Spec) -> Iterator[Step | Finding]:
    for file in files:
        verdict = _file(file, present)
        if verdict is None:
            continue
        if isinstance(verdict, Finding):
            yield verdict
            continue
        own = present.inputs.get(file.name)
        is_at_hand = file.sha256 in present.stored or (own is not None and own == file.sha256)
        if not is_at_hand and (lack := _unfetchable(file, spec, present)):
            yield lack
        else:
            kind: Kind = "model" if file.is_model else "resource"
            size = 0 if is_at_hand else _to_fetch(file, present)
            yield Step(kind, file.name, file.place, verdict, size, file.url)
        yield from _pickle(file, spec)


def _to_fetch(file: WantedFile, present: Present) -> int | None:
    if file.size is None:
        return None
    return max(0, file.size - present.partial.get(file.kept_as, 0))


def _file(file: WantedFile, present: Present) -> str | Finding | None:
    """Why it is to be put there, what forbids it, or None where it lies there."""
    found = present.files.get(file.place)
    if found is None:
        return "missing"
    if isinstance(found, InTheWay):
        return in_the_way(file.place, found.what)
    if found.sha256 == file.sha256:
        return None
    if found.sha256 in present.state.files.get(file.place, ()):
        return "another content, from an earlier restore"
    return in_the_way(file.place, f"another file (sha256 {found.sha256[:12]}…)")


def _unfetchable(file: WantedFile, spec: Spec, present: Present) -> Finding | None:
    """Why the content cannot be had; None where it can."""
    where = Where(LOCK_FILE, key=file.key)
    if file.url is None and file.is_model:
        path = file.name[7:]
        return Finding(
            "model-no-source",
            f"{path} has no source to download it from",
            where,
            fix=f"add under models:  {path}: {{url: https://…}}  and run `runflow lock`",
        )
    if file.url is None:
        return _input(file, present, where)
    host = host_of(file.url)
    if host in {one.lower() for one in spec.policy.trusted_hosts}:
        return None
    return Finding(
        "host-not-trusted",
        f"{file.name} comes from {host or 'nowhere'}, which is none of the trusted hosts",
        where,
        fix=f"add {host} to trusted_hosts under policy:, or take the file from another host",
    )


def _input(file: WantedFile, present: Present, where: Where) -> Finding:
    """An input file without a URL has to lie in the project, as it was locked."""
    if present.inputs.get(file.name) is None:
        return Finding(
            "resource-missing",
            f"{file.name} is not in the project, and the lock has no URL for it",
            where,
            fix=f"put the file at {file.name}, or give its URL under resources: and lock again",
        )
    return Finding(
        "resource-changed",
        f"{file.name} in the project is not the file that the lock holds",
        where,
        fix="put the former file back, or run `runflow lock`",
    )


def _pickle(file: WantedFile, spec: Spec) -> Iterator[Finding]:
    level, path = _LEVELS[spec.policy.pickle_models], file.name[7:]
    suffix = PurePosixPath(path).suffix.lower()
    wish = spec.models.get(path)
    allowed = wish is not None and wish.pickle == "allow"
    if file.is_model and level and suffix in PICKLE_SUFFIXES and not allowed:
        yield Finding(
            "model-pickle",
            f"{path} is of a kind ({suffix}) that can run code when it is loaded",
            Where(LOCK_FILE, key=file.key),
            fix=f"use a .safetensors of it, or if you trust it add under models:  "
            f"{path}: {{pickle: allow}}",
            level=level,
        )


# -- words


def in_the_way(place: str, what: str, fix: str | None = None) -> Finding:
    """The finding for a place where something of the user lies."""
    return Finding(
        "restore-in-the-way",
        f"{place} is {what}",
        fix=fix or f"move {place} away, or restore into another folder",
    )


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "no commit"


def _few(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
