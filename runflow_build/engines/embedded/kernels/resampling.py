"""Resampling, as comfy/utils.py common_upscale does it at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ....media.pixels import Floats
from ..node_class import NodeError
from .lanczos import lanczos
from .tensors import through_torch

Indices: TypeAlias = npt.NDArray[np.intp]

METHOD_PACKAGES = {"bilinear": "torch", "bicubic": "torch", "area": "torch"}
_SMALL = 128  # height + width; ATen/native/cpu/UpSampleKernel.cpp _use_vectorized_kernel_cond_2d,
#                which says besides: more than three channels, channels last and in one piece


def scale(
    image: Floats,
    width: int,
    height: int,
    method: str,
    crop: str,
    check: Callable[[], None] = lambda: None,
) -> Floats:
    """Resample a batch to `width` x `height` pixels, by any of ComfyUI's five methods.

    With crop `center` the middle part that has the new aspect is taken first. `check` is called
    now and then; what it raises comes through. Raises NodeError when nothing is left or wanted of
    the picture, and without torch for METHOD_PACKAGES.
    """
    if min(width, height) < 1:
        raise NodeError(f"a picture cannot be scaled to {width} x {height} pixels")
    part = centre_part(image, width / height) if crop == "center" else image
    if 0 in part.shape and method != "lanczos":
        raise NodeError(f"nothing is left of the picture when it is cropped to {width} x {height}")
    if method == "lanczos":
        return lanczos(part, width, height, check)
    if method == "nearest-exact":
        return _nearest(part, width, height)
    return _interpolated(part, width, height, method)


def interpolate_mask(mask: Floats, width: int, height: int) -> Floats:
    """A batch of masks [batch, height, width], bilinear; the same array when its size is right."""
    if mask.shape[1:] == (height, width):
        return mask
    return _interpolated(mask[..., np.newaxis], width, height, "bilinear")[..., 0]


def _interpolated(image: Floats, width: int, height: int, method: str) -> Floats:
    """By torch, which is given the pictures as ComfyUI gives them: as [b, c, h, w], not moved.

    That matters: for four channels torch has another arithmetic when a picture lies in one piece.
    """

    def work(torch: Any, tensor: Any) -> Any:
        channels_first = tensor.movedim(-1, 1)
        scaled = torch.nn.functional.interpolate(channels_first, size=(height, width), mode=method)
        return scaled.movedim(1, -1)

    return through_torch(work, image, f"{method} resampling")


def centre_part(image: Floats, aspect: float) -> Floats:
    """The largest centred part of that aspect (width / height), cut by whole pixels; a view."""
    height, width = image.shape[1:3]
    own = width / height
    x = round((width - width * (aspect / own)) / 2) if own > aspect else 0
    y = round((height - height * (own / aspect)) / 2) if own < aspect else 0
    return image[:, y : height - y, x : width - x]


def _nearest(image: Floats, width: int, height: int) -> Floats:
    whole_rgba = image.shape[3] > 3 and image.flags.c_contiguous
    small = height + width <= _SMALL or whole_rgba
    indices = _indices_by_ratio if small else _indices
    rows, columns = indices(image.shape[1], height), indices(image.shape[2], width)
    result = np.empty((len(image), height, width, image.shape[3]), np.float32)
    for one, into in zip(image, result, strict=True):
        for row, line in zip(rows, into, strict=True):  # four times as fast as one index for all
            np.take(one[row], columns, axis=0, out=line, mode="clip")
    return result


def _indices(old: int, new: int) -> Indices:
    """The source index of each target pixel.

    torch rounds the ratio to float32, computes position - 0.5 in one fused multiply and add, and
    cuts after adding 0.5 again; exact middles fall on one side or the other by these roundings.
    float64 holds the product exactly, which makes its sum the fused one.
    """
    ratio = np.float64(np.float32(old) / np.float32(new))
    positions = ((np.arange(new) + 0.5) * ratio - 0.5).astype(np.float32).clip(0)
    return _cut(positions.astype(np.float64) + 0.5, old)


def _indices_by_ratio(old: int, new: int) -> Indices:
    """The same without the detour by 0.5, as torch's vectorized kernel has it."""
    ratio = np.float64(np.float32(old) / np.float32(new))
    return _cut((np.arange(new) + 0.5) * ratio, old)


def _cut(positions: npt.NDArray[np.float64], old: int) -> Indices:
    indices: Indices = np.floor(positions.astype(np.float32)).astype(np.intp)
    return np.minimum(indices, old - 1)
