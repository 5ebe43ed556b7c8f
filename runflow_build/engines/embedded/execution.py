"""The steps of a plan, one after another, each handing its values to those that need them."""

from __future__ import annotations

import mimetypes
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import EngineError
from ...findings import Finding
from ..base import OutputFile, Progress
from .node_class import NodeError, Result, Run
from .planning import Link, Step


def run_steps(
    steps: Sequence[Step],
    run: Run,
    report: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> list[OutputFile]:
    """Execute the steps in the given order; the files come in the order of the steps.

    Between two steps the run can be cancelled, or its time be over. A value is let go as soon as
    its last consumer is done. Raises EngineError: `node-failed`, `run-canceled`,
    `engine-time-limit`.
    """
    values = _Values(steps)
    files: list[OutputFile] = []
    started = time.monotonic()
    for done, step in enumerate(steps):
        _go_on(step, run, cancelled, started)
        result = _call(step, run, values)
        values.keep(step, result)
        run.held_bytes = values.held_bytes
        files += [OutputFile(step.node, path, content_type(path)) for path in result.files]
        report(Progress(done + 1, len(steps), step.node))
    return files


def content_type(path: Path) -> str:
    """By the file's suffix and Python's own table alone, so that every machine says the same."""
    return mimetypes.MimeTypes().guess_type(path.name, strict=False)[0] or _UNKNOWN_TYPE


_UNKNOWN_TYPE = "application/octet-stream"


def _go_on(step: Step, run: Run, cancelled: Callable[[], bool], started: float) -> None:
    if cancelled():
        raise EngineError(Finding("run-canceled", "the run was cancelled", step.where()))
    limit = run.limits.seconds
    if limit is not None and time.monotonic() - started > limit:
        raise EngineError(
            Finding("engine-time-limit", f"the run took longer than {limit:g} s", step.where())
        )


def _call(step: Step, run: Run, values: _Values) -> Result:
    linked = {name: values.get(link) for name, link in step.links.items()}
    try:
        with np.errstate(all="ignore"):  # NaN and infinity are values like others, as in torch
            return step.node_class.function(run, **step.literals, **linked)
    except NodeError as error:
        finding = Finding("node-failed", str(error), step.where(), fix=error.fix)
        raise EngineError(finding) from None
    except MemoryError as error:
        message = "there is not enough memory for this node's work"
        raise EngineError(Finding("node-failed", message, step.where())) from error
    except Exception as error:
        # The text of an OSError would show where the folders lie on this machine.
        text = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        message = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise EngineError(Finding("node-failed", message, step.where())) from error


class _Values:
    """The values that later steps still need, and the memory of their arrays."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._needed = Counter(
            (link.node, link.slot) for step in steps for link in step.links.values()
        )
        self._values: dict[tuple[str, int], Any] = {}
        self._owners: Counter[int] = Counter()  # id of the array that owns the memory -> holders
        self.held_bytes = 0

    def get(self, link: Link) -> Any:
        return self._values[link.node, link.slot]

    def keep(self, step: Step, result: Result) -> None:
        """Take the step's values, and let go those for which it was the last consumer."""
        for slot, value in enumerate(result.values):
            if self._needed[step.node, slot]:
                self._values[step.node, slot] = value
                self._hold(value, 1)
        for link in step.links.values():
            key = (link.node, link.slot)
            self._needed[key] -= 1
            if not self._needed[key]:
                self._hold(self._values.pop(key), -1)

    def _hold(self, value: Any, change: int) -> None:
        if not isinstance(value, np.ndarray):
            return
        while isinstance(value.base, np.ndarray):  # a view lives in the memory of its base
            value = value.base
        before = self._owners[id(value)]
        self._owners[id(value)] = before + change
        if bool(before) != bool(before + change):
            self.held_bytes += change * value.nbytes
