"""What a folder has to hold to be what a lock says: git trees, packages, files. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .. import digest
from ..file_names import LOCK_FILE
from ..findings import Finding, Key, Where
from ..lock.model import Lock

COMFYUI = "ComfyUI"  # the folder of the code, below the restored one
ENVIRONMENT = ".venv"  # of Python, beside the code

_PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in range(10))
_DEVICES = frozenset(("con", "prn", "aux", "nul", *_PORTS))
_REFUSED = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')  # by Windows, in any part of a path


@dataclass(frozen=True)
class WantedTree:
    """A git work tree at a commit: ComfyUI or a node pack."""

    name: str  # ComfyUI, or the pack's key
    place: str  # POSIX, below the restored folder
    url: str
    commit: str

    @property
    def key(self) -> Key:
        """Where the lock says it."""
        return ("comfyui",) if self.place == COMFYUI else ("nodes", self.name)


@dataclass(frozen=True)
class WantedPackages:
    """A Python environment, by its pylock."""

    target: str  # linux-cu128
    python: str  # 3.12
    file: str  # the name of the pylock
    pylock: str  # its text
    count: int  # packages
    size: int | None  # bytes to fetch where there is nothing; None: the pylock does not say
    code: tuple[tuple[str, str], ...] = ()  # (URL, package): those that no index has


@dataclass(frozen=True)
class WantedFile:
    """A file by content: a model, or an input file."""

    name: str  # models/<path> or input/<path>
    place: str  # POSIX, below the restored folder
    sha256: str | None  # None: nobody says, and somebody takes it all the same
    size: int | None  # bytes; None: never seen, only declared
    url: str | None  # None: it lies in the project, or nothing says where to get it

    @property
    def is_model(self) -> bool:
        return self.name.startswith("models/")

    @property
    def kept_as(self) -> str:
        """What the store calls the part of it that has come: its hash, or one of its address."""
        return self.sha256 or digest.of_bytes((self.url or "").encode())

    @property
    def key(self) -> Key:
        """Where the lock says it."""
        return ("models", self.name[7:]) if self.is_model else ("resources", self.name)


@dataclass(frozen=True)
class Wanted:
    """All that a folder has to hold; ComfyUI is the first tree, unless it runs there already."""

    trees: tuple[WantedTree, ...]
    packages: WantedPackages | None  # None: those of the Python that runs ComfyUI are not ours
    files: tuple[WantedFile, ...]
    requirements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # `requirements`: node pack -> what it asks of the Python that runs ComfyUI

    @property
    def packs(self) -> tuple[WantedTree, ...]:
        return tuple(tree for tree in self.trees if tree.place != COMFYUI)


def wanted_trees(lock: Lock, only: Collection[str] = ()) -> list[WantedTree]:
    """ComfyUI and the node packs; `only` names endpoints, and leaves out what these do not use."""
    trees = []
    if pin := lock.comfyui:
        trees.append(WantedTree(COMFYUI, COMFYUI, pin.repository, pin.commit))
    packs = {name for name, pin in lock.nodes.items() if not only or set(only) & {*pin.required_by}}
    new = packs
    while new := {need for name in new for need in lock.nodes[name].needs if need in lock.nodes}:
        new, packs = new - packs, packs | new
    for name in sorted(packs):
        place, pin_ = f"{COMFYUI}/custom_nodes/{name}", lock.nodes[name]
        trees.append(WantedTree(name, place, pin_.repository, pin_.commit))
    return trees


def wanted_files(lock: Lock, only: Collection[str] = ()) -> list[WantedFile]:
    """The models and the input files, those of endpoints in `only` where it names any."""
    rows = [(f"models/{path}", model) for path, model in sorted(lock.models.items())]
    files = [
        WantedFile(name, f"{COMFYUI}/{name}", pin.sha256, pin.size, pin.url)
        for name, pin in rows
        if not only or set(only) & set(pin.used_by)
    ]
    return files + [
        WantedFile(name, f"{COMFYUI}/{name}", pin.sha256, pin.size, pin.url)
        for name, pin in sorted(lock.resources.items())
        if not only or set(only) & set(pin.used_by)
    ]


def unplaceable(trees: Sequence[WantedTree], files: Sequence[WantedFile]) -> list[Finding]:
    """What cannot lie below the folder, on whatever system: `restore-name`, one for each name.

    A lock may come from anybody: a name must not lead out of the folder, into git's own files, or
    to a device, and no two names may mean one file where upper and lower case are the same.
    """
    return [*_misnamed(trees, files), *_clashing(trees, files)]


def _misnamed(trees: Sequence[WantedTree], files: Sequence[WantedFile]) -> Iterator[Finding]:
    for tree in trees:
        if why := "is a path" if "/" in tree.name else odd_name(tree.name):
            yield _refusal(tree.name, why, tree.key)
    for file in files:
        kept = file.is_model or file.name.startswith("input/")
        if why := odd_name(file.name) if kept else "is not below input/":
            yield _refusal(file.name, why, file.key)


def odd_name(path: str) -> str | None:
    """Why a name cannot be a relative path everywhere; None where it can."""
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "does not stay in its folder"
        if found := _REFUSED.search(part):
            return f"holds {found[0]!r}, which no name on Windows can"
        if part.endswith((" ", ".")):
            return "ends a part with a blank or a dot, which Windows drops"
        if part.split(".")[0].rstrip(" ").lower() in _DEVICES:
            return f"has the part {part}, which is a device on Windows"
        if part.lower() in (".git", "git~1"):
            return "leads into git's own files"
    return None


def _clashing(trees: Sequence[WantedTree], files: Sequence[WantedFile]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, place, key in (
        *((tree.name, tree.place, tree.key) for tree in trees),
        *((file.name, file.place, file.key) for file in files),
    ):
        other = seen.setdefault(place.casefold(), name)
        if other != name:
            yield _refusal(name, f"is the same as {other} where case does not count", key)
    folders = {str(one).casefold() for file in files for one in PurePosixPath(file.place).parents}
    for file in files:
        if file.place.casefold() in folders:
            yield _refusal(file.name, "is a file and a folder at once", file.key)


def _refusal(name: str, why: str, key: Key) -> Finding:
    return Finding(
        "restore-name",
        f"{name} cannot be restored: the name {why}",
        Where(LOCK_FILE, key=key),
        fix="give it another name in runflow.yaml and in the workflows, and run `runflow lock`",
    )
