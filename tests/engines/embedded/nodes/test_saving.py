from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.limits import Limits
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes import saving
from runflow_build.media.error import MediaError
from runflow_build.media.pixels import to_bytes

Node = Callable[..., dict[str, Any]]
IMAGES = np.random.default_rng(5).random((3, 5, 7, 3), dtype=np.float32)


def names(result: Any) -> list[str]:
    return [path.name for path in result.files]


def test_a_batch_is_a_file_each(run: Run) -> None:
    result = saving.save_image(run, IMAGES, "sub/a")
    assert names(result) == ["a_00001_.png", "a_00002_.png", "a_00003_.png"]
    for path, image in zip(result.files, IMAGES, strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), to_bytes(image))


def test_previews_are_kept_like_other_pictures(run: Run) -> None:
    result = saving.preview_image(run, IMAGES[:1])
    assert names(result) == ["ComfyUI_temp_00001_.png"]
    assert result.files[0].parent == run.folders.output


@pytest.mark.parametrize(
    ("fps", "milliseconds"),
    [(6.0, 166), (24.0, 41), (29.97, 33), (1000.0, 1), (0.01, 100_000), (2500.0, 0), (7, 142)],
)
def test_a_frame_lasts_whole_milliseconds(fps: float, milliseconds: int) -> None:
    assert saving._frame_ms(fps) == milliseconds


@pytest.mark.parametrize(
    ("fps", "message"),
    [
        (0.0, "fps is 0, and has to be above 0"),
        (-6.0, "fps is -6, and has to be above 0"),
        (float("nan"), "fps is nan, and has to be above 0"),
        (1e-308, "fps is 1e-308, which is too slow for any file"),
    ],
)
def test_a_linked_rate_that_makes_no_sense_is_refused(fps: float, message: str, run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        saving.save_animated_webp(run, IMAGES, "a", fps, True, 80, "default")
    assert str(caught.value) == message
    with pytest.raises(NodeError) as caught:
        saving.save_animated_png(run, IMAGES, "a", fps, 4)
    assert str(caught.value) == message


def test_a_rate_that_the_file_cannot_hold_leaves_no_file(run: Run) -> None:
    with pytest.raises(MediaError, match=r"^the pictures cannot be saved as PNG: "):
        saving.save_animated_png(run, IMAGES, "a", 1e-12, 4)
    assert not list(run.folders.output.iterdir())


@pytest.mark.parametrize("class_type", ["SaveAnimatedPNG", "SaveAnimatedWEBP"])
def test_animations_run_from_a_prompt_with_one_file(
    class_type: str, engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    Image.new("RGB", (2, 2)).save(
        folders.input / "a.gif",
        save_all=True,
        append_images=[Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")],
    )
    options = {"compress_level": 4}
    if class_type == "SaveAnimatedWEBP":
        options = {"lossless": True, "quality": 80, "method": "default"}
    prompt = {
        "1": node("LoadImage", image="a.gif"),
        "2": node(
            class_type,
            images=["1", 0],
            filename_prefix="sub/%width%_%batch_num%",
            fps=6.0,
            **options,
        ),
    }
    (file,) = engine.execute(prompt, folders)
    suffix = class_type.removeprefix("SaveAnimated").lower()
    assert file.path == folders.output / "sub" / f"2_%batch_num%_00001_.{suffix}"
    assert file.content_type == f"image/{suffix}"
    with Image.open(file.path) as picture:
        shown = [frame.convert("RGB").getpixel((0, 0)) for frame in ImageSequence.Iterator(picture)]
    assert shown == [(0, 0, 0), (255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize("channels", [1, 5])
def test_pictures_of_other_channels_are_refused(channels: int, run: Run) -> None:
    images = np.zeros((1, 5, 7, channels), np.float32)
    for save in (
        lambda: saving.save_image(run, images),
        lambda: saving.preview_image(run, images),
        lambda: saving.save_animated_png(run, images, "a", 6.0, 4),
        lambda: saving.save_animated_webp(run, images, "a", 6.0, True, 80, "default"),
    ):
        with pytest.raises(MediaError, match=f"^a picture of {channels} channel"):
            save()
    assert not list(run.folders.output.iterdir())


def test_an_empty_batch_is_refused(run: Run) -> None:
    for save in (
        lambda: saving.save_image(run, IMAGES[:0]),
        lambda: saving.save_animated_png(run, IMAGES[:0], "a", 6.0, 4),
        lambda: saving.save_animated_webp(run, IMAGES[:0], "a", 6.0, True, 80, "default"),
    ):
        with pytest.raises(NodeError, match=r"^there is no picture to save$"):
            save()


def test_an_animation_counts_as_memory(folders: RunFolders) -> None:
    run = Run(folders, Limits(held_bytes=IMAGES.size))
    with pytest.raises(NodeError, match="would hold more than"):
        saving.save_animated_png(run, IMAGES, "a", 6.0, 4)
