"""Lanczos by Pillow on 8-bit pixels, as comfy/utils.py lanczos does it at 3cd7b32f.

Pillow resizes in two passes, as a rule first across and then down, and rounds to 8 bits between
them. A row of the first pass needs no other row, a column of the second no other column; so a large
picture is cut into parts, one per thread, without changing a byte. Pillow lets other threads run
while it resizes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from PIL import Image

from ....media.pixels import Floats, from_picture, to_bytes
from ..node_class import NodeError

_LANCZOS = Image.Resampling.LANCZOS
_PARTS = min(4, os.cpu_count() or 1)  # more gain little: each computes the filter's weights anew
_LARGE = 1 << 18  # pixels, old and new ones together; below it threads cost more than they gain


def lanczos(image: Floats, width: int, height: int, check: Callable[[], None]) -> Floats:
    """Resample a batch; values outside 0..1 and finer steps than 8 bits are lost.

    `check` is called before each picture. Of one without pixels Pillow makes a black one. Raises
    NodeError for other than two, three or four channels.
    """
    batch, old_height, old_width, channels = image.shape
    if channels not in (2, 3, 4):
        raise NodeError(
            f"lanczos cannot scale pictures of {channels} channels", "choose another method"
        )
    # In planes, as ComfyUI leaves it here: the last bit of what torch makes of it goes by that.
    planes = np.empty((batch, channels, height, width), np.float32)
    result: Floats = planes.transpose(0, 2, 3, 1)
    large = old_height * old_width + height * width >= _LARGE
    in_parts = large and _PARTS > 1 and can_be_cut(image, width, height)
    for one, into in zip(image, result, strict=True):
        check()
        if in_parts:
            resize_in_parts(one, into, _PARTS)
        else:
            picture = Image.fromarray(to_bytes(one))
            from_picture(picture.resize((width, height), _LANCZOS), into)
    return result


def can_be_cut(image: Floats, width: int, height: int) -> bool:
    """Whether every Pillow resizes these pictures across and then down, and does nothing else.

    From 13 on it goes down first when the height loses more than twice what the width loses. Where
    there is an alpha channel, it weights the colours by it before and after both passes.
    """
    old_height, old_width, channels = image.shape[1:]
    fewer_rows, fewer_columns = old_height - height, old_width - width
    return bool(channels == 3 and fewer_rows <= max(0, 2 * fewer_columns))


def resize_in_parts(image: Floats, into: Floats, parts: int) -> None:
    """Resample one RGB picture [height, width, 3] into an array of another size."""
    height, width = into.shape[:2]
    between = Image.new("RGB", (width, len(image)))

    def across(rows: slice) -> None:
        part = Image.fromarray(to_bytes(image[rows]))
        between.paste(part.resize((width, part.height), _LANCZOS), (0, rows.start))

    def down(columns: slice) -> None:
        part = between.crop((columns.start, 0, columns.stop, between.height))
        from_picture(part.resize((part.width, height), _LANCZOS), into[:, columns])

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(parts) as threads:
        for work, length in ((across, len(image)), (down, width)):
            list(threads.map(work, _cuts(length, parts)))


def _cuts(length: int, parts: int) -> Iterator[slice]:
    """`length` as that many runs of nearly one size, without the empty ones."""
    edges = (length * part // parts for part in range(parts + 1))
    return (slice(begin, end) for begin, end in pairwise(edges) if begin < end)
