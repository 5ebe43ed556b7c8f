"""Resampling, as comfy/utils.py common_upscale does it at 3cd7b32f."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from ....media.pixels import Floats, from_picture, to_bytes
from ..node_class import NodeError

Indices: TypeAlias = npt.NDArray[np.intp]

METHOD_PACKAGES = {"bilinear": "torch", "bicubic": "torch", "area": "torch"}
_SMALL = 128  # height + width; ATen/native/cpu/UpSampleKernel.cpp _use_vectorized_kernel_cond_2d


def scale(image: Floats, width: int, height: int, method: str, crop: str) -> Floats:
    """Resample a batch to `width` x `height` pixels, with `nearest-exact` or `lanczos`.

    With crop `center` the middle part that has the new aspect is taken first. Raises NodeError when
    that part is empty, and for a method that is exact only with torch.
    """
    if method in METHOD_PACKAGES:
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
        from_picture(resized, into)
    return result


def _nearest(image: Floats, width: int, height: int) -> Floats:
    indices = _indices_of_small if height + width <= _SMALL else _indices
    rows, columns = indices(image.shape[1], height), indices(image.shape[2], width)
    return image[:, rows[:, np.newaxis], columns]


def _indices(old: int, new: int) -> Indices:
    """The source index of each target pixel.

    torch rounds the ratio to float32, computes position - 0.5 in one fused multiply and add, and
    cuts after adding 0.5 again; exact middles fall on one side or the other by these roundings.
    float64 holds the product exactly, which makes its sum the fused one.
    """
    ratio = np.float64(np.float32(old) / np.float32(new))
    positions = ((np.arange(new) + 0.5) * ratio - 0.5).astype(np.float32).clip(0)
    return _cut(positions.astype(np.float64) + 0.5, old)


def _indices_of_small(old: int, new: int) -> Indices:
    """The same without the detour by 0.5: torch has another kernel for small results."""
    ratio = np.float64(np.float32(old) / np.float32(new))
    return _cut((np.arange(new) + 0.5) * ratio, old)


def _cut(positions: npt.NDArray[np.float64], old: int) -> Indices:
    indices: Indices = np.floor(positions.astype(np.float32)).astype(np.intp)
    return np.minimum(indices, old - 1)
