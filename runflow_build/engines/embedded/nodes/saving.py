"""Pictures to files; behaviour of SaveImage and its kin in nodes.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping

from ....media.pixels import Floats
from ..node_class import NodeClass, Result, Run
from ..output_files import save_pictures

SAVE_COMPRESSION = 4  # zlib levels, as ComfyUI has them
PREVIEW_COMPRESSION = 1
PREVIEW_PREFIX = "ComfyUI_temp"  # ComfyUI adds five random letters, and a temporary folder


def save_image(run: Run, images: Floats, filename_prefix: str = "ComfyUI") -> Result:
    return Result(files=save_pictures(run, images, filename_prefix, SAVE_COMPRESSION))


def preview_image(run: Run, images: Floats) -> Result:
    return Result(files=save_pictures(run, images, PREVIEW_PREFIX, PREVIEW_COMPRESSION))


CLASSES: Mapping[str, NodeClass] = {
    "PreviewImage": NodeClass(preview_image),
    "SaveImage": NodeClass(save_image),
}
