from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine, extras, planning
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.nodes import filters
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]


def noise(*shape: int) -> Any:
    return np.random.default_rng(5).random(shape, dtype=np.float32)


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = extras.installed
    monkeypatch.setattr(extras, "installed", lambda name: name != package and real(name))


def test_a_single_picture_is_blended_with_each_of_a_batch(run: Run) -> None:
    one, many = noise(1, 4, 4, 3), noise(3, 4, 4, 3)
    (result,) = filters.image_blend(run, many, one, 1.0, "normal").values
    assert np.array_equal(result, np.broadcast_to(one, many.shape))
    (result,) = filters.image_blend(run, one, many, 1.0, "normal").values
    assert np.array_equal(result, many)


def test_batches_of_two_lengths_are_not_blended(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^batches of 2 and 3 pictures cannot be blended$"):
        filters.image_blend(run, noise(2, 4, 4, 3), noise(3, 4, 4, 3), 1.0, "normal")


def test_alpha_of_the_second_picture_is_left_out_when_the_first_has_none(run: Run) -> None:
    image, other = noise(1, 4, 4, 3), noise(1, 4, 4, 4)
    (result,) = filters.image_blend(run, image, other, 1.0, "normal").values
    assert np.array_equal(result, other[..., :3])


def test_alpha_of_the_first_picture_alone_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        filters.image_blend(run, noise(1, 4, 4, 4), noise(1, 4, 4, 3), 1.0, "normal")
    assert str(caught.value) == (
        "image1 has an alpha channel and image2 has none, and so they cannot be blended"
    )
    assert caught.value.fix == (
        "take the alpha from image1 with SplitImageWithAlpha,"
        " or give image2 one with JoinImageWithAlpha"
    )


def test_pictures_of_two_sizes_need_torch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    without("torch", monkeypatch)
    with pytest.raises(NodeError) as caught:
        filters.image_blend(run, noise(1, 4, 4, 3), noise(1, 5, 4, 3), 1.0, "normal")
    assert str(caught.value) == "bicubic resampling needs torch, which is not installed"
    assert caught.value.fix == extras.INSTALL


def test_batches_that_differ_only_in_length_do_not_need_torch(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    without("torch", monkeypatch)
    (result,) = filters.image_blend(run, noise(3, 4, 4, 3), noise(1, 4, 4, 3), 1.0, "screen").values
    assert len(result) == 3


CONVOLUTIONS = [
    ("blur_radius", lambda run, image, radius: filters.image_blur(run, image, radius, 1.0)),
    (
        "sharpen_radius",
        lambda run, image, radius: filters.image_sharpen(run, image, radius, 1.0, 1.0),
    ),
]


@pytest.mark.parametrize(("name", "convolve"), CONVOLUTIONS)
@pytest.mark.parametrize(("height", "width", "radius"), [(4, 9, 4), (9, 4, 5), (1, 1, 1)])
def test_a_radius_must_be_less_than_the_picture(
    name: str, convolve: Any, height: int, width: int, radius: int, run: Run
) -> None:
    with pytest.raises(NodeError) as caught:
        convolve(run, noise(1, height, width, 3), radius)
    assert str(caught.value) == (
        f"{name} is {radius}, and must be less than the width and the height of the picture,"
        f" which is {width} x {height} pixels"
    )
    assert caught.value.fix == "use a smaller radius or a larger picture"


@pytest.mark.parametrize(("name", "convolve"), CONVOLUTIONS)
def test_a_negative_radius_is_an_error(name: str, convolve: Any, run: Run) -> None:
    with pytest.raises(NodeError, match=rf"^{name} is -1, and must be 1 or more$"):
        convolve(run, noise(1, 9, 9, 3), -1)


@pytest.mark.parametrize(("name", "convolve"), CONVOLUTIONS)
def test_a_radius_of_0_hands_the_picture_on(name: str, convolve: Any, run: Run) -> None:
    image = noise(1, 3, 3, 3)
    assert convolve(run, image, 0).values[0] is image


@pytest.mark.parametrize(("name", "convolve"), CONVOLUTIONS)
def test_the_kernel_and_the_borders_count_as_memory(
    name: str, convolve: Any, folders: RunFolders
) -> None:
    image = noise(1, 40, 40, 3)
    small = Run(folders, replace(DEFAULT_LIMITS, held_bytes=3 * image.nbytes))
    with pytest.raises(NodeError, match=r"^the run would hold more than"):
        convolve(small, image, 30)


@pytest.mark.parametrize("channels", [1, 4])
def test_only_pictures_of_three_channels_are_quantized(channels: int, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        filters.image_quantize(run, noise(1, 4, 4, channels), 4, "none")
    assert str(caught.value) == f"a picture of {channels} channels cannot be quantized"


@pytest.mark.parametrize("colors", [0, -3, 257])
def test_a_linked_number_of_colors_is_held_to_its_limits(colors: int, run: Run) -> None:
    with pytest.raises(NodeError, match=rf"^a picture cannot be quantized to {colors} colors$"):
        filters.image_quantize(run, noise(1, 4, 4, 3), colors, "none")


@pytest.mark.parametrize(
    "work",
    [
        lambda run: filters.image_quantize(run, noise(2, 4, 4, 3), 4, "bayer-4"),
        lambda run: filters.image_blend(run, noise(2, 4, 4, 3), noise(2, 4, 4, 3), 1.0, "screen"),
    ],
)
def test_a_run_can_be_cancelled_between_two_pictures(
    work: Callable[[Run], Any], folders: RunFolders
) -> None:
    answers = iter([False, True])
    cancelled = Run(folders, DEFAULT_LIMITS, cancelled=lambda: next(answers))
    with pytest.raises(RunStoppedError):
        work(cancelled)
    assert next(answers, None) is None


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg", "bayer-8"])
def test_values_that_are_no_numbers_are_quantized_like_others(dither: str, run: Run) -> None:
    image = noise(1, 6, 6, 3)
    image[0, 0, 0], image[0, 1, 1], image[0, 2, 2] = np.nan, np.inf, -np.inf
    (result,) = filters.image_quantize(run, image, 4, dither).values
    assert ((result >= 0) & (result <= 1)).all()


def test_no_filter_changes_what_it_is_given(run: Run) -> None:
    pytest.importorskip("torch")
    image, other = noise(2, 9, 8, 3), noise(2, 5, 7, 3)
    before = image.copy(), other.copy()
    filters.image_blend(run, image, other, 0.5, "soft_light")
    filters.image_blur(run, image, 2, 1.0)
    filters.image_sharpen(run, image, 2, 1.0, 1.0)
    filters.image_quantize(run, image, 5, "bayer-2")
    assert np.array_equal(image, before[0])
    assert np.array_equal(other, before[1])


@pytest.mark.parametrize(
    ("class_type", "inputs"),
    [
        ("ImageBlur", {"blur_radius": 1, "sigma": 1.0}),
        ("ImageSharpen", {"sharpen_radius": 1, "sigma": 1.0, "alpha": 1.0}),
    ],
)
def test_a_class_that_needs_torch_is_named_before_anything_runs(
    class_type: str,
    inputs: dict[str, Any],
    node: Node,
    engine: EmbeddedEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "installed", lambda package: package != "torch")
    prompt: Prompt = {
        "1": node("EmptyImage", width=9, height=9, batch_size=1, color=0),
        "2": node(class_type, image=["1", 0], **inputs),
        "3": node("SaveImage", images=["2", 0], filename_prefix="x"),
    }
    assert [(one.name, one.package) for one in engine.lacking(prompt)] == [(class_type, "torch")]
