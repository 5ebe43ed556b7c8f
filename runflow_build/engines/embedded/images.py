"""ComfyUI's image nodes; behaviour of nodes.py and comfy_extras at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .blending import blend
from .decoding import read_picture
from .input_files import input_file
from .node_class import NodeClass, NodeError, Result, Run
from .output_files import save_pictures
from .pixels import Floats
from .scaling import NEEDS_TORCH, scale

SAVE_COMPRESSION = 4  # zlib levels, as ComfyUI has them
PREVIEW_COMPRESSION = 1
PREVIEW_PREFIX = "ComfyUI_temp"  # ComfyUI adds five random letters, and a temporary folder


def load_image(run: Run, image: str) -> Result:
    """The picture's frames and their masks."""
    path = input_file(run.folders.input, image)
    return Result(read_picture(run, path, image))


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


def image_crop(run: Run, image: Floats, width: int, height: int, x: int, y: int) -> Result:
    """A part of the picture; what lies beyond its edges is left out."""
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    part = image[:, y : y + height, x : x + width]
    if 0 in part.shape:
        raise NodeError(f"{width} x {height} pixels from {x}, {y} are no part of the picture")
    return Result((part,))


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


def save_image(run: Run, images: Floats, filename_prefix: str = "ComfyUI") -> Result:
    return Result(files=save_pictures(run, images, filename_prefix, SAVE_COMPRESSION))


def preview_image(run: Run, images: Floats) -> Result:
    return Result(files=save_pictures(run, images, PREVIEW_PREFIX, PREVIEW_COMPRESSION))


def _size(image: Floats) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"


CLASSES: Mapping[str, NodeClass] = {
    "EmptyImage": NodeClass(empty_image),
    "ImageBlend": NodeClass(image_blend),
    "ImageCrop": NodeClass(image_crop),
    "ImageInvert": NodeClass(image_invert),
    "ImageScale": NodeClass(image_scale, lacks={"upscale_method": NEEDS_TORCH}),
    "LoadImage": NodeClass(load_image, files=frozenset({"image"})),
    "PreviewImage": NodeClass(preview_image),
    "SaveImage": NodeClass(save_image),
}
