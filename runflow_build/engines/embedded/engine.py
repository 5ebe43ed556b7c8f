"""Prompts executed in this process, for the image, number and text nodes of `registry`."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import EngineError
from ...findings import Finding
from ...workflow.definitions import Definitions
from ...workflow.model import Prompt
from ..base import Lack, OutputFile, Progress, RunFolders
from . import planning
from .limits import DEFAULT_LIMITS, Limits
from .node_class import Run

_PACKAGES = {"numpy": "numpy", "PIL": "Pillow"}  # module -> what it is installed as


class EmbeddedEngine:
    """Executes prompts without ComfyUI; what it has, it does as ComfyUI 0.8.0 to the pixel.

    `definitions` say what the inputs of the classes take: Runflow's own and ComfyUI's core ones.
    Raises EngineError `engine-extra-missing` when numpy or Pillow are not installed.
    """

    name = "embedded"

    def __init__(self, definitions: Definitions, limits: Limits = DEFAULT_LIMITS) -> None:
        try:
            from . import cache, execution, nodes
        except ModuleNotFoundError as error:
            if error.name not in _PACKAGES:
                raise
            raise EngineError(
                Finding(
                    "engine-extra-missing",
                    f"the embedded engine needs {_PACKAGES[error.name]}, which is not installed",
                    fix="pip install 'runflow-build[server]'",
                )
            ) from error
        self._run_steps = execution.run_steps
        self._known = planning.Known(nodes.CLASSES, definitions)
        self._limits = limits
        self._cache = cache.Cache(limits.cached_bytes)

    def lacking(self, prompt: Prompt) -> list[Lack]:
        """What the prompt asks for and is not here: classes, or packages that they need."""
        nodes = [content for content in prompt.values() if planning.well_formed(content)]
        return sorted(
            {lack for content in nodes for lack, _ in planning.lacking(content, self._known)},
            key=lambda lack: (lack.name, lack.package or ""),
        )

    def execute(
        self,
        prompt: Prompt,
        folders: RunFolders,
        report: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[OutputFile]:
        """Run the prompt; the files come in the order of the output nodes in the prompt.

        Raises EngineError: `engine-class-missing`, `engine-extra-missing`, `prompt-invalid` (all
        that is wrong, each with ComfyUI's name for the kind), `node-failed`, `run-canceled`,
        `engine-time-limit`.
        """
        steps = planning.plan(prompt, self._known, folders)
        run = Run(folders, self._limits, cancelled)
        files = self._run_steps(steps, run, report, self._cache)
        place = {node: number for number, node in enumerate(prompt)}
        return sorted(files, key=lambda file: place[file.node])
