"""Auto setup: what the editor's graph lacks, found and installed into the ComfyUI that runs.

It is `restore` on another folder: the resolvers say what is meant, restore's plan what is to be
done, and restore's steps do it. Nothing of the user's is ever replaced.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import RestoreError, RunflowError, UsageError
from ..findings import Finding
from ..restore.plan import Plan, Step
from ..restore.present import look as look_at
from ..restore.trust import answers_of
from ..sources.digests import DigestCache
from ..sources.mirrors import mirrors_of
from ..sources.online import is_offline, opened
from ..sources.user_cache import cache_folder
from ..sources.watched import watched
from ..spec.model import Policy, Spec
from .auto_setup_asking import Asking, row_plan, spec_of, store_of, wanted_of
from .auto_setup_planning import Setup, planned
from .auto_setup_rows import Row, plain
from .auto_setup_wishes import Running

__all__ = ["Row", "Running", "Setup", "install", "look"]

TOLD_EVERY_S = 0.25  # what many small pieces say is told together

Tell = Callable[..., None]


def look(
    graph: Mapping[str, Any],
    running: Running,
    *,
    unknown: Collection[str] | None = None,
    tell: Tell,
    check: Callable[[], None],
    environ: Mapping[str, str] = os.environ,
) -> Setup:
    """What the graph lacks, and where it can be had; nothing is changed.

    `unknown`: the node types that the editor cannot show, where it says so. `tell` hears how many
    questions were asked and answered. Raises WorkflowError, UsageError, and what `check` raises.
    """
    last = 0.0

    def notice(asked: int, answered: int) -> None:
        nonlocal last
        if time.monotonic() - last > TOLD_EVERY_S:
            last = time.monotonic()
            tell(step="asking", asked=asked, answered=answered)

    offline = is_offline(environ)
    with opened(environ, offline) as (real, digests):
        world = watched(real, notice)
        asking = Asking(
            running, world, world.git, digests, mirrors_of(environ), offline, environ, check
        )
        return planned(graph, asking, unknown)


def install(
    setup: Setup,
    ids: Iterable[str],
    yes: Collection[str],
    running: Running,
    *,
    tell: Tell,
    stop: threading.Event,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Install rows of a setup; `{"rows": id -> done | failed | stopped, "restart", "findings"}`.

    A row that fails stops no other. `yes` holds the keys of the questions that the user said yes
    to. What is stopped leaves nothing at its place; downloads go on from there the next time.

    Raises UsageError for rows that are not in the setup, RestoreError where a question has no yes
    (`restore-not-done`) or another process is at it (`restore-busy`), and then nothing is done.
    """
    from .restore_applying import alone, tools_of  # and all that fetches

    rows = _agreed(setup, ids, yes)
    offline, base = is_offline(environ), running.install.base
    spec, progress = spec_of(running, _policy(yes)), Telling(rows, tell)
    digests = DigestCache(cache_folder(environ) / "digests.db")
    try:
        with (
            tools_of(store_of(running), digests, base / "input", environ, offline) as tools,
            alone(base),
        ):
            from ..restore.apply import apply

            tools = replace(tools, interpreter=running.interpreter, stop=stop)
            going, steps = _steps(rows, spec, running, digests, progress)
            wanted = wanted_of(going)
            present = look_at(
                base, wanted, digests=digests, store=tools.store, inputs=base / "input"
            )
            trusted = (*present.state.trusted, *_trusted(yes))
            state = present.state.with_(trusted=tuple(dict.fromkeys(trusted)))
            present = replace(present, state=state)
            notes: tuple[Finding, ...] = ()
            try:
                notes = tuple(apply(Plan(steps), wanted, present, base, tools, progress))
            except RestoreError:
                if not progress.has_failed:  # else each row has told its own
                    raise
    finally:
        digests.close()
    return progress.result(notes)


def _agreed(setup: Setup, ids: Iterable[str], yes: Collection[str]) -> list[Row]:
    rows, lacks = [], []
    for id in dict.fromkeys(ids):
        row = setup.row(id)
        if row is None or not row.can_be_done:
            fix = "look again, and choose from what is found"
            message = "something is to be installed that is not in the plan"
            raise UsageError(Finding("restore-not-done", message, fix=fix))
        rows.append(row)
        lacks += [(row, ask) for ask in row.lacks(yes)]
    if lacks:
        raise RestoreError(
            *(
                Finding("restore-not-done", f"{row.name} was not agreed to: {ask.text}")
                for row, ask in lacks
            )
        )
    return rows


def _policy(yes: Collection[str]) -> Policy:
    """What the user allows, as a runflow.yaml would say it."""
    return Policy(
        pickle_models="allow",  # each such file has a question of its own
        trusted_hosts=[*Policy().trusted_hosts, *sorted(_said(yes, "host"))],
        install_scripts=sorted(_said(yes, "script")),
    )


def _trusted(yes: Collection[str]) -> list[str]:
    return answers_of(sorted(_said(yes, "trust")))


def _said(yes: Collection[str], kind: str) -> set[str]:
    return {key.partition(":")[2] for key in yes if key.startswith(f"{kind}:")}


def _steps(
    rows: Sequence[Row], spec: Spec, running: Running, digests: DigestCache, progress: Telling
) -> tuple[list[Row], tuple[Step, ...]]:
    """The rows that can be done, as things are now, and how; the others are told."""
    going: list[Row] = []
    steps: list[Step] = []
    for row in rows:
        try:
            found = row_plan(row, spec, running, digests, yes=True)
        except RunflowError as error:
            progress.settle(row, "failed", error.findings)
            continue
        if errors := [one for one in found.findings if one.severity == "error"]:
            progress.settle(row, "failed", errors)
        elif not found.steps:
            progress.settle(row, "done")
        else:
            going.append(row)
            steps += found.steps
    return going, tuple(steps)


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
