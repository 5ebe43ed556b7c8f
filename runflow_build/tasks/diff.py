"""`diff` on a project's folder: the lock as it lies there against a file or a git revision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import LockError, UsageError
from ..file_names import LOCK_FILE
from ..findings import Finding
from ..lock.diff import LockDiff, diff
from ..lock.model import Lock
from ..lock.text import read_lock
from ..project.files import read_file, text_of
from ..project.paths import ProjectPaths
from ..sources.git import repository_of
from ..yaml_text import LARGEST
from .fresh import lock_missing


def lock_diff(root: Path, base: str) -> LockDiff:
    """What changed from `base` to the lock in `root`.

    `base` is a file, or a git revision: where that has no lock, all is new.

    Raises LockError (also `lock-missing`), UsageError `diff-base`, GitError.
    """
    path = ProjectPaths(root).lock
    if not path.is_file():
        raise LockError(lock_missing())
    after = read_lock(_text(path, LOCK_FILE))
    return diff(_before(path, base), after)


def _before(path: Path, base: str) -> Lock | None:
    file = Path(base)
    if file.is_file():
        return _read(_text(file, base), base)
    text = _at_revision(path, base)
    return None if text is None else _read(text, f"{base}:{LOCK_FILE}")


def _at_revision(path: Path, base: str) -> str | None:
    repository = repository_of(path.parent)
    if repository is None:
        raise _no_base(
            f"`{base}` is no file, and the project is not in a git repository",
            "name a file to compare with: runflow diff OLD.lock",
        )
    commit = repository.commit_of(base)
    if commit is None and base != "HEAD":  # a new repository has no HEAD yet
        raise _no_base(
            f"`{base}` is neither a file nor a git revision",
            "name a file, or a branch, tag or commit that this clone has",
        )
    return repository.file_at(commit, path) if commit else None


def _text(path: Path, name: str) -> str:
    return text_of(read_file(path, name, LARGEST, LockError), name, LockError)


def _read(text: str, name: str) -> Lock:
    """The lock of before; its findings name where it came from."""
    try:
        return read_lock(text)
    except LockError as error:
        raise LockError(
            *(replace(one, where=replace(one.where, file=name), fix=None) for one in error.findings)
        ) from None


def _no_base(message: str, fix: str) -> UsageError:
    return UsageError(Finding("diff-base", message, fix=fix))
