from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS, Limits
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.nodes import CLASSES
from runflow_build.engines.embedded.nodes.loading import load_image, load_image_mask
from runflow_build.media.error import MediaError


@pytest.fixture
def run(folders: RunFolders) -> Run:
    for folder, shade in ((folders.input, 51), (folders.output, 102)):
        Image.new("RGBA", (3, 2), (shade, 0, 0, 153)).save(folder / "a.png")
    return Run(folders, DEFAULT_LIMITS)


@pytest.mark.parametrize("class_type", ["LoadImage", "LoadImageOutput"])
@pytest.mark.parametrize(
    ("name", "shade"), [("a.png", 51), ("a.png [input]", 51), ("a.png [output]", 102)]
)
def test_a_suffix_chooses_the_folder(class_type: str, name: str, shade: int, run: Run) -> None:
    image, mask = CLASSES[class_type].function(run, image=name).values
    assert (image[0, 0, 0] * 255).round().tolist() == [shade, 0, 0]
    assert (mask * 255).round().tolist() == [[[102] * 3] * 2]


@pytest.mark.parametrize(
    ("channel", "value"), [("red", 102), ("green", 0), ("blue", 0), ("alpha", 102)]
)
def test_a_mask_is_one_channel(channel: str, value: int, run: Run) -> None:
    (mask,) = load_image_mask(run, "a.png [output]", channel).values
    assert (mask * 255).round().tolist() == [[[value] * 3] * 2]


@pytest.mark.parametrize("class_type", ["LoadImage", "LoadImageMask", "LoadImageOutput"])
def test_the_file_is_part_of_what_is_kept(class_type: str) -> None:
    assert CLASSES[class_type].files == {"image"}


def test_a_picture_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(NodeError, match=r"^there is no file 'b\.png' in the input folder$"):
        load_image(run, "b.png")


def test_a_picture_over_the_limits_is_refused(folders: RunFolders) -> None:
    Image.new("RGB", (40, 40)).save(folders.input / "a.png")
    run = Run(folders, Limits(pixels=1599))
    with pytest.raises(NodeError) as caught:
        load_image(run, "a.png")
    assert str(caught.value) == (
        "1 x 40 x 40 pixels (images x height x width) are over the limit of 1599 pixels"
    )


def test_damage_is_told_by_the_name_in_the_prompt(run: Run) -> None:
    path = run.folders.input / "a.png"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(MediaError, match=r"^a\.png \[input\] is "):
        load_image(run, "a.png [input]")
    with pytest.raises(MediaError, match=r"^a\.png is "):
        load_image_mask(run, "a.png", "red")


def test_a_run_ends_between_two_frames(folders: RunFolders) -> None:
    frames = [Image.fromarray(np.full((4, 4), shade, np.uint8)) for shade in range(9)]
    frames[0].save(folders.input / "a.gif", save_all=True, append_images=frames[1:])
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 7

    with pytest.raises(RunStoppedError, match="cancelled"):
        load_image(Run(folders, DEFAULT_LIMITS, cancelled=cancelled), "a.gif")
    assert len(asked) == 8
