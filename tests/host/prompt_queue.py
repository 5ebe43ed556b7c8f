"""The prompts that wait, the one that runs, and those that have run.

Source: execution.py PromptQueue at 3cd7b32f.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from typing import Any

# (number, id, prompt, extra data, outputs): the lowest number is next.
Item = tuple[float, str, dict[str, Any], dict[str, Any], list[str]]


class PromptQueue:
    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._waiting: list[Item] = []
        self._running: Item | None = None
        self._history: dict[str, Any] = {}
        self._filled = threading.Condition()

    def put(self, item: Item) -> None:
        with self._filled:
            heapq.heappush(self._waiting, item)
            self._filled.notify()
            self._changed()

    def take(self) -> Item:
        """The next prompt, which is running from now on; waits for one."""
        with self._filled:
            self._filled.wait_for(lambda: self._waiting)
            self._running = heapq.heappop(self._waiting)
            self._changed()
            return self._running

    def done(self, item: Item, told: dict[str, Any]) -> None:
        """`told`: outputs, meta and status for the history."""
        with self._filled:
            self._running = None
            self._history[item[1]] = {"prompt": list(item), **told}
            self._changed()

    def get_current_queue(self) -> tuple[list[Item], list[Item]]:
        with self._filled:
            return [self._running] if self._running else [], sorted(self._waiting)

    def get_tasks_remaining(self) -> int:
        running, waiting = self.get_current_queue()
        return len(running) + len(waiting)

    def keep_waiting(self, wanted: Callable[[Item], bool]) -> None:
        with self._filled:
            self._waiting = [one for one in self._waiting if wanted(one)]
            heapq.heapify(self._waiting)
            self._changed()

    def get_history(
        self, prompt_id: str | None = None, max_items: int | None = None, offset: int = -1
    ) -> dict[str, Any]:
        """The oldest first; without an offset, the last `max_items`."""
        with self._filled:
            if prompt_id is not None:
                return {key: self._history[key] for key in [prompt_id] if key in self._history}
            keys = list(self._history)
            if offset < 0:
                offset = max(0, len(keys) - max_items) if max_items is not None else 0
            end = None if max_items is None else offset + max_items
            return {key: self._history[key] for key in keys[offset:end]}

    def forget(self, prompt_id: str | None = None) -> None:
        """One prompt's history, or all."""
        with self._filled:
            for key in list(self._history) if prompt_id is None else [prompt_id]:
                self._history.pop(key, None)
