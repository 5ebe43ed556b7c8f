"""How a folder differs from what the lock says: wanted + present -> findings, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding, Severity, Where
from ..lock import repository
from ..redact import redacted
from .plan import InTheWay, Present, Tree
from .wanted import COMFYUI, ENVIRONMENT, Wanted, WantedFile, WantedTree

_RESTORE = "run `runflow restore` into the folder"
_MOST = 20  # changed files that are named one by one


def differences(wanted: Wanted, present: Present) -> list[Finding]:
    """One finding for each thing that is not as the lock says; none where all is."""
    return [
        *(found for tree in wanted.trees for found in _tree(tree, present)),
        *_strangers(present),
        *_packages(present),
        *(found for file in wanted.files for found in _file(file, present)),
    ]


def _tree(wanted: WantedTree, present: Present) -> Iterator[Finding]:
    found, where = present.trees.get(wanted.place), Where(wanted.place)
    if found is None:
        yield _missing(wanted.place, f"the commit {wanted.commit[:12]} of {redacted(wanted.url)}")
        return
    if isinstance(found, InTheWay):
        yield Finding("drift-commit", f"{wanted.name} is {found.what}", where, fix=_RESTORE)
        return
    if not repository.same(found.remote, wanted.url):
        remote = redacted(found.remote or "no repository")
        yield Finding(
            "drift-commit",
            f"{wanted.name} is a clone of {remote}, locked is {redacted(wanted.url)}",
            where,
            fix=f"move {wanted.place} away, and {_RESTORE}",
        )
    elif found.commit != wanted.commit:
        yield Finding(
            "drift-commit",
            f"{wanted.name} is at {(found.commit or 'no commit')[:12]}, locked is "
            f"{wanted.commit[:12]}",
            where,
            fix=f"{_RESTORE}, or lock what is there: runflow lock --from DIR",
        )
    yield from _inside(wanted, found)


def _inside(wanted: WantedTree, found: Tree) -> Iterator[Finding]:
    where = Where(wanted.place)
    for path in found.submodules:
        yield Finding(
            "drift-submodule",
            f"the submodule {path} of {wanted.name} is not at the commit of its repository",
            where,
            fix=_RESTORE,
        )
    if found.changes:
        shown = "\n".join(found.changes[:_MOST])
        more = len(found.changes) - _MOST
        count = f"{len(found.changes)} file{'s' if len(found.changes) > 1 else ''}"
        yield Finding(
            "drift-files",
            f"{count} of {wanted.name} {'are' if len(found.changes) > 1 else 'is'} not as in its "
            "commit",
            where,
            (("files", f"{shown}\nand {more} more" if more > 0 else shown),),
            "undo the changes, or commit and push them and lock again",
        )


def _strangers(present: Present) -> Iterator[Finding]:
    for name in present.strangers:
        yield Finding(
            "drift-pack",
            f"the node pack {name} is not in the lock, and ComfyUI would load it",
            Where(f"{COMFYUI}/custom_nodes/{name}"),
            fix=f"move it away, or add {name} under nodes: in runflow.yaml and lock again",
        )


def _packages(present: Present) -> Iterator[Finding]:
    if not present.environment:
        yield _missing(ENVIRONMENT, "the Python environment")
        return
    for drift in present.packages:
        # An install.py that was allowed to run may have brought it.
        level: Severity | None = (
            "warning" if drift.kind == "extra" and present.state.scripts else None
        )
        yield Finding("drift-package", drift.text, Where(ENVIRONMENT), fix=_RESTORE, level=level)


def _file(wanted: WantedFile, present: Present) -> Iterator[Finding]:
    found = present.files.get(wanted.place)
    if found is None:
        yield _missing(wanted.place, wanted.name)
        return
    if not isinstance(found, InTheWay) and found.sha256 == wanted.sha256:
        return
    told = found.what if isinstance(found, InTheWay) else f"sha256 {found.sha256}"
    yield Finding(
        "drift-model" if wanted.is_model else "drift-resource",
        f"{wanted.name} is not the file that the lock holds",
        Where(wanted.place),
        (("is", told), ("locked", f"sha256 {wanted.sha256}")),
        f"move {wanted.place} away, and {_RESTORE}",
    )


def _missing(place: str, what: str) -> Finding:
    return Finding("drift-missing", f"{what} is not there", Where(place), fix=_RESTORE)
