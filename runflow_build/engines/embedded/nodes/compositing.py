"""Pictures over pictures, with masks and alpha; comfy_extras/nodes_mask.py and nodes_compositing.py
at 3cd7b32f.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....media.pixels import Floats
from ..kernels.compositing import lay
from ..kernels.porter_duff import composite
from ..kernels.resampling import interpolate_mask, scale
from ..node_class import NodeClass, NodeError, Result, Run


def image_composite_masked(
    run: Run,
    destination: Floats,
    source: Floats,
    x: int,
    y: int,
    resize_source: bool,
    mask: Floats | None = None,
) -> Result:
    """`source` over each picture of `destination`, at x, y, where the mask is 1.

    Source and mask start again from their first picture when they have fewer. The mask is brought
    to the size of the source. As slices go, a negative x or y (which only a link can give) counts
    from the other edge.
    """
    channels = destination.shape[3]
    if source.shape[3] < channels:
        raise NodeError(
            f"a source with {source.shape[3]} channels cannot be laid over a destination with"
            f" {channels}",
            "give the source an alpha channel, too, or take the destination's away",
        )
    run.claim(*destination.shape)
    source = _resized(run, source[..., :channels], destination) if resize_source else source
    height, width = source.shape[1:3]
    mask = None if mask is None else _mask_of_size(run, mask, width, height)
    x = max(-width, min(x, destination.shape[2]))
    y = max(-height, min(y, destination.shape[1]))
    seen_x = destination.shape[2] - x + min(0, x)
    seen_y = destination.shape[1] - y + min(0, y)
    result = destination.copy()
    into = result[:, y : y + height, x : x + width]
    part = source[:, :seen_y, :seen_x, :channels]
    _check_fit(destination, source, into, part, x, y)
    for number, one in enumerate(into):
        run.check()
        weight = None if mask is None else mask[number % len(mask), :seen_y, :seen_x]
        lay(one, part[number % len(part)], weight)
    return Result((result,))


def _resized(run: Run, source: Floats, destination: Floats) -> Floats:
    height, width = destination.shape[1:3]
    if source.shape[1:3] == (height, width):
        return source
    run.claim(len(source), height, width, source.shape[3])
    return scale(source, width, height, "bilinear", "disabled")


def _mask_of_size(run: Run, mask: Floats, width: int, height: int) -> Floats:
    if mask.shape[1:] != (height, width):
        run.claim(len(mask), height, width, 1)
    return interpolate_mask(mask, width, height)


def _check_fit(
    destination: Floats, source: Floats, into: Floats, part: Floats, x: int, y: int
) -> None:
    """Only a negative place can ask for more than the source shows there."""
    for own, wanted in zip(part.shape[1:3], into.shape[1:3], strict=True):
        if own not in (1, wanted):
            raise NodeError(
                f"a picture of {_size(source)} cannot be laid at {x}, {y} over one of"
                f" {_size(destination)}",
                "use an x and y of 0 or more",
            )


def join_image_with_alpha(run: Run, image: Floats, alpha: Floats) -> Result:
    """The mask as the picture's alpha channel, 1 - mask; as many pictures as the shorter has."""
    batch = min(len(image), len(alpha))
    height, width = image.shape[1:3]
    run.claim(batch, height, width, 4)
    mask = _mask_of_size(run, alpha[:batch], width, height)
    result = np.empty((batch, height, width, 4), np.float32)
    result[..., :3] = image[:batch, ..., :3]
    np.subtract(1, mask, out=result[..., 3], dtype=np.float32)
    return Result((result,))


def porter_duff_image_composite(
    run: Run,
    source: Floats,
    source_alpha: Floats,
    destination: Floats,
    destination_alpha: Floats,
    mode: str,
) -> Result:
    """The picture and mask of the mode, as many as the shortest batch has, of the destination's
    size; what has another size is brought to it (bicubic, its middle part).
    """
    channels = destination.shape[3]
    if source.shape[3] != channels:
        raise NodeError(
            f"a source with {source.shape[3]} channels and a destination with {channels} do not"
            " go together",
            "give both of them an alpha channel, or neither",
        )
    batch = min(map(len, (source, source_alpha, destination, destination_alpha)))
    height, width = destination.shape[1:3]
    run.claim(batch, height, width, channels + 1)
    image = np.empty((batch, height, width, channels), np.float32)
    mask = np.empty((batch, height, width), np.float32)
    for number in range(batch):
        run.check()
        one = slice(number, number + 1)
        composite(
            _fitted(source[one], width, height)[0],
            _fitted(source_alpha[one, ..., np.newaxis], width, height)[0, ..., 0],
            destination[number],
            _fitted(destination_alpha[one, ..., np.newaxis], width, height)[0, ..., 0],
            mode,
            image[number],
            mask[number],
        )
    return Result((image, mask))


def _fitted(image: Floats, width: int, height: int) -> Floats:
    if image.shape[1:3] == (height, width):
        return image
    return scale(image, width, height, "bicubic", "center")


def split_image_with_alpha(run: Run, image: Floats) -> Result:
    """The picture without its alpha channel, and the mask 1 - alpha; 0 where there is none."""
    run.claim_values(image[..., 0].size)
    if image.shape[3] > 3:
        mask = np.subtract(1, image[..., 3], dtype=np.float32)
    else:
        mask = np.zeros(image.shape[:3], np.float32)
    return Result((image[..., :3], mask))


def _size(image: Floats) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"


CLASSES: Mapping[str, NodeClass] = {
    "ImageCompositeMasked": NodeClass(image_composite_masked),
    "JoinImageWithAlpha": NodeClass(join_image_with_alpha),
    "PorterDuffImageComposite": NodeClass(porter_duff_image_composite),
    "SplitImageWithAlpha": NodeClass(split_image_with_alpha),
}
