"""Masks; behaviour of comfy_extras/nodes_mask.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ....media.pixels import Floats, row_blocks
from ..kernels.morphology import grow
from ..node_class import NodeClass, NodeError, Result, Run
from .saving import preview_image

_CHANNELS = ("red", "green", "blue", "alpha")
_COLOUR_PLACES = np.array([1 << 16, 1 << 8, 1], np.int32)


def mask_to_image(run: Run, mask: Floats) -> Result:
    """A grey picture; its three channels are one and the same memory."""
    return Result((np.broadcast_to(mask[..., np.newaxis], (*mask.shape, 3)),))


def image_to_mask(run: Run, image: Floats, channel: str) -> Result:
    """One channel; a picture without transparency has no `alpha`."""
    number = _CHANNELS.index(channel)
    if number >= image.shape[3]:
        raise NodeError(
            f"the picture has {image.shape[3]} channels, and none of them is {channel}",
            "take another channel, or the mask of the node that loads the picture",
        )
    return Result((image[..., number],))


def image_color_to_mask(run: Run, image: Floats, color: int) -> Result:
    """1 where the picture's pixel, rounded to 8 bits, is of that colour, 0xRRGGBB; else 0."""
    run.claim_values(image[..., 0].size)
    result = np.empty(image.shape[:3], np.float32)
    for one, into in zip(image, result, strict=True):
        for rows in row_blocks(one):
            pixels = np.rint(np.clip(one[rows, :, :3], 0, 1) * np.float32(255)).astype(np.int32)
            into[rows] = pixels @ _COLOUR_PLACES == color
    return Result((result,))


def solid_mask(run: Run, value: float, width: int, height: int) -> Result:
    if min(width, height) < 1:
        raise NodeError(f"a mask of {width} x {height} pixels cannot be made")
    run.claim(1, height, width, 1)
    return Result((np.full((1, height, width), value, np.float32),))


def invert_mask(run: Run, mask: Floats) -> Result:
    run.claim_values(mask.size)
    return Result((np.subtract(1, mask, dtype=np.float32),))


def crop_mask(run: Run, mask: Floats, x: int, y: int, width: int, height: int) -> Result:
    """A part of the mask; what lies beyond its edges is left out."""
    part = mask[:, y : y + height, x : x + width]
    if 0 in part.shape:
        raise NodeError(
            f"{width} x {height} pixels from {x}, {y} are no part of a mask of {_size(mask)}"
        )
    return Result((part,))


def mask_composite(
    run: Run, destination: Floats, source: Floats, x: int, y: int, operation: str
) -> Result:
    """`source` onto `destination` at x, y, as far as it lies inside; clipped to 0..1 everywhere.

    As slices go, a negative x or y (which only a link can give) counts from the other edge.
    """
    run.claim_values(destination.size)
    result = destination.copy()
    right = min(x + source.shape[2], result.shape[2])
    bottom = min(y + source.shape[1], result.shape[1])
    into, part = result[:, y:bottom, x:right], source[:, : bottom - y, : right - x]
    _check_fit(destination, source, into, part, x, y)
    for one, other in zip(into, np.broadcast_to(part, into.shape), strict=True):
        one[:] = _OPERATIONS[operation](one, other)
    return Result((np.clip(result, 0, 1, out=result),))


def _check_fit(
    destination: Floats, source: Floats, into: Floats, part: Floats, x: int, y: int
) -> None:
    if len(part) not in (1, len(into)):
        raise NodeError(
            f"a batch of {len(source)} masks cannot be put onto one of {len(destination)}",
            f"give one mask as the source, or {len(destination)}",
        )
    for own, wanted in zip(part.shape[1:], into.shape[1:], strict=True):
        if own not in (1, wanted):  # one row or column would be repeated
            raise NodeError(
                f"a mask of {_size(source)} at {x}, {y} lies outside of one of"
                f" {_size(destination)}",
                "keep x and y inside of the destination",
            )


def _on(mask: Floats) -> npt.NDArray[np.bool_]:
    """Which values round to something else than 0: those over 0.5, a half itself does not."""
    return np.rint(mask).astype(np.bool_)


_OPERATIONS: Mapping[str, Callable[[Floats, Floats], npt.NDArray[np.generic]]] = {
    "multiply": np.multiply,
    "add": np.add,
    "subtract": np.subtract,
    "and": lambda one, other: _on(one) & _on(other),
    "or": lambda one, other: _on(one) | _on(other),
    "xor": lambda one, other: _on(one) ^ _on(other),
}


def feather_mask(run: Run, mask: Floats, left: int, top: int, right: int, bottom: int) -> Result:
    """Ramps at the four edges, from 1 / n in the first to 1 in the n-th row or column.

    ComfyUI counts the right and bottom ramps from index -0, which is 0: their first factor falls
    on the first column or row, and the rest lies one pixel nearer to the edge. So does ours.
    """
    run.claim_values(mask.size)
    result = mask.copy()
    columns, rows = np.moveaxis(result, 2, 0), np.moveaxis(result, 1, 0)
    for lines, first, last in ((columns, left, right), (rows, top, bottom)):
        if (ramp := _ramp(first, lines)).size:
            lines[: len(ramp)] *= ramp
        if (ramp := _ramp(last, lines)).size:
            lines[0] *= ramp[0]
            lines[len(lines) - len(ramp) + 1 :] *= ramp[:0:-1]
    return Result((result,))


def _ramp(count: int, lines: Floats) -> Floats:
    count = max(0, min(count, len(lines)))
    ramp: Floats = (np.arange(1, count + 1) / count).astype(np.float32)[:, np.newaxis, np.newaxis]
    return ramp


def grow_mask(run: Run, mask: Floats, expand: int, tapered_corners: bool) -> Result:
    """By `expand` pixels, or smaller by -`expand`; tapered: in the shape of a diamond."""
    if expand == 0:
        return Result((mask,))
    run.claim_values(mask.size + mask[0].size)
    return Result((grow(mask, expand, not tapered_corners, run.check),))


def threshold_mask(run: Run, mask: Floats, value: float) -> Result:
    """1 where the mask is over the value, else 0."""
    run.claim_values(mask.size)
    return Result((np.greater(mask, np.float32(value)).astype(np.float32),))


def mask_preview(run: Run, mask: Floats) -> Result:
    (image,) = mask_to_image(run, mask).values
    return preview_image(run, image)


def _size(mask: Floats) -> str:
    return f"{mask.shape[2]} x {mask.shape[1]}"


CLASSES: Mapping[str, NodeClass] = {
    "CropMask": NodeClass(crop_mask),
    "FeatherMask": NodeClass(feather_mask),
    "GrowMask": NodeClass(grow_mask),
    "ImageColorToMask": NodeClass(image_color_to_mask),
    "ImageToMask": NodeClass(image_to_mask),
    "InvertMask": NodeClass(invert_mask),
    "MaskComposite": NodeClass(mask_composite),
    "MaskPreview": NodeClass(mask_preview),
    "MaskToImage": NodeClass(mask_to_image),
    "SolidMask": NodeClass(solid_mask),
    "ThresholdMask": NodeClass(threshold_mask),
}
