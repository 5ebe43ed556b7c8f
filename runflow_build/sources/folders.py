"""Folders of ours, removed and renamed also where somebody has one of their files open."""

from __future__ import annotations

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

WINDOWS = os.name == "nt"
_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6)


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, as far as the system lets us."""
    for pause in (0.0, 0.1, 0.5):  # an orphan may still be writing there
        if not folder.exists():
            return
        time.sleep(pause)
        if WINDOWS:  # there, git's read-only files cannot be deleted
            for path in folder.rglob("*"):
                with suppress(OSError):
                    path.chmod(stat.S_IWRITE)
        shutil.rmtree(folder, ignore_errors=True)


def place_folder(made: Path, place: Path) -> None:
    """Give a folder that was made beside its place its name; an empty one there makes way.

    Windows refuses while a scanner of viruses or a search index reads one of the new files, which
    takes moments. Raises OSError.
    """
    if place.is_dir():
        place.rmdir()  # not every system renames onto it
    for pause in _PAUSES_S if WINDOWS else ():
        try:
            made.rename(place)
            return
        except PermissionError:  # noqa: PERF203
            time.sleep(pause)
    made.rename(place)
