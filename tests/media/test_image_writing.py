from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from runflow_build.media.error import MediaError
from runflow_build.media.image_writing import (
    WEBP_SIDE,
    WebpCoding,
    write_animated_png,
    write_animated_webp,
    write_png,
)
from runflow_build.media.pixels import to_bytes

LOSSLESS = WebpCoding(lossless=True, quality=80, method=0)


def noise(*shape: int) -> Any:
    return np.random.default_rng(5).random(shape, dtype=np.float32) * np.float32(0.99) + 0.01


def written(write: Any, *arguments: Any) -> bytes:
    file = io.BytesIO()
    write(*arguments[:1], file, *arguments[1:])
    return file.getvalue()


def frames(data: bytes) -> list[Any]:
    with Image.open(io.BytesIO(data)) as picture:
        return [np.asarray(frame.copy()) for frame in ImageSequence.Iterator(picture)]


def durations(data: bytes) -> list[Any]:
    """Milliseconds per frame; a WEBP file has them in its ANMF chunks."""
    if data[:4] == b"RIFF":
        return [int.from_bytes(part[16:19], "little") for part in data.split(b"ANMF")[1:]]
    with Image.open(io.BytesIO(data)) as picture:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]


@pytest.mark.parametrize(("channels", "mode"), [(2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_a_png_holds_the_8_bit_pixels(channels: int, mode: str) -> None:
    image = noise(5, 7, channels)
    data = written(write_png, image, 4)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == mode
        assert picture.info == {}
    assert np.array_equal(frames(data)[0], to_bytes(image))


def test_what_is_no_number_is_black() -> None:
    image = np.array([[[np.nan, np.inf, -np.inf]]], np.float32)
    assert frames(written(write_png, image, 4))[0].tolist() == [[[0, 255, 0]]]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_an_animation_holds_every_frame_and_loops_for_ever(form: str, channels: int) -> None:
    images = noise(3, 5, 7, channels)
    if form == "PNG":
        data = written(write_animated_png, images, 166, 4)
    else:
        data = written(write_animated_webp, images, 166, LOSSLESS)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == form
        assert picture.info["loop"] == 0
    for frame, image in zip(frames(data), images, strict=True):
        assert np.array_equal(frame[..., :channels], to_bytes(image))
    assert durations(data) == [166] * 3


def test_equal_pictures_make_one_long_frame() -> None:
    images = np.repeat(noise(2, 5, 7, 3), [3, 1], axis=0)
    data = written(write_animated_png, images, 40, 4)
    assert durations(data) == [120, 40]


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_one_picture_is_no_animation(form: str) -> None:
    images = noise(1, 5, 7, 3)
    if form == "PNG":
        data = written(write_animated_png, images, 166, 4)
    else:
        data = written(write_animated_webp, images, 166, LOSSLESS)
    assert b"acTL" not in data
    assert b"ANIM" not in data
    assert np.array_equal(frames(data)[0], to_bytes(images[0]))


def test_levels_and_methods_change_the_size_and_not_the_pixels() -> None:
    images = np.repeat(np.repeat(noise(2, 8, 8, 3), 4, axis=1), 4, axis=2)
    loose, tight = (written(write_animated_png, images, 40, level) for level in (0, 9))
    assert len(loose) >= len(tight)  # Pillow before 13 packs all frames alike
    assert np.array_equal(frames(loose), frames(tight))
    loose, tight = (written(write_png, images[0], level) for level in (0, 9))
    assert len(loose) > len(tight)
    fast, slow = (
        written(write_animated_webp, images, 40, WebpCoding(True, 80, method)) for method in (0, 6)
    )
    assert fast != slow
    assert np.array_equal(frames(fast), frames(slow))


def test_a_lossy_file_follows_its_quality() -> None:
    images = noise(2, 32, 32, 3)
    small, large = (
        written(write_animated_webp, images, 40, WebpCoding(False, quality, 4))
        for quality in (10, 95)
    )
    assert len(small) < len(large)
    original = to_bytes(images[0]).astype(int)
    far, near = (np.abs(frames(one)[0][..., :3] - original).mean() for one in (small, large))
    assert near < far


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 7, 1), "a picture of 1 channel cannot be saved, only one of 2, 3 or 4"),
        ((5, 7, 5), "a picture of 5 channels cannot be saved, only one of 2, 3 or 4"),
        ((0, 7, 3), "a picture of 7 x 0 pixels (width x height) cannot be saved"),
        ((5, 0, 3), "a picture of 0 x 5 pixels (width x height) cannot be saved"),
    ],
)
def test_what_is_no_picture_is_refused(shape: tuple[int, ...], message: str) -> None:
    image = np.zeros(shape, np.float32)
    for write, arguments in (
        (write_png, (image, 4)),
        (write_animated_png, (image[np.newaxis], 40, 4)),
        (write_animated_webp, (image[np.newaxis], 40, LOSSLESS)),
    ):
        with pytest.raises(MediaError) as caught:
            written(write, *arguments)
        assert str(caught.value) == message


def test_webp_has_a_largest_side() -> None:
    image = np.zeros((1, 1, WEBP_SIDE + 1, 3), np.float32)
    with pytest.raises(MediaError) as caught:
        written(write_animated_webp, image, 40, LOSSLESS)
    assert str(caught.value) == (
        "a WEBP file has at most 16383 pixels to a side, and the picture has 16384 x 1"
        " (width x height)"
    )
    assert frames(written(write_animated_webp, image[:, :, 1:], 40, LOSSLESS))


@pytest.mark.parametrize("frame_ms", [sys.maxsize, 65_789])
def test_a_duration_that_no_file_holds_is_an_error(frame_ms: int) -> None:
    images = noise(2, 5, 7, 3)
    with pytest.raises(MediaError, match=r"^the pictures cannot be saved as PNG: "):
        written(write_animated_png, images, frame_ms, 4)
    if frame_ms == sys.maxsize:
        with pytest.raises(MediaError, match=r"^the pictures cannot be saved as WEBP: "):
            written(write_animated_webp, images, frame_ms, LOSSLESS)
