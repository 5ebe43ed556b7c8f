"""Pictures computed from pictures, pixel by pixel; comfy_extras/nodes_post_processing.py at
3cd7b32f.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....media.pixels import Floats
from ..kernels.blending import blend
from ..node_class import NodeClass, NodeError, Result, Run


def image_blend(
    run: Run, image1: Floats, image2: Floats, blend_factor: float, blend_mode: str
) -> Result:
    if image1.shape[1:] != image2.shape[1:]:
        raise NodeError(
            f"the pictures differ in size ({_size(image1)} and {_size(image2)}), and to bring"
            " them to one size as ComfyUI does (bicubic) needs torch",
            "bring them to one size before, for instance with ImageScale (lanczos)",
        )
    batch = max(len(image1), len(image2))
    if {len(image1), len(image2)} - {1, batch}:
        raise NodeError(f"batches of {len(image1)} and {len(image2)} pictures cannot be blended")
    shape = (batch, *image1.shape[1:])
    run.claim(*shape)
    images = (np.broadcast_to(image1, shape), np.broadcast_to(image2, shape))
    return Result((blend(*images, blend_factor, blend_mode),))


def _size(image: Floats) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"


CLASSES: Mapping[str, NodeClass] = {
    "ImageBlend": NodeClass(image_blend),
}
