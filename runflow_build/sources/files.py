"""Files by content: sha256 and size, streamed, many at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CHUNK = 1 << 20  # bytes; memory held per file while hashing
AT_ONCE = 8  # files; hashlib lets other threads run, and disks like a few readers


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    sha256: str  # lower-case hex
    size: int  # bytes


def content_of(path: Path) -> Content:
    """Read the file once, a chunk at a time. Raises OSError."""
    state, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            state.update(chunk)
            size += len(chunk)
    return Content(state.hexdigest(), size)


def contents_of(paths: Iterable[Path]) -> dict[Path, Content | OSError]:
    """The content of each file, or why it cannot be read; several files at once."""
    unique = list(dict.fromkeys(paths))
    if not unique:
        return {}
    with ThreadPoolExecutor(min(AT_ONCE, len(unique), os.cpu_count() or 1)) as pool:
        return dict(zip(unique, pool.map(_content_or_error, unique), strict=True))


def below(folder: Path, relative: str) -> Path | None:
    """`folder/relative`, or None where `relative` names something outside of it.

    By name alone: a link that the owner of `folder` made leads where they want it to lead.
    """
    path = PurePosixPath(relative.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in relative or "\0" in relative:
        return None
    return folder.joinpath(*path.parts)


def _content_or_error(path: Path) -> Content | OSError:
    try:
        return content_of(path)
    except OSError as error:
        return error
