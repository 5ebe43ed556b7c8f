"""Resampling, as comfy/utils.py common_upscale does it at 3cd7b32f."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from .node_class import NodeError
from .pixels import Floats, from_bytes, to_bytes

NEEDS_TORCH = frozenset({"bilinear", "bicubic", "area"})


def scale(image: Floats, width: int, height: int, method: str, crop: str) -> Floats:
    """Resample a batch to `width` x `height` pixels, with `nearest-exact` or `lanczos`.

    With crop `center` the middle part that has the new aspect is taken first. Raises NodeError when
    that part is empty, and for a method that is exact only with torch.
    """
    if method in NEEDS_TORCH:
        raise NodeError(f"{method} resampling needs torch, which this engine does not use")
    if crop == "center":
        image = centre_part(image, width / height)
    if 0 in image.shape:
        raise NodeError(f"nothing is left of the picture when it is cropped to {width} x {height}")
    return _lanczos(image, width, height) if method == "lanczos" else _nearest(image, width, height)


def centre_part(image: Floats, aspect: float) -> Floats:
    """The largest centred part of that aspect (width / height), cut by whole pixels; a view."""
    height, width = image.shape[1:3]
    own = width / height
    x = round((width - width * (aspect / own)) / 2) if own > aspect else 0
    y = round((height - height * (own / aspect)) / 2) if own < aspect else 0
    return image[:, y : height - y, x : width - x]


def _lanczos(image: Floats, width: int, height: int) -> Floats:
    """Through 8 bits and Pillow, as ComfyUI: values outside 0..1 and finer steps are lost."""
    result = np.empty((len(image), height, width, image.shape[3]), np.float32)
    for one, into in zip(image, result, strict=True):
        picture = Image.fromarray(to_bytes(one))
        resized = picture.resize((width, height), resample=Image.Resampling.LANCZOS)
        from_bytes(np.asarray(resized), into)
    return result


def _nearest(image: Floats, width: int, height: int) -> Floats:
    rows = _nearest_indices(image.shape[1], height)
    columns = _nearest_indices(image.shape[2], width)
    return image[:, rows[:, np.newaxis], columns]


def _nearest_indices(old: int, new: int) -> npt.NDArray[np.intp]:
    """The source index of each target pixel, rounded as in torch's upsampling of mode
    nearest-exact: the ratio to float32, and the position to float32 before it is cut.
    """
    ratio = np.float64(np.float32(old) / np.float32(new))
    centres = ((np.arange(new) + 0.5) * ratio).astype(np.float32)
    indices: npt.NDArray[np.intp] = np.floor(centres).astype(np.intp)
    return np.minimum(indices, old - 1)
