"""Programs that end when somebody does not want their work any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOKS_S = 0.1


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
