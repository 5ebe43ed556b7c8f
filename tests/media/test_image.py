from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS, Limits
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.media.image import read_picture


@pytest.fixture
def run(folders: RunFolders) -> Run:
    return Run(folders, DEFAULT_LIMITS)


def read(run: Run, picture: Image.Image, form: str = "PNG", **options: Any) -> tuple[Any, Any]:
    path = run.folders.input / "picture"
    picture.save(path, form, **options)
    return read_picture(run, path, "picture")


def refused(run: Run, data: bytes) -> str:
    path = run.folders.input / "picture"
    path.write_bytes(data)
    with pytest.raises(NodeError) as caught:
        read_picture(run, path, "holiday.png")
    return str(caught.value)


def png_bytes(width: int, height: int) -> bytes:
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(noise).save(encoded, "PNG")
    return encoded.getvalue()


def test_rgb_has_an_empty_mask_of_64_x_64(run: Run) -> None:
    image, mask = read(run, Image.new("RGB", (3, 2), (255, 0, 51)))
    assert image.shape == (1, 2, 3, 3)
    assert image.dtype == mask.dtype == np.float32
    assert image[0, 0, 0].tolist() == [1.0, 0.0, np.float32(51 / 255)]
    assert mask.shape == (1, 64, 64)
    assert not mask.any()


def test_the_mask_is_1_where_the_picture_is_transparent(run: Run) -> None:
    picture = Image.new("RGBA", (2, 1), (10, 20, 30, 255))
    picture.putpixel((1, 0), (40, 50, 60, 0))
    image, mask = read(run, picture)
    assert mask.tolist() == [[[0.0, 1.0]]]
    assert (image * 255).round().tolist() == [[[[10, 20, 30], [40, 50, 60]]]]


def test_a_palette_with_a_transparent_colour_has_a_mask(run: Run) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.putpixel((1, 0), 1)
    image, mask = read(run, picture, transparency=1)
    assert mask.tolist() == [[[0.0, 1.0]]]
    assert image[0, 0].tolist() == [[0, 0, 0], [1, 1, 1]]


def test_grey_becomes_rgb(run: Run) -> None:
    image, _ = read(run, Image.new("L", (1, 1), 102))
    assert image.tolist() == [[[[np.float32(102 / 255)] * 3]]]


def test_grey_with_alpha_has_a_mask(run: Run) -> None:
    _, mask = read(run, Image.new("LA", (1, 1), (7, 51)))
    assert mask.tolist() == [[[np.float32(1) - np.float32(51 / 255)]]]


def test_16_bit_grey_is_what_pillow_makes_of_it(run: Run) -> None:
    values = np.array([[0, 255, 256, 40_000, 65_535]], np.uint16)
    image, _ = read(run, Image.fromarray(values))
    picture = Image.open(run.folders.input / "picture")
    assert picture.mode.startswith("I")
    if picture.mode == "I":
        picture = picture.point(lambda value: value * (1 / 255))
    assert np.array_equal(image[0], np.asarray(picture.convert("RGB")).astype(np.float32) / 255)


def test_32_bit_grey_is_divided_by_255(run: Run) -> None:
    values = np.array([[0, 255, 25_500, 65_535]], np.int32)
    image, _ = read(run, Image.fromarray(values), "TIFF")
    assert (image[0, 0, :, 0] * 255).round().tolist() == [0, 1, 100, 255]


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (1, 2)), (6, (0, 1))])
def test_exif_rotation_is_applied(orientation: int, corner: tuple[int, int], run: Run) -> None:
    picture = Image.new("RGB", (3, 2))
    picture.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image, _ = read(run, picture, exif=exif)
    assert image.shape[1:3] == ((3, 2) if orientation == 6 else (2, 3))
    assert image[0][corner].tolist() == [1, 1, 1]


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_a_batch(form: str, run: Run) -> None:
    frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 255, 102)]
    options = {"lossless": True} if form == "WEBP" else {}
    image, mask = read(
        run, frames[0], form, save_all=True, append_images=frames[1:], duration=50, **options
    )
    assert image.shape == (3, 4, 4, 3)
    assert (image[:, 0, 0, 0] * 255).round().tolist() == [0, 255, 102]
    assert len(mask) == 3


def test_frames_of_another_size_are_left_out(run: Run) -> None:
    frames = [Image.new("RGB", size, colour) for size, colour in [((4, 4), "red"), ((5, 4), "red")]]
    image, _ = read(run, frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert image.shape == (1, 4, 4, 3)


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_truncated_picture_is_an_error(kept: float, run: Run) -> None:
    data = png_bytes(40, 40)
    message = refused(run, data[: int(len(data) * kept)])
    assert message.startswith("holiday.png is damaged or not a picture: ")
    assert str(run.folders.input) not in message


@pytest.mark.parametrize("data", [b"", b"garbage" * 100, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_garbage_is_an_error(data: bytes, run: Run) -> None:
    message = refused(run, data)
    assert message.startswith("holiday.png is ")
    assert str(run.folders.input) not in message


def test_a_bomb_is_refused_by_its_header(run: Run) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data += struct.pack(">I", zlib.crc32(chunk)) + png_bytes(1, 1)[33:]
    assert refused(run, data) == "holiday.png has too many pixels to be opened safely"


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(folders: RunFolders) -> None:
    run = Run(folders, Limits(pixels=1599))
    assert refused(run, png_bytes(40, 40)) == (
        "1 x 40 x 40 pixels (images x height x width) are over the limit of 1599 pixels"
    )


def test_postscript_is_not_tried(run: Run) -> None:
    encoded = io.BytesIO()
    Image.new("RGB", (4, 4)).save(encoded, "EPS")
    assert refused(run, encoded.getvalue()) == (
        "holiday.png is of the format EPS, which is not read here"
    )


def test_reading_leaves_the_file_closed(run: Run, recwarn: pytest.WarningsRecorder) -> None:
    read(run, Image.new("RGB", (3, 2)))
    Path(run.folders.input / "picture").unlink()
    assert not recwarn.list
