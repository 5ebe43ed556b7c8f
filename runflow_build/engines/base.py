"""What the server and the command line ask of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..workflow.model import Prompt


@dataclass(frozen=True)
class OutputFile:
    """One file that an output node wrote."""

    node: str  # id in the prompt
    path: Path  # absolute, below the run's output folder
    content_type: str  # image/png


@dataclass(frozen=True)
class Progress:
    """How far a run is: `completed` of `total` nodes, with the node that was just finished."""

    completed: int
    total: int
    node: str | None = None


@dataclass(frozen=True)
class RunFolders:
    """Where one run reads and writes; nothing outside them is touched."""

    input: Path  # the folder that LoadImage's file names are relative to
    output: Path


class Engine(Protocol):
    """Executes prompts. Safe to call from several threads, one prompt each."""

    name: str

    def lacking(self, prompt: Prompt) -> list[str]:
        """The node classes of the prompt that this engine does not have, sorted."""

    def execute(
        self,
        prompt: Prompt,
        folders: RunFolders,
        report: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[OutputFile]:
        """Run the prompt and return the files of its output nodes, in node order.

        Raises EngineError: `engine-class-missing`, `prompt-invalid`, `node-failed` (with id, title
        and class of the node), `run-canceled`.
        """
