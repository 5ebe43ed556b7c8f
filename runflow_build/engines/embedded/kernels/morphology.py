"""Growing and shrinking of masks, as scipy's grey_dilation and grey_erosion do it step by step.

Source: comfy_extras/nodes_mask.py GrowMask at 3cd7b32f, which repeats a 3 x 3 step. Nothing is
rounded in it, so the same values are picked here in a few strides instead: the values within
`done` steps, looked up `stride <= done` further on, are the values within `done + stride` steps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....media.pixels import Floats


def grow(masks: Floats, steps: int, corners: bool, check: Callable[[], None]) -> Floats:
    """Every value becomes the greatest within `steps` pixels, the least for negative `steps`.

    With `corners` a step goes to all eight neighbours, else to the four that share a side. Beyond
    the edges there is nothing to pick. `check` is called again and again, and may raise.
    """
    pick = np.maximum if steps > 0 else np.minimum
    result: Floats = masks.copy()
    for mask in result:
        for axes in ((0,), (1,)) if corners else ((0, 1),):
            _spread(mask, abs(steps), axes, pick, check)
    return result


def _spread(
    mask: Floats, steps: int, axes: tuple[int, ...], pick: np.ufunc, check: Callable[[], None]
) -> None:
    """In place, over all that `steps` steps along the axes reach together."""
    steps = min(steps, sum(mask.shape[axis] - 1 for axis in axes))
    before = np.empty_like(mask)
    done = 0
    while done < steps:
        check()
        stride = min(max(done, 1), steps - done)
        before[:] = mask
        for axis in axes:
            _pick_beside(np.moveaxis(mask, axis, 0), np.moveaxis(before, axis, 0), stride, pick)
        done += stride


def _pick_beside(mask: Floats, before: Floats, stride: int, pick: np.ufunc) -> None:
    """In place, from `before` at `stride` rows above and below.

    The edge stands for what would lie beyond it: that many steps reach the edge as well, and from
    there what can be seen from beyond it.
    """
    stride = min(stride, len(mask) - 1)
    if stride:
        for values, old in ((mask, before), (mask[::-1], before[::-1])):
            pick(values[:-stride], old[stride:], out=values[:-stride])
            pick(values[-stride:], old[-1:], out=values[-stride:])
