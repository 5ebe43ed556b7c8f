"""A cache in one SQLite file, which many threads and several processes share.

It is a cache: a file that is broken, or of another release, is put aside and made anew; a disk that
is full or read-only, or a lock that another process holds for too long, costs only the caching.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filelock import BaseFileLock

BUSY_S = 5.0  # how long to wait for another process
_BROKEN = ("not a database", "malformed", "corrupt", "no such table", "no such column")


class SqliteCache:
    """Reads that may find nothing, and writes that may be lost."""

    def __init__(self, path: Path, *, version: int, schema: str) -> None:
        """`schema`: the CREATE statements of that version. Nothing is opened before it is used."""
        self.path = path
        self._version, self._schema = version, schema
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which one is open: others may put it aside
        self._guard: BaseFileLock | None = None
        self._given_up = False

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows; none where the file cannot be read."""
        with self._lock:
            for _ in range(2):
                connection = self._open()
                if connection is None:
                    return []
                try:
                    return connection.execute(sql, values).fetchall()
                except sqlite3.Error as error:
                    if not self._mended(error):
                        return []
            return []

    def write(self, sql: str, rows: Iterable[Sequence[Any]]) -> bool:
        """Run the statement for each row, all or none; whether it is written."""
        rows = list(rows)
        with self._lock:
            for _ in range(2):
                connection = self._open()
                if connection is None:
                    return False
                try:
                    with connection:  # a transaction
                        connection.executemany(sql, rows)
                    return True
                except sqlite3.Error as error:
                    if not self._mended(error):
                        return False
            return False

    def close(self) -> None:
        """Give the file back; a later use opens it again."""
        with self._lock:
            if self._connection is not None:
                with suppress(sqlite3.Error):
                    self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and not self._given_up:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = _identity(self.path)
                self._connection = self._opened()
                self._file = _identity(self.path)
            except sqlite3.Error as error:
                self._connection = self._anew() if _is_broken(error) else self._to_read_only()
            except OSError:
                self._connection = self._to_read_only()
            self._given_up = self._connection is None
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        """Raises sqlite3.Error; `not a database` for one of another version too."""
        connection = sqlite3.connect(self.path, timeout=BUSY_S, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            if self._version_in(connection) == 0:
                with self._alone():
                    self._create(connection)
            if self._version_in(connection) != self._version:
                raise sqlite3.DatabaseError("not a database of this version")
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        if self._version_in(connection) != 0:
            return  # another process did
        connection.execute("PRAGMA journal_mode = WAL")  # waits for nobody, whatever the timeout
        connection.execute("BEGIN IMMEDIATE")
        for statement in self._schema.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self._version}")
        connection.commit()

    def _alone(self) -> BaseFileLock:
        """To be held while the file is made or put aside. Raises Timeout, which is an OSError."""
        from filelock import FileLock

        if self._guard is None:
            self._guard = FileLock(f"{self.path}.lock", timeout=BUSY_S)
        return self._guard

    def _anew(self) -> sqlite3.Connection | None:
        """Put the broken file aside, if no other process has done so by now, and begin another."""
        try:
            with self._alone():
                if _identity(self.path) == self._file:
                    for end in ("", "-wal", "-shm"):
                        with suppress(FileNotFoundError):
                            os.replace(f"{self.path}{end}", f"{self.path}.aside{end}")
                connection = self._opened()
                self._file = _identity(self.path)
                return connection
        except (OSError, sqlite3.Error):
            return None

    def _to_read_only(self) -> sqlite3.Connection | None:
        uri = f"{self.path.absolute().as_uri()}?immutable=1"
        with suppress(sqlite3.Error), closing(sqlite3.connect(uri, uri=True)) as probe:
            if self._version_in(probe) == self._version:
                return sqlite3.connect(uri, uri=True, check_same_thread=False)
        return None

    def _mended(self, error: sqlite3.Error) -> bool:
        """Whether trying once more may help."""
        if not _is_broken(error):
            return False
        self.close()
        self._connection = self._anew()
        self._given_up = self._connection is None
        return not self._given_up

    def _version_in(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        stat = path.stat()
        return stat.st_dev, stat.st_ino
    return None


def _is_broken(error: sqlite3.Error) -> bool:
    return any(word in str(error) for word in _BROKEN)
