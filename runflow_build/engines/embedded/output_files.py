"""Files below the output folder: their names, counted up as ComfyUI counts, and their writing."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from ...media.image_writing import write_png
from ...media.pixels import Floats
from .input_files import below
from .node_class import NodeError, Run

Writer: TypeAlias = Callable[[IO[bytes]], None]
"""Writes the content of one file into it, open for writing; may seek."""

_TIME_MARKS = (
    ("%year%", "%Y"),
    ("%month%", "%m"),
    ("%day%", "%d"),
    ("%hour%", "%H"),
    ("%minute%", "%M"),
    ("%second%", "%S"),
)


def save_pictures(run: Run, images: Floats, prefix: str, compress_level: int) -> tuple[Path, ...]:
    """Write each image of the batch as `<prefix>_00001_.png`, `<prefix>_00002_.png` …

    No text chunk is written. Raises MediaError for what is no picture, else as `save_files` does.
    """
    if not len(images):
        raise NodeError("there is no picture to save")

    def writer(image: Floats) -> Writer:
        return lambda file: write_png(image, file, compress_level)

    height, width = images.shape[1:3]
    return save_files(run, prefix, ".png", (writer(image) for image in images), width, height)


def save_file(
    run: Run, prefix: str, suffix: str, write: Writer, width: int = 0, height: int = 0
) -> tuple[Path, ...]:
    """Write one file `<prefix>_00001_<suffix>` of a whole batch; %batch_num% stays as it is.

    Raises NodeError as `save_files` does.
    """
    return _place(run, prefix, width, height).written(run, suffix, [write], "%batch_num%")


def save_files(
    run: Run, prefix: str, suffix: str, writers: Iterable[Writer], width: int = 0, height: int = 0
) -> tuple[Path, ...]:
    """Write files `<prefix>_00001_<suffix>`, `<prefix>_00002_<suffix>` …, each by its writer.

    The prefix may hold folders and the marks %width%, %height%, %year%, %month%, %day%, %hour%,
    %minute%, %second% and %batch_num%. A file has its name only when it is whole, and takes none
    that another one has. Raises NodeError for a prefix that leads out of the output folder, and
    when nothing can be written.
    Source: folder_paths.py get_save_image_path and nodes.py SaveImage at 3cd7b32f.
    """
    return _place(run, prefix, width, height).written(run, suffix, writers)


@dataclass(frozen=True)
class _Place:
    """Where files go: a folder, and what their names in it begin with."""

    prefix: str  # as the prompt has it
    folder: Path
    stem: str

    def written(
        self, run: Run, suffix: str, writers: Iterable[Writer], batch_number: str | None = None
    ) -> tuple[Path, ...]:
        """The files; `batch_number` instead of each one's own."""
        paths: list[Path] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            counter = _next_number(self.folder, self.stem)
            for number, write in enumerate(writers):
                run.check()
                name = self.stem.replace("%batch_num%", batch_number or str(number))
                path, counter = _written(self.folder, name, counter, suffix, write)
                paths.append(path)
        except OSError as error:
            reason = error.strerror or error
            raise NodeError(f"{self.prefix} cannot be written: {reason}") from error
        return tuple(paths)


def _place(run: Run, prefix: str, width: int, height: int) -> _Place:
    path = os.path.normpath(_filled(prefix, width, height).replace("\\", "/"))
    folder, stem = below(run.folders.output, os.path.dirname(path)), os.path.basename(path)
    if folder is None or not _nameable(stem):
        raise NodeError(
            f"the file name prefix {prefix!r} is not a path inside the output folder",
            "use a prefix without .. that does not begin with /",
        )
    if os.name == "nt" and not windows_allows(path.replace("\\", "/")):
        raise NodeError(
            f"the file name prefix {prefix!r} is none that Windows allows",
            'use a prefix without < > : " | ? * and without folders like CON or NUL',
        )
    return _Place(prefix, folder, stem)


def _nameable(stem: str) -> bool:
    try:
        return b"\0" not in stem.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def windows_allows(prefix: str) -> bool:
    """Whether Windows takes the folders of a prefix, and what its files' names begin with.

    A colon would not even fail there: it writes into a hidden stream of another file.
    """
    *folders, _ = prefix.split("/")
    return not (
        _NOT_IN_WINDOWS_NAMES.search(prefix) or any(map(_NO_WINDOWS_FOLDER.fullmatch, folders))
    )


_NOT_IN_WINDOWS_NAMES = re.compile(r'[<>:"|?*\x00-\x1f]')
_NO_WINDOWS_FOLDER = re.compile(
    r".*[ .]|(CON|PRN|AUX|NUL|COM[1-9¹²³]|LPT[1-9¹²³])([. ].*)?", re.IGNORECASE
)


def _written(folder: Path, name: str, counter: int, suffix: str, write: Writer) -> tuple[Path, int]:
    """The file, and the number after its own."""
    beside = folder / f".{secrets.token_hex(8)}.part"
    try:
        with beside.open("xb") as file:
            write(file)
        while True:
            path = folder / f"{name}_{counter:05}_{suffix}"
            counter += 1
            if _named(beside, path):  # else another run took the number meanwhile
                return path, counter
    finally:  # also on a full disk, or in a cancelled run: half a file is worse than none
        beside.unlink(missing_ok=True)


def _named(beside: Path, path: Path) -> bool:
    """Give the whole file its name; False when there is a file of that name."""
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links, like FAT
        return _moved(beside, path)
    return True


def _moved(beside: Path, path: Path) -> bool:
    """The same where the name has to be reserved by an empty file, for a moment."""
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    try:
        os.replace(beside, path)
    except OSError:
        path.unlink()
        raise
    return True


def _next_number(folder: Path, stem: str) -> int:
    """One more than the highest number of `<stem>_<number>_…` in the folder."""
    taken = [0]
    for entry in os.listdir(folder):
        start, rest = entry[: len(stem) + 1], entry[len(stem) + 1 :]
        number = rest.split("_")[0]
        if os.path.normcase(start) == os.path.normcase(stem + "_") and number.isdecimal():
            taken.append(int(number))
    return max(taken) + 1


def _filled(prefix: str, width: int, height: int) -> str:
    if "%" not in prefix:
        return prefix
    prefix = prefix.replace("%width%", str(width)).replace("%height%", str(height))
    now = time.localtime()
    for mark, form in _TIME_MARKS:
        prefix = prefix.replace(mark, time.strftime(form, now))
    return prefix
