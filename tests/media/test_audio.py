"""Sound files in and out; ComfyUI's own are compared in engines/embedded/test_sounds.py."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runflow_build.media.audio import FLAC, MP3, OPUS, Audio, AudioFormat, read_audio, write_audio
from runflow_build.media.error import MediaError

av = pytest.importorskip("av")

INPUT = Path(__file__).parents[1] / "cases" / "pixels" / "input"
SECOND = np.sin(np.arange(8000) / 20).astype(np.float32)[np.newaxis]  # mono at 8000


def read(path: Path) -> Audio:
    return read_audio(path, path.name, lambda count: None, lambda: None)


def error_of(path: Path) -> str | None:
    try:
        read(path)
    except MediaError as error:
        return str(error)
    return None


def wav(
    samples: bytes, kind: int = 1, bits: int = 16, channels: int = 1, rate: int = 8000
) -> bytes:
    block = channels * bits // 8
    head = struct.pack("<IHHIIHH", 16, kind, channels, rate, (rate * block) % 2**32, block, bits)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture
def sound(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(content: bytes) -> Path:
        path = tmp_path / "sound"
        path.write_bytes(content)
        return path

    return make


def written(
    samples: Any, rate: int, form: AudioFormat = FLAC, quality: str | None = None
) -> io.BytesIO:
    file = io.BytesIO()
    write_audio(file, samples, rate, form, quality, lambda count: None, lambda: None)
    return file


# -- reading


def test_whole_numbers_become_minus_1_to_1(sound: Callable[[bytes], Path]) -> None:
    audio = read(sound(wav(struct.pack("<4h", -32768, 0, 16384, 32767))))
    assert audio.waveform.dtype == np.float32
    assert audio.waveform.tolist() == [[[-1, 0, 0.5, 32767 / 32768]]]
    assert audio.sample_rate == 8000
    audio = read(sound(wav(struct.pack("<3i", -(2**31), 2**30, 1), bits=32)))
    assert audio.waveform.tolist() == [[[-1, 0.5, 2**-31]]]
    audio = read(sound(wav(b"\0\0\x80" + b"\0\0\x40" + b"\1\0\0", bits=24)))
    assert audio.waveform.tolist() == [[[-1, 0.5, 2**-23]]]


def test_floats_stay_what_they_are(sound: Callable[[bytes], Path]) -> None:
    values = np.array([0.1, -3, np.nan, np.inf], "<f4")
    audio = read(sound(wav(values.tobytes(), kind=3, bits=32)))
    assert np.array_equal(audio.waveform[0, 0], values, equal_nan=True)
    doubles = np.array([0.1, 1e300], "<f8")
    audio = read(sound(wav(doubles.tobytes(), kind=3, bits=64)))
    assert audio.waveform.dtype == np.float32
    assert audio.waveform[0, 0].tolist() == [np.float32(0.1), np.inf]


def test_channels_come_apart(sound: Callable[[bytes], Path]) -> None:
    audio = read(sound(wav(struct.pack("<6h", 0, 8192, 16384, 0, 8192, 16384), channels=3)))
    assert audio.waveform.tolist() == [[[0, 0], [0.25, 0.25], [0.5, 0.5]]]


def test_the_picture_on_a_cover_is_no_sound_and_the_sound_of_a_video_is() -> None:
    plain, cover = read(INPUT / "au_stereo.mp3"), read(INPUT / "au_cover.mp3")
    assert np.array_equal(plain.waveform, cover.waveform)
    video = read(INPUT / "au_video.mp4")
    assert (video.waveform.shape[:2], video.sample_rate) == ((1, 2), 24000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "song is empty"),
        (b"just words", "song is damaged, or no sound or video: Invalid data found when"),
        (b"#EXTM3U\n#EXTINF:1,\nother.wav\n", "song is damaged, or no sound or video: Invalid"),
        (b"ffconcat version 1.0\nfile other.wav\n", "song is damaged, or no sound or video: Inv"),
        (b"fLaC" + b"\0" * 40, "song is damaged, or no sound or video: "),
        (b"RIFF\xff\xff\xff\xffWAVE", "song is damaged, or no sound or video: "),
        (wav(b""), "song has no sound in it"),
        (wav(b"\x80" * 9, bits=8), "song has samples of 8 bits, which ComfyUI does not read"),
        ((INPUT / "au_silent.mp4").read_bytes(), "song has no sound in it"),
        ((INPUT / "au_stereo.flac").read_bytes()[:60], "song is damaged, or no sound or video: "),
        ((INPUT / "au_mono.m4a").read_bytes()[:900], "song is damaged, or no sound or video: "),
        ((INPUT / "au_stereo.ogg").read_bytes()[:900], "song is damaged, or no sound or video: "),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else value[:20],
)
def test_what_is_no_sound_is_named_without_its_place(
    content: bytes, message: str, sound: Callable[[bytes], Path]
) -> None:
    path = sound(content)
    with pytest.raises(MediaError) as caught:
        read_audio(path, "song", lambda count: None, lambda: None)
    assert str(caught.value).startswith(message)
    assert str(path.parent) not in str(caught.value)


def test_a_playlist_does_not_open_the_file_that_it_names(
    tmp_path: Path, sound: Callable[[bytes], Path]
) -> None:
    (tmp_path / "other.ts").write_bytes((INPUT / "au_mono16.wav").read_bytes())
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n")
    (tmp_path / "list.ffconcat").write_text("ffconcat version 1.0\nfile other.ts\n")
    for name in ("list.m3u8", "list.ffconcat"):
        with pytest.raises(MediaError):
            read(tmp_path / name)
    assert read(tmp_path / "other.ts").sample_rate == 8000  # what a file is called does not matter


@pytest.mark.parametrize("share", range(0, 100, 7))
@pytest.mark.parametrize(
    "name", ["au_stereo.mp3", "au_mono.m4a", "au_stereo.opus", "au_stereo.flac", "au_float.wav"]
)
def test_a_truncated_file_gives_sound_or_an_error_in_words(
    name: str, share: int, sound: Callable[[bytes], Path]
) -> None:
    content = (INPUT / name).read_bytes()
    path = sound(content[: len(content) * share // 100])
    try:
        audio = read(path)
    except MediaError as error:
        assert str(error).startswith("sound ")
        assert str(path.parent) not in str(error)
    else:
        assert audio.waveform.shape[2] > 0


def test_streams_that_turn_up_late_do_not_crash_the_process(
    sound: Callable[[bytes], Path],
) -> None:
    """av before 18 did so in a file of mpegts, when it was given options for the streams."""
    content = (INPUT / "vi_mp2.ts").read_bytes()
    errors = [error_of(sound(content[:size])) for size in range(300, 3000, 37)]
    assert all(error is None or error.startswith("sound ") for error in errors)


def test_noise_in_a_file_gives_sound_or_an_error_in_words(sound: Callable[[bytes], Path]) -> None:
    random = np.random.default_rng(5)
    for name in ("au_stereo.mp3", "au_mono.m4a", "au_stereo.opus", "au_stereo.flac", "au_u8.wav"):
        clean = np.frombuffer((INPUT / name).read_bytes(), np.uint8)
        for _ in range(20):
            content = clean.copy()
            places = random.integers(0, len(content), 5)
            content[places] = random.integers(0, 256, 5)
            error = error_of(sound(content.tobytes()))
            assert error is None or error.startswith("sound ")


def test_what_a_file_says_of_its_length_is_not_believed(sound: Callable[[bytes], Path]) -> None:
    content = wav(struct.pack("<2h", 1, 2))
    ten_hours = struct.pack("<I", 36000 * 8000 * 2)
    told = content[:40] + ten_hours + content[44:]
    counts: list[int] = []
    audio = read_audio(sound(told), "song", counts.append, lambda: None)
    assert audio.waveform.shape == (1, 1, 2)
    assert max(counts) == 4


def test_decoding_stops_at_what_may_be_held(sound: Callable[[bytes], Path]) -> None:
    """A small file of ten hours: silence packs well."""
    silence = written(np.zeros((1, 8000 * 600), np.float32), 8000).getvalue()
    counts: list[int] = []

    def claim(count: int) -> None:
        counts.append(count)
        if count > 100_000:
            raise MediaError("too much")

    with pytest.raises(MediaError, match=r"^too much$"):
        read_audio(sound(silence), "song", claim, lambda: None)
    assert counts[-1] < 200_000


def test_decoding_can_be_stopped(sound: Callable[[bytes], Path]) -> None:
    def stop() -> None:
        raise TimeoutError("over")

    with pytest.raises(TimeoutError, match=r"^over$"):
        read_audio(sound(wav(bytes(100))), "song", lambda count: None, stop)


# -- writing


@pytest.mark.parametrize("channels", [1, 2])
def test_flac_holds_16_bits_and_nothing_is_lost_of_those(channels: int, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    samples = (random.integers(-32768, 32768, (channels, 70_000)) / 32768).astype(np.float32)
    path = tmp_path / "a.flac"
    path.write_bytes(written(samples, 22050).getvalue())
    audio = read(path)
    assert audio.sample_rate == 22050
    assert np.array_equal(audio.waveform[0], samples)


def test_what_is_too_loud_is_cut_and_nan_does_not_crash(tmp_path: Path) -> None:
    samples = np.array([[2, -2, np.inf, -np.inf, np.nan, 0.5]], np.float32)
    path = tmp_path / "a.flac"
    path.write_bytes(written(samples, 8000).getvalue())
    saved = read(path).waveform[0, 0]
    assert saved[[0, 1, 5]].tolist() == [32767 / 32768, -1, 0.5]


@pytest.mark.parametrize(("form", "quality"), [(FLAC, None), (MP3, "V0"), (OPUS, "64k")])
def test_the_same_sound_gives_the_same_bytes(form: AudioFormat, quality: str | None) -> None:
    assert (
        written(SECOND, 8000, form, quality).getvalue()
        == written(SECOND, 8000, form, quality).getvalue()
    )


@pytest.mark.parametrize(("form", "qualities"), [(MP3, ["128k", "320k"]), (OPUS, ["64k", "320k"])])
def test_a_higher_bit_rate_makes_a_larger_file(form: AudioFormat, qualities: list[str]) -> None:
    random = np.random.default_rng(2)
    noise = random.uniform(-1, 1, (2, 48000)).astype(np.float32)
    small, large = (len(written(noise, 48000, form, one).getvalue()) for one in qualities)
    assert large > 2 * small


@pytest.mark.parametrize(
    ("rate", "saved"),
    [(8000, 8000), (8001, 12000), (11025, 12000), (22050, 24000), (44100, 48000), (96000, 48000)],
)
def test_opus_takes_the_next_higher_of_its_rates(rate: int, saved: int) -> None:
    assert OPUS.rate_for(rate) == saved
    assert FLAC.rate_for(rate) == MP3.rate_for(rate) == rate
    content = written(SECOND[:, :1000], rate, OPUS, "64k").getvalue()
    head = content.index(b"OpusHead")
    assert struct.unpack("<I", content[head + 12 : head + 16]) == (saved,)


@pytest.mark.parametrize(
    ("samples", "rate", "form", "message", "fix"),
    [
        (
            SECOND[:, :0],
            8000,
            FLAC,
            "the sound has no samples, so there is nothing to save",
            None,
        ),
        (
            np.zeros((6, 9), np.float32),
            8000,
            FLAC,
            "the sound has 6 channels, and 1 or 2 can be saved",
            "mix it down to stereo",
        ),
        (
            SECOND,
            96000,
            MP3,
            "MP3 cannot hold a sample rate of 96000",
            "use one of 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000",
        ),
        (
            SECOND,
            2**31 - 1,
            FLAC,
            "a sound of 2147483647 samples a second cannot be saved as FLAC: Invalid argument",
            None,
        ),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    samples: Any, rate: int, form: AudioFormat, message: str, fix: str | None
) -> None:
    with pytest.raises(MediaError) as caught:
        written(samples, rate, form, "128k" if form is MP3 else None)
    assert (str(caught.value), caught.value.fix) == (message, fix)


def test_encoding_can_be_stopped() -> None:
    calls: list[None] = []

    def stop() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise TimeoutError("over")

    with pytest.raises(TimeoutError, match=r"^over$"):
        write_audio(
            io.BytesIO(),
            np.zeros((1, 1 << 20), np.float32),
            8000,
            FLAC,
            None,
            lambda count: None,
            stop,
        )


def test_av_is_imported_only_when_a_file_is_opened() -> None:
    code = "import sys, runflow_build.media.audio; assert 'av' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
