"""Long work beside ComfyUI's event loop, told to the pages as it goes and cancellable.

Each event reaches all pages over the websocket as `runflow.job`:
``{"job": id, "kind": "deploy", "number": 3, …}``; the last one has `state`: done, failed or
cancelled. The latest jobs are kept, so that a page that was reloaded catches up.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any

from ..runflow_build.errors import RunflowError
from . import packages

EVENT = "runflow.job"
KEPT_JOBS = 20
KEPT_EVENTS = 2000  # of one job; of more, the oldest go
_NOTHING: Mapping[str, Any] = {}

_log = logging.getLogger(__name__)


class CancelledError(Exception):
    """The user has cancelled the job; raised by `Job.check`."""


class Job:
    """One piece of work, in a thread of its own."""

    def __init__(
        self, kind: str, send: Callable[[str, dict[str, Any]], None], about: Mapping[str, Any]
    ) -> None:
        self.id = secrets.token_hex(8)
        self.kind = kind
        self.about = about  # what a page needs to show it that has not started it; JSON
        self.state = "running"
        self.shown = False  # by a page: how it ended
        self.last = 0  # number of the latest event
        self._send = send
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def stop(self) -> threading.Event:
        """Set once the user has cancelled it; for work that waits, or starts programs."""
        return self._cancelled

    def cancel(self) -> None:
        """Ask the work to stop where it next looks."""
        self._cancelled.set()

    def check(self) -> None:
        if self.cancelled:
            raise CancelledError

    def tell(self, **event: Any) -> None:
        """Tell the pages; the values are JSON."""
        with self._lock:
            self.last += 1
            told = {"job": self.id, "kind": self.kind, "number": self.last, **event}
            self._events.append(told)
        self._send(EVENT, told)

    def to_json(self, after: int = 0) -> dict[str, Any]:
        with self._lock:
            events = [one for one in self._events if one["number"] > after]
        return {"job": self.id, "kind": self.kind, "state": self.state, "events": events}

    def run(self, work: Callable[[Job], dict[str, Any]]) -> None:
        """Do the work; what it gives, or why it failed, is in the last event."""
        try:
            state, told = "done", work(self)
        except CancelledError:
            state, told = "cancelled", {}
        except RunflowError as error:
            cancelled = self.cancelled
            state = "cancelled" if cancelled else "failed"
            told = {"findings": [one.to_json() for one in error.findings]}
        except Exception as error:
            finding = packages.explained(error)
            if finding is None:
                _log.exception("runflow: the job %s failed", self.kind)
                message = "something went wrong in the Runflow pack; ComfyUI's log says what"
                finding = {"code": "internal", "message": message}
            state, told = "failed", {"findings": [{"severity": "error", **finding}]}
        self.state = state
        self.tell(state=state, **told)


class Jobs:
    """The latest jobs, by id."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def running(self, kind: str) -> Job | None:
        """A job of that kind that has not ended."""
        return next(
            (one for one in self._jobs.values() if one.kind == kind and one.state == "running"),
            None,
        )

    def latest(self, *kinds: str) -> Job | None:
        """The last one of these kinds that was started."""
        return next((one for one in reversed(self._jobs.values()) if one.kind in kinds), None)

    def start(
        self, kind: str, work: Callable[[Job], dict[str, Any]], about: Mapping[str, Any] = _NOTHING
    ) -> Job:
        """Begin the work in a thread; `work(job)` gives what the last event says."""
        from .routes.comfyui import send

        job = Job(kind, send, about)
        with self._lock:
            self._jobs[job.id] = job
            ended = [one for one in self._jobs.values() if one.state != "running"]
            for old in ended[: max(0, len(self._jobs) - KEPT_JOBS)]:
                del self._jobs[old.id]
        threading.Thread(target=job.run, args=(work,), name=f"runflow-{kind}", daemon=True).start()
        return job


JOBS = Jobs()
