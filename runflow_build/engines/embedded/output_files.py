"""Files below the output folder: their names, counted up as ComfyUI counts, and their writing."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from .input_files import below
from .node_class import NodeError, Run
from .pixels import Floats, to_bytes

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

    The prefix may hold folders and the marks %width%, %height%, %year%, %month%, %day%, %hour%,
    %minute%, %second% and %batch_num%. No text chunk is written. Raises NodeError for a prefix
    that leads out of the output folder.
    Source: folder_paths.py get_save_image_path and nodes.py SaveImage at 3cd7b32f.
    """
    height, width = images.shape[1:3]
    prefix = os.path.normpath(_filled(prefix, width, height).replace("\\", "/"))
    folder, stem = below(run.folders.output, os.path.dirname(prefix)), os.path.basename(prefix)
    if folder is None or "\0" in stem:
        raise NodeError(
            f"the file name prefix {prefix!r} is not a path inside the output folder",
            "use a prefix without .. that does not begin with /",
        )
    try:
        return tuple(_written(folder, stem, images, compress_level))
    except OSError as error:
        raise NodeError(f"{prefix} cannot be written: {error.strerror or error}") from error


def _written(folder: Path, stem: str, images: Floats, compress_level: int) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    counter = _next_number(folder, stem)
    for number, image in enumerate(images):
        encoded = io.BytesIO()
        Image.fromarray(to_bytes(image)).save(encoded, "PNG", compress_level=compress_level)
        name = stem.replace("%batch_num%", str(number))
        path, counter = _write_new(folder, name, counter, encoded.getvalue())
        yield path


def _write_new(folder: Path, name: str, counter: int, data: bytes) -> tuple[Path, int]:
    """Write a file that did not exist; returns it and the number after its own.

    Runs may share a folder, so a number that another run took meanwhile is passed over.
    """
    while True:
        path = folder / f"{name}_{counter:05}_.png"
        counter += 1
        try:
            file = path.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                file.write(data)
        except OSError:
            path.unlink()  # a full disk: half a picture is worse than none
            raise
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
