"""Files below the output folder: their names, counted up as ComfyUI counts, and their writing."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from PIL import Image

from ...media.pixels import Floats, to_bytes
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

    No text chunk is written. Raises NodeError as `save_files` does.
    """

    def writer(image: Floats) -> Writer:
        picture = Image.fromarray(to_bytes(image))
        return lambda file: picture.save(file, "PNG", compress_level=compress_level)

    height, width = images.shape[1:3]
    return save_files(run, prefix, ".png", (writer(image) for image in images), width, height)


def save_files(
    run: Run, prefix: str, suffix: str, writers: Iterable[Writer], width: int = 0, height: int = 0
) -> tuple[Path, ...]:
    """Write files `<prefix>_00001_<suffix>`, `<prefix>_00002_<suffix>` …, each by its writer.

    The prefix may hold folders and the marks %width%, %height%, %year%, %month%, %day%, %hour%,
    %minute%, %second% and %batch_num%. A file has its name only when it is whole. Raises NodeError
    for a prefix that leads out of the output folder, and when nothing can be written.
    Source: folder_paths.py get_save_image_path and nodes.py SaveImage at 3cd7b32f.
    """
    prefix = os.path.normpath(_filled(prefix, width, height).replace("\\", "/"))
    folder, stem = below(run.folders.output, os.path.dirname(prefix)), os.path.basename(prefix)
    if folder is None or "\0" in stem:
        raise NodeError(
            f"the file name prefix {prefix!r} is not a path inside the output folder",
            "use a prefix without .. that does not begin with /",
        )
    try:
        return tuple(_written(run, folder, stem, suffix, writers))
    except OSError as error:
        raise NodeError(f"{prefix} cannot be written: {error.strerror or error}") from error


def _written(
    run: Run, folder: Path, stem: str, suffix: str, writers: Iterable[Writer]
) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    counter = _next_number(folder, stem)
    for number, write in enumerate(writers):
        run.check()
        beside = folder / f".{secrets.token_hex(8)}.part"
        try:
            with beside.open("xb") as file:
                write(file)
            name = stem.replace("%batch_num%", str(number))
            path, counter = _reserved(folder, name, counter, suffix)
            os.replace(beside, path)
        except BaseException:  # a full disk, a cancelled run: half a file is worse than none
            beside.unlink(missing_ok=True)
            raise
        yield path


def _reserved(folder: Path, name: str, counter: int, suffix: str) -> tuple[Path, int]:
    """A file that did not exist, now empty, and the number after its own.

    Runs may share a folder, so a number that another run took meanwhile is passed over.
    """
    while True:
        path = folder / f"{name}_{counter:05}_{suffix}"
        counter += 1
        try:
            path.open("xb").close()
        except FileExistsError:
            continue
        return path, counter


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
