"""Pictures of few colours, as ImageQuantize of comfy_extras/nodes_post_processing.py at 3cd7b32f
makes them with Pillow and numpy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from ....media.pixels import Bytes, Floats, row_blocks

_DITHERS = {"none": Image.Dither.NONE, "floyd-steinberg": Image.Dither.FLOYDSTEINBERG}
_BAYER = "bayer-"
_QUADS = np.array([[0, 2], [3, 1]])


def wrap_to_bytes(image: Floats) -> Bytes:
    """The 8-bit pixels of one image as torch casts: 256 becomes 0, -1 becomes 255, NaN 0."""
    result = np.empty(image.shape, np.uint8)
    with np.errstate(invalid="ignore"):  # what no integer can hold; its low byte is 0
        for rows in row_blocks(image):
            result[rows] = (image[rows] * np.float32(255)).astype(np.int64).astype(np.uint8)
    return result


def quantize(pixels: Bytes, colors: int, dither: str) -> Image.Image:
    """An RGB picture in at most `colors` colours of its own (1 to 256), by median cut.

    `dither` is `none`, `floyd-steinberg`, or `bayer-` and the side of its matrix, a power of two.
    """
    picture = Image.fromarray(pixels)
    palette = picture.quantize(colors)
    if dither.startswith(_BAYER):
        side = int(dither.removeprefix(_BAYER))
        picture = Image.fromarray(_raised(pixels, _offsets(palette, side)))
        dither = "none"
    return picture.quantize(palette=palette, dither=_DITHERS[dither]).convert("RGB")


def _offsets(palette: Image.Image, side: int) -> npt.NDArray[np.float64]:
    """What is added to the pixels of a tile [side, side] before each takes its nearest colour."""
    colors = len(palette.getpalette() or ()) // 3
    return 2 * 256 / colors * _bayer_matrix(side) + 0.5


def _bayer_matrix(side: int) -> npt.NDArray[np.float64]:
    """The order in which pixels of a tile are lit, spread evenly between -0.5 and 0.5."""
    order = np.zeros((1, 1), np.intp)
    while len(order) < side:
        order = np.block([[4 * order + first for first in row] for row in _QUADS])
    return (order + 0.5) / order.size - 0.5


def _raised(pixels: Bytes, offsets: npt.NDArray[np.float64]) -> Bytes:
    """Summed in float64, rounded to float32, and only then cut to whole numbers."""
    height, width = pixels.shape[:2]
    down, across = (np.arange(size) % len(offsets) for size in (height, width))
    result = np.empty(pixels.shape, np.uint8)
    for rows in row_blocks(pixels):
        tiles = offsets[down[rows, np.newaxis], across]
        sums = (pixels[rows] + tiles[..., np.newaxis]).astype(np.float32)
        np.clip(sums, 0, 255, out=sums)
        result[rows] = sums
    return result
