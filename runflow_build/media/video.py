"""Video files to arrays, as VideoFromFile of ComfyUI's video_types.py at 3cd7b32f does it.

Source: comfy_api/latest/_input_impl/video_types.py. The package av is imported when it is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from .audio import Audio, first_sound
from .container import opened
from .error import MediaError
from .pixels import Bytes, Floats

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


class Watch(Protocol):
    """What long work asks while it goes on; each may raise."""

    def claim(self, images: int, height: int, width: int, channels: int = 3) -> None:
        """An array of pictures is about to be allocated."""

    def claim_values(self, count: int) -> None:
        """An array of so many float32 values is."""

    def check(self) -> None:
        """Shall the work go on?"""


@dataclass(frozen=True)
class VideoFile:
    """A file that is decoded when somebody asks for its pictures."""

    path: Path
    name: str  # what the user calls it; for messages


@dataclass(frozen=True)
class VideoParts:
    """Pictures and sound that are no file yet."""

    images: Floats  # [frame, height, width, channel]
    frame_rate: Fraction  # frames per second
    audio: Audio | None = None


Video: TypeAlias = VideoFile | VideoParts
"""ComfyUI's VIDEO value."""

_LEAST_BOUND = 1 << 22  # pixels; decoders round sizes up, small ones a lot


def read_parts(video: VideoFile, watch: Watch) -> VideoParts:
    """Decode all: pictures of 8 bits a channel as values 0..1, the first sound, the average rate.

    As in ComfyUI a rotation that the file asks for is not applied, transparency is dropped, and
    frames keep their order but not their times. Sound that is stored as whole numbers is scaled to
    -1..1, which ComfyUI forgets. Raises MediaError, and what `watch` raises.
    """
    with opened(video.path, video.name) as container:
        stream = pictures_of(container, video.name)
        images = _images(_frames(container, stream, video.name, watch), watch)
        rate = Fraction(stream.average_rate) if stream.average_rate else Fraction(1)
        container.seek(0)
        sound = first_sound(container, video.name, watch.claim_values, watch.check)
        return VideoParts(images, rate, sound)


def frame_rate(fps: float) -> Fraction:
    """The exact value; raises MediaError for what is no rate."""
    if not math.isfinite(fps) or fps <= 0:
        raise MediaError(f"a video cannot have {fps:g} frames per second", "take 0.001 to 1000")
    return Fraction(fps)


def size_of(video: Video) -> tuple[int, int]:
    """Width and height in pixels; of a file as its header says. Raises MediaError."""
    if isinstance(video, VideoParts):
        height, width = video.images.shape[1:3]
        return width, height
    with opened(video.path, video.name) as container:
        stream = pictures_of(container, video.name)
        return stream.width, stream.height


def pictures_of(container: InputContainer, name: str) -> VideoStream:
    """The first stream of pictures; raises MediaError when there is none."""
    if not container.streams.video:
        raise MediaError(f"{name} holds no pictures", "choose a video file")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise MediaError(f"{name} is damaged, or its pictures are of a kind that cannot be read")
    return stream


def _frames(container: InputContainer, stream: VideoStream, name: str, watch: Watch) -> list[Bytes]:
    """The frames [height, width, 3]; as bytes, which are a quarter of what they will be."""
    from av.video.reformatter import VideoReformatter

    watch.claim(1, stream.height, stream.width, 3)
    # What a frame says of itself may be another size, which FFmpeg would allocate before we see it.
    most = max(2 * stream.height * stream.width, _LEAST_BOUND)
    stream.codec_context.options = {"max_pixels": str(most)}
    converter = VideoReformatter()  # one for all: setting it up costs as much as a small frame
    frames: list[Bytes] = []
    for packet in container.demux(stream):
        watch.check()
        if packet.is_corrupt and container.format.name not in _BEGIN_ANYWHERE:
            raise MediaError(f"{name} is damaged: frame {len(frames) + 1} is cut off")
        for frame in packet.decode():
            watch.claim(len(frames) + 1, frame.height, frame.width, 3)
            pixels: Any = converter.reformat(frame, format="rgb24").to_ndarray()
            if frames and pixels.shape != frames[0].shape:
                sizes = f"{_size(frames[0])} and {_size(pixels)}"
                raise MediaError(f"{name} holds frames of two sizes, {sizes} pixels")
            frames.append(pixels)
    if not frames:
        raise MediaError(f"{name} holds no frame that can be decoded")
    return frames


_BEGIN_ANYWHERE = frozenset({"mpegts"})  # of recorded broadcasts the first frame is rarely whole


def _size(frame: Bytes) -> str:
    return f"{frame.shape[1]} x {frame.shape[0]}"


def _images(frames: list[Bytes], watch: Watch) -> Floats:
    images = np.empty((len(frames), *frames[0].shape), np.float32)
    for frame, image in zip(frames, images, strict=True):
        watch.check()
        np.divide(frame, np.float32(255), out=image, dtype=np.float32)
    return images
