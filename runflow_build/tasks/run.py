"""Run tasks of one project through doit's API, and tell what became of each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.reporter import ZeroReporter

from ..errors import RunflowError
from .graph import DOIT_CONFIG, Graph
from .state import state_file

State = Literal["done", "up to date", "failed"]

_NOT_BEGUN = 3  # doit's exit code when it stops before the first task


@dataclass(frozen=True)
class Outcome:
    """What became of one task."""

    task: str
    state: State
    text: str  # what the stage said: its result, or its findings when it failed
    seconds: float


def run(root: Path, tasks: list[str]) -> list[Outcome]:
    """Run the tasks, with what they depend on, as `doit TASK…` would do in `root`.

    The state is the project's own, so what was done before is not done again; what `doit` did in
    the folder itself counts for the root that a dodo.py there names, `Path(".")`.
    Raises SaveError where it cannot be kept, and RunflowError without findings when doit did not
    begin: then it has said why on standard error.
    """
    outcomes: list[Outcome] = []

    class Recorder(ZeroReporter):  # type: ignore[misc]
        def __init__(self, outstream: Any, options: Any) -> None:
            super().__init__(outstream, options)
            self.since = time.perf_counter()

        def record(self, task: Any, state: State, text: str) -> None:
            if task.actions:
                seconds = time.perf_counter() - self.since
                outcomes.append(Outcome(task.name, state, text, seconds))
            self.since = time.perf_counter()

        def add_success(self, task: Any) -> None:
            self.record(task, "done", task.result if isinstance(task.result, str) else "")

        def skip_uptodate(self, task: Any) -> None:
            self.record(task, "up to date", "")

        def add_failure(self, task: Any, failure: Any) -> None:
            if failure.get_name() != "UnmetDependency":
                self.record(task, "failed", failure.message)

    config = {**DOIT_CONFIG, "dep_file": str(state_file(root)), "reporter": Recorder}
    loader = ModuleTaskLoader({"DOIT_CONFIG": config, "build": Graph([root])})
    if DoitMain(loader, config_filenames=()).run(["run", *tasks]) == _NOT_BEGUN:
        raise RunflowError()
    return outcomes
