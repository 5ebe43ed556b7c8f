"""The connection to the database: transactions, the schema's version, and the server's secret."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError

from ..errors import RunflowError
from ..findings import Finding, Where
from .tables import SCHEMA_VERSION, meta, metadata

DATABASE_FILE = "runflow.db"  # in the data folder

_BUSY_MS = 15_000  # how long a writer waits for another one
_CONNECTIONS = 48  # more than the threads that answer requests


class Database:
    """Read and write transactions on one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A writer that waits inside SQLite polls, up to 0.1 s apart; here it is woken at once.
        self._writing = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is kept as a whole, or not at all when the block raises."""
        with self._writing, self._engine.connect() as connection:
            connection = connection.execution_options(runflow_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Give the file back."""
        self._engine.dispose()


def open_database(file: Path) -> Database:
    """Open the database of a data folder; make the folder and the tables when they are not there.

    Raises RunflowError: `server-data-newer`, `server-data-unusable`.
    """
    try:
        # The signing secret is in there, and users' files beside it: for their owner alone.
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        engine = _connect(file)
        try:
            _prepare(engine, file.parent)
        except BaseException:
            engine.dispose()
            raise
    except (OSError, DBAPIError) as error:
        raise RunflowError(unusable(file.parent, error)) from error
    return Database(engine)


def unusable(data_dir: Path, error: OSError | DBAPIError) -> Finding:
    """The finding for a data folder that the system or the database refuses."""
    reason = error.strerror if isinstance(error, OSError) else str(error.orig)
    return Finding(
        "server-data-unusable",
        f"the data folder cannot be used: {reason}",
        Where(file=str(data_dir)),
        fix="check its permissions and free space, or name another folder with --data DIR",
    )


def signing_secret(database: Database) -> bytes:
    """The secret that links are signed with; made once for each data folder."""
    with database.read() as connection:
        found = connection.scalar(select(meta.c.value).where(meta.c.name == "signing_secret"))
    return bytes.fromhex(str(found))


def _connect(file: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        hide_parameters=True,  # callers' inputs have no place in a log
        connect_args={"timeout": _BUSY_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # an answered dispatch is on disk, power cut or not
            "foreign_keys=ON",
            "case_sensitive_like=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that turns writer half-way gets SQLITE_BUSY at once instead of waiting.
        writes = connection.get_execution_options().get("runflow_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _prepare(engine: Engine, data_dir: Path) -> None:
    database = Database(engine)
    with database.write() as connection:
        if not engine.dialect.has_table(connection, meta.name):
            metadata.create_all(connection)
            facts = {"schema": str(SCHEMA_VERSION), "signing_secret": secrets.token_hex(32)}
            rows = [{"name": name, "value": value} for name, value in facts.items()]
            connection.execute(insert(meta), rows)
        version = connection.scalar(select(meta.c.value).where(meta.c.name == "schema"))
    if int(str(version)) > SCHEMA_VERSION:
        raise RunflowError(
            Finding(
                "server-data-newer",
                f"the data folder is of schema {version}; this release knows up to "
                f"{SCHEMA_VERSION}",
                Where(file=str(data_dir)),
                fix="install the newer runflow-build that wrote it, or name another folder "
                "with --data DIR",
            )
        )
