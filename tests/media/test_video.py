"""Video files that are none or claim too much, and files that are written piece by piece."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runflow_build.media.audio import Audio
from runflow_build.media.error import MediaError
from runflow_build.media.video import VideoFile, VideoParts, read_parts, size_of
from runflow_build.media.video_writing import H264, encode, fast_vp9, save_mp4, vp9

INPUT = Path(__file__).parents[1] / "cases" / "pixels" / "input"


class Patient:
    """Lets everything pass, and notes the largest array that was announced."""

    def __init__(self) -> None:
        self.pixels = 0

    def claim(self, images: int, height: int, width: int, channels: int = 3) -> None:
        self.pixels = max(self.pixels, images * height * width)

    def claim_values(self, count: int) -> None:
        pass

    def check(self) -> None:
        pass


class Strict(Patient):
    """Refuses more than a million pixels."""

    def claim(self, images: int, height: int, width: int, channels: int = 3) -> None:
        super().claim(images, height, width, channels)
        if self.pixels > 1_000_000:
            raise MediaError("too large")


def avi(rate: int, scale: int, width: int, height: int, frames: list[bytes]) -> bytes:
    """An AVI file of raw BGR frames, with whatever header."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    main = struct.pack("<14I", 0, 0, 0, 0x10, len(frames), 0, 1, 0, width, height, 0, 0, 0, 0)
    head = struct.pack(
        "<4s4sIHHIIIIIIII4H", b"vids", b"DIB ", 0, 0, 0, 0, scale, rate, 0, len(frames), 0, 0, 0,
        0, 0, 0, 0,
    )  # fmt: skip
    picture = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    stream = chunk(b"LIST", b"strl" + chunk(b"strh", head) + chunk(b"strf", picture))
    header = chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + stream)
    movie = chunk(b"LIST", b"movi" + b"".join(chunk(b"00db", one) for one in frames))
    return chunk(b"RIFF", b"AVI " + header + movie)


def written(folder: Path, content: bytes) -> VideoFile:
    path = folder / "secret-place.bin"
    path.write_bytes(content)
    return VideoFile(path, "clip.mp4")


def whole() -> bytes:
    return (INPUT / "vi_plain.mp4").read_bytes()


def sound_only() -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "flt", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


DAMAGED = {
    "empty": (b"", "clip.mp4 is empty"),
    "text": (
        b"this is no video\n" * 50,
        "clip.mp4 is damaged, or no sound or video: Invalid data found when processing input",
    ),
    "truncated before its index": (
        whole()[:2000],
        "clip.mp4 is damaged, or no sound or video: Invalid data found when processing input",
    ),
    "truncated within a frame": (
        (INPUT / "vi_sound.mp4").read_bytes()[:4779],
        "clip.mp4 is damaged: frame 4 is cut off",
    ),
    "truncated within its index": (
        (INPUT / "vi_sound.mp4").read_bytes()[:434],
        "clip.mp4 is damaged, or its pictures are of a kind that cannot be read",
    ),
    "a list of other files": (
        b"ffconcat version 1.0\nfile vi_plain.mp4\n",
        "clip.mp4 is damaged, or no sound or video: Invalid argument",
    ),
    "sound only": (sound_only(), "clip.mp4 holds no pictures"),
    "no frames": (avi(10, 1, 16, 16, []), "clip.mp4 holds no frame that can be decoded"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_no_video_is_named_and_its_place_is_not(name: str, tmp_path: Path) -> None:
    content, message = DAMAGED[name]
    with pytest.raises(MediaError) as caught:
        read_parts(written(tmp_path, content), Patient())
    assert str(caught.value) == message


@pytest.mark.parametrize("name", sorted({*DAMAGED} - {"truncated within a frame", "no frames"}))
def test_nor_can_it_be_copied_or_measured(name: str, tmp_path: Path) -> None:
    content, message = DAMAGED[name]
    video = written(tmp_path, content)
    with pytest.raises(MediaError) as caught:
        save_mp4(video, io.BytesIO(), "auto", "auto", Patient())
    assert str(caught.value) == message
    with pytest.raises(MediaError) as caught:
        size_of(video)
    assert str(caught.value) == message


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("name", ["vi_sound.mp4", "vi_vp9.webm", "vi_mp2.ts", "vi_gif.gif"])
def test_a_cut_off_file_is_an_error_or_has_fewer_frames(
    name: str, tenth: int, tmp_path: Path
) -> None:
    content = (INPUT / name).read_bytes()
    full = len(read_parts(written(tmp_path, content), Patient()).images)
    try:
        parts = read_parts(written(tmp_path, content[: len(content) * tenth // 10]), Patient())
    except MediaError as error:
        assert "secret-place" not in str(error)
    else:
        assert 0 < len(parts.images) <= full


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    import av

    (tmp_path / "other.ts").write_bytes((INPUT / "vi_mp2.ts").read_bytes())
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n")
    with av.open(str(path)) as container:  # what FFmpeg does when nobody forbids it
        assert sum(1 for _ in container.decode(video=0)) == 6
    with pytest.raises(MediaError) as caught:
        read_parts(VideoFile(path, "list.m3u8"), Patient())
    assert str(caught.value) == "list.m3u8 is damaged, or no sound or video: Invalid argument"


def test_a_frame_is_refused_by_what_the_header_says(tmp_path: Path) -> None:
    video = written(tmp_path, avi(10, 1, 30000, 2000, [b"\0" * 64]))
    strict = Strict()
    with pytest.raises(MediaError, match=r"^too large$"):
        read_parts(video, strict)
    assert strict.pixels == 60_000_000


def test_more_frames_than_may_be_held_are_refused_at_the_first_too_many(tmp_path: Path) -> None:
    video = written(tmp_path, avi(10, 1, 512, 512, [b"\7" * (512 * 512 * 3)] * 6))
    strict = Strict()
    with pytest.raises(MediaError, match=r"^too large$"):
        read_parts(video, strict)
    assert strict.pixels == 4 * 512 * 512


def test_frames_of_two_sizes_are_no_batch(tmp_path: Path) -> None:
    two = b"".join(raw_h264(size) for size in ((32, 32), (48, 32)))
    with pytest.raises(MediaError) as caught:
        read_parts(written(tmp_path, two), Patient())
    assert str(caught.value) == "clip.mp4 holds frames of two sizes, 32 x 32 and 48 x 32 pixels"


def raw_h264(size: tuple[int, int]) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="h264") as container:
        stream: Any = container.add_stream("libx264", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), 99, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def test_a_failing_file_is_the_callers_own_error() -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    video = VideoParts(np.zeros((3, 16, 16, 3), np.float32), Fraction(5))
    with pytest.raises(OSError, match="No space left on device"):
        encode(Full(), "mp4", video, H264, Patient())
    with pytest.raises(OSError, match="No space left on device"):
        save_mp4(VideoFile(INPUT / "vi_plain.mp4", "a"), Full(), "auto", "auto", Patient())


def test_sound_fed_beside_the_pictures_is_the_same_as_all_at_once() -> None:
    """PyAV resamples and cuts into frames by itself; the pieces must leave no seam."""
    import av

    images = np.zeros((30, 16, 16, 3), np.float32)
    wave = np.sin(np.arange(44100, dtype=np.float32) / 20)[np.newaxis, np.newaxis]
    file = io.BytesIO()
    video = VideoParts(images, Fraction(30), Audio(wave, 44100))
    encode(file, "mp4", video, H264, Patient())
    alone = io.BytesIO()
    with av.open(alone, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(wave[0], "flt", "mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert [*packets(file)] == [*packets(alone)]


def packets(file: io.BytesIO) -> Iterator[bytes]:
    import av

    file.seek(0)
    with av.open(file) as container:
        yield from (bytes(packet) for packet in container.demux(audio=0))


def test_the_sounds_of_a_batch_follow_each_other() -> None:
    wave = np.stack([np.zeros((1, 8000)), np.full((1, 8000), 0.5)]).astype(np.float32)
    video = VideoParts(np.zeros((20, 16, 16, 3), np.float32), Fraction(10), Audio(wave, 8000))
    file = io.BytesIO()
    encode(file, "mp4", video, H264, Patient())
    assert sum(1 for one in packets(file) if one) >= 2 * 8000 // 1024


def test_faster_settings_cost_no_quality() -> None:
    """As benchmarks/webm.py on larger pictures: the same within 0.3 dB and 5 percent."""
    y, x = np.mgrid[0:96, 0:128]
    frames = [np.stack([(x + 3 * n) % 128, (y + n) % 96, (x + y) % 100], -1) for n in range(12)]
    images = (np.stack(frames) / 255).astype(np.float32)
    results = []
    for coding in (vp9(32.0), fast_vp9(32.0)):
        file = io.BytesIO()
        encode(file, "webm", VideoParts(images, Fraction(24)), coding, Patient())
        results.append((len(file.getvalue()), psnr(file, images)))
    (size, quality), (fast_size, fast_quality) = results
    assert fast_size <= 1.05 * size
    assert fast_quality >= quality - 0.3


def psnr(file: io.BytesIO, images: Any) -> float:
    import av

    file.seek(0)
    with av.open(file) as container:
        frames = [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
    error = np.mean((np.stack(frames) / 255 - images) ** 2)
    return float(-10 * np.log10(error))
