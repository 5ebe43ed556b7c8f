"""The bytes of assets and outputs on disk, by id; their names and types stand in the database."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """What was written."""

    size_bytes: int
    sha256: str


class Incoming:
    """A file that is being written; it takes its place only when it is whole."""

    def __init__(self, temporary: Path, target: Path) -> None:
        self._temporary = temporary
        self._target = target
        self._file: BinaryIO = temporary.open("xb")
        self._state = hashlib.sha256()
        self.size_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append some bytes."""
        self._file.write(chunk)
        self._state.update(chunk)
        self.size_bytes += len(chunk)

    def stored(self) -> Stored:
        """What the bytes so far amount to."""
        return Stored(self.size_bytes, self._state.hexdigest())

    def keep(self) -> Stored:
        """Put the file in its place, on disk for good, instead of a former one of that id."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._temporary, self._target)
        return self.stored()

    def discard(self) -> None:
        """Leave no trace; nothing happens after `keep`."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


class FileStore:
    """Files below one folder, spread over 256 sub-folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"

    def prepare(self) -> None:
        """Make the folder; drop what a server that died was still writing."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._incoming.mkdir()

    def path(self, file_id: str) -> Path:
        """Where the bytes lie, or would lie. Raises ValueError for what is no id."""
        if not _ID.fullmatch(file_id):
            raise ValueError("not a file id")
        return self._folder / file_id[-2:] / file_id

    def receive(self, file_id: str) -> Incoming:
        """Begin to write a file."""
        return Incoming(self._incoming / f"{file_id}.{uuid4().hex}", self.path(file_id))

    def store(self, file_id: str, chunks: Iterator[bytes]) -> Stored:
        """Write a whole file."""
        incoming = self.receive(file_id)
        try:
            for chunk in chunks:
                incoming.write(chunk)
            return incoming.keep()
        finally:
            incoming.discard()

    def copy_to(self, file_id: str, target: Path) -> Stored:
        """Copy the bytes into a new file elsewhere. Raises OSError when they are not there."""
        state = hashlib.sha256()
        size = 0
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.path(file_id).open("rb") as source, target.open("xb") as copy:
            for chunk in chunks_of(source):
                copy.write(chunk)
                state.update(chunk)
                size += len(chunk)
        return Stored(size, state.hexdigest())


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file, a megabyte at a time."""
    while chunk := file.read(_CHUNK):
        yield chunk
