"""What a person sees of a doit run: a line per task that did something, findings, a summary."""

from __future__ import annotations

import time
from io import TextIOWrapper
from typing import Any

from doit.reporter import ConsoleReporter


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """Silent about what is up to date, because with fifty endpoints that is nearly everything."""

    desc = "runflow: one line per executed task, findings as they come, a summary"

    def __init__(self, outstream: Any, options: Any) -> None:
        super().__init__(outstream, options)
        if isinstance(outstream, TextIOWrapper):  # names may hold what its encoding does not have
            outstream.reconfigure(errors="backslashreplace")
        self._started: dict[str, float] = {}
        self._begun = time.perf_counter()
        self._done = self._up_to_date = self._failed = self._not_run = 0

    def execute_task(self, task: Any) -> None:
        self._started[task.name] = time.perf_counter()

    def add_success(self, task: Any) -> None:
        if not isinstance(task.result, str):  # a command for people, which told them itself
            return
        self._done += 1
        seconds = time.perf_counter() - self._started.pop(task.name, self._begun)
        first, *rest = task.result.splitlines()
        self.write(f"{task.name}: {first} ({seconds:.2f} s)\n")
        for line in rest:
            self.write(f"{line}\n")

    def skip_uptodate(self, task: Any) -> None:
        if task.actions:
            self._up_to_date += 1

    def _write_failure(self, result: Any, write_exception: bool = True) -> None:
        failure, task = result["exception"], result["task"]
        if failure.get_name() == "UnmetDependency":
            if task.actions:  # a group has none, and nothing to tell
                self._not_run += 1
                self.write(f"{task.name}: not run, because a task it needs failed\n")
            return
        self._failed += 1
        self.write(f"{task.name}: failed\n")
        # A finding explains itself; anything else is a defect and shows where it comes from.
        self.write((failure.get_msg() if failure.traceback else failure.message).rstrip() + "\n")

    def complete_run(self) -> None:
        """The last line. Failures were told when they happened and are not told again."""
        seconds = time.perf_counter() - self._begun
        counts = [(self._failed, "failed"), (self._not_run, "not run"), (self._done, "done")]
        told = [f"{number} {state}" for number, state in counts if number]
        if self._up_to_date:
            told = [*(told or ["nothing to do"]), f"{self._up_to_date} up to date"]
        if told:
            self.write(f"{', '.join(told)} ({seconds:.2f} s)\n")
        for message in self.runtime_errors:
            self.write(f"{message}\n")
