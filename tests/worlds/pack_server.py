"""Routes of the node pack on a server of their own, and the jobs that they start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from aiohttp import web
from aiohttp_server import Answer, Running, running
from loaded_pack import part

JOB_ENDS_S = 60


def routes_of(*names: str, **options: Any) -> AbstractContextManager[Running]:
    """`with routes_of("connection") as server`: the routes of these modules of `nodes/routes/`.

    `options` are the application's.
    """

    def app() -> web.Application:
        routes = web.RouteTableDef()
        table = part("nodes.routes.requests").Table(routes)
        for name in names:
            part(f"nodes.routes.{name}").add(table)
        made = web.Application(**options)
        made.add_routes(routes)
        return made

    return running(app)


def end_of(server: Running, answer: Answer) -> dict[str, Any]:
    """The last event of the job that this answer tells of."""
    assert answer.status == 200, answer.body
    end = time.monotonic() + JOB_ENDS_S
    while time.monotonic() < end:
        told = server.get(f"/runflow/jobs/{answer.json['job']}").json
        if told["state"] != "running" and "state" in told["events"][-1]:
            last: dict[str, Any] = told["events"][-1]
            return last
        time.sleep(0.01)
    raise AssertionError("the job does not end")


@contextmanager
def kept_going(server: Running) -> Iterator[None]:
    """The block may take as long as it does; the server's loop never waits for an eighth of that.

    Of the time, as a busy machine holds everything up alike.
    """
    lags: list[float] = []

    async def watch() -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - asked - 0.005)

    began = time.perf_counter()
    watching = asyncio.run_coroutine_threadsafe(watch(), server.loop)
    yield
    took = time.perf_counter() - began
    watching.cancel()
    assert max(lags) < took / 8, (max(lags), took)
