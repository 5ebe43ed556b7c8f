"""How long who guesses passwords has to wait: longer with each guess, alone and all together."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FREE = 5  # guesses from one address before it waits at all
LONGEST_WAIT_S = 60.0  # of one address; doubled from 1 s with each guess
FREE_TOGETHER = 30  # guesses from wherever, before all strangers wait
LONGEST_WAIT_TOGETHER_S = 5.0  # short, as it keeps the owner out too, at an address not met before
FORGOTTEN_AFTER_S = 900.0  # without a further guess
MOST_ADDRESSES = 4096


@dataclass
class _Guesses:
    count: int = 0
    last: float = float("-inf")

    def wait_s(self, now: float, free: int, longest: float) -> float:
        if now - self.last > FORGOTTEN_AFTER_S:
            self.count = 0
        if self.count < free:
            return 0.0
        pause = min(2.0 ** min(self.count - free, 32), longest)
        return max(0.0, self.last + pause - now)

    def add(self, now: float) -> None:
        self.count, self.last = self.count + 1, now


class Attempts:
    """Guesses by address (IPv6: by network). A guess counts when it begins, until it was right."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_address: OrderedDict[str, _Guesses] = OrderedDict()
        self._together = _Guesses()
        self._friends: OrderedDict[str, None] = OrderedDict()  # addresses that knew the password

    def wait_s(self, address: str) -> float:
        """How long a guess from there has to wait; 0.0: it may be made now."""
        now, place = self._clock(), _place(address)
        alone = self._by_address.get(place, _Guesses())
        wait = alone.wait_s(now, FREE, LONGEST_WAIT_S)
        if place in self._friends:
            return wait
        return max(wait, self._together.wait_s(now, FREE_TOGETHER, LONGEST_WAIT_TOGETHER_S))

    def begin(self, address: str) -> None:
        now, place = self._clock(), _place(address)
        self._by_address.setdefault(place, _Guesses()).add(now)
        self._by_address.move_to_end(place)
        if len(self._by_address) > MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        self._together.add(now)

    def was_right(self, address: str) -> None:
        place = _place(address)
        self._by_address.pop(place, None)
        self._together.count = max(0, self._together.count - 1)
        self._friends[place] = None
        if len(self._friends) > MOST_ADDRESSES:
            self._friends.popitem(last=False)


def _place(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
