"""Runs in the database: the queue, their states, outputs and logs.

Every change of state is one UPDATE that names the states it may come from, so whatever two
workers, a cancellation and a restart do at once, one of them wins and a run ends once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from .clock import iso, seconds, uuid7
from .database import Database
from .filters import Field
from .pages import Listing, Page, PageQuery, page
from .runs import ACTIVE, MAX_ATTEMPTS, Failure, Output, Run, Status, origins
from .tables import replays, run_logs, run_outputs, runs

REPLAY_LIFETIME_S = 24 * 3600

LISTING = Listing(
    fields={
        "id": Field(runs.c.id),
        "status_code": Field(runs.c.status_code),
        "client_ref": Field(runs.c.client_ref),
        "comfyui_workflow_id": Field(runs.c.workflow_id),
        "request_id": Field(runs.c.request_id),
        "created_by": Field(runs.c.created_by),
        "failure_code": Field(runs.c.failure_code),
        "failure_stage_code": Field(runs.c.failure_stage_code),
        "duration_ms": Field(runs.c.duration_ms, "integer"),
        "nodes_total": Field(runs.c.nodes_total, "integer"),
        "nodes_completed": Field(runs.c.nodes_completed, "integer"),
        "created_at": Field(runs.c.created_at, "time"),
        "updated_at": Field(runs.c.updated_at, "time"),
        "started_at": Field(runs.c.started_at, "time"),
        "completed_at": Field(runs.c.completed_at, "time"),
    },
    sortable=("id", "status_code", "created_at", "updated_at"),
)
LOGS = Listing(
    fields={
        "id": Field(run_logs.c.id),
        "level_code": Field(run_logs.c.level_code),
        "timestamp": Field(run_logs.c.timestamp, "time"),
    },
    sortable=("id", "level_code", "timestamp"),
    default_sort="timestamp",
)


@dataclass(frozen=True)
class Replay:
    """An Idempotency-Key with what it stands for."""

    org_id: str
    path: str
    key: str
    body_sha256: str


class ReplayMismatchError(Exception):
    """The key was used before, for another body."""


@dataclass(frozen=True)
class StoredOutput:
    """An output whose bytes lie in the file store."""

    output: Output
    sha256: str


class RunStore:
    """All that is ever written about runs."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    # ---- as an API user sees them

    def add(self, run: Run, answer: dict[str, Any], replay: Replay | None) -> dict[str, Any]:
        """Queue the run; returns `answer`, or the former answer when the replay is known.

        The run and its key are written together, so of two equal dispatches one run comes.
        Raises ReplayMismatchError.
        """
        try:
            with self._database.write() as connection:
                if replay:
                    values = {**vars(replay), "answer": answer, "created_at": iso(self._now())}
                    connection.execute(insert(replays).values(values))
                connection.execute(insert(runs).values(_row(run)))
                self._log(connection, run.id, "info", "queued")
        except IntegrityError:
            former = self.replayed(replay) if replay else None
            if former is None:
                raise
            return former
        return answer

    def replayed(self, replay: Replay) -> dict[str, Any] | None:
        """The answer that this key got before; forgotten after a day.

        Raises ReplayMismatchError.
        """
        named = and_(
            replays.c.org_id == replay.org_id,
            replays.c.path == replay.path,
            replays.c.key == replay.key,
        )
        oldest = iso(self._now() - REPLAY_LIFETIME_S)
        with self._database.read() as connection:
            row = connection.execute(select(replays).where(named)).one_or_none()
        if row is None:
            return None
        if row.created_at < oldest:
            with self._database.write() as connection:
                connection.execute(delete(replays).where(named, replays.c.created_at < oldest))
            return None
        if row.body_sha256 != replay.body_sha256:
            raise ReplayMismatchError
        answer: dict[str, Any] = row.answer
        return answer

    def get(self, run_id: str, org_id: str) -> tuple[Run, list[Output]] | None:
        """The run with its outputs; None when it is absent or another organization's."""
        with self._database.read() as connection:
            wanted = select(runs).where(runs.c.id == run_id, runs.c.org_id == org_id)
            row = connection.execute(wanted).mappings().one_or_none()
            if row is None:
                return None
            return _run(row), self._outputs(connection, [run_id]).get(run_id, [])

    def search(
        self, org_id: str, wanted: PageQuery, workflow_id: str | None = None
    ) -> tuple[Page, list[tuple[Run, list[Output]]]]:
        """One page of an organization's runs, or of those of one workflow."""
        statement = select(runs).where(runs.c.org_id == org_id)
        if workflow_id is not None:
            statement = statement.where(runs.c.workflow_id == workflow_id)
        with self._database.read() as connection:
            found = page(connection, statement, LISTING, wanted)
            outputs = self._outputs(connection, [row["id"] for row in found.rows])
        return found, [(_run(row), outputs.get(row["id"], [])) for row in found.rows]

    def logs(self, run_id: str, wanted: PageQuery) -> Page:
        """One page of what a run logged, oldest first."""
        with self._database.read() as connection:
            statement = select(run_logs).where(run_logs.c.run_id == run_id)
            return page(connection, statement, LOGS, wanted)

    def cancel(self, run_id: str) -> bool:
        """Take a run back, from the queue or from its worker; False when it has ended already."""
        with self._database.write() as connection:
            return self._finish(connection, runs.c.id == run_id, run_id, "canceled")

    def file(self, file_id: str) -> Output | None:
        """An output by the id in its link."""
        with self._database.read() as connection:
            wanted = select(run_outputs).where(run_outputs.c.id == file_id)
            row = connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _output(row)

    # ---- as a worker sees them

    def claim(self) -> Run | None:
        """Take the oldest run of the queue; None when the queue is empty."""
        with self._database.write() as connection:
            oldest = (
                select(runs.c.id)
                .where(runs.c.status_code == "queued")
                .order_by(runs.c.created_at, runs.c.id)
                .limit(1)
            )
            run_id = connection.scalar(oldest)
            if run_id is None:
                return None
            queued = and_(runs.c.id == run_id, runs.c.status_code == "queued")
            now = iso(self._now())
            taken = connection.execute(
                update(runs)
                .where(queued)
                .values(
                    status_code="dispatching",
                    attempt=runs.c.attempt + 1,
                    started_at=now,
                    updated_at=now,
                )
            )
            if not taken.rowcount:
                return None
            row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
            self._log(connection, run_id, "info", f"attempt {row['attempt']} began")
            return _run(row)

    def begin(self, run: Run, nodes_total: int) -> bool:
        """The engine starts. False when the run is no longer this worker's."""
        with self._database.write() as connection:
            values = {"nodes_total": nodes_total, "nodes_completed": 0}
            return self._move(connection, _mine(run), "running", values)

    def progress(self, run: Run, completed: int, total: int) -> None:
        """Note how far the engine is."""
        with self._database.write() as connection:
            values = {"nodes_total": total, "nodes_completed": completed}
            running = and_(_mine(run), runs.c.status_code == "running")
            connection.execute(update(runs).where(running).values(values))

    def succeed(self, run: Run, outputs: Sequence[StoredOutput]) -> bool:
        """The run has ended well, with these outputs. False when it is no longer the worker's."""
        with self._database.write() as connection:
            # A run that was tried before may have left no rows: they come with this state only.
            if not self._finish(connection, _mine(run), run.id, "succeeded"):
                return False
            rows = [
                {**vars(stored.output), "sha256": stored.sha256}
                | {"run_id": run.id, "position": position}
                for position, stored in enumerate(outputs)
            ]
            if rows:
                connection.execute(insert(run_outputs), rows)
            return True

    def fail(self, run: Run, failure: Failure) -> bool:
        """The run has ended badly. False when it is no longer this worker's."""
        with self._database.write() as connection:
            return self._finish(connection, _mine(run), run.id, "failed", failure)

    def give_back(self, run: Run) -> None:
        """Put a run that was stopped half-way back into the queue; the attempt does not count."""
        with self._database.write() as connection:
            values = {"attempt": runs.c.attempt - 1, "nodes_completed": None}
            if self._move(connection, _mine(run), "queued", values):
                self._log(connection, run.id, "info", "stopped with the server; queued again")

    def recover(self) -> None:
        """Queue again what a server that died had in hand; give up on what was tried too often."""
        with self._database.write() as connection:
            held = select(runs).where(runs.c.status_code.in_(ACTIVE))
            for row in connection.execute(held).mappings().all():
                run = _run(row)
                if run.attempt < MAX_ATTEMPTS:
                    self._move(connection, _mine(run), "queued", {"nodes_completed": None})
                    self._log(connection, run.id, "warning", "the server died; queued again")
                    continue
                failure = Failure(
                    "RUN_INTERRUPTED",
                    f"the server died {run.attempt} times while it executed this run",
                    "dispatch",
                )
                self._finish(connection, _mine(run), run.id, "failed", failure)

    # ---- the pieces

    def _move(
        self,
        connection: Connection,
        which: ColumnElement[bool],
        status: Status,
        values: dict[str, Any],
    ) -> bool:
        """Change the state if it is one that may become `status`; whether it did."""
        allowed = runs.c.status_code.in_(sorted(origins(status)))
        changed = connection.execute(
            update(runs)
            .where(which, allowed)
            .values(status_code=status, updated_at=iso(self._now()), **values)
        )
        return changed.rowcount > 0

    def _finish(
        self,
        connection: Connection,
        which: ColumnElement[bool],
        run_id: str,
        status: Status,
        failure: Failure | None = None,
    ) -> bool:
        now = self._now()
        started = connection.scalar(select(runs.c.started_at).where(runs.c.id == run_id))
        values: dict[str, Any] = {
            "completed_at": iso(now),
            "duration_ms": max(0, round((now - seconds(started)) * 1000)) if started else None,
        }
        if failure:
            values |= {
                "failure_code": failure.code,
                "failure_message": failure.message,
                "failure_stage_code": failure.stage,
            }
        if status == "succeeded":
            values["nodes_completed"] = runs.c.nodes_total
        if not self._move(connection, which, status, values):
            return False
        level = "error" if failure else "info"
        self._log(connection, run_id, level, failure.message if failure else status)
        return True

    def _log(self, connection: Connection, run_id: str, level: str, message: str) -> None:
        now = self._now()
        connection.execute(
            insert(run_logs).values(
                id=uuid7(now), run_id=run_id, level_code=level, message=message, timestamp=iso(now)
            )
        )

    def _outputs(self, connection: Connection, run_ids: Iterable[str]) -> dict[str, list[Output]]:
        statement = (
            select(run_outputs)
            .where(run_outputs.c.run_id.in_(list(run_ids)))
            .order_by(run_outputs.c.run_id, run_outputs.c.position)
        )
        found: dict[str, list[Output]] = {}
        for row in connection.execute(statement).mappings():
            found.setdefault(row["run_id"], []).append(_output(row))
        return found


def _mine(run: Run) -> ColumnElement[bool]:
    """The run while it is in the hands of that attempt's worker."""
    return and_(runs.c.id == run.id, runs.c.attempt == run.attempt)


def _row(run: Run) -> dict[str, Any]:
    values = dict(vars(run))
    values["status_code"] = values.pop("status")
    del values["failure"]  # no run begins with one
    return values


def _run(row: Any) -> Run:
    failure = None
    if row["failure_code"] is not None:
        failure = Failure(row["failure_code"], row["failure_message"], row["failure_stage_code"])
    names = [name for name in Run.__dataclass_fields__ if name not in ("status", "failure")]
    fields = {name: row[name] for name in names}
    return Run(status=row["status_code"], failure=failure, **fields)


def _output(row: Any) -> Output:
    return Output(**{name: row[name] for name in Output.__dataclass_fields__})
