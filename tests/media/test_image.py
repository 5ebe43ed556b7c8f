from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from runflow_build.media.error import MediaError
from runflow_build.media.image import CHANNELS, Claim, read_channel, read_picture

PIXELS = Path(__file__).parents[1] / "cases" / "pixels" / "input"


def unlimited(images: int, height: int, width: int, channels: int) -> None:
    pass


def at_most(pixels: int) -> Claim:
    def claim(images: int, height: int, width: int, channels: int) -> None:
        if images * height * width > pixels:
            raise MediaError(f"{images} x {height} x {width}")

    return claim


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture"


def read(path: Path, picture: Image.Image, form: str = "PNG", **options: Any) -> tuple[Any, Any]:
    picture.save(path, form, **options)
    return read_picture(path, "picture", unlimited)


def refused(path: Path, data: bytes, claim: Claim = unlimited) -> str:
    path.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        read_picture(path, "holiday.png", claim)
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


def noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8))


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    content = kind + data
    return struct.pack(">I", len(data)) + content + struct.pack(">I", zlib.crc32(content))


def png_with(first: bytes, width: int = 1, height: int = 1) -> bytes:
    """A grey PNG with further chunks behind its header."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(2)))
    return b"\x89PNG\r\n\x1a\n" + header + first + pixels + chunk(b"IEND", b"")


# What is in the arrays; that it equals ComfyUI's is in tests/engines/embedded/test_pixels.py.


def test_rgb_has_an_empty_mask_of_64_x_64(path: Path) -> None:
    image, mask = read(path, Image.new("RGB", (3, 2), (255, 0, 51)))
    assert image.shape == (1, 2, 3, 3)
    assert image.dtype == mask.dtype == np.float32
    assert image[0, 0, 0].tolist() == [1.0, 0.0, np.float32(51 / 255)]
    assert mask.shape == (1, 64, 64)
    assert not mask.any()


def test_the_mask_is_1_where_the_picture_is_transparent(path: Path) -> None:
    picture = Image.new("RGBA", (2, 1), (10, 20, 30, 255))
    picture.putpixel((1, 0), (40, 50, 60, 0))
    image, mask = read(path, picture)
    assert mask.tolist() == [[[0.0, 1.0]]]
    assert (image * 255).round().tolist() == [[[[10, 20, 30], [40, 50, 60]]]]


def test_a_palette_with_a_transparent_colour_has_a_mask(path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.putpixel((1, 0), 1)
    image, mask = read(path, picture, transparency=1)
    assert mask.tolist() == [[[0.0, 1.0]]]
    assert image[0, 0].tolist() == [[0, 0, 0], [1, 1, 1]]


def test_a_palette_with_an_alpha_per_colour_has_a_mask(path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([9, 9, 9, 255, 255, 255])
    picture.putpixel((1, 0), 1)
    image, mask = read(path, picture, transparency=bytes([51, 255]))
    assert mask.tolist() == [[[np.float32(1) - np.float32(51 / 255), 0]]]
    assert (image[0, 0] * 255).round().tolist() == [[9, 9, 9], [255, 255, 255]]


def test_grey_becomes_rgb(path: Path) -> None:
    image, _ = read(path, Image.new("L", (1, 1), 102))
    assert image.tolist() == [[[[np.float32(102 / 255)] * 3]]]


def test_grey_with_alpha_has_a_mask(path: Path) -> None:
    _, mask = read(path, Image.new("LA", (1, 1), (7, 51)))
    assert mask.tolist() == [[[np.float32(1) - np.float32(51 / 255)]]]


def test_16_bit_grey_is_what_pillow_makes_of_it(path: Path) -> None:
    values = np.array([[0, 255, 256, 40_000, 65_535]], np.uint16)
    image, _ = read(path, Image.fromarray(values))
    with Image.open(path) as picture:
        assert picture.mode.startswith("I")
        if picture.mode == "I":
            picture = picture.point(lambda value: value * (1 / 255))
        assert np.array_equal(image[0], np.asarray(picture.convert("RGB")).astype(np.float32) / 255)


def test_32_bit_grey_is_divided_by_255(path: Path) -> None:
    values = np.array([[0, 255, 25_500, 65_535]], np.int32)
    image, _ = read(path, Image.fromarray(values), "TIFF")
    assert (image[0, 0, :, 0] * 255).round().tolist() == [0, 1, 100, 255]


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (1, (0, 0)),
        (2, (0, 2)),
        (3, (1, 2)),
        (4, (1, 0)),
        (5, (0, 0)),
        (6, (0, 1)),
        (7, (2, 1)),
        (8, (2, 0)),
    ],
)
def test_exif_rotation_is_applied(orientation: int, corner: tuple[int, int], path: Path) -> None:
    picture = Image.new("RGBA", (3, 2), (0, 0, 0, 255))
    picture.putpixel((0, 0), (255, 255, 255, 0))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image, mask = read(path, picture, exif=exif)
    assert image.shape[1:3] == mask.shape[1:] == ((3, 2) if orientation > 4 else (2, 3))
    assert image[0][corner].tolist() == [1, 1, 1]
    assert mask[0][corner] == 1
    assert mask.sum() == 1


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_is_a_batch(form: str, path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 255, 102)]
    options = {"lossless": True} if form == "WEBP" else {}
    image, mask = read(
        path, frames[0], form, save_all=True, append_images=frames[1:], duration=50, **options
    )
    assert image.shape == (3, 4, 4, 3)
    assert (image[:, 0, 0, 0] * 255).round().tolist() == [0, 255, 102]
    assert len(mask) == 3


@pytest.mark.skipif("avif" not in features.get_supported(), reason="this Pillow reads no AVIF")
def test_avif_is_read(path: Path) -> None:
    frames = [Image.new("RGBA", (8, 8), (shade, 0, 0, 51)) for shade in (0, 255)]
    image, mask = read(path, frames[0], "AVIF", save_all=True, append_images=frames[1:])
    with Image.open(path) as picture:
        expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal((image[0] * 255).round(), expected)
    assert mask.shape == (2, 8, 8)
    assert mask[0, 0, 0] == np.float32(1) - np.float32(51 / 255)


def test_of_views_of_one_scene_only_the_first_is_taken(path: Path) -> None:
    views = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    image, mask = read(path, views[0], "MPO", save_all=True, append_images=views[1:])
    assert image.shape == (1, 8, 8, 3)
    assert image.min() == 1
    assert len(mask) == 1


def test_frames_of_another_size_are_left_out(path: Path) -> None:
    sizes = [(4, 4), (5, 4), (4, 5), (4, 4)]
    frames = [Image.new("RGB", size, (shade, 0, 0)) for shade, size in enumerate(sizes)]
    image, mask = read(path, frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert (image[:, 0, 0, 0] * 255).round().tolist() == [0, 3]
    assert len(mask) == 2


def test_frames_with_and_without_alpha_do_not_mix(path: Path) -> None:
    frames = [Image.new(mode, (4, 4)) for mode in ("RGB", "RGBA")]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert refused(path, data) == "some frames of holiday.png are transparent and others are not"


def test_unless_they_are_as_large_as_the_mask_of_a_picture_without(path: Path) -> None:
    frames = [Image.new(mode, (64, 64)) for mode in ("RGB", "RGBA")]
    _, mask = read(path, frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert mask.mean(axis=(1, 2)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("RGBA", (10, 20, 30, 51), [10, 20, 30, 204]),
        ("RGB", (10, 20, 30), [10, 20, 30, 0]),
        ("L", 10, [10, 10, 10, 0]),
        ("LA", (10, 51), [10, 10, 10, 204]),
        ("1", 1, [255, 255, 255, 0]),
    ],
)
def test_a_channel_is_a_mask(mode: str, pixel: Any, expected: list[int], path: Path) -> None:
    Image.new(mode, (3, 2), pixel).save(path, "PNG")
    for channel, value in zip(("red", "green", "blue", "alpha"), expected, strict=True):
        mask = read_channel(path, "picture", channel, unlimited)
        assert mask.shape == (1, 2, 3)
        assert mask.dtype == np.float32
        assert (mask * 255).round().tolist() == [[[value] * 3] * 2]


def test_a_channel_is_of_the_first_frame_alone(path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (102, 255)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    mask = read_channel(path, "picture", "red", at_most(64 * 64))
    assert (mask * 255).round().max() == 102


# What is wrong with a file.


@pytest.mark.parametrize("kept", [0.5, 0.9])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_truncated_picture_is_an_error(form: str, kept: float, path: Path) -> None:
    data = encoded(noise(40, 40), form)
    message = refused(path, data[: int(len(data) * kept)])
    assert message.startswith("holiday.png is ")


@pytest.mark.parametrize("data", [b"", b"garbage" * 100, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_garbage_is_an_error(data: bytes, path: Path) -> None:
    assert refused(path, data) == "holiday.png is not a picture that can be read"


FILES = sorted(PIXELS.glob("ld_*"))


@pytest.mark.filterwarnings("ignore")  # decoders warn of what they find
@pytest.mark.parametrize("whole", FILES, ids=[one.name for one in FILES])
def test_damage_gives_pixels_or_one_sentence(whole: Path, path: Path) -> None:
    data = whole.read_bytes()
    random = np.random.default_rng(len(data))
    for _ in range(25):
        damaged = bytearray(data[: random.integers(1, len(data) + 1)])
        for place in random.integers(0, len(damaged), 3):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        try:
            image, mask = read_picture(path, "holiday.png", at_most(1 << 20))
        except MediaError as error:
            assert str(path.parent) not in str(error)
            assert "\n" not in str(error)
        else:
            assert image.dtype == mask.dtype == np.float32
            assert len(image) == len(mask)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^folder is damaged or not a picture: "):
        read_picture(tmp_path, "folder", unlimited)


def test_a_bomb_is_refused_by_its_header(path: Path) -> None:
    message = refused(path, png_with(b"", 60_000, 60_000))
    assert message == "holiday.png has too many pixels to be opened safely"


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(path: Path) -> None:
    data = png_with(b"", 4000, 4000)  # its pixels are not even there
    assert refused(path, data, at_most(4000 * 4000 - 1)) == "1 x 4000 x 4000"


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_bomb_beside_the_pixels_is_not_unpacked(kind: bytes, path: Path) -> None:
    packed = zlib.compress(bytes(64 << 20), 9)
    head = {b"iCCP": b"x\0\0", b"zTXt": b"x\0\0", b"iTXt": b"x\0\1\0\0\0"}[kind]
    message = refused(path, png_with(chunk(kind, head + packed))).lower()
    assert message.startswith(
        "holiday.png is damaged or not a picture: decompressed data too large"
    )


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_a_long_animation_is_refused_on_its_way(form: str, path: Path) -> None:
    shades = [Image.new("RGB", (80, 80), (shade, 0, 0)) for shade in range(30)]
    data = encoded(shades[0], form, save_all=True, append_images=shades[1:], lossless=True)
    assert refused(path, data, at_most(20 * 80 * 80)) == "21 x 80 x 80"


def test_the_masks_of_many_small_frames_count(path: Path) -> None:
    shades = [Image.new("RGB", (1, 1), (shade, 0, 0)) for shade in range(30)]
    data = encoded(shades[0], "GIF", save_all=True, append_images=shades[1:])
    assert refused(path, data, at_most(20 * 64 * 64)) == "21 x 64 x 64"


def test_a_count_of_frames_that_lies_costs_nothing(path: Path) -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    place = data.index(b"acTL")
    lying = data[place : place + 4] + struct.pack(">I", 1 << 30) + data[place + 8 : place + 12]
    data = data[: place - 4] + chunk(lying[:4], lying[4:]) + data[place + 16 :]
    path.write_bytes(data)
    claimed: list[int] = []
    try:
        image, _ = read_picture(path, "picture", lambda images, *size: claimed.append(images))
        assert len(image) == 2
    except MediaError as error:  # some Pillows take the missing frames for damage
        assert str(error).startswith("picture is damaged")
    assert max(claimed) <= 3


def test_who_is_asked_for_memory_may_end_the_reading(path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(images: int, height: int, width: int, channels: int) -> None:
        raise StoppedError

    path.write_bytes(encoded(noise(4, 4), "PNG"))
    with pytest.raises(StoppedError):
        read_picture(path, "picture", stop)
    with pytest.raises(StoppedError):
        read_channel(path, "picture", "red", stop)


@pytest.mark.parametrize("form", ["EPS", "PDF", "PCX"])
def test_other_formats_are_not_tried(form: str, path: Path) -> None:
    path.write_bytes(encoded(Image.new("RGB", (4, 4)), form))
    with pytest.raises(MediaError) as caught:
        read_picture(path, "holiday.png", unlimited)
    assert str(caught.value) == "holiday.png is not a picture that can be read"
    assert caught.value.fix == (
        "use AVIF, BMP, GIF, ICO, JPEG, JPEG2000, MPO, PNG, PPM, QOI, TGA, TIFF, WEBP"
    )


@pytest.mark.parametrize("channel", [None, *CHANNELS])
def test_reading_leaves_the_file_closed(
    channel: str | None, path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path.write_bytes(encoded(noise(3, 2), "PNG"))
    if channel is None:
        read_picture(path, "picture", unlimited)
    else:
        read_channel(path, "picture", channel, unlimited)
    path.unlink()
    assert not recwarn.list
