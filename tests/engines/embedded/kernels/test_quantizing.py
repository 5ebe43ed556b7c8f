from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.embedded.kernels import quantizing
from runflow_build.engines.embedded.kernels.quantizing import quantize, wrap_to_bytes

DITHERS = ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"]


def noise(height: int, width: int, seed: int = 4) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("dither", DITHERS)
@settings(max_examples=20, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 256), st.integers(0, 99))
def test_a_picture_has_at_most_that_many_colors(
    dither: str, height: int, width: int, colors: int, seed: int
) -> None:
    made = np.asarray(quantize(noise(height, width, seed), colors, dither))
    assert made.shape == (height, width, 3)
    assert len(np.unique(made.reshape(-1, 3), axis=0)) <= colors


def test_a_picture_of_few_colors_is_not_changed() -> None:
    pixels = np.array([[[0, 0, 0], [255, 255, 255]], [[255, 0, 0], [0, 0, 255]]], np.uint8)
    assert np.array_equal(quantize(pixels, 256, "none"), pixels)


def test_each_dither_makes_another_picture() -> None:
    made = {np.asarray(quantize(noise(32, 32), 8, dither)).tobytes() for dither in DITHERS}
    assert len(made) == len(DITHERS)


@pytest.mark.parametrize("side", [2, 4, 8, 16])
def test_every_step_of_a_bayer_matrix_occurs_once_and_their_mean_is_0(side: int) -> None:
    matrix = quantizing._bayer_matrix(side)
    steps = (np.arange(side * side) + 0.5) / side**2 - 0.5
    assert np.array_equal(np.sort(matrix, axis=None), steps)
    quarter = matrix[: side // 2, : side // 2]
    assert np.array_equal(np.sort(quarter, axis=None), steps[::4])


def test_the_matrix_of_2() -> None:
    assert quantizing._bayer_matrix(2).tolist() == [[-0.375, 0.125], [0.375, -0.125]]


def test_values_outside_0_to_1_wrap_around_as_torch_casts_them() -> None:
    values = [-0.5, -1.0, 255.9, 256.0, 300.2, 511.9, np.nan]
    image = (np.array(values, np.float32) / np.float32(255)).reshape(1, -1, 1)
    assert wrap_to_bytes(image).flatten().tolist() == [0, 255, 255, 0, 44, 255, 0]


def test_wrapping_equals_torch() -> None:
    torch = pytest.importorskip("torch")
    image = np.random.default_rng(1).uniform(-9, 9, (70, 90, 3)).astype(np.float32)
    image[::7] = np.nan
    assert np.array_equal(wrap_to_bytes(image), (torch.from_numpy(image) * 255).to(torch.uint8))
