"""A server in a process of its own, whose engine takes as long as a file says: to be killed.

    python slow_server.py DATA MARKS

It prints its URL. Every execution appends its attempt's folder to MARKS/executed, then waits until
MARKS/go is there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from runflow_build.engines.base import Lack, OutputFile, Progress, RunFolders
from runflow_build.server.serve import serve
from runflow_build.server.settings import Settings
from runflow_build.workflow.model import Prompt


class SlowEngine:
    """Waits for a file."""

    name = "slow"

    def __init__(self, marks: Path) -> None:
        self._marks = marks

    def lacking(self, prompt: Prompt) -> list[Lack]:
        return []

    def execute(
        self,
        prompt: Prompt,
        folders: RunFolders,
        report: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[OutputFile]:
        with (self._marks / "executed").open("a") as marks:
            marks.write(f"{folders.output.parent.name}\n")
        while not (self._marks / "go").exists():
            time.sleep(0.005)
        path = folders.output / "done.txt"
        path.write_text("done")
        return [OutputFile("3", path, "text/plain")]


if __name__ == "__main__":
    data, marks = (Path(argument) for argument in sys.argv[1:])
    serve(Settings(data_dir=data, port=0, engine=SlowEngine(marks), workers=2))
