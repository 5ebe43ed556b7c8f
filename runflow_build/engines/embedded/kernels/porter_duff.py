"""The modes of Porter and Duff, and a few of the same kind, for pictures with masks.

Float arithmetic is not associative, so the exact pixel needs the exact order of operations: that
of comfy_extras/nodes_compositing.py at 3cd7b32f. Every step is float32, as in torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from ....media.pixels import Floats, row_blocks

Mode: TypeAlias = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]
"""Source colours, source alpha, destination colours, destination alpha -> colours, alpha; all
colours multiplied by their alpha, colours [height, width, channel], alphas [height, width, 1]."""

_LEAST_ALPHA = np.float32(1e-5)  # what is less opaque has no colour


def _both(s: Floats, d: Floats) -> Floats:
    """How much at least one of two covers."""
    return s + d - s * d


def _around(s: Floats, sa: Floats, d: Floats, da: Floats) -> Floats:
    """Of either colour what lies outside of the other."""
    return (1 - da) * s + (1 - sa) * d


def _overlay(s: Floats, sa: Floats, d: Floats, da: Floats) -> Floats:
    return np.where(2 * d < da, 2 * s * d, sa * da - 2 * (da - s) * (sa - d))


MODES: Mapping[str, Mode] = {
    "ADD": lambda s, sa, d, da: (np.clip(s + d, 0, 1), np.clip(sa + da, 0, 1)),
    "CLEAR": lambda s, sa, d, da: (np.zeros_like(d), np.zeros_like(da)),
    "DARKEN": lambda s, sa, d, da: (_around(s, sa, d, da) + np.minimum(s, d), _both(sa, da)),
    "DST": lambda s, sa, d, da: (d, da),
    "DST_ATOP": lambda s, sa, d, da: (sa * d + (1 - da) * s, sa),
    "DST_IN": lambda s, sa, d, da: (d * sa, sa * da),
    "DST_OUT": lambda s, sa, d, da: ((1 - sa) * d, (1 - sa) * da),
    "DST_OVER": lambda s, sa, d, da: (d + (1 - da) * s, da + (1 - da) * sa),
    "LIGHTEN": lambda s, sa, d, da: (_around(s, sa, d, da) + np.maximum(s, d), _both(sa, da)),
    "MULTIPLY": lambda s, sa, d, da: (s * d, sa * da),
    "OVERLAY": lambda s, sa, d, da: (_overlay(s, sa, d, da), _both(sa, da)),
    "SCREEN": lambda s, sa, d, da: (_both(s, d), _both(sa, da)),
    "SRC": lambda s, sa, d, da: (s, sa),
    "SRC_ATOP": lambda s, sa, d, da: (da * s + (1 - sa) * d, da),
    "SRC_IN": lambda s, sa, d, da: (s * da, sa * da),
    "SRC_OUT": lambda s, sa, d, da: ((1 - da) * s, (1 - da) * sa),
    "SRC_OVER": lambda s, sa, d, da: (s + (1 - sa) * d, sa + (1 - sa) * da),
    "XOR": lambda s, sa, d, da: (_around(s, sa, d, da), _around(sa, sa, da, da)),
}


def composite(
    source: Floats,
    source_mask: Floats,
    destination: Floats,
    destination_mask: Floats,
    mode: str,
    into: Floats,
    mask_into: Floats,
) -> None:
    """Write the picture and the mask that come of two pictures of one size, with their masks.

    Pictures are [height, width, channel], masks [height, width], 1 = transparent. Colours are
    clipped to 0..1, and 0 where nothing is.
    """
    for rows in row_blocks(source):
        sa = 1 - source_mask[rows, :, np.newaxis]
        da = 1 - destination_mask[rows, :, np.newaxis]
        colours, alpha = MODES[mode](source[rows] * sa, sa, destination[rows] * da, da)
        colours = np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > _LEAST_ALPHA)
        np.clip(colours, 0, 1, out=into[rows])
        np.subtract(1, alpha[..., 0], out=mask_into[rows])
