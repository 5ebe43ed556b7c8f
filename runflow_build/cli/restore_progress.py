"""How a restore goes: bars on a terminal, plain lines elsewhere, nothing beside JSON."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from ..findings import Finding, printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from ..restore.apply import Progress
    from ..restore.plan import Step


@contextmanager
def progress_on(stream: TextIO, *, quiet: bool) -> Iterator[Progress]:
    """The progress that fits the stream. `rich` is loaded when there is something to show."""
    if quiet:
        yield Silent()
    elif stream.isatty():
        bars = OnTerminal(stream)
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield Lines(stream)


class Silent:
    """Says nothing."""

    def begun(self, step: Step) -> None: ...

    def received(self, step: Step, count: int) -> None: ...

    def ended(self, step: Step, error: bool, why: Sequence[Finding] = ()) -> None: ...

    def said(self, step: Step, line: str) -> None: ...


class Lines(Silent):
    """A line when a step is done, for a log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def ended(self, step: Step, error: bool, why: Sequence[Finding] = ()) -> None:
        with self._lock:
            words = f"{'failed' if error else 'done'}: {step.kind} {step.name}"
            print(printable(words), file=self._stream, flush=True)


class OnTerminal:
    """A bar for each step that is being worked on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def begun(self, step: Step) -> None:
        with self._lock:
            bars = self._started()
            name = printable(step.name)
            self._tasks[step.place] = bars.add_task(name, total=step.size or None, said=step.kind)

    def received(self, step: Step, count: int) -> None:
        with self._lock:
            if self._bars and step.place in self._tasks:
                self._bars.advance(self._tasks[step.place], count)

    def ended(self, step: Step, error: bool, why: Sequence[Finding] = ()) -> None:
        with self._lock:
            if self._bars and step.place in self._tasks:
                self._bars.remove_task(self._tasks.pop(step.place))
                words = f"{'failed' if error else 'done'}  {step.kind} {step.name}"
                self._bars.console.print(printable(words), markup=False, highlight=False)

    def said(self, step: Step, line: str) -> None:
        with self._lock:
            if self._bars and step.place in self._tasks:
                self._bars.update(self._tasks[step.place], said=printable(line.strip())[:60])

    def close(self) -> None:
        if self._bars:
            self._bars.stop()

    def _started(self) -> Bars:
        if self._bars is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TransferSpeedColumn,
            )

            columns: list[Any] = [
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TextColumn("{task.fields[said]}", markup=False),
            ]
            self._bars = Progress(*columns, console=Console(file=self._stream), transient=True)
            self._bars.start()
        return self._bars
