"""Making, cutting and joining pictures; behaviour of nodes.py and comfy_extras at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....media.pixels import Floats
from ..node_class import NodeClass, NodeError, Result, Run


def empty_image(run: Run, width: int, height: int, batch_size: int = 1, color: int = 0) -> Result:
    """Pictures of one colour, 0xRRGGBB."""
    if min(width, height, batch_size) < 1:
        raise NodeError(f"{batch_size} pictures of {width} x {height} pixels cannot be made")
    run.claim(batch_size, height, width)
    image = np.empty((batch_size, height, width, 3), np.float32)
    image[:] = [(color >> shift & 0xFF) / 0xFF for shift in (16, 8, 0)]
    return Result((image,))


def image_invert(run: Run, image: Floats) -> Result:
    run.claim(*image.shape)
    return Result((np.subtract(1, image, dtype=np.float32),))


def image_crop(run: Run, image: Floats, width: int, height: int, x: int, y: int) -> Result:
    """A part of the picture; what lies beyond its edges is left out."""
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    part = image[:, y : y + height, x : x + width]
    if 0 in part.shape:
        raise NodeError(f"{width} x {height} pixels from {x}, {y} are no part of the picture")
    return Result((part,))


CLASSES: Mapping[str, NodeClass] = {
    "EmptyImage": NodeClass(empty_image),
    "ImageCrop": NodeClass(image_crop),
    "ImageInvert": NodeClass(image_invert),
}
