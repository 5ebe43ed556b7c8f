"""Waiting for a state, as long as a busy machine may need to come to it."""

from __future__ import annotations

import contextlib
import time
import urllib.error
from collections.abc import Callable
from typing import Any

LONGEST_S = 60


def until(ask: Callable[[], Any]) -> Any:
    """What `ask` gives as soon as it is something true.

    Until then it may raise what says that a thing is not there yet: a LookupError, or that nobody
    answers.
    """
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, LookupError):
            if found := ask():
                return found
        time.sleep(0.01)
    found = ask()
    assert found, "what was waited for does not come"
    return found
