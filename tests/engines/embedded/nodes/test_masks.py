from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import Limits
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes import masks

SMALL = st.integers(1, 12)


def noise(*shape: int) -> Any:
    """Values that a node must leave as they are."""
    values = np.random.default_rng(5).random(shape, dtype=np.float32)
    values.flags.writeable = False
    return values


def mask(*rows: list[float]) -> Any:
    return np.array([rows], np.float32)


def solid(value: float, *shape: int) -> Any:
    return np.full(shape, value, np.float32)


# From pictures, and to them


def test_a_mask_is_a_grey_picture_in_the_same_memory(run: Run) -> None:
    given_mask = noise(2, 3, 4)
    (image,) = masks.mask_to_image(run, given_mask).values
    assert image.shape == (2, 3, 4, 3)
    assert np.array_equal(image[..., 1], given_mask)
    assert np.shares_memory(image, given_mask)


@pytest.mark.parametrize(("channel", "number"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_channel_is_a_mask(channel: str, number: int, run: Run) -> None:
    image = noise(2, 3, 4, 3)
    assert np.array_equal(
        masks.image_to_mask(run, image, channel).values[0], image[:, :, :, number]
    )


def test_alpha_is_a_mask_as_it_is(run: Run) -> None:
    image = noise(1, 3, 4, 4)
    assert np.array_equal(masks.image_to_mask(run, image, "alpha").values[0], image[..., 3])


def test_a_picture_without_alpha_has_no_alpha_mask(run: Run) -> None:
    with pytest.raises(
        NodeError, match=r"^the picture has 3 channels, and none of them is alpha$"
    ) as caught:
        masks.image_to_mask(run, noise(1, 3, 4, 3), "alpha")
    assert caught.value.fix == (
        "take another channel, or the mask of the node that loads the picture"
    )


def test_a_colour_is_looked_for_among_rounded_pixels(run: Run) -> None:
    pixels = [(1, 0.5, 0), (0.999, 0.501, -3), (1.5, 0.502, 0.001), (1, 0.51, 0), (0.99, 0.5, 0)]
    image = np.array(pixels, np.float32).reshape(1, 1, 5, 3)
    (found,) = masks.image_color_to_mask(run, image, 0xFF8000).values
    assert found.tolist() == [[[1, 1, 1, 0, 0]]]
    assert found.dtype == np.float32


# Making and changing


def test_a_solid_mask_has_one_value(run: Run) -> None:
    (made,) = masks.solid_mask(run, 0.3, 4, 2).values
    assert np.array_equal(made, solid(0.3, 1, 2, 4))
    assert made.dtype == np.float32


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (0, 3, "a mask of 0 x 3 pixels cannot be made"),
        (2, -1, "a mask of 2 x -1 pixels cannot be made"),
        (
            100_000,
            90_000,
            "1 x 90000 x 100000 pixels (images x height x width) are over the limit of"
            " 134217728 pixels",
        ),
    ],
)
def test_linked_sizes_are_held_to_sense(width: int, height: int, message: str, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        masks.solid_mask(run, 1.0, width, height)
    assert str(caught.value) == message


def test_inverting_takes_from_1(run: Run) -> None:
    (inverted,) = masks.invert_mask(run, mask([0, 0.25, 1])).values
    assert np.array_equal(inverted, mask([1, 0.75, 0]))


def test_a_threshold_itself_is_not_over_it(run: Run) -> None:
    (over,) = masks.threshold_mask(run, mask([0.2, 0.3, 0.31]), 0.3).values
    assert np.array_equal(over, mask([0, 0, 1]))
    assert over.dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(SMALL, SMALL, SMALL, SMALL, st.integers(0, 11), st.integers(0, 11))
def test_a_crop_stays_inside_the_mask(
    h: int, w: int, width: int, height: int, x: int, y: int
) -> None:
    x, y = min(x, w - 1), min(y, h - 1)
    given_mask = noise(2, h, w)
    (part,) = masks.crop_mask(None, given_mask, x, y, width, height).values  # type: ignore[arg-type]
    assert part.shape == (2, min(height, h - y), min(width, w - x))
    assert np.array_equal(part[:, 0, 0], given_mask[:, y, x])


@pytest.mark.parametrize(("x", "y", "width", "height"), [(4, 0, 9, 9), (0, 3, 1, 1), (0, 0, 0, 2)])
def test_a_crop_of_nothing_is_an_error(x: int, y: int, width: int, height: int, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        masks.crop_mask(run, noise(1, 3, 4), x, y, width, height)
    assert str(caught.value) == (
        f"{width} x {height} pixels from {x}, {y} are no part of a mask of 4 x 3"
    )


# Two masks


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("multiply", [0.25, 0.75 * 0.5, 0, 0.75, 0]),
        ("add", [1, 1, 0.75, 1, 0.5]),
        ("subtract", [0, 0.25, 0.75, 0.25, 0]),
        ("and", [0, 0, 0, 1, 0]),
        ("or", [0, 1, 1, 1, 0]),
        ("xor", [0, 1, 1, 0, 0]),
    ],
)
def test_an_operation_pixel_by_pixel(operation: str, expected: list[float], run: Run) -> None:
    one, other = mask([0.5, 0.75, 0.75, 1, 0]), mask([0.5, 0.5, 0, 0.75, 0.5])
    (result,) = masks.mask_composite(run, one, other, 0, 0, operation).values
    assert np.array_equal(result, mask(expected))
    assert result.dtype == np.float32


def test_a_source_changes_the_part_below_it_alone(run: Run) -> None:
    destination = solid(0.5, 2, 4, 5)
    (result,) = masks.mask_composite(run, destination, solid(1, 1, 3, 3), 3, 2, "add").values
    changed = result != destination
    assert changed.sum() == 2 * 2 * 2
    assert changed[:, 2:, 3:].all()


def test_all_of_the_result_lies_between_0_and_1(run: Run) -> None:
    wild = mask([-3, 7, np.inf, -np.inf])
    (result,) = masks.mask_composite(run, wild, solid(1, 1, 1, 1), 3, 0, "multiply").values
    assert np.array_equal(result, mask([0, 1, 1, 0]))


def test_each_mask_has_its_own_source_or_all_have_the_same(run: Run) -> None:
    destination, each = solid(1, 3, 2, 2), noise(3, 2, 2)
    (result,) = masks.mask_composite(run, destination, each, 0, 0, "multiply").values
    assert np.array_equal(result, each)
    (result,) = masks.mask_composite(run, destination, each[:1], 0, 0, "multiply").values
    assert np.array_equal(result, np.repeat(each[:1], 3, axis=0))


@pytest.mark.parametrize(("count", "wanted"), [(2, 3), (3, 1)])
def test_batches_that_do_not_go_together_are_an_error(count: int, wanted: int, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        masks.mask_composite(run, noise(wanted, 2, 2), noise(count, 2, 2), 0, 0, "add")
    assert str(caught.value) == (f"a batch of {count} masks cannot be put onto one of {wanted}")
    assert caught.value.fix == "give one mask as the source, or " + str(wanted)


def test_a_source_outside_is_an_error_as_soon_as_it_reaches_beyond_the_gap(run: Run) -> None:
    destination = noise(1, 4, 5)
    (unchanged,) = masks.mask_composite(run, destination, noise(1, 2, 2), 7, 0, "add").values
    assert np.array_equal(unchanged, destination)
    with pytest.raises(NodeError) as caught:
        masks.mask_composite(run, destination, noise(1, 2, 6), 7, 0, "add")
    assert str(caught.value) == "a mask of 6 x 2 at 7, 0 lies outside of one of 5 x 4"
    assert caught.value.fix == "keep x and y inside of the destination"


# Ramps


def test_the_left_ramp_rises_to_1_inside_the_feather(run: Run) -> None:
    (result,) = masks.feather_mask(run, solid(1, 1, 1, 6), 4, 0, 0, 0).values
    assert np.array_equal(result, mask([0.25, 0.5, 0.75, 1, 1, 1]))


def test_the_right_ramp_begins_in_the_first_column_as_in_comfyui(run: Run) -> None:
    (result,) = masks.feather_mask(run, solid(1, 1, 1, 6), 0, 0, 4, 0).values
    assert np.array_equal(result, mask([0.25, 1, 1, 1, 0.75, 0.5]))


def test_rows_are_feathered_like_columns(run: Run) -> None:
    given_mask = noise(2, 5, 7)
    (columns,) = masks.feather_mask(run, given_mask, 3, 0, 6, 0).values
    (rows,) = masks.feather_mask(run, given_mask.transpose(0, 2, 1), 0, 3, 0, 6).values
    assert np.array_equal(rows.transpose(0, 2, 1), columns)


def test_a_ramp_is_never_longer_than_the_mask(run: Run) -> None:
    given_mask = noise(1, 3, 4)
    (longest,) = masks.feather_mask(run, given_mask, 16384, 16384, 16384, 16384).values
    (whole,) = masks.feather_mask(run, given_mask, 4, 3, 4, 3).values
    assert np.array_equal(longest, whole)
    (none,) = masks.feather_mask(run, given_mask, -4, 0, -1, 0).values
    assert np.array_equal(none, given_mask)


# Growing


def test_growing_by_nothing_gives_the_mask_itself(run: Run) -> None:
    given_mask = noise(1, 3, 4)
    assert masks.grow_mask(run, given_mask, 0, True).values[0] is given_mask


@pytest.mark.parametrize(("tapered", "corner"), [(True, 0), (False, 1)])
def test_tapered_corners_are_left_out(tapered: bool, corner: int, run: Run) -> None:
    given_mask = mask([0, 0, 0], [0, 1, 0], [0, 0, 0])
    (result,) = masks.grow_mask(run, given_mask, 1, tapered).values
    assert np.array_equal(result, mask([corner, 1, corner], [1, 1, 1], [corner, 1, corner]))


def test_a_mask_does_not_shrink_from_the_edge(run: Run) -> None:
    given_mask = mask([1, 1, 1, 0, 1], [1, 1, 1, 1, 1])
    (result,) = masks.grow_mask(run, given_mask, -1, True).values
    assert np.array_equal(result, mask([1, 1, 0, 0, 0], [1, 1, 1, 0, 1]))


# All of them


NODES: dict[str, Callable[[Run, Any], Any]] = {
    "invert": lambda run, one: masks.invert_mask(run, one),
    "composite": lambda run, one: masks.mask_composite(run, one, one, 0, 0, "and"),
    "feather": lambda run, one: masks.feather_mask(run, one, 2, 2, 2, 2),
    "grow": lambda run, one: masks.grow_mask(run, one, 2, True),
    "threshold": lambda run, one: masks.threshold_mask(run, one, 0.5),
    "color": lambda run, one: masks.image_color_to_mask(run, np.stack([one] * 3, -1), 0),
}


@pytest.mark.parametrize("name", NODES)
def test_what_a_node_is_given_stays_as_it_is_and_its_result_is_its_own(name: str, run: Run) -> None:
    given_mask = noise(2, 5, 6)  # not writeable
    (result,) = NODES[name](run, given_mask).values
    assert result.shape == given_mask.shape
    assert result.dtype == np.float32
    assert not np.shares_memory(result, given_mask)


@pytest.mark.parametrize("name", NODES)
def test_a_node_announces_what_it_allocates(name: str, folders: RunFolders) -> None:
    tight = Run(folders, Limits(held_bytes=100))
    with pytest.raises(NodeError, match=r"^the run would hold more than 0 MiB of media$"):
        NODES[name](tight, noise(2, 5, 6))


@pytest.mark.parametrize("name", NODES)
def test_values_that_are_no_numbers_do_no_harm(name: str, run: Run) -> None:
    wild = mask([np.nan, np.inf, -np.inf], [1e38, -1e38, 0])
    with np.errstate(all="ignore"):  # as the executor has it
        assert NODES[name](run, wild).values[0].shape == wild.shape


def test_a_preview_is_saved_as_a_grey_picture(
    pictures: Callable[[Any], list[Any]], node: Callable[..., dict[str, Any]]
) -> None:
    prompt = {
        "1": node("SolidMask", value=0.5, width=2, height=1),
        "2": node("MaskPreview", mask=["1", 0]),
    }
    (made,) = pictures(prompt)
    assert made.tolist() == [[[127, 127, 127]] * 2]
