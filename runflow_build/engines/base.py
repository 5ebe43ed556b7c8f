"""What the server and the command line ask of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..workflow.model import Prompt


@dataclass(frozen=True)
class OutputFile:
    """One file that an output node wrote."""

    node: str  # id in the prompt
    path: Path  # absolute, below the run's output folder
    content_type: str  # image/png


@dataclass(frozen=True)
class Progress:
    """How far a run is: `completed` of `total` nodes, and what just happened to one of them.

    `total` grows when a node turns out to need another one. A `cached` node is completed without
    having been started, and so are those that only it would have needed.
    """

    completed: int
    total: int
    node: str
    state: Literal["started", "finished", "cached"]


@dataclass(frozen=True)
class Lack:
    """What a prompt asks for and an engine does not have."""

    name: str  # a node class, or an option of one: `ImageScale with upscale_method bicubic`
    package: str | None = None  # the Python package that would bring it; None: only ComfyUI does

    def text(self, engine: str) -> str:
        """What is lacking, for one node of a prompt."""
        if self.package is None:
            return f"the {engine} engine does not have {self.name}"
        return f"{self.name} needs {self.package}, which is not installed"


@dataclass(frozen=True)
class RunFolders:
    """Where one run reads and writes; nothing outside them is touched."""

    input: Path  # the folder that LoadImage's file names are relative to
    output: Path


class Engine(Protocol):
    """Executes prompts. Safe to call from several threads, one prompt each."""

    name: str

    def lacking(self, prompt: Prompt) -> list[Lack]:
        """What the prompt asks for and this engine does not have, sorted."""

    def execute(
        self,
        prompt: Prompt,
        folders: RunFolders,
        report: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[OutputFile]:
        """Run the prompt and return the files of its output nodes, in node order.

        Raises EngineError: `engine-class-missing`, `engine-extra-missing`, `prompt-invalid`,
        `node-failed` (with id, title and class of the node), `run-canceled`, `engine-time-limit`.
        """


def lacking_text(engine: str, lacks: Sequence[Lack], what: str = "endpoint") -> str:
    """Why an endpoint (`what`) cannot run on that engine, and what it takes instead."""
    needs_comfyui = [one.name for one in lacks if one.package is None]
    if needs_comfyui:
        return f"this {what} needs ComfyUI: {', '.join(needs_comfyui)}"
    packages = sorted({one.package for one in lacks if one.package})
    names = ", ".join(one.name for one in lacks)
    are = "is" if len(packages) == 1 else "are"
    needed = " and ".join(packages)
    return f"the {engine} engine needs {needed} for {names}, which {are} not installed"


def lacking_code(lacks: Sequence[Lack]) -> Literal["engine-class-missing", "engine-extra-missing"]:
    """The finding's code: whether another engine is needed, or only packages for this one."""
    needs_comfyui = any(one.package is None for one in lacks)
    return "engine-class-missing" if needs_comfyui else "engine-extra-missing"
