"""doit's memory of what was done, in the project's state folder."""

from __future__ import annotations

from pathlib import Path

from ..project.paths import ProjectPaths
from ..project.save import state_folder

_SQLITE = b"SQLite format 3\0"


def state_file(root: Path) -> Path:
    """Where doit keeps its database. The folder is made, because doit opens the file before it asks
    for the first task; a file that is no database is deleted, for all of it can be found out anew.

    Raises SaveError: `file-not-written`.
    """
    path = state_folder(ProjectPaths(root)) / "doit.db"
    if _is_damaged(path):
        path.unlink()
    return path


def _is_damaged(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
    except OSError:
        return False
    return start not in (b"", _SQLITE)  # an empty file is a new database
