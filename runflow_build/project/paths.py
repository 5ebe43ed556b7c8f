"""Where everything stands in a project's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..file_names import DEFINITIONS_FILE, LOCK_FILE, SPEC_FILE, STATE_FOLDER


@dataclass(frozen=True)
class ProjectPaths:
    """The paths of one project; `root` is the folder of runflow.yaml."""

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / SPEC_FILE

    @property
    def lock(self) -> Path:
        return self.root / LOCK_FILE

    @property
    def definitions(self) -> Path:
        return self.root / DEFINITIONS_FILE

    @property
    def inputs(self) -> Path:
        """Input files that belong to the project; ComfyUI's input folder of the endpoints."""
        return self.root / "input"

    @property
    def state(self) -> Path:
        return self.root / STATE_FOLDER

    @property
    def outline(self) -> Path:
        return self.state / "outline.json"

    @property
    def settled(self) -> Path:
        return self.state / "settled.json"

    @property
    def builds(self) -> Path:
        return self.state / "build"

    def bundle(self, slug: str) -> Path:
        return self.builds / f"{slug}.json"

    def workflow(self, relative: str) -> Path:
        """The workflow that runflow.yaml calls `relative`."""
        return self.root / relative
