"""Pictures in another size; behaviour of nodes.py and comfy_extras at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

from ....media.pixels import Floats
from ..kernels.resampling import METHOD_PACKAGES, scale
from ..node_class import NodeClass, NodeError, Result, Run


def image_scale(
    run: Run, image: Floats, upscale_method: str, width: int, height: int, crop: str
) -> Result:
    """Resample; a width or height of 0 follows from the other, both 0 leave the picture alone."""
    if min(width, height) < 0:
        raise NodeError(f"a picture cannot be scaled to {width} x {height} pixels")
    if width == height == 0:
        return Result((image,))
    batch, old_height, old_width, channels = image.shape
    width = width or max(1, round(old_width * height / old_height))
    height = height or max(1, round(old_height * width / old_width))
    run.claim(batch, height, width, channels)
    return Result((scale(image, width, height, upscale_method, crop),))


CLASSES: Mapping[str, NodeClass] = {
    "ImageScale": NodeClass(image_scale, option_packages={"upscale_method": METHOD_PACKAGES}),
}
