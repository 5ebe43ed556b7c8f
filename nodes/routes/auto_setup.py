"""Auto setup: look what the graph lacks, and install rows of what was found.

A page never says from where or to where: it names rows of a plan that is kept here, and the
questions that its user has said yes to.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..jobs import JOBS, Job
from .comfyui import code_folder, install, node_info, version
from .requests import MOST_GRAPH_BYTES, RouteError, Table, graph, texts

if TYPE_CHECKING:
    from ...runflow_build.tasks.auto_setup import Running, Setup

LOOK, INSTALL = "auto_setup_plan", "auto_setup"  # kinds of jobs
_KEPT = 8  # plans


class _Plans:
    """The latest plans, by an id that nobody guesses."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Setup] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, setup: Setup) -> str:
        id = secrets.token_hex(8)
        with self._lock:
            self._kept[id] = setup
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return id

    def get(self, id: str) -> Setup | None:
        return self._kept.get(id)


_PLANS = _Plans()
# What a reloaded page, or another one, wants: the latest installation.
_now: dict[str, Any] = {"job": None, "rows": [], "restart": False}


def add(table: Table) -> None:
    table.get("/runflow/auto-setup", _state)
    table.post("/runflow/auto-setup/plan", _look, MOST_GRAPH_BYTES)
    table.post("/runflow/auto-setup/start", _start)


async def _state(request: Any) -> Any:
    """`{"job", "rows", "restart"}`: the installation that is running, if there is one, with the
    rows that it installs, and whether something that was installed waits for a restart."""
    job, told = JOBS.get(_now["job"] or ""), {"restart": _now["restart"]}
    if job and job.state == "running":
        told |= {"job": job.id, "rows": _now["rows"]}
    return told


async def _look(request: Any, body: dict[str, Any]) -> Any:
    """`{"graph"}`, or a `prompt` that the editor does not show, and, as the editor knows them,
    `unknown` node types: `{"job"}`, whose last event has `plan`, `rows` and `findings`."""
    drawn = body["prompt"] if isinstance(body.get("prompt"), dict) else graph(body)
    unknown = texts(body, "unknown") if "unknown" in body else None
    _refuse_while_installing()

    def work(job: Job) -> dict[str, Any]:
        from ...runflow_build.tasks.auto_setup import look

        setup = look(
            drawn, running(), unknown=unknown, tell=job.tell, check=job.check, stop=job.stop
        )
        job.check()
        return {"plan": _PLANS.keep(setup), **setup.to_json()}

    return {"job": JOBS.start(LOOK, work).id}


async def _start(request: Any, body: dict[str, Any]) -> Any:
    """`{"plan", "rows", "yes"}`: an id that a look gave, ids of its rows, keys of questions:
    `{"job"}`, whose last event has the state of each row and whether to restart."""
    if set(body) - {"plan", "rows", "yes"}:
        raise RouteError(400, "bad-body", "only `plan`, `rows` and `yes` are taken")
    plan, rows, yes = body.get("plan"), texts(body, "rows"), texts(body, "yes")
    setup = _PLANS.get(plan) if isinstance(plan, str) else None
    if setup is None:
        fix = "look again"
        raise RouteError(409, "plan-unknown", "the plan is not known here any more", fix)
    if not rows:
        raise RouteError(400, "bad-body", "no row is chosen")
    _refuse_while_installing()

    def work(job: Job) -> dict[str, Any]:
        from ...runflow_build.tasks.auto_setup import install

        def tell(**event: Any) -> None:
            if event.get("status") == "done" and str(event.get("row")).startswith("pack:"):
                _now["restart"] = True
            job.tell(**event)

        done = install(setup, rows, yes, running(), tell=tell, stop=job.stop)
        job.check()
        return done

    job = JOBS.start(INSTALL, work)
    chosen = [row.to_json() for row in setup.rows if row.id in rows]
    _now.update(job=job.id, rows=chosen)
    return {"job": job.id}


def running() -> Running:
    """This ComfyUI, and the Python that it is running on."""
    from ...runflow_build.restore.interpreter import Interpreter
    from ...runflow_build.tasks.auto_setup import Running

    prefix, code = Path(sys.prefix), code_folder()
    python = Interpreter(Path(sys.executable), prefix, tuple(sys.path), code)
    return Running(install(), version(), python, node_info)


def _refuse_while_installing() -> None:
    if JOBS.running(INSTALL):
        message = "Auto setup is at work already; wait for its end, or cancel it"
        raise RouteError(409, "setup-running", message)
