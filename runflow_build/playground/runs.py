"""The runs of a capture: what was given, what became of it. Noted on the disk, the latest first."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..document import Document
from ..project.save import save_files
from .results import ResultFile

MOST = 50
MOST_BYTES = 4 << 20

State = Literal["queued", "done", "failed", "cancelled", "lost"]

_LOCK = threading.Lock()


class RunNote(Document):
    """One run."""

    id: str  # what ComfyUI calls it
    process: str  # of the ComfyUI that was to run it: another one knows nothing of it
    started_at: str  # ISO 8601, UTC
    values: dict[str, str]  # input -> JSON text of what was given
    wired: list[str] = []
    titles: dict[str, str] = {}  # node -> what a person calls it
    outputs: dict[str, str] = {}  # output id -> node
    state: State = "queued"
    seconds: float | None = None
    files: dict[str, list[ResultFile]] = {}  # output id -> its files
    error: dict[str, str] | None = None  # message, node, title


class _Notes(Document):
    version: Literal[1] = 1
    runs: list[RunNote] = []


@dataclass(frozen=True)
class Runs:
    """The notes of one capture, in one file."""

    path: Path

    def all(self) -> list[RunNote]:
        """The latest first; none where the file cannot be read."""
        try:
            return _Notes.model_validate_json(self.path.read_bytes()).runs
        except (OSError, ValidationError):
            return []

    def get(self, run_id: str) -> RunNote | None:
        return next((one for one in self.all() if one.id == run_id), None)

    def add(self, run: RunNote) -> None:
        """Raises SaveError."""
        with _LOCK:
            self._write([run, *(one for one in self.all() if one.id != run.id)])

    def change(self, run_id: str, changed: Callable[[RunNote], RunNote]) -> RunNote | None:
        """Note what has become of a run; what has ended stays as it is. Raises SaveError."""
        with _LOCK:
            runs = self.all()
            for place, run in enumerate(runs):
                if run.id != run_id:
                    continue
                if run.state != "queued":
                    return run
                runs[place] = changed(run)
                if runs[place] != run:
                    self._write(runs)
                return runs[place]
        return None

    def _write(self, runs: list[RunNote]) -> None:
        runs = runs[:MOST]
        rows = [json.loads(one.model_dump_json()) for one in runs]
        while len(rows) > 1 and len(json.dumps(rows)) > MOST_BYTES:
            rows.pop()
        shape: dict[str, Any] = {"version": 1, "runs": rows}
        save_files({self.path: json.dumps(shape, ensure_ascii=True)})
