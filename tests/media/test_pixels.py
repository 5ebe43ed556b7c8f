from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from runflow_build.media.pixels import from_picture, to_bytes


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_8_bits_survive_the_way_to_float_and_back(mode: str) -> None:
    channels = () if mode == "L" else (3,)
    pixels = np.random.default_rng(2).integers(0, 256, (200, 16, *channels), np.uint8)
    values = np.empty(pixels.shape, np.float32)
    from_picture(Image.fromarray(pixels), values)
    assert np.array_equal(values, pixels.astype(np.float32) / 255.0)
    assert np.array_equal(to_bytes(values), pixels)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 700), st.integers(1, 60), st.integers(0, 2**32))
def test_the_blocks_make_no_difference(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).normal(0.5, 0.6, (height, width, 3)).astype(np.float32)
    assert np.array_equal(to_bytes(image), np.clip(255.0 * image, 0, 255).astype(np.uint8))


def test_what_is_no_number_is_black_and_what_is_infinite_is_cut() -> None:
    image = np.array([np.nan, np.inf, -np.inf, 2, -1], np.float32).reshape(1, 5, 1)
    assert to_bytes(image).ravel().tolist() == [0, 255, 0, 255, 0]


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3)])
def test_of_nothing_there_are_no_bytes(shape: tuple[int, ...]) -> None:
    assert to_bytes(np.zeros(shape, np.float32)).shape == shape
