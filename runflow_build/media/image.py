"""Picture files to arrays, as LoadImage and LoadImageMask of ComfyUI's nodes.py at 3cd7b32f do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from .error import MediaError
from .pixels import Floats, from_picture

# What Pillow reads by itself. Others are not tried: EPS, for one, would start Ghostscript.
FORMATS = frozenset(
    {"AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "QOI", "TGA", "TIFF"}
    | {"WEBP"}
)
Claim: TypeAlias = Callable[[int, int, int, int], None]
"""Told the images, height, width and channels of an array before it is allocated; may raise.

It is called once per frame, too, so it may stop a long animation.
"""

NO_MASK = (64, 64)  # height and width of the mask of a picture without transparency
CHANNELS = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}


def read_picture(path: Path, name: str, claim: Claim) -> tuple[Floats, Floats]:
    """The frames [batch, height, width, 3] and their masks [batch, height, width], 1 = transparent.

    Frames of another size than the first are left out. Unlike ComfyUI, which fills up what a
    truncated file lacks, a damaged file is an error. Raises MediaError, with the file's `name`.
    """
    with _opened(path, name) as picture:
        return _frames(picture, claim)


def read_channel(path: Path, name: str, channel: str, claim: Claim) -> Floats:
    """One channel of the first frame, [1, height, width]; of `alpha`, 1 = transparent.

    `channel` is one of CHANNELS; a picture without alpha is opaque. Raises MediaError, as
    `read_picture` does.
    """
    with _opened(path, name) as picture:
        claim(1, picture.height, picture.width, 4)
        upright = _upright(picture)
        if upright.mode != "RGBA":
            upright = upright.convert("RGBA")
        values = _values(upright.getchannel(CHANNELS[channel]))[np.newaxis]
        return 1 - values if channel == "alpha" else values


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Image.Image]:
    """The picture, still to be decoded; whatever goes wrong meanwhile is a MediaError."""
    try:
        with Image.open(path) as picture:
            if picture.format not in FORMATS:
                raise MediaError(
                    f"{name} is of the format {picture.format}, which is not read here"
                )
            yield picture
    except MediaError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise MediaError(
            f"{name} has too many pixels to be opened safely", "make the picture smaller"
        ) from None
    except UnidentifiedImageError:
        raise MediaError(f"{name} is not a picture that can be read") from None
    except Exception as error:  # decoders answer damaged files with errors of any type
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"{name} is damaged or not a picture: {reason}") from error


def _frames(picture: Image.Image, claim: Claim) -> tuple[Floats, Floats]:
    count = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    size: tuple[int, int] | None = None
    images: list[Floats] = []
    masks: list[Floats] = []
    claim(count, picture.height, picture.width, 4)
    for frame in ImageSequence.Iterator(picture):
        upright = _upright(frame)
        size = size or upright.size
        if upright.size == size:
            images.append(_values(upright.convert("RGB")))
            masks.append(_mask(upright))
        if len(images) == count:
            break
    if len({mask.shape for mask in masks}) > 1:
        raise MediaError("some frames of the picture are transparent and others are not")
    return _stack(images), _stack(masks)


def _upright(frame: Image.Image) -> Image.Image:
    """The decoded frame, turned as its EXIF says, 32-bit grey brought to 8 bits."""
    upright = ImageOps.exif_transpose(frame)
    return upright.point(lambda value: value * (1 / 255)) if upright.mode == "I" else upright


def _mask(frame: Image.Image) -> Floats:
    if "A" in frame.getbands():
        return 1 - _values(frame.getchannel("A"))
    if frame.mode == "P" and "transparency" in frame.info:
        return 1 - _values(frame.convert("RGBA").getchannel("A"))
    return np.zeros(NO_MASK, np.float32)


def _values(frame: Image.Image) -> Floats:
    channels = (3,) if frame.mode == "RGB" else ()
    values = np.empty((frame.height, frame.width, *channels), np.float32)
    from_picture(frame, values)
    return values


def _stack(frames: list[Floats]) -> Floats:
    return frames[0][np.newaxis] if len(frames) == 1 else np.stack(frames)
