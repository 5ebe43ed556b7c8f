"""Auto setup's second step: rows of a plan become part of the ComfyUI that runs.

It is `restore` on another folder: restore's plan says what is to be done now, and its steps do it.
Nothing of the user's is ever replaced.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import RestoreError, RunflowError, UsageError
from ...findings import Finding
from ...restore.plan import Plan, Step
from ...restore.present import look as look_at
from ...restore.trust import answers_of
from ...sources.digests import DigestCache
from ...sources.online import is_offline
from ...sources.user_cache import cache_folder
from ...spec.model import Policy, Spec
from .asking import row_plan, spec_of, store_of, wanted_of
from .plan import Setup
from .rows import Row, plain
from .telling import Tell, Telling
from .wishes import Running


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
    from ..restore_applying import alone, tools_of  # and all that fetches

    rows = _agreed(setup, ids, yes)
    offline, base = is_offline(environ), running.install.base
    spec, progress = spec_of(running, _policy(yes)), Telling(rows, tell)
    digests = DigestCache(cache_folder(environ) / "digests.db")
    try:
        with (
            tools_of(store_of(running), digests, base / "input", environ, offline) as tools,
            alone(base),
        ):
            from ...restore.apply import apply

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
            except RestoreError as error:
                if not progress.has_failed:  # else each row has told its own
                    raise RestoreError(*(plain(one, "pack") for one in error.findings)) from None
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
