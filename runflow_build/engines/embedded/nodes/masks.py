"""Masks; behaviour of comfy_extras/nodes_mask.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....media.pixels import Floats
from ..node_class import NodeClass, NodeError, Result, Run

_CHANNELS = ("red", "green", "blue", "alpha")


def mask_to_image(run: Run, mask: Floats) -> Result:
    """A grey picture; its three channels are one and the same memory."""
    return Result((np.broadcast_to(mask[..., np.newaxis], (*mask.shape, 3)),))


def image_to_mask(run: Run, image: Floats, channel: str) -> Result:
    """One channel; of a picture without alpha there is no `alpha`."""
    number = _CHANNELS.index(channel)
    if number >= image.shape[3]:
        raise NodeError(
            f"the picture has {image.shape[3]} channels, and none of them is {channel}",
            "take another channel, or the mask output of the node that loads the picture",
        )
    return Result((image[..., number],))


def solid_mask(run: Run, value: float, width: int, height: int) -> Result:
    if min(width, height) < 1:
        raise NodeError(f"a mask of {width} x {height} pixels cannot be made")
    run.claim(1, height, width, 1)
    return Result((np.full((1, height, width), value, np.float32),))


def invert_mask(run: Run, mask: Floats) -> Result:
    run.claim(*mask.shape, channels=1)
    return Result((np.subtract(1, mask, dtype=np.float32),))


CLASSES: Mapping[str, NodeClass] = {
    "ImageToMask": NodeClass(image_to_mask),
    "InvertMask": NodeClass(invert_mask),
    "MaskToImage": NodeClass(mask_to_image),
    "SolidMask": NodeClass(solid_mask),
}
