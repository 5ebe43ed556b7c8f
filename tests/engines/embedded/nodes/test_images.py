from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import images
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]
Pictures = Callable[[Prompt], list[Any]]
SMALL = st.integers(1, 12)


@pytest.fixture
def run(folders: RunFolders) -> Run:
    return Run(folders, DEFAULT_LIMITS)


def noise(*shape: int) -> Any:
    return np.random.default_rng(5).random(shape, dtype=np.float32)


def test_inverting_twice_gives_the_picture_back(run: Run) -> None:
    image = noise(2, 5, 7, 3)
    twice = images.image_invert(run, images.image_invert(run, image).values[0]).values[0]
    assert np.abs(twice - image).max() <= 1e-6
    assert twice.dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(SMALL, SMALL, SMALL, SMALL, st.integers(0, 20), st.integers(0, 20))
def test_a_crop_stays_inside_the_picture(
    h: int, w: int, width: int, height: int, x: int, y: int
) -> None:
    image = noise(1, h, w, 3)
    (part,) = images.image_crop(None, image, width, height, x, y).values  # type: ignore[arg-type]
    left, top = min(x, w - 1), min(y, h - 1)
    assert part.shape == (1, min(height, h - top), min(width, w - left), 3)
    assert np.array_equal(part[0, 0, 0], image[0, top, left])


def test_a_single_picture_is_blended_with_each_of_a_batch(run: Run) -> None:
    one, many = noise(1, 4, 4, 3), noise(3, 4, 4, 3)
    (result,) = images.image_blend(run, many, one, 1.0, "normal").values
    assert np.array_equal(result, np.broadcast_to(one, many.shape))


def test_batches_of_two_lengths_are_not_blended(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^batches of 2 and 3 pictures cannot be blended$"):
        images.image_blend(run, noise(2, 4, 4, 3), noise(3, 4, 4, 3), 1.0, "normal")


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


def test_a_crop_of_nothing_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^0 x 4 pixels from 0, 0 are no part of the picture$"):
        images.image_crop(run, noise(1, 4, 4, 3), 0, 4, 0, 0)


def test_a_preview_is_an_output_like_a_saved_picture(pictures: Pictures, node: Node) -> None:
    prompt = {
        "1": node("EmptyImage", width=2, height=1, batch_size=2, color=0x010203),
        "2": node("PreviewImage", images=["1", 0]),
    }
    made = pictures(prompt)
    assert [one.tolist() for one in made] == [[[[1, 2, 3], [1, 2, 3]]]] * 2
