"""Pictures to files: PNG, animated PNG and animated WEBP, as ComfyUI encodes them.

Source: nodes.py SaveImage and comfy_api/latest/_ui.py ImageSaveHelper at 3cd7b32f. With the same
Pillow the bytes are those of a ComfyUI that runs with --disable-metadata. Every function takes
2, 3 or 4 channels, as grey with alpha, RGB and RGBA, and raises MediaError for what the format
cannot hold; an OSError is the file's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from PIL import Image

from .error import MediaError
from .pixels import Floats, to_bytes

WEBP_SIDE = 16_383  # pixels
_CHANNELS = (2, 3, 4)


@dataclass(frozen=True)
class WebpCoding:
    lossless: bool
    quality: int  # 0..100; of a lossless file, the effort
    method: int  # 0, fast, to 6, small


def write_png(image: Floats, file: IO[bytes], compress_level: int) -> None:
    """One image [height, width, channel] as a PNG file without any text."""
    _picture(image).save(file, "PNG", compress_level=compress_level)


def write_animated_png(images: Floats, file: IO[bytes], frame_ms: int, compress_level: int) -> None:
    """Images [batch, height, width, channel] as an endless animation; a single one as a plain PNG.

    An image that equals the one before is no frame of its own, but makes that one longer.
    """
    first, *others = [_picture(image) for image in images]
    with _encoding("PNG"):
        first.save(
            file,
            "PNG",
            compress_level=compress_level,
            save_all=True,
            duration=frame_ms,
            append_images=others,
        )


def write_animated_webp(images: Floats, file: IO[bytes], frame_ms: int, coding: WebpCoding) -> None:
    """Images [batch, height, width, channel] as an endless animation; a single one as a still."""
    first, *others = [_picture(image) for image in images]
    if max(first.size) > WEBP_SIDE:
        raise MediaError(
            f"a WEBP file has at most {WEBP_SIDE} pixels to a side, and the picture has"
            f" {first.width} x {first.height} (width x height)",
            "make the picture smaller, or save it as PNG",
        )
    with _encoding("WEBP"):
        first.save(
            file,
            "WEBP",
            save_all=True,
            duration=frame_ms,
            append_images=others,
            exif=Image.Exif(),  # empty; ComfyUI writes it, too
            lossless=coding.lossless,
            quality=coding.quality,
            method=coding.method,
        )


def _picture(image: Floats) -> Image.Image:
    height, width, channels = image.shape
    if not height or not width:
        raise MediaError(f"a picture of {width} x {height} pixels (width x height) cannot be saved")
    if channels not in _CHANNELS:
        raise MediaError(
            f"a picture of {channels} channel{'s' * (channels != 1)} cannot be saved,"
            " only one of 2, 3 or 4",
            "turn it into RGB first",
        )
    return Image.fromarray(to_bytes(image))


@contextmanager
def _encoding(form: str) -> Iterator[None]:
    """What the encoder refuses; a duration, mostly."""
    try:
        yield
    except (ValueError, OverflowError, RuntimeError, struct.error) as error:
        raise MediaError(f"the pictures cannot be saved as {form}: {error}") from error
