"""What a page hears of an installation: each row's state, and now and then how far they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ...findings import Finding
from ...restore.plan import Step
from .rows import Row, plain

TOLD_EVERY_S = 0.25  # what many small pieces say is told together

Tell = Callable[..., None]


class Telling:
    """Tells a page how the rows go, not too often. Its methods may be called from any thread."""

    def __init__(self, rows: Sequence[Row], tell: Tell) -> None:
        self._rows = {row.place: row for row in rows}
        self._tell, self._lock = tell, threading.Lock()
        self._states: dict[str, str] = {}
        self._received: dict[str, int] = {}
        self._lines: dict[str, str] = {}
        self._last = 0.0

    @property
    def has_failed(self) -> bool:
        return any(state != "done" for state in self._states.values())

    # -- what restore's steps say

    def begun(self, step: Step) -> None:
        self._event(self._of(step), "running")

    def received(self, step: Step, count: int) -> None:
        row = self._of(step)
        with self._lock:
            self._received[row.id] = self._received.get(row.id, 0) + count
        self._now_and_then()

    def said(self, step: Step, line: str) -> None:
        with self._lock:
            self._lines[self._of(step).id] = line.strip()[:200]
        self._now_and_then()

    def ended(self, step: Step, error: bool, why: Sequence[Finding] = ()) -> None:
        row = self._of(step)
        if error:
            self.settle(row, "failed" if why else "stopped", why)
        else:
            self.settle(row, "done")

    # -- and whoever prepares them

    def settle(self, row: Row, state: str, findings: Sequence[Finding] = ()) -> None:
        """The row is done, failed or stopped; one that a script spoils afterwards fails."""
        self._states[row.id] = state
        self._event(row, state, findings)

    def result(self, notes: Sequence[Finding]) -> dict[str, Any]:
        """What the last event says; rows that were never begun were stopped."""
        rows = list(self._rows.values())
        states = {row.id: self._states.get(row.id, "stopped") for row in rows}
        new_code = [row for row in rows if row.kind == "pack" and states[row.id] == "done"]
        findings = [plain(one, "pack").to_json() for one in notes]
        return {"rows": states, "restart": bool(new_code), "findings": findings}

    def _of(self, step: Step) -> Row:
        return self._rows[step.place.removesuffix("/install.py")]

    def _event(self, row: Row, state: str, findings: Sequence[Finding] = ()) -> None:
        self._flush()
        told = [plain(one, row.kind).to_json() for one in findings]
        self._tell(step="row", row=row.id, status=state, **({"findings": told} if told else {}))

    def _now_and_then(self) -> None:
        if time.monotonic() - self._last > TOLD_EVERY_S:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            if not (self._received or self._lines):
                return
            self._last, lines, self._lines = time.monotonic(), self._lines, {}
            received = dict(self._received)
        self._tell(step="progress", received=received, lines=lines)
