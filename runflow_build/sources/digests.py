"""What files of this machine hold, remembered: a file is read again only when it changed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from time import time_ns

from .files import Content, contents_of, read_content
from .sqlite_cache import SqliteCache
from .stopping import Check, go_on

_VERSION = 1
_SCHEMA = """
CREATE TABLE digests (
  path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode TEXT NOT NULL,
  sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX by_inode ON digests (inode)
"""
_SHA256 = re.compile("[0-9a-f]{64}")
_FINE_NS, _COARSE_NS = 20_000_000, 2_000_000_000  # how far apart two changes have two times


class DigestCache:
    """Digests by path, size, time of change (ns) and inode. Safe with many threads and processes.

    A digest counts only for a file whose last change lies clearly before it was read: one that is
    changed again within the same tick of the file system's clock would look the same.
    """

    def __init__(self, path: Path, check: Check = go_on) -> None:
        """`check` is asked again and again while a file is read; what it raises ends that."""
        self._check = check
        self._file = SqliteCache(path, version=_VERSION, schema=_SCHEMA)

    def close(self) -> None:
        self._file.close()

    def known(self, path: Path) -> Content | None:
        """What the file holds, without reading it; None: only reading tells.

        A file of a Hugging Face cache is `declared`: its name is said to be its sha256.
        """
        try:
            real, stat = _looked_up(path)
        except OSError:
            return None
        sha256 = self._recorded(real, stat)
        if sha256 is not None:
            return Content(sha256, stat.st_size)
        folder, name = os.path.split(real)
        if os.path.basename(folder) == "blobs" and _SHA256.fullmatch(name):
            return Content(name, stat.st_size, declared=True)
        return None

    def content_of(self, path: Path) -> Content:
        """What the file holds; it is read if nobody did since it changed. Raises OSError."""
        real, stat = _looked_up(path)
        sha256 = self._recorded(real, stat)
        if sha256 is not None:
            return Content(sha256, stat.st_size)
        began = time_ns()
        content, stat = read_content(path, self._check)
        grain = _COARSE_NS if stat.st_mtime_ns % 1_000_000_000 == 0 else _FINE_NS
        if abs(began - stat.st_mtime_ns) > grain:
            self._record(real, stat, content.sha256)
        return content

    def contents_of(self, paths: Iterable[Path]) -> dict[Path, Content | OSError]:
        """The content of each file, or why it cannot be read; several files at once."""
        return contents_of(paths, self.content_of)

    def note(self, path: Path, content: Content) -> None:
        """Remember what somebody who wrote or read the file knows of it, as it is now."""
        try:
            real, stat = _looked_up(path)
        except OSError:
            return
        if stat.st_size == content.size and not content.declared:
            self._record(real, stat, content.sha256)

    def _recorded(self, real: str, stat: os.stat_result) -> str | None:
        """Of this path, or of another name of the same file."""
        same = "size = ? AND mtime_ns = ? AND inode = ?"
        state = (stat.st_size, stat.st_mtime_ns, _inode(stat))
        asked = f"SELECT sha256 FROM digests WHERE path = ? AND {same}"
        for (sha256,) in self._file.read(asked, (os.fsencode(real), *state)):
            return str(sha256)
        if stat.st_nlink < 2:
            return None
        for other, sha256 in self._file.read(
            f"SELECT path, sha256 FROM digests WHERE {same}", state
        ):
            if _is_same(other, stat):  # an inode alone may be a later file's
                return str(sha256)
        return None

    def _record(self, real: str, stat: os.stat_result, sha256: str) -> None:
        row = (os.fsencode(real), stat.st_size, stat.st_mtime_ns, _inode(stat), sha256)
        self._file.write("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", [row])


def _looked_up(path: Path) -> tuple[str, os.stat_result]:
    """The path behind all links, and what the system says of the file. Raises OSError."""
    real = os.path.realpath(path)
    return real, os.stat(real)


def _inode(stat: os.stat_result) -> str:
    return f"{stat.st_dev:x}:{stat.st_ino:x}"


def _is_same(other: bytes, stat: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(other), stat)
    except OSError:
        return False
