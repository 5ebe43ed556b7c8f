"""Blurring and sharpening by a Gaussian kernel, as comfy_extras/nodes_post_processing.py does it
at 3cd7b32f: the kernel and the convolution are torch's.

torch picks its way of convolving by the shapes, so they are ComfyUI's here, too: a whole batch in
one call, mirrored at its edges, with a second border of zeros whose part of the result is cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....media.pixels import Floats
from .tensors import through_torch


def blur(image: Floats, radius: int, sigma: float) -> Floats:
    """A batch blurred by a kernel of 2 * radius + 1 pixels; radius is less than width and height.

    Sigma is in half widths of the kernel. Raises NodeError without torch.
    """

    def kernel(torch: Any) -> Any:
        return _gaussian(torch, radius, sigma)

    return _convolved(image, radius, kernel, "blurring")


def sharpen(image: Floats, radius: int, sigma: float, amount: float) -> Floats:
    """The same with what blurring takes away added, 10 times the `amount`; clipped to 0..1."""

    def kernel(torch: Any) -> Any:
        weights = _gaussian(torch, radius, sigma) * -(amount * 10)
        weights[radius, radius] = weights[radius, radius] - weights.sum() + 1.0
        return weights

    return _convolved(image, radius, kernel, "sharpening").clip(0, 1)


def _gaussian(torch: Any, radius: int, sigma: float) -> Any:
    """[2 * radius + 1] squared, with the sum 1."""
    steps = torch.linspace(-1, 1, 2 * radius + 1)
    squares = steps * steps
    distance = torch.sqrt(squares[:, None] + squares)
    bell = torch.exp(-(distance * distance) / (2.0 * sigma * sigma))
    return bell / bell.sum()


def _convolved(image: Floats, radius: int, kernel: Callable[[Any], Any], what: str) -> Floats:
    def work(torch: Any, tensor: Any) -> Any:
        functional = torch.nn.functional
        channels = tensor.shape[3]
        weights = kernel(torch).expand(channels, 1, -1, -1).contiguous()
        mirrored = functional.pad(tensor.permute(0, 3, 1, 2), [radius] * 4, "reflect")
        result = functional.conv2d(mirrored, weights, padding=radius, groups=channels)
        return result.permute(0, 2, 3, 1)

    return through_torch(work, image, what)[:, radius:-radius, radius:-radius]
