"""What git runs for runflow.lock, once `git_setup` told it to: its words in, text out.

It never fails: git would give up on the whole of `git diff` or `git log`. A file that is no lock of
ours is compared, or shown, as the text that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import RunflowError
from ..findings import printable
from ..lock.diff import render_diff
from ..lock.one_line_text import one_line_text
from ..lock.text import read_lock
from .diff import files_diff


def diff_text(words: Sequence[str]) -> str:
    """What `git diff` shows; `words` are those of an external diff program.

    PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE, and two more for a renamed file; or
    just PATH, for one with a conflict.
    """
    path = printable(words[0]) if words else "runflow.lock"
    if len(words) < 7:
        return f"* Unmerged path {path}: `runflow lock` takes the pins of both sides\n"
    old, new = Path(words[1]), Path(words[4])
    head = f"diff --runflow {path}\n"
    try:
        found = files_diff(old, new)
    except RunflowError as error:
        why = "".join(f"# {line}\n" for line in str(error).splitlines())
        return head + why + _lines_diff(path, old, new)
    if found is None:
        return f"{head}the lock is gone\n"
    return f"{head}{render_diff(found, 'text')}\n"


def plain_text(file: str) -> str:
    """The lock in a file as lines that each say whose they are; what is no lock, as it is."""
    text = Path(file).read_text(encoding="utf-8", errors="backslashreplace")
    try:
        return one_line_text(read_lock(text))
    except RunflowError:
        return text


def _lines_diff(path: str, old: Path, new: Path) -> str:
    from difflib import unified_diff

    before, after = (_lines(one) for one in (old, new))
    rows = unified_diff(before, after, f"a/{path}", f"b/{path}", lineterm="")
    return "".join(f"{printable(row)}\n" for row in rows)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    except OSError:  # git's /dev/null, on a system that has none
        return []
