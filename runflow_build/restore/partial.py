"""A file that is not all here yet: its bytes, and a journal of which of them are.

The journal names only bytes that are on the disk, so that neither a kill nor a power cut makes it
say too much; what a kill took from it is downloaded again.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..redact import redacted

FORMAT = 1


@dataclass
class Piece:
    """A stretch of the file. Only who receives it moves `at`."""

    start: int
    stop: int | None  # None: to the end, wherever that is
    at: int  # the bytes from `start` to before it are here

    @property
    def is_whole(self) -> bool:
        return self.at == self.stop


@dataclass
class Partial:
    """The file at `path`, and its journal beside it. `pieces` cover it in order, without gaps."""

    path: Path
    etag: str | None = None  # of the file at its host
    size: int | None = None  # bytes of the whole; None: not known yet
    pieces: list[Piece] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def is_whole(self) -> bool:
        return bool(self.pieces) and all(piece.is_whole for piece in self.pieces)

    @property
    def received(self) -> int:
        """How many bytes are here."""
        return sum(piece.at - piece.start for piece in self.pieces)

    def contiguous(self, start: int) -> int:
        """The end of what is here without a gap from `start` on, which is here."""
        for piece in self.pieces:
            if piece.stop is not None and piece.stop <= start:
                continue
            if not piece.is_whole:
                return max(start, piece.at)
            start = piece.at
        return start

    def resume(self, url: str, size: int | None, piece_bytes: int) -> bool:
        """Take up what the journal says of this URL; False: there is nothing to go on with."""
        told = self._told()
        if told.get("url") != redacted(url) or (size is not None and told.get("size") != size):
            return False
        total, etag, spans = told.get("size"), told.get("etag"), told.get("have")
        if not (isinstance(total, int) and isinstance(spans, list) and total >= 0):
            return False
        if not (etag is None or isinstance(etag, str)):
            return False
        try:
            on_disk = self.path.stat().st_size
        except OSError:
            return False
        self.size, self.etag = total, etag
        self.pieces = _pieces(total, min(total, on_disk), spans, piece_bytes)
        return self.received > 0

    def begin(self, size: int | None, piece_bytes: int) -> None:
        """Start with nothing. Raises OSError."""
        self.discard()
        self.path.touch()
        self.etag, self.size = None, size
        self.pieces = pieces_of(0, size, piece_bytes) if size else [Piece(0, size, 0)]

    def reserve(self) -> None:
        """Have the disk set the blocks of the whole file aside. Raises OSError."""
        if not self.size:
            return
        with self.path.open("r+b") as file:
            if not _allocated(file.fileno(), self.size):
                file.truncate(self.size)

    def reserved(self) -> int:
        """Bytes of the disk that are the file's already."""
        with suppress(OSError, AttributeError):
            return self.path.stat().st_blocks * 512
        return 0

    def save(self, url: str) -> None:
        """Bring what is here to the disk, then note it in the journal. Raises OSError."""
        if self.size is None:
            return
        have = _spans(self.pieces)
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        shape = {
            "version": FORMAT,
            "url": redacted(url),
            "etag": self.etag,
            "size": self.size,
            "have": have,
        }
        beside = self.journal.with_suffix(".json.new")
        with beside.open("w", encoding="utf-8") as file_:
            json.dump(shape, file_)
            file_.flush()
            os.fsync(file_.fileno())
        os.replace(beside, self.journal)

    def discard(self) -> None:
        """Forget all of it."""
        for path in (self.journal, self.path):
            path.unlink(missing_ok=True)
        self.pieces = []

    def _told(self) -> dict[str, Any]:
        try:
            told = json.loads(self.journal.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        fits = isinstance(told, dict) and told.get("version") == FORMAT
        return told if fits else {}


def received(path: Path) -> int:
    """How many bytes of an unfinished file the journal beside it knows."""
    told = Partial(path)._told()
    total, spans = told.get("size"), told.get("have")
    if not (isinstance(total, int) and isinstance(spans, list) and path.is_file()):
        return 0
    return sum(stop - start for start, stop in _valid(spans, total))


def pieces_of(start: int, stop: int, piece_bytes: int) -> list[Piece]:
    """The stretch cut into pieces of at most that length, nothing of them here."""
    firsts = range(start, stop, piece_bytes)
    return [Piece(first, min(stop, first + piece_bytes), first) for first in firsts]


def _pieces(size: int, on_disk: int, spans: list[Any], piece_bytes: int) -> list[Piece]:
    """What is here as whole pieces, and the gaps cut into pieces of at most that length."""
    pieces: list[Piece] = []
    at = 0
    for start, stop in [*_valid(spans, on_disk), (size, size)]:
        pieces += pieces_of(at, start, piece_bytes)
        if stop > start:
            pieces.append(Piece(start, stop, stop))
        at = stop
    return pieces


def _valid(spans: list[Any], end: int) -> Iterator[tuple[int, int]]:
    """The spans that make sense, in order, before `end`."""
    at = 0
    for span in spans:
        if isinstance(span, list) and len(span) == 2 and all(map(_is_count, span)):
            start, stop = span[0], min(span[1], end)
            if at <= start < stop:
                yield start, stop
                at = stop


def _spans(pieces: list[Piece]) -> list[list[int]]:
    spans: list[list[int]] = []
    for piece in pieces:
        start, at = piece.start, piece.at
        if at > start and spans and spans[-1][1] == start:
            spans[-1][1] = at
        elif at > start:
            spans.append([start, at])
    return spans


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _allocated(file: int, size: int) -> bool:
    """Whether the file system could set the blocks aside at once.

    Not `os.posix_fallocate`: where the file system cannot, that writes to every block.
    """
    if sys.platform != "linux":
        return False
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if fallocate is None:
        return False
    length = ctypes.c_longlong(size)
    if fallocate(ctypes.c_int(file), ctypes.c_int(0), ctypes.c_longlong(0), length) == 0:
        return True
    import errno

    if ctypes.get_errno() == errno.ENOSPC:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return False
