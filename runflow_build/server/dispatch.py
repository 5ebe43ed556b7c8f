"""The workers: take runs from the queue, execute them, write down how they ended.

The queue is the database. Nothing that this module remembers is needed to go on after a crash.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from .execution import Execution, FailedError, GoneError
from .run_store import RunStore
from .runs import Failure, Run
from .workflow_store import WorkflowStore

_Result = TypeVar("_Result")

log = logging.getLogger(__name__)

_IDLE_S = 5.0  # an idle worker looks again by itself, in case the database was out of reach
_STOP_S = 10.0  # how long a stopping server waits for its engine


class Dispatcher:
    """A fixed number of worker threads."""

    def __init__(
        self, runs: RunStore, workflows: WorkflowStore, execution: Execution, workers: int
    ) -> None:
        self._runs = runs
        self._workflows = workflows
        self._execution = execution
        self._wakeup = threading.Condition()
        self._news = 0  # counts calls of `wake`, so that none is lost between look and wait
        self._stopping = threading.Event()
        self._interrupts: dict[str, threading.Event] = {}  # of the runs in hand
        self._threads = [
            threading.Thread(target=self._work, name=f"runflow-worker-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Queue again what a former server left behind, and begin to work."""
        self._runs.recover()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Interrupt the engine, give unfinished runs back to the queue, end the threads."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_STOP_S)

    def wake(self) -> None:
        """There may be something in the queue."""
        with self._wakeup:
            self._news += 1
            self._wakeup.notify_all()

    def interrupt(self, run_id: str) -> None:
        """Tell the engine that nobody waits for this run any more."""
        if event := self._interrupts.get(run_id):
            event.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            seen = self._news
            run = self._guarded(self._runs.claim)
            if run is not None:
                self._guarded(partial(self._carry_out, run))
                continue
            with self._wakeup:
                if self._news == seen:
                    self._wakeup.wait(_IDLE_S)

    def _guarded(self, step: Callable[[], _Result]) -> _Result | None:
        """A worker outlives whatever goes wrong; the next start finds the run it had in hand."""
        try:
            return step()
        except Exception:
            log.exception("a worker's step failed")
            self._stopping.wait(1.0)
            return None

    def _carry_out(self, run: Run) -> None:
        interrupt = self._interrupts[run.id] = threading.Event()
        try:
            revision = self._workflows.revision(run.workflow_id, run.revision)
            outputs = self._execution.execute(
                run, revision, lambda: interrupt.is_set() or self._stopping.is_set()
            )
        except FailedError as error:
            self._fail(run, error.failure)
        except GoneError:
            if self._stopping.is_set() and not interrupt.is_set():
                self._runs.give_back(run)
        except Exception:
            log.exception("run %s failed by a defect", run.id)
            message = f"the server failed; its log tells more about run {run.id}"
            self._fail(run, Failure("INTERNAL_ERROR", message, "execution"))
        else:
            if self._runs.succeed(run, outputs):
                log.info("run %s succeeded", run.id)
        finally:
            del self._interrupts[run.id]

    def _fail(self, run: Run, failure: Failure) -> None:
        if self._runs.fail(run, failure):
            log.info("run %s failed: %s %s", run.id, failure.code, failure.message)
