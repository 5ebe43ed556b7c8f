"""Pictures to files; nodes.py and comfy_extras/nodes_images.py at 3cd7b32f."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ....media.image_writing import WebpCoding, write_animated_png, write_animated_webp
from ....media.pixels import Floats
from ..node_class import NodeClass, NodeError, Result, Run
from ..output_files import Writer, save_file, save_pictures

SAVE_COMPRESSION = 4  # zlib levels, as ComfyUI has them
PREVIEW_COMPRESSION = 1
PREVIEW_PREFIX = "ComfyUI_temp"  # ComfyUI adds five random letters, and a temporary folder
WEBP_METHODS = {"default": 4, "fastest": 0, "slowest": 6}


def save_image(run: Run, images: Floats, filename_prefix: str = "ComfyUI") -> Result:
    return Result(files=save_pictures(run, images, filename_prefix, SAVE_COMPRESSION))


def preview_image(run: Run, images: Floats) -> Result:
    return Result(files=save_pictures(run, images, PREVIEW_PREFIX, PREVIEW_COMPRESSION))


def save_animated_png(
    run: Run, images: Floats, filename_prefix: str, fps: float, compress_level: int
) -> Result:
    frame_ms = _frame_ms(fps)
    return _animation(
        run,
        images,
        filename_prefix,
        ".png",
        lambda file: write_animated_png(images, file, frame_ms, compress_level),
    )


def save_animated_webp(
    run: Run,
    images: Floats,
    filename_prefix: str,
    fps: float,
    lossless: bool,
    quality: int,
    method: str,
) -> Result:
    frame_ms, coding = _frame_ms(fps), WebpCoding(lossless, quality, WEBP_METHODS[method])
    return _animation(
        run,
        images,
        filename_prefix,
        ".webp",
        lambda file: write_animated_webp(images, file, frame_ms, coding),
    )


def _frame_ms(fps: float) -> int:
    """Whole milliseconds, cut off: 0 above 1000 frames a second, which only a link can ask for."""
    if not fps > 0:
        raise NodeError(f"fps is {fps:g}, and has to be above 0")
    duration = 1000.0 / fps
    if not math.isfinite(duration):
        raise NodeError(f"fps is {fps:g}, which is too slow for any file")
    return int(duration)


def _animation(run: Run, images: Floats, prefix: str, suffix: str, write: Writer) -> Result:
    """One file of all pictures."""
    count, height, width = images.shape[:3]
    if not count:
        raise NodeError("there is no picture to save")
    run.claim(count, height, width, 2)  # as 8-bit arrays, and as Pillow's pictures
    return Result(files=save_file(run, prefix, suffix, write, width, height))


CLASSES: Mapping[str, NodeClass] = {
    "PreviewImage": NodeClass(preview_image),
    "SaveAnimatedPNG": NodeClass(save_animated_png),
    "SaveAnimatedWEBP": NodeClass(save_animated_webp),
    "SaveImage": NodeClass(save_image),
}
