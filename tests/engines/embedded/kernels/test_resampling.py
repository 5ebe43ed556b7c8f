from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from runflow_build.engines.embedded.node_class import NodeError
from runflow_build.engines.embedded.pixels import to_bytes
from runflow_build.engines.embedded.scaling import NEEDS_TORCH, centre_part, scale

NEAREST = json.loads(
    (Path(__file__).parents[3] / "cases" / "pixels" / "nearest.json").read_text(encoding="utf-8")
)
SIZES = st.integers(1, 40)


@pytest.mark.parametrize(("old", "new", "other", "columns"), NEAREST)
def test_nearest_exact_takes_the_pixels_that_torch_takes(
    old: int, new: int, other: int, columns: list[int]
) -> None:
    ramp = np.arange(old, dtype=np.float32)
    wide = np.broadcast_to(ramp[np.newaxis, np.newaxis, :, np.newaxis], (1, 2, old, 3))
    tall = np.broadcast_to(ramp[np.newaxis, :, np.newaxis, np.newaxis], (1, old, 2, 3))
    assert scale(wide, new, other, "nearest-exact", "disabled")[0, 0, :, 0].tolist() == columns
    assert scale(tall, other, new, "nearest-exact", "disabled")[0, :, 0, 0].tolist() == columns


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, SIZES, SIZES, st.integers(0, 2**32))
def test_lanczos_equals_pillow_on_8_bits(
    w: int, h: int, width: int, height: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (2, h, w, 3), np.uint8)
    scaled = scale(pixels.astype(np.float32) / 255, width, height, "lanczos", "disabled")
    assert scaled.shape == (2, height, width, 3)
    for one, source in zip(scaled, pixels, strict=True):
        picture = Image.fromarray(source).resize((width, height), Image.Resampling.LANCZOS)
        assert np.array_equal(to_bytes(one), np.asarray(picture))


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES, SIZES, SIZES)
def test_the_centre_part_is_whole_in_one_direction(w: int, h: int, width: int, height: int) -> None:
    image = np.zeros((1, h, w, 3), np.float32)
    part = centre_part(image, width / height)
    assert part.shape[1] == h or part.shape[2] == w


def test_a_part_of_nothing_is_an_error() -> None:
    image = np.zeros((1, 4, 4, 3), np.float32)
    with pytest.raises(NodeError, match=r"^nothing is left of the picture when it is cropped to"):
        scale(image, 1, 1000, "lanczos", "center")


@pytest.mark.parametrize("method", sorted(NEEDS_TORCH))
def test_a_method_that_is_exact_only_with_torch_says_so(method: str) -> None:
    with pytest.raises(NodeError, match=f"^{method} resampling needs torch"):
        scale(np.zeros((1, 4, 4, 3), np.float32), 2, 2, method, "disabled")
