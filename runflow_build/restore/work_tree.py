"""A git work tree as it is: commit, remote, the user's changes, submodules. Only looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..sources.git.working_tree import Repository, ask, repository_at
from .submodules import FILE, Submodule, named

# What a user keeps in ComfyUI's own folder is no change of ComfyUI.
THEIRS = ("custom_nodes", "models", "input", "output", "temp", "user", ".venv", "venv", ".runflow")
_COMFYUI = ("main.py", "comfy", "custom_nodes")


@dataclass(frozen=True)
class CheckoutState:
    """What is checked out in a folder."""

    commit: str | None  # None: no clone, or nothing was ever checked out
    remote: str | None  # URL of its origin, as configured
    changes: list[str] = field(default_factory=list)  # POSIX paths, those in submodules too
    # Submodules that are not at the commit that their repository says: path -> the commit that they
    # are at, empty where they are not checked out.
    submodules: dict[str, str] = field(default_factory=dict)


def state_of(folder: Path) -> CheckoutState:
    """What is checked out in `folder` itself, not in one that it lies in by chance.

    A change is a tracked file that is not as in the commit, or a Python file that git neither knows
    nor ignores; in ComfyUI's tree not what lies in the folders of the user. Raises GitError, and
    RestoreError `submodule-unsafe`.
    """
    if not _is_clone(folder):
        return CheckoutState(None, None)
    commit, changes = status_of(folder)
    remote = Repository(folder).remote()
    drifted: dict[str, str] = {}
    for one in submodules_in(folder, remote or "", commit):
        inner = state_of(folder / one.path)
        if inner.commit != one.commit:
            drifted[one.path] = inner.commit or ""
        changes += [f"{one.path}/{path}" for path in inner.changes]
        drifted |= {f"{one.path}/{path}": at for path, at in inner.submodules.items()}
    return CheckoutState(commit, remote, sorted(changes), drifted)


def submodules_in(folder: Path, url: str, commit: str | None) -> list[Submodule]:
    """The submodules of a commit that is in the repository of `folder`, not those of theirs."""
    if commit is None or not (folder / FILE).is_file():
        return []
    settings = Repository(folder).file_at(commit, folder / FILE)
    if settings is None:
        return []
    links = dict(_links(folder, commit))
    return named(settings.encode("utf-8", "surrogateescape"), links, url) if links else []


def is_comfyui(folder: Path) -> bool:
    """Whether a work tree is ComfyUI's own, or that of a fork."""
    return all((folder / name).exists() for name in _COMFYUI)


def _is_clone(folder: Path) -> bool:
    """Whether git finds a repository in the folder itself; without asking it, where that is plain.

    A restored folder has many of them. Source: git, setup.c, is_git_directory."""
    dot_git = folder / ".git"
    if dot_git.is_dir() and not dot_git.is_symlink():
        parts = ("HEAD", "objects", "refs")
        return all((dot_git / name).exists() for name in parts)
    return repository_at(folder) is not None


def _links(folder: Path, commit: str) -> Iterator[tuple[str, str]]:
    for row in ask(folder, "ls-tree", "-r", "-z", "--full-tree", commit).split("\0"):
        words, _, path = row.partition("\t")
        if words.startswith("160000 "):
            yield path, words.split()[2]


def status_of(folder: Path) -> tuple[str | None, list[str]]:
    """The commit, and what differs from it; submodules are not looked into."""
    theirs = THEIRS if is_comfyui(folder) else ()
    unknown = "no" if theirs else "all"
    said = ask(
        folder,
        "status",
        "--porcelain=v2",
        "--branch",
        "-z",
        f"--untracked-files={unknown}",
        "--no-renames",
        "--ignore-submodules=all",
    )
    commit, changes = None, []
    for row in said.split("\0"):
        kind, _, rest = row.partition(" ")
        if row.startswith("# branch.oid ") and "(" not in row:
            commit = row.split()[2]
        elif kind in ("1", "u"):
            changes.append(rest.split(" ", 7 if kind == "1" else 9)[-1])
        elif kind == "?" and rest.endswith(".py"):
            changes.append(rest)
    if theirs:
        changes = [
            path for path in changes if not path.startswith(tuple(f"{one}/" for one in theirs))
        ]
        changes += _unknown_code(folder, theirs)
    return commit, changes


def _unknown_code(folder: Path, theirs: tuple[str, ...]) -> list[str]:
    """Python files that git does not know, without a look into the user's large folders."""
    beside = [f"--exclude=/{name}/" for name in theirs]
    said = ask(folder, "ls-files", "--others", "--exclude-standard", *beside, "-z", "--", "*.py")
    return [path for path in said.split("\0") if path]
