from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runflow_build.engines.embedded.kernels.convolution import blur, sharpen

pytest.importorskip("torch")


def noise(*shape: int) -> Any:
    return np.random.default_rng(2).random(shape, dtype=np.float32)


def test_blurring_leaves_an_even_picture_as_it_is() -> None:
    even = np.full((1, 9, 12, 4), 0.25, np.float32)
    assert np.abs(blur(even, 4, 1.0) - even).max() < 1e-6


def test_a_point_is_spread_by_the_bell_and_nothing_is_lost() -> None:
    point = np.zeros((1, 11, 11, 1), np.float32)
    point[0, 5, 5, 0] = 1
    spread = blur(point, 2, 0.5)[0, :, :, 0]
    assert spread.sum() == pytest.approx(1, abs=1e-6)
    assert np.count_nonzero(spread) == 25
    # The kernel reaches from -1 to 1, so the next pixel is half a unit away: exp(-0.25 / 0.5).
    assert spread[5, 6] / spread[5, 5] == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert spread[3, 3] / spread[5, 5] == pytest.approx(np.exp(-4), rel=1e-5)


def test_edges_are_mirrored_without_the_outermost_pixel() -> None:
    image = np.arange(5, dtype=np.float32).reshape(1, 1, 5, 1) / 5
    image = np.repeat(image, 5, axis=1)
    mirrored = np.pad(image, ((0, 0), (2, 2), (2, 2), (0, 0)), "reflect")
    assert np.allclose(blur(image, 2, 1.0), blur(mirrored, 2, 1.0)[:, 2:-2, 2:-2], atol=1e-6)


def test_sharpening_by_nothing_leaves_the_picture() -> None:
    image = noise(2, 8, 8, 3)
    assert np.abs(sharpen(image, 2, 1.0, 0.0) - image).max() < 1e-6


def test_sharpening_adds_ten_times_what_blurring_takes() -> None:
    image = noise(1, 9, 7, 3) * 0.2 + 0.4
    expected = image + 10 * 0.05 * (image - blur(image, 1, 1.0))
    assert np.allclose(sharpen(image, 1, 1.0, 0.05), expected, atol=1e-5)


def test_what_sharpening_brings_beyond_0_and_1_is_cut_off() -> None:
    sharp = sharpen(noise(1, 20, 20, 3), 1, 1.0, 5.0)
    assert (sharp.min(), sharp.max()) == (0, 1)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 1, 2)])
def test_the_given_picture_is_not_changed_however_it_lies_in_memory(order: Any) -> None:
    image = noise(*(np.array((1, 9, 7, 3))[list(order)])).transpose(np.argsort(order))
    before = image.copy()
    for result in (blur(image, 3, 1.0), sharpen(image, 3, 1.0, 1.0)):
        assert result.shape == image.shape
        assert result.dtype == np.float32
        assert np.array_equal(image, before)


def test_values_that_are_no_numbers_pass_through() -> None:
    image = noise(1, 9, 9, 1)
    image[0, 0, 0, 0], image[0, 8, 8, 0] = np.nan, np.inf
    assert np.isnan(blur(image, 1, 1.0)[0, 0, 0, 0])
    assert np.isfinite(blur(image, 1, 1.0)[0, 4, 4, 0])
