"""The move of a work tree from commit to commit, such that a kill at any moment can be mended.

A file in the repository says from where to where, written while the tree had no local changes. So
after a kill a file is git's doing if it is as in one of the two commits, missing, or the beginning
of what it was to become; all others are the user's, and then nothing is touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..sources.git.program import git_dir_of
from .work_git import WorkGit

_FILE = "runflow-move.json"
_ORPHAN_ENDS_S = 3.0  # for the git of a killed process


@dataclass(frozen=True)
class Move:
    """From commit to commit."""

    before: str
    to: str


def begin(folder: Path, move: Move) -> None:
    """Write down the move of a work tree that has no local changes."""
    path = git_dir_of(folder) / _FILE
    beside = path.with_name(f".{_FILE}.tmp")
    beside.write_text(json.dumps({"before": move.before, "to": move.to}), encoding="ascii")
    os.replace(beside, path)


def unfinished(folder: Path) -> Move | None:
    """The move that did not come to its end; None: there is none."""
    try:
        said = json.loads((git_dir_of(folder) / _FILE).read_bytes())
        return Move(said["before"], said["to"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def end(folder: Path) -> None:
    """The work tree is whole."""
    with suppress(FileNotFoundError):
        (git_dir_of(folder) / _FILE).unlink()


def resume(git: WorkGit, move: Move, changes: Sequence[str]) -> list[str]:
    """Bring an unfinished move to its end; the files that are the user's, and then nothing is done.

    `changes` are the paths that differ from what is checked out. A move that ended before any file
    was touched is left for the next attempt.
    """
    _unlock(git_dir_of(git.folder))
    if not git.holds(move.to) or not git.holds(move.before):
        return list(changes)
    before, to = git.tree(move.before), git.tree(move.to)
    touched = {path for path in before.keys() | to.keys() if before.get(path) != to.get(path)}
    foreign = sorted(set(changes) - touched)
    foreign += sorted(
        path for path in touched if not _is_gits(git, path, before.get(path), to.get(path))
    )
    if not foreign:
        git.force(move.to)
    return foreign


def _is_gits(
    git: WorkGit, path: str, before: tuple[str, str] | None, to: tuple[str, str] | None
) -> bool:
    place = git.folder / path
    if place.is_symlink():
        content = os.fsencode(os.readlink(place))
    elif place.is_file():
        content = place.read_bytes()
    else:
        return True  # missing, or a folder, whose files speak for themselves
    expected = {one[1] for one in (before, to) if one}
    if expected.intersection(_ids(content)):
        return True
    return to is not None and to[0].startswith("100") and git.blob(to[1]).startswith(content)


def _ids(content: bytes) -> Iterator[str]:
    """The ids that git may have for a file: as it is, and with the line ends of Windows."""
    for form in (content, content.replace(b"\r\n", b"\n")):
        yield hashlib.sha1(b"blob %d\0" % len(form) + form, usedforsecurity=False).hexdigest()


def _unlock(git_dir: Path) -> None:
    """Take away the locks of a git that died; one that still runs may end first."""
    last = time.monotonic() + _ORPHAN_ENDS_S
    while locks := [*git_dir.glob("*.lock"), *git_dir.glob("refs/**/*.lock")]:
        if time.monotonic() > last:
            for lock in locks:
                with suppress(OSError):
                    lock.unlink()
        time.sleep(0.05)
