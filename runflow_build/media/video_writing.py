"""Arrays to video files: MP4 as ComfyUI saves it, WEBM as ComfyUI saves it and faster.

Source: comfy_api/latest/_input_impl/video_types.py (save_to) and comfy_extras/nodes_video.py
(SaveWEBM) at 3cd7b32f. Files are written into an open file that may seek; no metadata is written,
neither a prompt nor what a copied file had to say about itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .audio import Audio
from .container import opened, reason
from .error import MediaError
from .pixels import Floats, to_bytes
from .video import (
    Video,
    VideoFile,
    VideoParts,
    Watch,
    pictures_of,
    read_parts,
)

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

AAC, OPUS = "aac", "libopus"
OPUS_RATE = 48000  # what it works at inside; sound of a rate that it does not take is resampled
AUTO = "auto"  # of a format or codec: leave it as it is
RATES = (Fraction(1, 1000), Fraction(1000))  # frames per second; beyond, players show nothing


@dataclass(frozen=True)
class Coding:
    """How the pictures of a file are compressed."""

    encoder: str  # FFmpeg's name
    shown: str  # people's name
    pixels: str  # FFmpeg's name of the pixel format
    sound: str  # FFmpeg's name of the encoder that goes with it
    options: Mapping[str, str] = field(default_factory=dict)
    even: bool = False  # whether width and height have to be

    @property
    def alpha(self) -> bool:
        return self.pixels.startswith("yuva")


H264 = Coding("libx264", "H.264", "yuv420p", AAC, even=True)


def vp9(crf: float) -> Coding:
    """As SaveWEBM: libvpx at its own speed, whose work at small sizes a single thread does."""
    return Coding("libvpx-vp9", "VP9", "yuv420p", OPUS, {"crf": _quality(crf)})


def av1(crf: float) -> Coding:
    return Coding("libsvtav1", "AV1", "yuv420p10le", OPUS, {"crf": _quality(crf), "preset": "6"})


def fast_vp9(crf: float, alpha: bool = False) -> Coding:
    """VP9 of the same quality in less time; benchmarks/webm.py measures both."""
    options = {"crf": _quality(crf), "row-mt": "1", "tile-columns": "2", "cpu-used": "3"}
    # In one pass nothing is made of the frames to come: held back, they only take memory. And of an
    # alternate frame alpha, which is a second stream, has no counterpart.
    options |= {"lag-in-frames": "0", "auto-alt-ref": "0"}
    return Coding("libvpx-vp9", "VP9", "yuva420p" if alpha else "yuv420p", OPUS, options)


def _quality(crf: float) -> str:
    if not 0 <= crf <= 63:
        raise MediaError(f"crf is {crf:g}, and not within 0 and 63")
    return str(float(crf))


def save_mp4(video: Video, file: IO[bytes], format: str, codec: str, watch: Watch) -> None:
    """Write an MP4 file: copy the streams of a file where nothing asks for more, else encode.

    `format` is `auto` or `mp4`, `codec` is `auto` or `h264`. Raises MediaError.
    """
    if isinstance(video, VideoFile):
        if _copied(video, file, format, codec, watch):
            return
        video = read_parts(video, watch)
    encode(file, "mp4", video, H264, watch)


def _copied(video: VideoFile, file: IO[bytes], format: str, codec: str, watch: Watch) -> bool:
    """Copy the packets of the streams of pictures, sound and subtitles, if that will do."""
    with opened(video.path, video.name) as source:
        stream = pictures_of(source, video.name)
        if format != AUTO and format not in source.format.name.split(","):
            return False
        if codec not in (AUTO, stream.codec.name):
            return False
        what = f"{video.name} cannot be put into an MP4 file as it is"
        fix = "choose the codec h264, then it is encoded anew"
        with _failures(what, fix), _writing(file, "mp4") as output:
            streams = {
                one.index: _like(one, output)
                for one in source.streams
                if one.type in ("video", "audio", "subtitle")
            }
            for packet in source.demux():
                watch.check()
                if packet.stream_index in streams and packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    output.mux(packet)
    return True


def _like(stream: Stream, output: OutputContainer) -> Any:
    """A new stream for the packets of that one."""
    if not hasattr(output, "add_stream_from_template"):  # before PyAV 14
        return output.add_stream(template=stream)  # type: ignore[call-overload]
    return output.add_stream_from_template(stream, opaque=True)


def encode(
    file: IO[bytes], container: str, video: VideoParts, coding: Coding, watch: Watch
) -> None:
    """Encode pictures [frame, height, width, channel] and the sound, as long as the pictures last.

    Fractions of an 8-bit step are cut off, NaN is black. The rate is rounded to thousandths. Of a
    batch of sounds one follows the other. Raises MediaError, before anything is written when the
    sizes, the rate or the sound are none that such a file can have.
    """
    rate = _written_as(video, coding)
    height, width = video.images.shape[1:3]
    audio = video.audio if video.audio and video.audio.waveform.size else None
    what = f"{width} x {height} pixels at {float(rate):g} frames per second"
    with _failures(f"{coding.shown} cannot be made of {what}"), _writing(file, container) as output:
        stream: Any = output.add_stream(coding.encoder, rate=rate, options=dict(coding.options))
        stream.width, stream.height, stream.pix_fmt = width, height, coding.pixels
        if container == "webm":
            stream.bit_rate = 0  # the quality alone decides
        sound = _Sound(audio, output, coding.sound, len(video.images) / rate) if audio else None
        for number, frame in enumerate(_frames(video.images), 1):
            watch.check()
            output.mux(stream.encode(frame))
            if sound:
                sound.write(number / rate)
        output.mux(stream.encode(None))
        if sound:
            sound.finish()


def _written_as(video: VideoParts, coding: Coding) -> Fraction:
    """The frame rate as it is written; raises MediaError for what such a file cannot have."""
    from av.codec import Codec

    count, height, width, channels = video.images.shape
    if 0 in (count, height, width):
        raise MediaError(f"{count} pictures of {width} x {height} pixels are no video")
    if coding.even and (height % 2 or width % 2):
        raise MediaError(
            f"{coding.shown} has even widths and heights only, and the pictures are {width} x"
            f" {height} pixels",
            "scale or crop the pictures, or save a WEBM",
        )
    if channels != 3 and (channels != 4 or not coding.alpha):
        raise MediaError(
            f"{coding.shown} has no transparency, and the pictures have {channels} channels",
            "save pictures of 3 channels",
        )
    if video.audio and video.audio.waveform.size:
        _check_sound(video.audio, coding.sound)
    rate = _written_rate(video.frame_rate)
    try:
        Codec(coding.encoder, "w")
    except ValueError:
        raise MediaError(
            f"the installed av has no encoder {coding.encoder}", "pip install --upgrade av"
        ) from None
    return rate


def _written_rate(rate: Fraction) -> Fraction:
    rounded = Fraction(round(rate * 1000), 1000)
    if not RATES[0] <= rounded <= RATES[1]:
        raise MediaError(
            f"a video cannot have {float(rate):g} frames per second", "take 0.001 to 1000"
        )
    return rounded


def _check_sound(audio: Audio, encoder: str) -> None:
    channels = audio.waveform.shape[1]
    if channels > 2:
        raise MediaError(f"the sound has {channels} channels, and a video takes 1 or 2")
    rates = _sample_rates(encoder)
    if encoder != OPUS and audio.sample_rate not in rates:
        shown = ", ".join(str(one) for one in rates)
        raise MediaError(
            f"the sound has {audio.sample_rate} samples per second, and {encoder} takes {shown}"
        )
    if not np.isfinite(audio.waveform).all():
        raise MediaError("the sound holds values that are no numbers")


def _sample_rates(encoder: str) -> list[int]:
    from av.codec import Codec

    return sorted(Codec(encoder, "w").audio_rates or ())


@contextmanager
def _failures(message: str, fix: str | None = None) -> Iterator[None]:
    """Turn what PyAV raises into `<message>: <reason>`; not what is raised for other causes."""
    from av import FFmpegError

    try:
        yield
    except (FFmpegError, ArithmeticError, TypeError, ValueError) as error:
        raise MediaError(f"{message}: {reason(error)}", fix) from error


_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "mp4": {"movflags": "use_metadata_tags"},  # ComfyUI's; where the file says what wrote it
    "webm": {"fflags": "+bitexact"},  # else its streams are numbered at random
}


@contextmanager
def _writing(file: IO[bytes], container: str) -> Iterator[OutputContainer]:
    """A container that is written into the file, and finished unless something was raised."""
    import av

    output = av.open(file, "w", format=container, options=dict(_OPTIONS[container]))
    try:
        yield output
    except BaseException:
        with suppress(Exception):  # why it cannot be finished either is of no interest
            output.close()
        raise
    output.close()


def _frames(images: Floats) -> Iterator[Any]:
    from av import VideoFrame

    layout = "rgba" if images.shape[3] == 4 else "rgb24"
    for image in images:
        yield VideoFrame.from_ndarray(to_bytes(image), format=layout)


class _Sound:
    """A stream of sound, encoded piece by piece beside the pictures that it goes with."""

    def __init__(
        self, audio: Audio, output: OutputContainer, encoder: str, seconds: Fraction
    ) -> None:
        kept = audio.waveform[:, :, : math.ceil(audio.sample_rate * seconds)]
        channels = kept.shape[1]
        self._samples = np.moveaxis(kept, 1, 2).reshape(-1, channels)  # of all sounds, in turn
        self._layout = "mono" if channels == 1 else "stereo"
        self._rate = audio.sample_rate
        self._written = 0
        self._output = output
        rate = self._rate if self._rate in _sample_rates(encoder) else OPUS_RATE
        self._stream: Any = output.add_stream(encoder, rate=rate)

    def write(self, seconds: Fraction) -> None:
        """Encode what sounds up to that time."""
        self._write(math.ceil(self._rate * seconds))

    def finish(self) -> None:
        self._write(len(self._samples))
        self._output.mux(self._stream.encode(None))

    def _write(self, end: int) -> None:
        from av import AudioFrame

        piece = self._samples[self._written : end]
        if not len(piece):
            return
        row = np.ascontiguousarray(piece).reshape(1, -1)
        frame = AudioFrame.from_ndarray(row, format="flt", layout=self._layout)
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._written
        self._written += len(piece)
        self._output.mux(self._stream.encode(frame))
