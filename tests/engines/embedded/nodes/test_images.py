from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes import images
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]
Pictures = Callable[[Prompt], list[Any]]
SMALL = st.integers(1, 12)
COMBINATIONS = settings(max_examples=60, deadline=None)
RUN = Run(None, DEFAULT_LIMITS)  # type: ignore[arg-type]  # no node of this family has files


def noise(*shape: int) -> Any:
    return np.random.default_rng(5).random(shape, dtype=np.float32)


def only(result: Any) -> Any:
    (value,) = result.values
    return value


# one picture


def test_inverting_twice_gives_the_picture_back(run: Run) -> None:
    image = noise(2, 5, 7, 3)
    twice = only(images.image_invert(run, only(images.image_invert(run, image))))
    assert np.abs(twice - image).max() <= 1e-6
    assert twice.dtype == np.float32


@COMBINATIONS
@given(SMALL, SMALL, SMALL, SMALL, st.integers(0, 20), st.integers(0, 20))
def test_a_crop_stays_inside_the_picture(
    h: int, w: int, width: int, height: int, x: int, y: int
) -> None:
    image = noise(1, h, w, 3)
    part = only(images.image_crop(RUN, image, width, height, x, y))
    left, top = min(x, w - 1), min(y, h - 1)
    assert part.shape == (1, min(height, h - top), min(width, w - left), 3)
    assert np.array_equal(part[0, 0, 0], image[0, top, left])


def test_a_crop_of_nothing_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^0 x 4 pixels from 0, 0 are no part of the picture$"):
        images.image_crop(run, noise(1, 4, 4, 3), 0, 4, 0, 0)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"width": 0}, "1 pictures of 0 x 4 pixels cannot be made"),
        ({"batch_size": -1}, "-1 pictures of 4 x 4 pixels cannot be made"),
        (
            {"width": 100_000, "height": 100_000},
            "1 x 100000 x 100000 pixels (images x height x width) are over the limit of"
            " 134217728 pixels",
        ),
    ],
)
def test_linked_sizes_are_held_to_sense_before_anything_is_allocated(
    inputs: dict[str, int], message: str, run: Run
) -> None:
    sizes = {"width": 4, "height": 4, "batch_size": 1, **inputs}
    with pytest.raises(NodeError) as caught:
        images.empty_image(run, **sizes)
    assert str(caught.value) == message


def test_the_size_of_a_picture_is_width_height_and_count(run: Run) -> None:
    assert images.get_image_size(run, noise(2, 5, 7, 3)).values == (7, 5, 2)


def test_a_flip_along_the_x_axis_turns_the_picture_upside_down(run: Run) -> None:
    image = noise(2, 5, 7, 3)
    flipped = only(images.image_flip(run, image, "x-axis: vertically"))
    assert np.array_equal(flipped, image[:, ::-1])
    mirrored = only(images.image_flip(run, image, "y-axis: horizontally"))
    assert np.array_equal(mirrored, image[:, :, ::-1])


def test_a_quarter_turn_brings_the_left_column_to_the_top(run: Run) -> None:
    image = noise(1, 5, 7, 3)
    turned = only(images.image_rotate(run, image, "90 degrees"))
    assert turned.shape == (1, 7, 5, 3)
    assert np.array_equal(turned[0, 0], image[0, ::-1, 0])


@pytest.mark.parametrize(
    "turns",
    [
        ["90 degrees"] * 4,
        ["180 degrees"] * 2,
        ["270 degrees", "90 degrees"],
        ["90 degrees", "180 degrees", "90 degrees"],
        ["none"],
    ],
)
def test_turns_that_make_a_whole_give_the_picture_back(turns: list[str], run: Run) -> None:
    image = turned = noise(2, 5, 7, 4)
    for one in turns:
        turned = only(images.image_rotate(run, turned, one))
    assert np.array_equal(turned, image)


# batches


@COMBINATIONS
@given(SMALL, st.integers(0, 20), st.integers(1, 20))
def test_a_part_of_a_batch_begins_at_the_last_picture_at_the_latest(
    count: int, at: int, length: int
) -> None:
    image = noise(count, 1, 2, 3)
    part = only(images.image_from_batch(RUN, image, at, length))
    assert np.array_equal(part, image[min(at, count - 1) :][:length])
    assert not np.shares_memory(part, image)


def test_no_part_of_a_batch_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        images.image_from_batch(run, noise(2, 1, 1, 3), -1, 1)
    assert str(caught.value) == "1 pictures from number -1 on are no part of the batch"


def test_a_batch_is_repeated_as_a_whole(run: Run) -> None:
    image = noise(2, 3, 4, 3)
    repeated = only(images.repeat_image_batch(run, image, 3))
    assert np.array_equal(repeated, np.concatenate([image] * 3))


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        (0, "a batch cannot be repeated 0 times"),
        (-2, "a batch cannot be repeated -2 times"),
        (
            10**9,
            "1000000000 x 4 x 4 pixels (images x height x width) are over the limit of"
            " 134217728 pixels",
        ),
    ],
)
def test_a_linked_amount_is_held_to_sense(amount: int, message: str, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        images.repeat_image_batch(run, noise(1, 4, 4, 3), amount)
    assert str(caught.value) == message


def test_pictures_of_one_size_are_joined_as_they_are(run: Run) -> None:
    first, second = noise(2, 3, 4, 3), noise(1, 3, 4, 3)
    joined = only(images.image_batch(run, first, second))
    assert np.array_equal(joined, np.concatenate([first, second]))


@pytest.mark.parametrize(("one", "other"), [(3, 4), (4, 3)])
def test_alpha_that_a_picture_of_a_batch_lacks_is_1(one: int, other: int, run: Run) -> None:
    first, second = noise(1, 3, 4, one), noise(2, 3, 4, other)
    joined = only(images.image_batch(run, first, second))
    assert joined.shape == (3, 3, 4, 4)
    assert np.array_equal(joined[:1, ..., :one], first)
    assert np.array_equal(joined[1:, ..., :other], second)
    assert (joined[:1, ..., one:] == 1).all()
    assert (joined[1:, ..., other:] == 1).all()


def test_the_scaled_part_of_a_batch_counts_as_memory_too(folders: RunFolders) -> None:
    first, second = noise(1, 8, 8, 3), noise(1, 1, 1, 3)
    small = Run(folders, replace(DEFAULT_LIMITS, held_bytes=2 * first.nbytes + 100))
    with pytest.raises(NodeError, match=r"^the run would hold more than"):
        images.image_batch(small, first, second)


# stitching


def stitch(run: Run, first: Any, second: Any, direction: str, **inputs: Any) -> Any:
    usual = {"match_image_size": False, "spacing_width": 0, "spacing_color": "white"}
    return only(
        images.image_stitch(
            run, image1=first, image2=second, direction=direction, **{**usual, **inputs}
        )
    )


@pytest.mark.parametrize(
    ("direction", "axis", "order"),
    [("right", 2, (0, 1)), ("left", 2, (1, 0)), ("down", 1, (0, 1)), ("up", 1, (1, 0))],
)
def test_the_second_picture_goes_where_the_direction_says(
    direction: str, axis: int, order: tuple[int, int], run: Run
) -> None:
    pair = noise(1, 4, 4, 3), 1 - noise(1, 4, 4, 3)
    expected = np.concatenate([pair[number] for number in order], axis)
    assert np.array_equal(stitch(run, *pair, direction), expected)


def test_without_a_second_picture_the_first_is_handed_on(run: Run) -> None:
    image = noise(1, 4, 4, 3)
    assert stitch(run, image, None, "up", spacing_width=8) is image


@pytest.mark.parametrize(("asked", "wide"), [(2, 2), (3, 4), (0, 0), (-5, 0)])
def test_the_space_between_is_an_even_number_of_pixels(asked: int, wide: int, run: Run) -> None:
    image = noise(1, 4, 4, 3)
    made = stitch(run, image, image, "right", spacing_width=asked, spacing_color="green")
    assert made.shape == (1, 4, 8 + wide, 3)
    assert (made[:, :, 4 : 4 + wide] == (0, 1, 0)).all()


@pytest.mark.parametrize(("color", "border"), [("white", 1), ("black", 0), ("red", 0)])
def test_a_smaller_picture_is_centred_on_white_or_black(color: str, border: int, run: Run) -> None:
    small, large = noise(1, 2, 3, 3) / 2 + 0.25, noise(1, 5, 4, 3)
    made = stitch(run, small, large, "right", spacing_color=color)
    assert made.shape == (1, 5, 7, 3)
    assert np.array_equal(made[:, 1:3, :3], small)
    assert (made[:, [0, 3, 4], :3] == border).all()


def test_the_shorter_batch_goes_on_with_its_last_picture(run: Run) -> None:
    two, three = noise(2, 4, 4, 3), noise(3, 4, 4, 3)
    made = stitch(run, two, three, "right")
    assert np.array_equal(made[:, :, :4], two[[0, 1, 1]])


def test_matching_scales_the_second_picture_to_the_height_of_the_first(run: Run) -> None:
    made = stitch(run, noise(1, 6, 5, 3), noise(1, 3, 4, 3), "left", match_image_size=True)
    assert made.shape == (1, 6, 5 + 8, 3)


def test_a_picture_that_matching_would_shrink_to_nothing_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        stitch(run, noise(1, 9, 1, 3), noise(1, 7, 9, 3), "down", match_image_size=True)
    assert str(caught.value) == ("image2 would be 1 x 0 pixels when it is scaled to match image1")
    assert caught.value.fix == (
        "stitch them without match_image_size, or use pictures of less extreme sizes"
    )


def test_matching_that_would_make_a_giant_is_refused_before_it_is_made(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^1 x 20000 x 20000000 pixels .* over the limit"):
        wide = np.broadcast_to(np.float32(0), (1, 1, 1000, 3))
        tall = np.broadcast_to(np.float32(0), (1, 20000, 1, 3))
        stitch(run, tall, wide, "right", match_image_size=True)


# padding


@COMBINATIONS
@given(*[st.integers(0, 6)] * 4, st.integers(0, 9), SMALL, SMALL)
def test_the_mask_falls_off_by_the_square_of_the_distance_to_a_padded_side(
    left: int, top: int, right: int, bottom: int, feathering: int, height: int, width: int
) -> None:
    image = noise(1, height, width, 3)
    made = images.image_pad_for_outpaint(RUN, image, left, top, right, bottom, feathering)
    padded, mask = made.values
    assert padded.shape[:3] == mask.shape == (1, top + height + bottom, left + width + right)
    inside = (0, slice(top, top + height), slice(left, left + width))
    assert np.array_equal(padded[inside], image[0])
    for y, x in np.ndindex(height, width):
        sides = [
            distance
            for distance, border in ((y, top), (x, left), (height - y, bottom), (width - x, right))
            if border
        ]
        near = min([feathering, *sides])
        small = feathering * 2 >= min(height, width)
        expected = 0 if small or not feathering else ((feathering - near) / feathering) ** 2
        assert mask[inside][y, x] == np.float32(expected)
    padded[inside], mask[inside] = 0.5, 1
    assert (padded == 0.5).all()
    assert (mask == 1).all()


def test_a_negative_border_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        images.image_pad_for_outpaint(run, noise(1, 4, 4, 3), 0, -8, 0, 0, 1)
    assert str(caught.value) == (
        "a picture cannot be padded by 0, -8, 0, 0 pixels (left, top, right, bottom)"
    )
    assert caught.value.fix == "use numbers of 0 or more"


def test_a_giant_border_is_refused_before_it_is_made(run: Run) -> None:
    with pytest.raises(NodeError, match=r"over the limit of 134217728 pixels$"):
        images.image_pad_for_outpaint(run, noise(1, 4, 4, 3), 16384, 16384, 0, 0, 1)


# all


def test_no_node_changes_what_it_is_given(run: Run) -> None:
    image, other = noise(2, 6, 7, 3), noise(1, 6, 7, 4)
    before = image.copy(), other.copy()
    results = [
        images.image_invert(run, image),
        images.image_flip(run, image, "x-axis: vertically"),
        images.image_rotate(run, image, "270 degrees"),
        images.image_batch(run, image, other),
        images.repeat_image_batch(run, image, 2),
        images.image_from_batch(run, image, 0, 1),
        images.image_stitch(run, image, "up", True, 4, "red", other),
        images.image_pad_for_outpaint(run, image, 1, 1, 1, 1, 2),
    ]
    assert all(value.dtype == np.float32 for one in results for value in one.values)
    assert np.array_equal(image, before[0])
    assert np.array_equal(other, before[1])


def test_a_preview_is_an_output_like_a_saved_picture(pictures: Pictures, node: Node) -> None:
    prompt = {
        "1": node("EmptyImage", width=2, height=1, batch_size=2, color=0x010203),
        "2": node("PreviewImage", images=["1", 0]),
    }
    made = pictures(prompt)
    assert [one.tolist() for one in made] == [[[[1, 2, 3], [1, 2, 3]]]] * 2
