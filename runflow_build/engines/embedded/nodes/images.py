"""Making, cutting and joining pictures; behaviour of nodes.py and comfy_extras/nodes_images.py at
3cd7b32f.

Numbers may come by a link, and then nobody has held them to their limits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ....media.pixels import Floats
from ..kernels.resampling import scale
from ..node_class import NodeClass, NodeError, Result, Run


def empty_image(run: Run, width: int, height: int, batch_size: int = 1, color: int = 0) -> Result:
    """Pictures of one colour, 0xRRGGBB."""
    if min(width, height, batch_size) < 1:
        raise NodeError(f"{batch_size} pictures of {width} x {height} pixels cannot be made")
    run.claim(batch_size, height, width)
    image = np.empty((batch_size, height, width, 3), np.float32)
    image[:] = [(color >> shift & 0xFF) / 0xFF for shift in (16, 8, 0)]
    return Result((image,))


def get_image_size(run: Run, image: Floats) -> Result:
    batch, height, width = image.shape[:3]
    return Result((width, height, batch))


def image_invert(run: Run, image: Floats) -> Result:
    run.claim(*image.shape)
    return Result((np.subtract(1, image, dtype=np.float32),))


def image_crop(run: Run, image: Floats, width: int, height: int, x: int, y: int) -> Result:
    """A part of the picture; what lies beyond its edges is left out."""
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    part = image[:, y : y + height, x : x + width]
    if 0 in part.shape:
        raise NodeError(f"{width} x {height} pixels from {x}, {y} are no part of the picture")
    return Result((part,))


def image_flip(run: Run, image: Floats, flip_method: str) -> Result:
    """Upside down for `x-axis: vertically`, mirrored for `y-axis: horizontally`."""
    return Result((_flipped(run, image, 1 if flip_method.startswith("x") else 2),))


def image_rotate(run: Run, image: Floats, rotation: str) -> Result:
    """Clockwise, by quarters."""
    if rotation == "90 degrees":
        return Result((_flipped(run, image, 1).swapaxes(1, 2),))
    if rotation == "180 degrees":
        return Result((_flipped(run, image, 1, 2),))
    if rotation == "270 degrees":
        return Result((_flipped(run, image, 2).swapaxes(1, 2),))
    return Result((image,))


def _flipped(run: Run, image: Floats, *axes: int) -> Floats:
    """A copy that lies in memory as torch's does: how torch resamples it later depends on that."""
    run.claim(*image.shape)
    flipped: Floats = np.flip(image, axes).copy("K")
    return flipped


def image_batch(run: Run, image1: Floats, image2: Floats) -> Result:
    """The pictures of both, the second ones cropped and scaled to the size of the first."""
    (first, height, width), second = image1.shape[:3], len(image2)
    channels = max(image1.shape[3], image2.shape[3])
    run.claim(first + second, height, width, channels)
    if image2.shape[1:3] != (height, width):
        run.claim_values((first + 2 * second) * height * width * channels)
        if image2.shape[3] < channels:  # before, since torch need not make ones of ones
            image2 = _with_alpha(image2)
        image2 = scale(image2, width, height, "bilinear", "center")
    batch = np.empty((first + second, height, width, channels), np.float32)
    _put(image1, batch[:first])
    _put(image2, batch[first:])
    return Result((batch,))


def image_from_batch(run: Run, image: Floats, batch_index: int, length: int) -> Result:
    """Up to `length` pictures; copied, so that the others need not be kept."""
    start = min(batch_index, len(image) - 1)
    part = image[start : start + min(length, len(image) - start)]
    if not len(part):
        raise NodeError(f"{length} pictures from number {batch_index} on are no part of the batch")
    run.claim(*part.shape)
    return Result((part.copy("K"),))


def repeat_image_batch(run: Run, image: Floats, amount: int) -> Result:
    if amount < 1:
        raise NodeError(f"a batch cannot be repeated {amount} times")
    run.claim(len(image) * amount, *image.shape[1:])
    return Result((np.tile(image, (amount, 1, 1, 1)),))


def image_stitch(
    run: Run,
    image1: Floats,
    direction: str,
    match_image_size: bool,
    spacing_width: int,
    spacing_color: str,
    image2: Floats | None = None,
) -> Result:
    """The second picture beside the first one, with a strip of colour between them.

    It is scaled to the first one's height (or width), or else the smaller one is centred. The
    shorter batch goes on with its last picture. Alpha that a picture lacks is 1.
    """
    if image2 is None:
        return Result((image1,))
    axis = 2 if direction in ("left", "right") else 1
    if match_image_size:
        image2 = _matched(run, image1, image2, axis)
    parts = [image2, image1] if direction in ("left", "up") else [image1, image2]
    shape = np.max([one.shape for one in parts], axis=0)
    spacing = max(0, spacing_width + spacing_width % 2)
    shape[axis] = sum(one.shape[axis] for one in parts) + spacing
    run.claim(*shape.tolist())
    sheet = np.empty(shape, np.float32)
    before, between, after = np.split(
        sheet, [parts[0].shape[axis], parts[0].shape[axis] + spacing], axis
    )
    for part, place in zip(parts, (before, after), strict=True):
        _put_centred(part, place, 1.0 if spacing_color == "white" else 0.0)
    between[:] = [*_SPACING_COLORS[spacing_color], 1][: shape[3]]
    return Result((sheet,))


_SPACING_COLORS = {
    "white": (1, 1, 1),
    "black": (0, 0, 0),
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
}


def _matched(run: Run, image1: Floats, image2: Floats, axis: int) -> Floats:
    """The second picture with the first one's height (axis 2) or width (axis 1)."""
    height, width = image1.shape[1:3]
    aspect = image2.shape[2] / image2.shape[1]
    if axis == 2:
        width = int(height * aspect)
    else:
        height = int(width / aspect)
    if min(width, height) < 1:
        raise NodeError(
            f"image2 would be {width} x {height} pixels when it is scaled to match image1",
            "stitch them without match_image_size, or use pictures of less extreme sizes",
        )
    run.claim(len(image2), height, width, image2.shape[3])
    return scale(image2, width, height, "lanczos", "disabled")


def image_pad_for_outpaint(
    run: Run, image: Floats, left: int, top: int, right: int, bottom: int, feathering: int
) -> Result:
    """The picture inside a grey border, and a mask of what is to be painted.

    The mask is 1 on the border, and inside the picture falls off by the square of the distance to
    the sides that have a border, unless the picture is too small for that.
    """
    if min(left, top, right, bottom) < 0:
        raise NodeError(
            f"a picture cannot be padded by {left}, {top}, {right}, {bottom} pixels"
            " (left, top, right, bottom)",
            "use numbers of 0 or more",
        )
    batch, height, width, channels = image.shape
    wide, high = left + width + right, top + height + bottom
    run.claim(batch, high, wide, channels)
    run.claim_values((batch * channels + 1) * high * wide)
    rows, columns = slice(top, top + height), slice(left, left + width)
    padded = np.full((batch, high, wide, channels), 0.5, np.float32)
    padded[:, rows, columns] = image
    mask = np.ones((1, high, wide), np.float32)
    mask[:, rows, columns] = 0
    if 0 < 2 * feathering < min(height, width):
        np.maximum.outer(
            _feather(height, top, bottom, feathering),
            _feather(width, left, right, feathering),
            out=mask[0, rows, columns],
        )
    return Result((padded, mask))


def _feather(length: int, before: int, after: int, feathering: int) -> Floats:
    """The mask along one axis: ((feathering - distance) / feathering) squared.

    In float64, as Python computes it, and rounded at the end. The nearer side is that with the
    greater value; that holds for the two axes as well.
    """
    places = np.arange(length)
    distance = np.full(length, feathering)
    if before:
        distance = np.minimum(distance, places)
    if after:
        distance = np.minimum(distance, length - places)
    share = (feathering - distance) / feathering
    squared: npt.NDArray[np.float64] = share * share
    return squared.astype(np.float32)


def _put_centred(image: Floats, place: Floats, border: float) -> None:
    """Write the pictures into the middle of a larger place, the last one to its end."""
    top, left = ((place.shape[axis] - image.shape[axis]) // 2 for axis in (1, 2))
    inside = place[:, top : top + image.shape[1], left : left + image.shape[2]]
    if inside.shape[:3] != place.shape[:3]:
        place[..., : image.shape[3]] = border
        place[..., image.shape[3] :] = 1
    _put(image, inside[: len(image)])
    _put(image[-1:], inside[len(image) :])


def _with_alpha(image: Floats) -> Floats:
    whole = np.empty((*image.shape[:3], image.shape[3] + 1), np.float32)
    _put(image, whole)
    return whole


def _put(image: Floats, place: Floats) -> None:
    """Write the pictures into a place that may have more channels: those are 1, as opaque alpha."""
    place[..., : image.shape[3]] = image
    place[..., image.shape[3] :] = 1


CLASSES: Mapping[str, NodeClass] = {
    "EmptyImage": NodeClass(empty_image),
    "GetImageSize": NodeClass(get_image_size),
    "ImageBatch": NodeClass(image_batch),
    "ImageCrop": NodeClass(image_crop),
    "ImageFlip": NodeClass(image_flip),
    "ImageFromBatch": NodeClass(image_from_batch),
    "ImageInvert": NodeClass(image_invert),
    "ImagePadForOutpaint": NodeClass(image_pad_for_outpaint),
    "ImageRotate": NodeClass(image_rotate),
    "ImageStitch": NodeClass(image_stitch),
    "RepeatImageBatch": NodeClass(repeat_image_batch),
}
