"""Picture files to arrays, as ComfyUI's LoadImage and its kin do it (nodes.py at 3cd7b32f)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
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
"""Told the images, height, width and channels of an array before it is needed; may raise anything.

It is called with each frame, the count growing, so that it can also end a long animation.
"""

NO_MASK = (64, 64)  # height and width of the mask of a picture without transparency
CHANNELS = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}


def read_picture(path: Path, name: str, claim: Claim) -> tuple[Floats, Floats]:
    """The frames [batch, height, width, 3] and their masks [batch, height, width], 1 = transparent.

    Frames of another size than the first are left out. Unlike ComfyUI, which fills up what a
    truncated file lacks, a damaged file is an error. Raises MediaError, with the file's `name`.
    """
    pictures: list[Image.Image] = []
    alphas: list[Image.Image | None] = []
    for upright in _frames(path, name, claim):
        with _decoding(name):
            alphas.append(_alpha(upright))
            pictures.append(_coloured(upright))
    width, height = pictures[0].size
    return _values(pictures, (height, width, 3)), _masks(alphas, (height, width), name)


def read_channel(path: Path, name: str, channel: str, claim: Claim) -> Floats:
    """One channel of the first frame, [1, height, width]; of `alpha`, 1 = transparent.

    `channel` is one of CHANNELS; a picture without alpha is opaque. Raises MediaError, as
    `read_picture` does.
    """
    frames = _frames(path, name, claim)
    upright = next(frames)
    frames.close()
    with _decoding(name):
        coloured = upright if upright.mode == "RGBA" else upright.convert("RGBA")
        plane = coloured.getchannel(CHANNELS[channel])
    values = _values([plane], (plane.height, plane.width))
    return 1 - values if channel == "alpha" else values


def _frames(path: Path, name: str, claim: Claim) -> Generator[Image.Image, None, None]:
    """The decoded frames of the first one's size, each a picture of its own."""
    with _decoding(name):
        picture = _opened(path)
    with picture:
        count = 0
        size: tuple[int, int] | None = None
        frames = ImageSequence.Iterator(picture)
        while True:
            with _decoding(name):
                frame = next(frames, None)
            if frame is None:
                return
            claim(count + 1, frame.height, frame.width, 4)
            with _decoding(name):
                upright = _upright(frame)
            size = size or upright.size
            if upright.size != size:
                continue
            count += 1
            # The size may turn out only now (ICO), and a mask be larger than a small picture.
            claim(count, upright.height, upright.width, 4)
            claim(count, *NO_MASK, 1)
            yield upright
            if picture.format == "MPO":  # the others are no frames, but views and previews
                return


def _opened(path: Path) -> Image.Image:
    Image.preinit()
    try:
        return Image.open(path, formats=_known())
    except UnidentifiedImageError:
        Image.init()  # the rarer formats cost 90 ms
        return Image.open(path, formats=_known())


def _known() -> list[str]:
    return [one for one in Image.ID if one in FORMATS]


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Whatever Pillow raises meanwhile becomes a MediaError about the file."""
    try:
        yield
    except MemoryError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise MediaError(
            f"{name} has too many pixels to be opened safely", "make the picture smaller"
        ) from None
    except UnidentifiedImageError:
        known = ", ".join(sorted(FORMATS))
        raise MediaError(f"{name} is not a picture that can be read", f"use {known}") from None
    except Exception as error:  # decoders answer damaged files with errors of any type
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"{name} is damaged or not a picture: {reason}") from error


def _upright(frame: Image.Image) -> Image.Image:
    """The decoded frame, turned as its EXIF says, 32-bit grey brought to 8 bits."""
    upright = ImageOps.exif_transpose(frame)
    return upright.point(lambda value: value * (1 / 255)) if upright.mode == "I" else upright


def _coloured(frame: Image.Image) -> Image.Image:
    if frame.mode == "P" and isinstance(frame.info.get("transparency"), bytes):
        frame = frame.convert("RGBA")  # the same colours, without Pillow's warning
    return frame if frame.mode == "RGB" else frame.convert("RGB")


def _alpha(frame: Image.Image) -> Image.Image | None:
    if "A" in frame.getbands():
        return frame.getchannel("A")
    if frame.mode == "P" and "transparency" in frame.info:
        return frame.convert("RGBA").getchannel("A")
    return None


def _masks(alphas: Sequence[Image.Image | None], size: tuple[int, int], name: str) -> Floats:
    opaque = [one for one in alphas if one is None]
    if len(opaque) == len(alphas):
        return np.zeros((len(alphas), *NO_MASK), np.float32)
    if opaque and size != NO_MASK:
        raise MediaError(
            f"some frames of {name} are transparent and others are not",
            "save it with an alpha channel in every frame, or in none",
        )
    values = _values([one or Image.new("L", size[::-1], 255) for one in alphas], size)
    return np.subtract(1, values, out=values)


def _values(pictures: Sequence[Image.Image], shape: tuple[int, ...]) -> Floats:
    values = np.empty((len(pictures), *shape), np.float32)
    for picture, into in zip(pictures, values, strict=True):
        from_picture(picture, into)
    return values
