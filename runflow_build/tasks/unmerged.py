"""What git's index keeps of a file while a merge is not done: the very texts of its sides.

The marks that git writes into the file show less: what could be merged line by line is in both
sides there, and without `diff3` there is no base. After `git add` the index has nothing any more.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import RunflowError
from ..lock.conflict import Sides
from ..sources.git.working_tree import ask


def unmerged(folder: Path, name: str) -> Sides | None:
    """The sides of a file in `folder`; None: git knows of no conflict in it, or not of both sides
    (one deleted the file), or there is no git."""
    try:
        listing = ask(folder, "ls-files", "--unmerged", "-z", "--", f":(literal){name}")
        texts = {
            stage: ask(folder, "cat-file", "blob", blob)
            for stage, blob in (_stage(row) for row in listing.split("\0") if row)
        }
    except RunflowError:
        return None
    ours, theirs = texts.get("2"), texts.get("3")
    return None if ours is None or theirs is None else Sides(ours, theirs, texts.get("1"))


def _stage(row: str) -> tuple[str, str]:
    """`100644 <blob> 2<tab>path`: 1 is the base, 2 is ours, 3 is theirs."""
    _, blob, stage = row.partition("\t")[0].split(" ")
    return stage, blob
