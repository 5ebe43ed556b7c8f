from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.embedded import extras
from runflow_build.engines.embedded.kernels.resampling import (
    METHOD_PACKAGES,
    centre_part,
    interpolate_mask,
    scale,
)
from runflow_build.engines.embedded.node_class import NodeError

NEAREST = json.loads(
    (Path(__file__).parents[3] / "cases" / "pixels" / "nearest.json").read_text(encoding="utf-8")
)
SIZES = st.integers(1, 40)
NEW_SIZES = st.integers(1, 150)  # 128 is where torch changes its ways: width and height together


def noise(*shape: int) -> Any:
    return np.random.default_rng(5).random(shape, dtype=np.float32)


@pytest.mark.parametrize(("old", "new", "other", "columns"), NEAREST)
def test_nearest_exact_takes_the_pixels_that_torch_takes(
    old: int, new: int, other: int, columns: list[int]
) -> None:
    ramp = np.arange(old, dtype=np.float32)
    wide = np.broadcast_to(ramp[np.newaxis, np.newaxis, :, np.newaxis], (1, 2, old, 3))
    tall = np.broadcast_to(ramp[np.newaxis, :, np.newaxis, np.newaxis], (1, old, 2, 3))
    assert scale(wide, new, other, "nearest-exact", "disabled")[0, 0, :, 0].tolist() == columns
    assert scale(tall, other, new, "nearest-exact", "disabled")[0, :, 0, 0].tolist() == columns


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["nearest-exact", *sorted(METHOD_PACKAGES)]),
    st.sampled_from(["disabled", "center"]),
    st.tuples(st.integers(1, 2), SIZES, SIZES, st.sampled_from([1, 3, 4])),
    st.booleans(),
    NEW_SIZES,
    NEW_SIZES,
)
def test_every_value_is_that_of_torch(
    method: str, crop: str, shape: tuple[int, ...], cut: bool, width: int, height: int
) -> None:
    torch = pytest.importorskip("torch")
    image = noise(*shape)
    if cut:  # a view, as a crop leaves it
        image = image[:, shape[1] // 3 :, shape[2] // 3 :]
    part = centre_part(image, width / height) if crop == "center" else image
    if 0 in part.shape:
        with pytest.raises(NodeError, match=r"^nothing is left of the picture"):
            scale(image, width, height, method, crop)
        return
    moved = torch.from_numpy(part).movedim(-1, 1)
    expected = torch.nn.functional.interpolate(moved, size=(height, width), mode=method)
    scaled = scale(image, width, height, method, crop)
    assert scaled.dtype == np.float32
    assert np.array_equal(scaled, expected.movedim(1, -1).numpy())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), SIZES, SIZES, NEW_SIZES, NEW_SIZES)
def test_a_mask_is_scaled_as_torch_scales_it(
    batch: int, w: int, h: int, width: int, height: int
) -> None:
    torch = pytest.importorskip("torch")
    mask = noise(batch, h, w)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(mask).reshape(-1, 1, h, w), size=(height, width), mode="bilinear"
    )
    assert np.array_equal(interpolate_mask(mask, width, height), expected[:, 0].numpy())


def test_a_mask_of_the_right_size_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "installed", lambda package: False)
    mask = noise(2, 5, 7)
    assert interpolate_mask(mask, 7, 5) is mask


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES, SIZES, SIZES)
def test_the_centre_part_is_whole_in_one_direction(w: int, h: int, width: int, height: int) -> None:
    image = np.zeros((1, h, w, 3), np.float32)
    part = centre_part(image, width / height)
    assert part.shape[1] == h or part.shape[2] == w


@pytest.mark.parametrize("method", ["nearest-exact", *sorted(METHOD_PACKAGES)])
def test_a_part_of_nothing_is_an_error(method: str) -> None:
    with pytest.raises(NodeError) as caught:
        scale(noise(1, 4, 4, 3), 1, 1000, method, "center")
    assert str(caught.value) == "nothing is left of the picture when it is cropped to 1 x 1000"


def test_a_part_of_nothing_is_black_by_lanczos() -> None:
    assert scale(noise(2, 4, 4, 3), 2, 1000, "lanczos", "center").tolist() == (
        np.zeros((2, 1000, 2, 3)).tolist()
    )


@pytest.mark.parametrize("method", ["nearest-exact", "lanczos", *sorted(METHOD_PACKAGES)])
@pytest.mark.parametrize("size", [(0, 4), (4, 0), (-5, 4)])
def test_there_are_no_pictures_without_pixels(method: str, size: tuple[int, int]) -> None:
    with pytest.raises(NodeError) as caught:
        scale(noise(1, 4, 4, 3), *size, method, "disabled")
    assert str(caught.value) == f"a picture cannot be scaled to {size[0]} x {size[1]} pixels"


@pytest.mark.parametrize("method", sorted(METHOD_PACKAGES))
def test_a_method_that_is_exact_only_with_torch_says_so(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "installed", lambda package: False)
    with pytest.raises(NodeError) as caught:
        scale(noise(1, 4, 4, 3), 2, 2, method, "disabled")
    assert str(caught.value) == f"{method} resampling needs torch, which is not installed"
    assert caught.value.fix == "pip install 'runflow-build[embedded]'"


@pytest.mark.parametrize("method", ["nearest-exact", "lanczos", *sorted(METHOD_PACKAGES)])
def test_the_given_picture_stays_as_it_is(method: str) -> None:
    if method in METHOD_PACKAGES:
        pytest.importorskip("torch")
    image = noise(1, 5, 6, 3)
    before = image.copy()
    image.flags.writeable = False
    scaled = scale(image, 6, 5, method, "disabled")
    assert np.array_equal(image, before)
    assert scaled.flags.writeable
    assert not np.shares_memory(scaled, image)


@pytest.mark.parametrize("method", ["nearest-exact", "lanczos", *sorted(METHOD_PACKAGES)])
def test_what_is_no_number_does_no_harm(method: str) -> None:
    if method in METHOD_PACKAGES:
        pytest.importorskip("torch")
    image = noise(1, 5, 6, 3)
    image[0, 0], image[0, 1] = np.nan, np.inf
    assert scale(image, 9, 11, method, "disabled").shape == (1, 11, 9, 3)
