"""The blend modes of ImageBlend.

Float arithmetic is not associative, so the exact pixel needs the exact order of operations: that
of comfy_extras/nodes_post_processing.py at 3cd7b32f. Every step is float32, as in torch.

numpy computes all of it to the last bit but for the square root in `soft_light`, which in torch is
not always the correctly rounded one. So it is torch's where torch is installed; without, about one
saved value in a million differs by 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ....media.pixels import Floats, row_blocks
from ..extras import installed
from .tensors import through_torch


def _overlay(base: Floats, top: Floats) -> Floats:
    return np.where(base <= 0.5, 2 * base * top, 1 - 2 * (1 - base) * (1 - top))


def _soft_light(base: Floats, top: Floats) -> Floats:
    lifted = np.where(base <= 0.25, ((16 * base - 12) * base + 4) * base, _square_root(base))
    return np.where(
        top <= 0.5,
        base - (1 - 2 * top) * base * (1 - base),
        base + (2 * top - 1) * (lifted - base),
    )


def _square_root(values: Floats) -> Floats:
    if installed("torch"):
        return through_torch(lambda torch, tensor: torch.sqrt(tensor), values, "soft_light")
    return np.sqrt(values)


MODES: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "normal": lambda base, top: top,
    "multiply": lambda base, top: base * top,
    "screen": lambda base, top: 1 - (1 - base) * (1 - top),
    "overlay": _overlay,
    "soft_light": _soft_light,
    "difference": lambda base, top: base - top,
}


def blend(base: Floats, top: Floats, factor: float, mode: str, into: Floats) -> None:
    """Write `top` over `base`, mixed by `factor` and clipped to 0..1, into a third image.

    All three are single images of one shape [height, width, channel].
    """
    for rows in row_blocks(base):
        mixed = base[rows] * (1 - factor) + MODES[mode](base[rows], top[rows]) * factor
        np.clip(mixed, 0, 1, out=into[rows])
