"""Files by content: sha256 and size, streamed, many at once."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .stopping import Check, go_on

CHUNK = 1 << 19  # bytes; held per file while hashing, and small enough to stay in a core's cache
READINGS = 3  # of a file that changes while it is read, before we give up


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    sha256: str  # lower-case hex
    size: int  # bytes
    declared: bool = False  # somebody says so; nobody has read the file


def content_of(path: Path) -> Content:
    """Read the file once, a chunk at a time; again if it changed meanwhile. Raises OSError."""
    return read_content(path)[0]


def contents_of(
    paths: Iterable[Path], content_of: Callable[[Path], Content] = content_of
) -> dict[Path, Content | OSError]:
    """The content of each file, or why it cannot be read; several files at once.

    The largest ones begin, so that none of them is left over for one core at the end.
    """
    unique = list(dict.fromkeys(paths))

    def content_or_error(path: Path) -> Content | OSError:
        try:
            return content_of(path)
        except OSError as error:
            return error

    if len(unique) < 2:
        return {path: content_or_error(path) for path in unique}
    order = sorted(unique, key=_size, reverse=True)
    with ThreadPoolExecutor(min(len(unique), _cores())) as pool:
        found = dict(zip(order, pool.map(content_or_error, order), strict=True))
    return {path: found[path] for path in unique}


def read_content(path: Path, check: Check = go_on) -> tuple[Content, os.stat_result]:
    """What the file holds, and what the system said of it while it held that.

    Raises OSError, and what `check` raises: it is asked before each chunk.
    """
    for _ in range(READINGS):
        with path.open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            state, size = hashlib.sha256(), 0
            buffer = bytearray(min(CHUNK, before.st_size + 1))
            view = memoryview(buffer)
            check()
            while count := file.readinto(buffer):
                check()
                state.update(view[:count])
                size += count
            after = os.fstat(file.fileno())
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if same and size == after.st_size:
            return Content(state.hexdigest(), size), after
    raise OSError(errno.EBUSY, "it changes while it is read", os.fspath(path))


def below(folder: Path, relative: str) -> Path | None:
    """`folder/relative`, or None where `relative` names something outside of it.

    By name alone: a link that the owner of `folder` made leads where they want it to lead.
    """
    path = PurePosixPath(relative.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in relative or "\0" in relative:
        return None
    return folder.joinpath(*path.parts)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _cores() -> int:
    """That we may use: hashing is bound by them, not by the disk."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
