"""Pictures from files; behaviour of LoadImage and its kin in nodes.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

from ....media.image import Claim, read_channel, read_picture
from ..input_files import input_file
from ..node_class import NodeClass, Result, Run


def load_image(run: Run, image: str) -> Result:
    """The picture's frames and their masks."""
    path = input_file(run.folders, image)
    return Result(read_picture(path, image, _claims(run)))


def load_image_mask(run: Run, image: str, channel: str) -> Result:
    """One channel of the picture's first frame as a mask."""
    path = input_file(run.folders, image)
    return Result((read_channel(path, image, channel, _claims(run)),))


def _claims(run: Run) -> Claim:
    """Claims of the run that also end it between two frames: cancelled, or out of time."""

    def claim(images: int, height: int, width: int, channels: int) -> None:
        run.check()
        run.claim(images, height, width, channels)

    return claim


_IMAGE = frozenset({"image"})

CLASSES: Mapping[str, NodeClass] = {
    "LoadImage": NodeClass(load_image, files=_IMAGE),
    "LoadImageMask": NodeClass(load_image_mask, files=_IMAGE),
    # It offers the files of the output folder as `name [output]`; a bare name is an input file.
    "LoadImageOutput": NodeClass(load_image, files=_IMAGE),
}
