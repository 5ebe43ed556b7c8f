from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from runflow_build.engines.embedded.kernels import lanczos as kernel
from runflow_build.engines.embedded.kernels.lanczos import can_be_cut, lanczos, resize_in_parts
from runflow_build.engines.embedded.node_class import NodeError
from runflow_build.media.pixels import to_bytes

SIZES = st.integers(1, 60)
SEEDS = st.integers(0, 2**32)


def pixels(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def floats(pixels: Any) -> Any:
    return pixels.astype(np.float32) / 255


def by_pillow(pixels: Any, width: int, height: int) -> Any:
    picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return floats(np.asarray(picture))


def no_check() -> None:
    """Never stops the work."""


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES, SIZES, SIZES, st.sampled_from([2, 3, 4]), SEEDS)
def test_every_value_is_that_of_pillow(
    w: int, h: int, width: int, height: int, channels: int, seed: int
) -> None:
    batch = pixels(seed, 2, h, w, channels)
    scaled = lanczos(floats(batch), width, height, no_check)
    assert scaled.shape == (2, height, width, channels)
    assert scaled.dtype == np.float32
    for one, source in zip(scaled, batch, strict=True):
        assert np.array_equal(one, by_pillow(source, width, height))


@settings(max_examples=200, deadline=None)
@given(SIZES, SIZES, SIZES, SIZES, st.integers(1, 5), SEEDS)
@example(1, 1, 1, 1, 2, 0)
@example(60, 60, 60, 17, 2, 0)
@example(60, 60, 17, 60, 2, 0)
@example(40, 60, 20, 20, 3, 0)  # the height loses just twice what the width loses
def test_cutting_into_parts_changes_no_byte_of_what_pillow_makes(
    w: int, h: int, width: int, height: int, parts: int, seed: int
) -> None:
    source = pixels(seed, h, w, 3)
    if can_be_cut(source[np.newaxis], width, height):
        into = np.full((height, width, 3), np.nan, np.float32)
        resize_in_parts(floats(source), into, parts)
        assert np.array_equal(into, by_pillow(source, width, height))


@pytest.mark.parametrize(
    ("old", "channels", "new", "expected"),
    [
        ((10, 10), 3, (20, 20), True),
        ((10, 10), 3, (5, 5), True),
        ((10, 10), 3, (20, 9), False),
        ((10, 20), 3, (5, 10), True),
        ((10, 21), 3, (5, 10), False),  # 5 columns and 11 rows less
        ((10, 10), 4, (20, 20), False),
        ((10, 10), 2, (20, 20), False),
    ],
)
def test_only_what_every_pillow_resizes_across_and_then_down_is_cut(
    old: tuple[int, int], channels: int, new: tuple[int, int], expected: bool
) -> None:
    image = np.zeros((1, old[1], old[0], channels), np.float32)
    assert can_be_cut(image, *new) is expected


@pytest.mark.parametrize("processors", [1, 2, 4])
@pytest.mark.parametrize("new", [(601, 640), (203, 177), (640, 20)])
def test_a_large_picture_is_the_same_on_any_number_of_processors(
    processors: int, new: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "_PARTS", processors)
    source = pixels(3, 500, 530, 3)
    (scaled,) = lanczos(floats(source)[np.newaxis], *new, no_check)
    assert np.array_equal(scaled, by_pillow(source, *new))


@pytest.mark.parametrize(("size", "cut"), [((100, 100), False), ((512, 500), True)])
def test_threads_are_for_large_pictures(
    size: tuple[int, int], cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(kernel, "_PARTS", 2)
    monkeypatch.setattr(kernel, "resize_in_parts", lambda *inputs: calls.append(inputs))
    lanczos(np.zeros((1, 90, 90, 3), np.float32), *size, no_check)
    assert bool(calls) is cut


def test_values_are_cut_to_8_bits_before() -> None:
    image = np.array([-1, 0.5, 2, np.nan, np.inf], np.float32).reshape(1, 1, 5, 1)
    (scaled,) = lanczos(np.repeat(image, 3, axis=3), 5, 1, no_check)
    assert to_bytes(scaled)[0, :, 0].tolist() == [0, 127, 255, 0, 255]


def test_rgba_is_left_in_planes() -> None:
    scaled = lanczos(floats(pixels(1, 2, 9, 9, 4)), 5, 6, no_check)
    assert scaled.transpose(0, 3, 1, 2).flags.c_contiguous


@pytest.mark.parametrize("channels", [1, 5])
def test_other_numbers_of_channels_are_an_error(channels: int) -> None:
    with pytest.raises(NodeError) as caught:
        lanczos(np.zeros((1, 4, 4, channels), np.float32), 2, 2, no_check)
    assert str(caught.value) == f"lanczos cannot scale pictures of {channels} channels"
    assert caught.value.fix == "choose another method"


def test_a_long_batch_can_be_stopped_between_two_pictures() -> None:
    calls = []

    def stop_at_the_third() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lanczos(np.zeros((9, 4, 4, 3), np.float32), 2, 2, stop_at_the_third)
    assert len(calls) == 3
