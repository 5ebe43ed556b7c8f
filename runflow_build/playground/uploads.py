"""What the pages sent into ComfyUI's input folder, removed once nothing names it any more."""

from __future__ import annotations

import re
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = "runflow-playground"  # below the input folder
UNFINISHED = ".upload"  # ends the name of a file on its way
NEW_S = 24 * 3600.0  # so long it may stand in a form that was not run yet

_OURS = re.compile(r"[0-9a-f]{8}")
_NAMED = re.compile(rb"%b[/\\]+([0-9a-f]{8})(?![0-9a-zA-Z])" % FOLDER.encode())


@dataclass(frozen=True)
class Uploads:
    """Those below an input folder; each has a folder of its own, named by chance."""

    inputs: Path

    def new_folder(self) -> Path:
        """Where the next one may lie; made by whoever puts it there."""
        return self.inputs / FOLDER / secrets.token_hex(4)

    def tidy(self, naming: Iterable[bytes], now: float) -> None:
        """Remove those that none of the texts in `naming` names, unless they are new.

        `now`: seconds since the epoch. What looks like nothing of ours stays: links, other names,
        folders with more in them than one file. Raises OSError where the texts cannot be read;
        then all stay.
        """
        old = [one for one in self._folders() if _is_one_upload(one, now - NEW_S)]
        if not old:
            return
        named = {found.decode() for text in naming for found in _NAMED.findall(text)}
        for folder in old:
            if folder.name not in named:
                _remove(folder)

    def _folders(self) -> list[Path]:
        place = self.inputs / FOLDER
        if place.is_symlink() or not place.is_dir():
            return []
        return [one for one in place.iterdir() if _OURS.fullmatch(one.name)]


def _is_one_upload(folder: Path, before: float) -> bool:
    """Whether one file is all that is there, beside what never arrived, and nothing is newer."""
    try:
        own = folder.lstat()
        if not stat.S_ISDIR(own.st_mode):
            return False
        files = [(one.name, one.lstat()) for one in folder.iterdir()]
    except OSError:
        return False
    whole = [name for name, _ in files if not name.endswith(UNFINISHED)]
    return (
        len(whole) <= 1
        and all(stat.S_ISREG(state.st_mode) for _, state in files)
        and all(state.st_mtime < before for state in (own, *(state for _, state in files)))
    )


def _remove(folder: Path) -> None:
    with suppress(OSError):  # a file that somebody reads on Windows: the next time
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
