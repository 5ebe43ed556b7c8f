from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.embedded import extras, planning
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.nodes import scaling
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]


def noise(*shape: int) -> Any:
    """Values that a node must leave as they are."""
    values = np.random.default_rng(5).random(shape, dtype=np.float32)
    values.flags.writeable = False
    return values


# ImageScale


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (4, 0, (2, 4)),  # 2.5 rows: halves go to the even number
        (12, 0, (8, 12)),  # 7.5 rows
        (0, 10, (10, 16)),
        (1, 0, (1, 1)),
        (0, 1, (1, 2)),
        (3, 3, (3, 3)),
    ],
)
@pytest.mark.parametrize("method", ["nearest-exact", "lanczos"])
def test_a_size_of_0_follows_from_the_other(
    method: str, width: int, height: int, expected: tuple[int, int], run: Run
) -> None:
    (image,) = scaling.image_scale(run, noise(2, 5, 8, 3), method, width, height, "disabled").values
    assert image.shape == (2, *expected, 3)


def test_two_sizes_of_0_leave_the_picture_alone(run: Run) -> None:
    image = noise(1, 5, 8, 3)
    assert scaling.image_scale(run, image, "lanczos", 0, 0, "center").values[0] is image


@pytest.mark.parametrize(
    ("width", "height", "shown"), [(-5, 4, "-5 x 4"), (0, -4, "1 x -4"), (-1, -1, "-1 x -1")]
)
def test_a_negative_size_is_an_error(width: int, height: int, shown: str, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        scaling.image_scale(run, noise(1, 4, 4, 3), "lanczos", width, height, "disabled")
    assert str(caught.value) == f"a picture cannot be scaled to {shown} pixels"


def test_the_centre_keeps_the_aspect_of_what_is_wanted(run: Run) -> None:
    image = np.zeros((1, 4, 8, 3), np.float32)
    image[:, :, 2:6] = 1
    (scaled,) = scaling.image_scale(run, image, "nearest-exact", 3, 3, "center").values
    assert scaled.tolist() == np.ones((1, 3, 3, 3)).tolist()


# ImageScaleBy


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(0.5, (2, 4)), (1.5, (8, 12)), (0.1, None), (0.125, (1, 1)), (8.0, (40, 64))],
)
def test_a_factor_is_rounded_to_whole_pixels(
    factor: float, expected: tuple[int, int] | None, run: Run
) -> None:
    image = noise(1, 5, 8, 3)
    if expected is None:
        with pytest.raises(NodeError, match=r"^a picture cannot be scaled to 1 x 0 pixels$"):
            scaling.image_scale_by(run, image, "lanczos", factor)
    else:
        scaled = scaling.image_scale_by(run, image, "lanczos", factor).values[0]
        assert scaled.shape[1:3] == expected


# ImageScaleToTotalPixels


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.01, 0.05), st.integers(1, 16))
def test_the_sides_are_multiples_of_the_steps(w: int, h: int, total: float, steps: int) -> None:
    image = np.zeros((1, h, w, 3), np.float32)
    run = Run(None, DEFAULT_LIMITS)  # type: ignore[arg-type]
    result = scaling.image_scale_to_total_pixels(run, image, "nearest-exact", total, steps)
    height, width = result.values[0].shape[1:3]
    assert height % steps == width % steps == 0
    factor = (total * 2**20 / (w * h)) ** 0.5
    assert abs(height - h * factor) <= steps / 2 + 1e-6
    assert abs(width - w * factor) <= steps / 2 + 1e-6


def test_steps_that_are_larger_than_the_picture_are_an_error(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^a picture cannot be scaled to 256 x 0 pixels$"):
        scaling.image_scale_to_total_pixels(run, noise(1, 3, 9, 3), "lanczos", 0.02, 256)


# All of them


CALLS: dict[str, Callable[[Run, Any], Any]] = {
    "ImageScale": lambda run, image: scaling.image_scale(
        run, image, "nearest-exact", 60_000, 60_000, "disabled"
    ),
    "ImageScaleBy": lambda run, image: scaling.image_scale_by(run, image, "nearest-exact", 15e3),
    "ImageScaleToTotalPixels": lambda run, image: scaling.image_scale_to_total_pixels(
        run, image, "nearest-exact", 6e4**2 / 2**20, 1
    ),
}


@pytest.mark.parametrize("name", scaling.CLASSES)
def test_a_huge_result_is_refused_before_anything_is_allocated(name: str, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        CALLS[name](run, noise(2, 4, 4, 3))
    assert str(caught.value) == (
        "2 x 60000 x 60000 pixels (images x height x width) are over the limit of 134217728 pixels"
    )


def test_a_run_can_be_stopped_between_the_pictures_of_a_batch(run: Run) -> None:
    stopped = replace(run, cancelled=lambda: True)
    with pytest.raises(RunStoppedError):
        scaling.image_scale_by(stopped, noise(2, 4, 4, 3), "lanczos", 2.0)


@pytest.mark.parametrize("method", ["bilinear", "area", "bicubic"])
def test_without_torch_three_methods_are_refused_before_the_run(
    method: str,
    node: Node,
    refusal: Callable[[Prompt], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "installed", lambda package: False)
    monkeypatch.setattr(extras, "installed", lambda package: False)
    prompt = {
        "1": node("EmptyImage", width=2, height=1, batch_size=1, color=0),
        "2": node("ImageScaleBy", image=["1", 0], upscale_method=method, scale_by=2.0),
        "3": node("PreviewImage", images=["2", 0]),
    }
    assert refusal(prompt) == (
        f"error engine-extra-missing: ImageScaleBy with upscale_method {method} needs torch,"
        " which is not installed\n"
        "  at        node 2 (ImageScaleBy), field upscale_method\n"
        "  fix       pip install 'runflow-build[embedded]', or run this prompt on ComfyUI"
    )
