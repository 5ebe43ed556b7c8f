from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runflow_build.engines.embedded.kernels.morphology import grow
from runflow_build.engines.embedded.node_class import RunStoppedError

SIDES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
CORNERS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
MASKS = arrays(
    np.float32,
    st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([0, 0.25, 0.5, 1, -2]),
)


def step(masks: Any, corners: bool, least: bool) -> Any:
    """One step, as it is described: the greatest or least of a pixel and those beside it."""
    height, width = masks.shape[1:]
    wide = np.pad(masks, ((0, 0), (1, 1), (1, 1)), "edge")
    seen = [
        wide[:, 1 + y : 1 + y + height, 1 + x : 1 + x + width]
        for y, x in (*SIDES, *(CORNERS if corners else ()))
    ]
    return np.min(seen, axis=0) if least else np.max(seen, axis=0)


@settings(max_examples=150, deadline=None)
@given(MASKS, st.integers(-25, 25), st.booleans())
def test_growing_in_strides_equals_growing_step_by_step(
    masks: Any, steps: int, corners: bool
) -> None:
    expected = masks
    for _ in range(abs(steps)):
        expected = step(expected, corners, least=steps < 0)
    assert np.array_equal(grow(masks, steps, corners, lambda: None), expected)


@pytest.mark.parametrize(("corners", "expected"), [(False, 25), (True, 49)])
def test_a_point_becomes_a_diamond_or_a_square(corners: bool, expected: int) -> None:
    mask = np.zeros((1, 9, 9), np.float32)
    mask[0, 4, 4] = 1
    assert grow(mask, 3, corners, lambda: None).sum() == expected


@pytest.mark.parametrize("corners", [False, True])
def test_the_furthest_growth_takes_few_strides(corners: bool) -> None:
    strides: list[None] = []
    mask = np.zeros((1, 200, 300), np.float32)
    mask[0, 0, 0] = 1
    assert grow(mask, 16384, corners, lambda: strides.append(None)).all()
    assert len(strides) < 20


def test_growing_can_be_stopped() -> None:
    def stop() -> None:
        raise RunStoppedError("run-canceled", "the run was cancelled")

    with pytest.raises(RunStoppedError):
        grow(np.zeros((1, 3, 3), np.float32), 1, True, stop)
