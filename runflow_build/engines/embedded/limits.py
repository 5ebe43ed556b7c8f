"""How much one run may take: pixels, memory and time."""

from __future__ import annotations

from dataclasses import dataclass

BYTES_PER_VALUE = 4  # float32


@dataclass(frozen=True)
class Limits:
    """Bounds of one run, and of what the engine keeps; the defaults fit a small server."""

    pixels: int = 1 << 27  # of one batch, images x height x width; as RGB that is 1.5 GiB
    held_bytes: int = 4 << 30  # of all arrays that a run holds at once
    seconds: float | None = None  # None: as long as it takes
    cached_bytes: int = 256 << 20  # kept between the runs of one engine


DEFAULT_LIMITS = Limits()
