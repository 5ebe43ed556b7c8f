"""Work that ends when somebody does not want it any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Check: TypeAlias = Callable[[], None]  # raises where the work is not wanted any more
_LOOKS_S = 0.1


def go_on() -> None:
    """The check of work that nobody can end."""


def pausing(check: Check) -> Callable[[float], None]:
    """A `time.sleep` that asks now and then."""

    def pause(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            check()
            time.sleep(min(left, _LOOKS_S))

    return pause


@contextmanager
def ends_with(stop: threading.Event | None, kill: Callable[[], object]) -> Iterator[None]:
    """Call `kill`, from another thread, when `stop` is set before the block is left."""
    if stop is None:
        yield
        return
    left = threading.Event()

    def watch() -> None:
        while not left.wait(_LOOKS_S):
            if stop.is_set():
                kill()
                return

    watcher = threading.Thread(target=watch, name="runflow-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
