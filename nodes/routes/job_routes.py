"""How far a job is, for a page that was reloaded or has lost its connection; and its end."""

from __future__ import annotations

from typing import Any

from ..jobs import JOBS
from .requests import RouteError, Table


def add(table: Table) -> None:
    table.get("/runflow/jobs/{id}", _events)
    table.post("/runflow/jobs/{id}/cancel", _cancel)


async def _events(request: Any) -> Any:
    """`{"job", "kind", "state", "events"}`; `?after=N` leaves out the events up to number N."""
    after = request.query.get("after", "0")
    if not after.isdecimal() or len(after) > 18:
        raise RouteError(400, "bad-query", "`after` is a number")
    job = JOBS.get(request.match_info["id"])
    if job is None:
        raise _unknown()
    return job.to_json(int(after))


async def _cancel(request: Any, body: dict[str, Any]) -> Any:
    job = JOBS.get(request.match_info["id"])
    if job is None:
        raise _unknown()
    job.cancel()
    return job.to_json(job.last)


def _unknown() -> RouteError:
    return RouteError(404, "job-unknown", "there is no such job; ComfyUI may have been restarted")
