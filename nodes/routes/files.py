"""Files that the pages send into ComfyUI's input folder: streamed, capped, never over another."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from aiohttp import web
from aiohttp.http import HttpProcessingError

from .comfyui import input_folder, options
from .requests import RouteError, Table, in_thread

_CHUNK = 1 << 18
_FEW_FILES = 10_000  # of one name; then something is wrong


def add(table: Table) -> None:
    table.upload("/runflow/upload-input-file", _upload)


async def _upload(request: Any) -> Any:
    """Multipart: `place` (`playground`, or nothing), then `file`: `{"name", "size"}`.

    The name is relative to the input folder, with / between its parts.
    """
    most = round(float(getattr(options(), "max_upload_size", 100)) * 1024 * 1024)
    if (request.content_length or 0) > most + _CHUNK:
        raise _too_large(most)
    from ...runflow_build.playground.uploads import Uploads

    try:
        reader = await request.multipart()
        folder = input_folder()
        while (part := await reader.next()) is not None:
            if getattr(part, "name", None) == "place":
                if await _start_of(part) == b"playground":
                    folder = Uploads(folder).new_folder()
            elif getattr(part, "name", None) == "file" and part.filename is not None:
                return await _received(reader, part, folder, most)
    except (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError):
        raise RouteError(400, "bad-body", "the body is not whole multipart/form-data") from None
    raise RouteError(400, "bad-body", "there is no `file` in the body")


async def _start_of(part: Any) -> bytes:
    """What stands in it, or enough of that to see that it is too long."""
    data = b""
    while len(data) < _CHUNK and (chunk := await part.read_chunk(_CHUNK)):
        data += chunk
    return data


async def _received(reader: Any, part: Any, folder: Path, most: int) -> dict[str, Any]:
    from ...runflow_build.playground.upload_names import safe_name
    from ...runflow_build.playground.uploads import UNFINISHED

    name = safe_name(part.filename)
    beside = folder / f".{secrets.token_hex(8)}{UNFINISHED}"
    size = 0
    try:
        file: BinaryIO = await in_thread(_opened, beside)
        with file:
            while chunk := await part.read_chunk(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                await in_thread(file.write, chunk)
        await reader.next()  # raises where the body ends without a boundary: cut off on the way
        path = await in_thread(_placed, beside, folder, name)
    except OSError as error:
        message = f"the file cannot be kept: {error.strerror}"
        raise RouteError(507, "file-not-written", message, "make room on the disk") from None
    finally:
        await in_thread(_removed, beside)
    return {"name": path.relative_to(input_folder()).as_posix(), "size": size}


def _opened(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb")


def _placed(beside: Path, folder: Path, name: str) -> Path:
    """Give it its name, or the next that is free; a file of the very same content is that file."""
    from itertools import islice

    from ...runflow_build.playground.upload_names import numbered

    for candidate in islice(numbered(name), _FEW_FILES):
        path = folder / candidate
        if path.is_file() and not path.is_symlink() and _is_same(path, beside):
            return path
        try:
            _claim(beside, path)
        except FileExistsError:
            continue
        return path
    raise RouteError(409, "file-exists", f"there are too many files called {name}")


def _claim(beside: Path, path: Path) -> None:
    """Have the name only if nobody has it. Raises FileExistsError."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: an empty file holds the name
        path.open("xb").close()
        os.replace(beside, path)


def _is_same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
    return True


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
    with suppress(OSError):  # a folder made for this file alone; one with files in it stays
        if path.parent != input_folder():
            path.parent.rmdir()


def _too_large(most: int) -> RouteError:
    message = f"the file is larger than {most >> 20} MiB"
    fix = "start ComfyUI with --max-upload-size and the MB that are to be allowed"
    return RouteError(413, "too-large", message, fix)
