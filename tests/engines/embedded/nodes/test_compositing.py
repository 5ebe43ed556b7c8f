from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import extras
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS, Limits
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes import compositing

SIDE = st.integers(1, 9)


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "installed", lambda package: False)


def noise(*shape: int) -> Any:
    """Values that a node must leave as they are."""
    values = np.random.default_rng(sum(shape)).random(shape, dtype=np.float32)
    values.flags.writeable = False
    return values


def composite(run: Run, destination: Any, source: Any, x: int = 0, y: int = 0, **more: Any) -> Any:
    inputs = {"resize_source": False, **more}
    (result,) = compositing.image_composite_masked(run, destination, source, x, y, **inputs).values
    assert result.dtype == np.float32
    assert not np.shares_memory(result, destination)
    return result


# One picture over another


@settings(max_examples=80, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.integers(0, 12), st.integers(0, 12))
def test_a_source_covers_what_lies_inside_and_nothing_else(
    height: int, width: int, h: int, w: int, x: int, y: int
) -> None:
    run = Run(None, DEFAULT_LIMITS)  # type: ignore[arg-type]
    destination, source = noise(2, height, width, 3), noise(2, h, w, 3) + 1
    result = composite(run, destination, source, x, y)
    inside = result >= 1
    assert inside.sum() == 2 * 3 * max(0, min(h, height - y)) * max(0, min(w, width - x))
    assert np.array_equal(result[~inside], destination[~inside])
    seen = source[:, : max(0, height - y), : max(0, width - x)]
    assert np.array_equal(result[:, y : y + h, x : x + w], seen)


@pytest.mark.usefixtures("without_torch")
def test_a_mask_of_the_sources_size_weighs_it_without_torch(run: Run) -> None:
    destination, source = np.zeros((1, 1, 3, 3), np.float32), np.ones((1, 1, 3, 3), np.float32)
    mask = np.array([[[0, 0.25, 1]]], np.float32)
    assert composite(run, destination, source, mask=mask)[0, 0, :, 0].tolist() == [0, 0.25, 1]


@pytest.mark.usefixtures("without_torch")
def test_a_source_of_the_right_size_is_not_resized(run: Run) -> None:
    source = noise(1, 4, 5, 3)
    assert np.array_equal(
        composite(run, noise(2, 4, 5, 3), source, resize_source=True)[1], source[0]
    )


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    "more", [{"resize_source": True}, {"mask": noise(1, 3, 3)}], ids=["source", "mask"]
)
def test_another_size_needs_torch(more: dict[str, Any], run: Run) -> None:
    with pytest.raises(
        NodeError, match=r"^bilinear resampling needs torch, which is not installed$"
    ):
        composite(run, noise(1, 4, 5, 3), noise(1, 2, 2, 3), **more)


def test_a_mask_of_one_value_stays_one_when_it_is_resized(run: Run) -> None:
    pytest.importorskip("torch")
    destination, source = np.zeros((1, 6, 7, 3), np.float32), np.ones((1, 4, 5, 3), np.float32)
    mask = np.full((1, 64, 64), 0.5, np.float32)
    result = composite(run, destination, source, 1, 1, mask=mask)
    assert np.array_equal(np.unique(result), np.float32([0, 0.5]))
    assert np.count_nonzero(result) == 4 * 5 * 3


def test_sources_and_masks_start_again_from_their_first(run: Run) -> None:
    destination, sources = np.zeros((5, 2, 2, 3), np.float32), noise(2, 2, 2, 3)
    masks = np.zeros((3, 2, 2), np.float32)
    masks[1] = 1
    result = composite(run, destination, sources, mask=masks)
    assert [bool(one.any()) for one in result] == [False, True, False, False, True]
    assert np.array_equal(result[1], sources[1])
    assert np.array_equal(result[4], sources[0])


def test_more_sources_than_destinations_are_left_out(run: Run) -> None:
    sources = noise(3, 2, 2, 3)
    assert np.array_equal(composite(run, noise(2, 2, 2, 3), sources), sources[:2])


def test_alpha_of_the_source_alone_is_left_out(run: Run) -> None:
    source = noise(1, 2, 2, 4)
    assert np.array_equal(composite(run, noise(1, 2, 2, 3), source), source[..., :3])


def test_alpha_of_both_is_laid_over_like_a_colour(run: Run) -> None:
    destination, source = noise(1, 2, 3, 4), noise(1, 2, 2, 4)
    result = composite(run, destination, source)
    assert np.array_equal(result[:, :, :2], source)
    assert np.array_equal(result[:, :, 2:], destination[:, :, 2:])


def test_alpha_of_the_destination_alone_is_an_error_as_in_comfyui(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        composite(run, noise(1, 2, 2, 4), noise(1, 2, 2, 3))
    assert str(caught.value) == (
        "a source with 3 channels cannot be laid over a destination with 4"
    )
    assert caught.value.fix == (
        "give the source an alpha channel, too, or take the destination's away"
    )


def test_a_negative_place_is_an_error_unless_the_sizes_happen_to_fit(run: Run) -> None:
    destination, source = noise(1, 4, 4, 3), noise(1, 4, 9, 3)
    assert np.array_equal(composite(run, destination, source, -4, 0), source[:, :, :4])
    with pytest.raises(NodeError) as caught:
        composite(run, destination, source, -2, 0)
    assert str(caught.value) == "a picture of 9 x 4 cannot be laid at -2, 0 over one of 4 x 4"
    assert caught.value.fix == "use an x and y of 0 or more"


# Alpha


def test_a_joined_alpha_channel_is_1_minus_the_mask(run: Run) -> None:
    image, mask = noise(2, 3, 4, 3), noise(2, 3, 4)
    (joined,) = compositing.join_image_with_alpha(run, image, mask).values
    assert np.array_equal(joined[..., :3], image)
    assert np.array_equal(joined[..., 3], 1 - mask)
    assert joined.dtype == np.float32


def test_a_former_alpha_channel_is_replaced(run: Run) -> None:
    image, mask = noise(1, 3, 4, 4), noise(1, 3, 4)
    (joined,) = compositing.join_image_with_alpha(run, image, mask).values
    assert np.array_equal(joined[..., :3], image[..., :3])
    assert np.array_equal(joined[..., 3], 1 - mask)


@pytest.mark.parametrize(("images", "masks"), [(3, 2), (1, 4)])
def test_as_many_are_joined_as_there_are_of_both(images: int, masks: int, run: Run) -> None:
    (joined,) = compositing.join_image_with_alpha(
        run, noise(images, 3, 4, 3), noise(masks, 3, 4)
    ).values
    assert len(joined) == min(images, masks)


def test_a_joined_picture_splits_into_what_it_was_made_of(run: Run) -> None:
    image, mask = noise(2, 3, 4, 3), np.rint(noise(2, 3, 4))
    (joined,) = compositing.join_image_with_alpha(run, image, mask).values
    colours, alpha = compositing.split_image_with_alpha(run, joined).values
    assert np.array_equal(colours, image)
    assert np.array_equal(alpha, mask)
    assert alpha.dtype == np.float32


def test_a_picture_without_alpha_splits_into_itself_and_a_mask_of_0(run: Run) -> None:
    image = noise(2, 3, 4, 3)
    colours, alpha = compositing.split_image_with_alpha(run, image).values
    assert np.array_equal(colours, image)
    assert np.array_equal(alpha, np.zeros((2, 3, 4), np.float32))


# Limits


def test_a_source_is_not_blown_up_beyond_the_limits(folders: RunFolders) -> None:
    run = Run(folders, Limits(pixels=100))
    many = noise(20, 2, 2, 3)
    with pytest.raises(NodeError) as caught:
        composite(run, noise(1, 9, 9, 3), many, resize_source=True)
    assert str(caught.value) == (
        "20 x 9 x 9 pixels (images x height x width) are over the limit of 100 pixels"
    )


def test_values_that_are_no_numbers_do_no_harm(run: Run) -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 1e38], np.float32).reshape(1, 2, 2, 1)
    wild = np.repeat(wild, 3, axis=3)
    with np.errstate(all="ignore"):  # as the executor has it
        result = composite(run, wild, wild[:, ::-1], mask=wild[..., 0])
    assert result.shape == wild.shape


# Porter and Duff


def porter_duff(run: Run, source: Any, mask: Any, destination: Any, other: Any) -> Any:
    return compositing.porter_duff_image_composite(
        run, source, mask, destination, other, "SRC_OVER"
    ).values


@pytest.mark.usefixtures("without_torch")
def test_an_opaque_source_lies_over_all_of_the_destination(run: Run) -> None:
    source, opaque = noise(3, 2, 4, 3), np.zeros((3, 2, 4), np.float32)
    image, mask = porter_duff(run, source, opaque, noise(2, 2, 4, 3), noise(4, 2, 4))
    assert np.array_equal(image, source[:2])  # as many as the shortest batch has
    assert np.array_equal(mask, opaque[:2])
    assert (image.dtype, mask.dtype) == (np.float32, np.float32)


@pytest.mark.usefixtures("without_torch")
def test_another_size_than_the_destinations_needs_torch(run: Run) -> None:
    with pytest.raises(
        NodeError, match=r"^bicubic resampling needs torch, which is not installed$"
    ):
        porter_duff(run, noise(1, 2, 2, 3), noise(1, 2, 2), noise(1, 4, 5, 3), noise(1, 4, 5))


def test_everything_takes_the_size_of_the_destination(run: Run) -> None:
    pytest.importorskip("torch")
    image, mask = porter_duff(
        run, noise(1, 2, 2, 3), noise(1, 7, 3), noise(1, 4, 5, 3), noise(1, 9, 9)
    )
    assert image.shape == (1, 4, 5, 3)
    assert mask.shape == (1, 4, 5)


def test_pictures_with_and_without_alpha_do_not_go_together(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        porter_duff(run, noise(1, 2, 2, 4), noise(1, 2, 2), noise(1, 2, 2, 3), noise(1, 2, 2))
    assert str(caught.value) == (
        "a source with 4 channels and a destination with 3 do not go together"
    )
    assert caught.value.fix == "give both of them an alpha channel, or neither"
