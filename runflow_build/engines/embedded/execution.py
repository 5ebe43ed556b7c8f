"""The nodes of a plan, each when its inputs are there, handing on its values as ComfyUI does it.

Every value is a list: a class that gives lists has the nodes after it called once per item, the
shorter lists repeating their last item. Source: execution.py of ComfyUI at 3cd7b32f.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...content_type import content_type_of
from ...errors import EngineError
from ...findings import Finding
from ...media.error import MediaError
from ..base import OutputFile, Progress
from . import cache
from .cache import Cache, Outputs
from .memory import owners
from .node_class import Result, Run, RunStoppedError
from .planning import Link, Step


def run_steps(
    steps: Sequence[Step], run: Run, report: Callable[[Progress], None], kept: Cache
) -> list[OutputFile]:
    """Execute what the output steps need; the files come in the order of the steps.

    `steps` are in an order in which sources come first. Between two nodes the run can be cancelled,
    or its time be over. A value is let go as soon as its last consumer is done. Raises EngineError:
    `node-failed`, `run-canceled`, `engine-time-limit`.
    """
    return _Execution(steps, run, report, kept).files()


class _Execution:
    """One run. Iterative, because a chain of nodes may be thousands long."""

    def __init__(
        self, steps: Sequence[Step], run: Run, report: Callable[[Progress], None], kept: Cache
    ) -> None:
        self._steps = {step.node: step for step in steps}
        self._run = run
        self._report = report
        self._kept = kept
        self._keys = cache.keys(steps)
        self._values = _Values(steps)
        self._wanted: set[str] = set()
        self._hits: dict[str, Outputs] = {}  # of wanted nodes, what an earlier run computed
        self._done: set[str] = set()
        self._files: dict[str, tuple[Path, ...]] = {}

    def files(self) -> list[OutputFile]:
        outputs = [node for node, step in self._steps.items() if step.output]
        self._want(outputs)
        for node in outputs:
            self._reach(node)
        return [
            OutputFile(node, path, content_type_of(path.name))
            for node in outputs
            for path in self._files[node]
        ]

    def _want(self, nodes: Iterable[str]) -> None:
        """Note the nodes and all that they strictly need; a node kept from before needs nothing."""
        open_nodes = list(nodes)
        while open_nodes:
            node = open_nodes.pop()
            if node in self._wanted:
                continue
            self._wanted.add(node)
            key = self._keys.get(node)
            if key is not None and (hit := self._kept.get(key)) is not None:
                self._hits[node] = hit
            else:
                open_nodes += _strict_sources(self._steps[node])

    def _reach(self, output: str) -> None:
        """Run the output node after everything that it waits for."""
        way = [output]
        while way:
            node = way[-1]
            if node in self._done:
                way.pop()
            elif waits := [one for one in self._sources(node) if one not in self._done]:
                way += reversed(waits)
            else:
                self._execute(self._steps[node])
                way.pop()

    def _sources(self, node: str) -> list[str]:
        """What has to be done before the node, those that it asks for lazily once it can ask."""
        if node in self._hits:
            return []
        step = self._steps[node]
        sources = _strict_sources(step)
        if step.lazy and all(one in self._done for one in sources):
            sources = [step.links[name].node for name in self._asked(step)]
            self._want(sources)
        return sources

    def _asked(self, step: Step) -> list[str]:
        """The lazy links that the class names when it sees what is there already."""
        choose = step.node_class.lazy
        if choose is None:
            return sorted(step.lazy)
        inputs = self._inputs(step)
        names = chain.from_iterable(choose(**one) for one in _calls(step, inputs))
        return [name for name in dict.fromkeys(names) if name in step.lazy]

    def _execute(self, step: Step) -> None:
        with _failures_of(step):
            self._run.check()
            hit = self._hits.get(step.node)
            if hit is not None:
                self._finish(step, hit, "cached")
                return
            self._tell(step, "started")
            outputs, self._files[step.node] = self._call(step)
        if (key := self._keys.get(step.node)) is not None:
            self._kept.keep(key, outputs)
        self._finish(step, outputs, "finished")

    def _call(self, step: Step) -> tuple[Outputs, tuple[Path, ...]]:
        outputs: list[list[Any]] = []
        files: list[Path] = []
        for inputs in _calls(step, self._inputs(step)):
            _require_values(step, inputs)
            with np.errstate(all="ignore"):  # NaN and infinity are values like others, as in torch
                result: Result = step.node_class.function(self._run, **inputs)
            outputs = outputs or [[] for _ in result.values]
            for items, value in zip(outputs, result.values, strict=True):
                items += value if step.node_class.gives_lists else [value]
            files += result.files
        return outputs, tuple(files)

    def _inputs(self, step: Step) -> dict[str, Sequence[Any]]:
        """A list per input; None in the place of a lazy one that has not been computed."""
        inputs: dict[str, Sequence[Any]] = {name: [v] for name, v in step.literals.items()}
        for name, link in step.links.items():
            inputs[name] = self._values.get(link) if link.node in self._done else [None]
        return inputs

    def _finish(self, step: Step, outputs: Outputs, state: Literal["finished", "cached"]) -> None:
        self._done.add(step.node)
        self._values.keep(step, outputs)
        self._run.held_bytes = self._values.held_bytes
        self._tell(step, state)

    def _tell(self, step: Step, state: Literal["started", "finished", "cached"]) -> None:
        self._report(Progress(len(self._done), len(self._wanted), step.node, state))


def _strict_sources(step: Step) -> list[str]:
    return [link.node for name, link in step.links.items() if name not in step.lazy]


def _calls(step: Step, inputs: Mapping[str, Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    """The keyword arguments of each call that the node's lists ask for."""
    if step.node_class.takes_lists:
        yield inputs
        return
    count = max((len(items) for items in inputs.values()), default=1)
    if count and not all(inputs.values()):
        empty = next(name for name, items in inputs.items() if not items)
        raise MediaError(f"{empty} is an empty list, and other inputs are not")
    for number in range(count):
        yield {name: items[min(number, len(items) - 1)] for name, items in inputs.items()}


def _require_values(step: Step, inputs: Mapping[str, Any]) -> None:
    """A node may give nothing, as GetVideoComponents for the sound of a silent video."""
    for name in step.required - step.lazy:
        if inputs[name] is None:
            source = step.links[name].node
            raise MediaError(f"{name} is empty: node {source} has nothing to give for it")


@contextmanager
def _failures_of(step: Step) -> Iterator[None]:
    """Turn whatever a node raises into an EngineError that names the node."""
    try:
        yield
    except RunStoppedError as error:
        raise EngineError(Finding(error.code, str(error), step.where())) from None
    except MediaError as error:
        finding = Finding("node-failed", str(error), step.where(), fix=error.fix)
        raise EngineError(finding) from None
    except Exception as error:
        raise EngineError(Finding("node-failed", _text(error), step.where())) from error


def _text(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory for this node's work"
    # The text of an OSError would show where the folders lie on this machine.
    text = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Values:
    """The values that later steps still need, and the memory of their arrays."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._needed = Counter(
            (link.node, link.slot) for step in steps for link in step.links.values()
        )
        self._values: dict[tuple[str, int], Sequence[Any]] = {}
        self._owners: Counter[int] = Counter()  # id of the array that owns the memory -> holders
        self.held_bytes = 0

    def get(self, link: Link) -> Sequence[Any]:
        return self._values[link.node, link.slot]

    def keep(self, step: Step, outputs: Outputs) -> None:
        """Take the step's values, and let go those for which it was the last consumer."""
        for slot, items in enumerate(outputs):
            if self._needed[step.node, slot]:
                self._values[step.node, slot] = items
                self._hold(items, 1)
        for link in step.links.values():
            key = (link.node, link.slot)
            self._needed[key] -= 1
            if not self._needed[key] and key in self._values:
                self._hold(self._values.pop(key), -1)

    def _hold(self, items: Sequence[Any], change: int) -> None:
        for array in owners(items):
            before = self._owners[id(array)]
            self._owners[id(array)] = before + change
            if bool(before) != bool(before + change):
                self.held_bytes += change * array.nbytes
