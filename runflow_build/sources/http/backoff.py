"""How we treat hosts that are slow, busy or gone: wait as they ask, then leave them alone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from ..world import Unanswered

ATTEMPTS = 5  # of one question
LONGEST_WAIT_S = 60.0  # of one question, over all of its attempts
FIRST_PAUSE_S = 0.25  # doubled with each attempt
ROUNDS = 2  # of connecting in vain, after which a host counts as gone
TIRED_AFTER = 3  # questions that no attempt got answered, after which one attempt has to do


@dataclass(frozen=True)
class Clock:
    """Time as the client sees it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class _Host:
    rounds: int = 0
    counted: float = float("-inf")  # when the last round was counted
    gone: Unanswered | None = None
    busy_until: float = float("-inf")  # it asked not to be asked before
    in_vain: int = 0


@dataclass
class Hosts:
    """What was learnt about each host, for as long as the client lives. Safe with threads."""

    clock: Clock = field(default_factory=Clock)
    _known: dict[str, _Host] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def gone(self, host: str) -> Unanswered | None:
        """Why the host is not to be asked any more; None: ask it."""
        with self._lock:
            gone = self._of(host).gone
        return None if gone is None else Unanswered(gone.reason, gone.fix)

    def attempts(self, host: str) -> int:
        with self._lock:
            return 1 if self._of(host).in_vain >= TIRED_AFTER else ATTEMPTS

    def wait_s(self, host: str) -> float:
        """How long the host still wants to be left alone."""
        with self._lock:
            return max(0.0, self._of(host).busy_until - self.clock.now())

    def reached(self, host: str) -> None:
        """It said something, if only that it is busy."""
        with self._lock:
            self._of(host).rounds = 0

    def answered(self, host: str) -> None:
        """A question got its answer."""
        with self._lock:
            self._of(host).in_vain = 0

    def unreached(self, host: str, began: float, why: Unanswered) -> None:
        """An attempt that began then got no connection. Attempts that overlap are one round."""
        with self._lock:
            known = self._of(host)
            if began >= known.counted:
                known.rounds, known.counted = known.rounds + 1, self.clock.now()
            if known.rounds >= ROUNDS:
                known.gone = why

    def busy(self, host: str, wait_s: float) -> None:
        """It asked to be left alone for that long."""
        with self._lock:
            known = self._of(host)
            known.busy_until = max(known.busy_until, self.clock.now() + wait_s)

    def in_vain(self, host: str) -> None:
        """A question got no answer in all of its attempts."""
        with self._lock:
            self._of(host).in_vain += 1

    def _of(self, host: str) -> _Host:
        return self._known.setdefault(host, _Host())


def pause_s(attempt: int) -> float:
    """The pause after that attempt (1, 2, …): longer each time, and not the same for all."""
    return FIRST_PAUSE_S * float(2 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def asked_wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """How long an answer asks us to wait; None: it does not say. `now`: seconds since 1970.

    `Retry-After` as seconds or date; `RateLimit: "api";r=0;t=55` (Hugging Face);
    `X-RateLimit-Reset` beside `X-RateLimit-Remaining: 0` (GitHub).
    """
    told = headers.get("retry-after", "").strip()
    if told.isdecimal():
        return float(told[:9])
    if told:
        try:
            return max(0.0, parsedate_to_datetime(told).timestamp() - now)
        except (TypeError, ValueError, OverflowError):
            return None
    limit = dict(
        part.strip().partition("=")[::2] for part in headers.get("ratelimit", "").split(";")
    )
    if limit.get("r") == "0" and limit.get("t", "").isdecimal():
        return float(limit["t"][:9])
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset[:12]) - now)
    return None
