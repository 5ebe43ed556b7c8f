"""A world whose questions are counted, for whoever shows how far a resolution is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from .world import World

Notice: TypeAlias = Callable[[int, int], None]  # questions asked, of these answered


def watched(world: World, notice: Notice) -> World:
    """The same world; `notice` is called, from any thread but one at a time, at each question and
    each answer."""
    count = _Count(notice)
    return World(*(_Watched(getattr(world, one.name), count) for one in fields(World)))


class _Count:
    def __init__(self, notice: Notice) -> None:
        self._notice, self._lock = notice, threading.Lock()
        self._asked = self._answered = 0

    def add(self, asked: int, answered: int) -> None:
        with self._lock:
            self._asked += asked
            self._answered += answered
            self._notice(self._asked, self._answered)


@dataclass(frozen=True)
class _Watched:
    """Any of the sources; each of its methods is a question."""

    source: Any
    count: _Count

    def __getattr__(self, name: str) -> Any:
        question = getattr(self.source, name)

        def ask(*args: Any, **options: Any) -> Any:
            self.count.add(1, 0)
            try:
                return question(*args, **options)
            finally:
                self.count.add(0, 1)

        return ask
