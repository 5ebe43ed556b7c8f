"""Pictures computed from pictures, pixel by pixel; comfy_extras/nodes_post_processing.py at
3cd7b32f.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....media.pixels import Floats, from_picture
from ..kernels.blending import blend
from ..kernels.convolution import blur, sharpen
from ..kernels.quantizing import quantize, wrap_to_bytes
from ..kernels.resampling import scale
from ..node_class import NodeClass, NodeError, Result, Run


def image_blend(
    run: Run, image1: Floats, image2: Floats, blend_factor: float, blend_mode: str
) -> Result:
    """The second picture over the first one, whose size it is brought to; with torch, if need be.

    A batch of one goes with each picture of the other batch.
    """
    _, height, width, channels = image1.shape
    image2 = image2[..., :channels]
    if image2.shape[3] < channels:
        raise NodeError(
            "image1 has an alpha channel and image2 has none, and so they cannot be blended",
            "take the alpha from image1 with SplitImageWithAlpha,"
            " or give image2 one with JoinImageWithAlpha",
        )
    batch = max(len(image1), len(image2))
    if {len(image1), len(image2)} - {1, batch}:
        raise NodeError(f"batches of {len(image1)} and {len(image2)} pictures cannot be blended")
    shape = (batch, height, width, channels)
    run.claim(*shape)
    if image2.shape[1:3] != (height, width):
        run.claim_values((batch + len(image2)) * height * width * channels)
        image2 = scale(image2, width, height, "bicubic", "center")
    result = np.empty_like(image1, shape=shape)
    both = (np.broadcast_to(one, shape) for one in (image1, image2))
    for base, top, into in zip(*both, result, strict=True):
        run.check()
        blend(base, top, blend_factor, blend_mode, into)
    return Result((result,))


def image_blur(run: Run, image: Floats, blur_radius: int, sigma: float) -> Result:
    if blur_radius == 0:
        return Result((image,))
    _claim_convolution(run, image, blur_radius, "blur_radius")
    return Result((blur(image, blur_radius, sigma),))


def image_sharpen(
    run: Run, image: Floats, sharpen_radius: int, sigma: float, alpha: float
) -> Result:
    if sharpen_radius == 0:
        return Result((image,))
    _claim_convolution(run, image, sharpen_radius, "sharpen_radius")
    return Result((sharpen(image, sharpen_radius, sigma, alpha),))


def image_quantize(run: Run, image: Floats, colors: int, dither: str) -> Result:
    """Each picture in at most `colors` colours of its own."""
    if image.shape[3] != 3:
        raise NodeError(
            f"a picture of {image.shape[3]} channels cannot be quantized",
            "take its alpha away with SplitImageWithAlpha",
        )
    if not 1 <= colors <= 256:
        raise NodeError(f"a picture cannot be quantized to {colors} colors", "use 1 to 256")
    run.claim(*image.shape)
    result = np.empty(image.shape, np.float32)
    for one, into in zip(image, result, strict=True):
        run.check()
        from_picture(quantize(wrap_to_bytes(one), colors, dither), into)
    return Result((result,))


def _claim_convolution(run: Run, image: Floats, radius: int, name: str) -> None:
    """The picture is mirrored at its edges, as far as the radius: it must be larger than that."""
    batch, height, width, channels = image.shape
    if radius < 0:
        raise NodeError(f"{name} is {radius}, and must be 1 or more")
    if radius >= min(height, width):
        raise NodeError(
            f"{name} is {radius}, and must be less than the width and the height of the picture,"
            f" which is {width} x {height} pixels",
            "use a smaller radius or a larger picture",
        )
    run.claim(*image.shape)
    high, wide = height + 2 * radius, width + 2 * radius
    run.claim_values(3 * batch * high * wide * channels + channels * (2 * radius + 1) ** 2)


CLASSES: Mapping[str, NodeClass] = {
    "ImageBlend": NodeClass(image_blend),
    "ImageBlur": NodeClass(image_blur, package="torch"),
    "ImageQuantize": NodeClass(image_quantize),
    "ImageSharpen": NodeClass(image_sharpen, package="torch"),
}
