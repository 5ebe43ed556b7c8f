"""Auto setup's first step: what it would do, found by the resolvers, with nothing changed.

The plan is kept by whoever made it and is never taken from a page: what is started are rows of it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ...findings import Finding
from ...sources.mirrors import mirrors_of
from ...sources.online import is_offline, opened
from ...sources.watched import watched
from .asking import Asking
from .models import model_rows
from .packs import pack_rows
from .rows import Row, plain
from .telling import TOLD_EVERY_S, Tell
from .wishes import Running, wishes_of


@dataclass(frozen=True)
class Setup:
    """What the graph needs, row by row."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()  # of the graph as a whole

    def row(self, id: str) -> Row | None:
        return next((one for one in self.rows if one.id == id), None)

    def to_json(self) -> dict[str, Any]:
        findings = [one.to_json() for one in self.findings]
        return {"rows": [one.to_json() for one in self.rows], "findings": findings}


def look(
    graph: Mapping[str, Any],
    running: Running,
    *,
    unknown: Collection[str] | None = None,
    tell: Tell,
    check: Callable[[], None],
    stop: threading.Event | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Setup:
    """What the graph lacks, and where it can be had; nothing is changed.

    `unknown`: the node types that the editor cannot show, where it says so. `tell` hears how many
    questions were asked and answered, `stop` ends the programs that run for them. Raises
    WorkflowError, UsageError, and what `check` raises.
    """
    last = 0.0

    def notice(asked: int, answered: int) -> None:
        nonlocal last
        if time.monotonic() - last > TOLD_EVERY_S:
            last = time.monotonic()
            tell(step="asking", asked=asked, answered=answered)

    offline = is_offline(environ)
    with opened(environ, offline, check, stop) as (real, digests):
        world = watched(real, notice)
        asking = Asking(
            running, world, world.git, digests, mirrors_of(environ), offline, environ, check
        )
        return _planned(graph, asking, unknown)


def _planned(graph: Mapping[str, Any], asking: Asking, unknown: Collection[str] | None) -> Setup:
    wishes = wishes_of(graph, asking.running, unknown)
    asking.check()
    with ThreadPoolExecutor(1) as beside:
        models = beside.submit(lambda: list(model_rows(wishes, asking)))
        packs = pack_rows(wishes, asking)
        rows = [*packs, *models.result()]
    asking.check()
    findings = tuple(plain(one, "model") for one in wishes.findings)
    return Setup(tuple(rows), findings)
