"""Pictures in another size; behaviour of nodes.py and nodes_post_processing.py at 3cd7b32f."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ....media.pixels import Floats
from ..kernels.resampling import METHOD_PACKAGES, scale
from ..node_class import NodeClass, Result, Run

_OPTION_PACKAGES = {"upscale_method": METHOD_PACKAGES}


def image_scale(
    run: Run, image: Floats, upscale_method: str, width: int, height: int, crop: str
) -> Result:
    """Resample; a width or height of 0 follows from the other, both 0 leave the picture alone."""
    if width == height == 0:
        return Result((image,))
    old_height, old_width = image.shape[1:3]
    width = width or max(1, round(old_width * height / old_height))
    height = height or max(1, round(old_height * width / old_width))
    return _scaled(run, image, width, height, upscale_method, crop)


def image_scale_by(run: Run, image: Floats, upscale_method: str, scale_by: float) -> Result:
    """Resample both sides by one factor, rounded to whole pixels, halves to the even one."""
    height, width = (round(side * scale_by) for side in image.shape[1:3])
    return _scaled(run, image, width, height, upscale_method)


def image_scale_to_total_pixels(
    run: Run, image: Floats, upscale_method: str, megapixels: float, resolution_steps: int
) -> Result:
    """Resample to about so many times 1024 x 1024 pixels, each side a multiple of the steps."""
    height, width = image.shape[1:3]
    factor = math.sqrt(megapixels * 1024 * 1024 / (width * height))
    width, height = (
        round(side * factor / resolution_steps) * resolution_steps for side in (width, height)
    )
    return _scaled(run, image, width, height, upscale_method)


def _scaled(
    run: Run, image: Floats, width: int, height: int, method: str, crop: str = "disabled"
) -> Result:
    run.claim(len(image), height, width, image.shape[3])
    return Result((scale(image, width, height, method, crop, run.check),))


CLASSES: Mapping[str, NodeClass] = {
    "ImageScale": NodeClass(image_scale, option_packages=_OPTION_PACKAGES),
    "ImageScaleBy": NodeClass(image_scale_by, option_packages=_OPTION_PACKAGES),
    "ImageScaleToTotalPixels": NodeClass(
        image_scale_to_total_pixels, option_packages=_OPTION_PACKAGES
    ),
}
