"""Between the 8-bit pixels of files and the float32 values that nodes compute with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats: TypeAlias = npt.NDArray[np.float32]  # 0..1; images are [batch, height, width, channel]
Bytes: TypeAlias = npt.NDArray[np.uint8]

_BLOCK = 1 << 16  # values that are worked on at a time: 256 KiB, so that they stay in the cache
_STRIP = 64  # rows that are fetched at a time: a whole 4K picture costs more in fresh memory


def row_blocks(image: Floats | Bytes) -> Iterator[slice]:
    """Cut one image [height, width, channel] into runs of rows that fit the processor's cache."""
    rows = max(1, _BLOCK // max(1, image[:1].size))
    return (slice(top, top + rows) for top in range(0, len(image), rows))


def to_bytes(image: Floats) -> Bytes:
    """The 8-bit pixels of one image [height, width, channel]; fractions are cut off, NaN is 0.

    Equals ``numpy.clip(255.0 * image, 0, 255).astype(numpy.uint8)``, which is what ComfyUI's
    SaveImage and lanczos do (nodes.py and comfy/utils.py at 3cd7b32f).
    """
    result = np.empty(image.shape, np.uint8)
    with np.errstate(invalid="ignore"):  # NaN has no uint8; processors make it 0
        for rows in row_blocks(image):
            result[rows] = np.clip(image[rows] * np.float32(255), 0, 255)
    return result


def from_picture(picture: Image.Image, into: Floats) -> None:
    """Write an 8-bit picture as values 0..1 into an array [height, width] or [height, width, 3]."""
    for top in range(0, picture.height, _STRIP):
        strip = picture.crop((0, top, picture.width, min(top + _STRIP, picture.height)))
        np.divide(
            np.asarray(strip), np.float32(255), out=into[top : top + _STRIP], dtype=into.dtype
        )
