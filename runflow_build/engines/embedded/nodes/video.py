"""Moving pictures; behaviour of comfy_extras/nodes_video.py at 3cd7b32f."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

from ....media.audio import Audio
from ....media.pixels import Floats
from ....media.video import Video, VideoFile, VideoParts, frame_rate, read_parts, size_of
from ....media.video_writing import AUTO, Coding, av1, encode, fast_vp9, save_mp4, vp9
from ..input_files import input_file
from ..node_class import NodeClass, Result, Run
from ..output_files import save_file
from .audio import named


def load_video(run: Run, file: str) -> Result:
    """The file as it is; it is decoded when somebody asks for its pictures."""
    return Result((VideoFile(input_file(run.folders, file), file),))


def create_video(run: Run, images: Floats, fps: float, audio: Audio | None = None) -> Result:
    return Result((VideoParts(images, frame_rate(fps), audio),))


def get_video_components(run: Run, video: Video) -> Result:
    """Pictures, sound and frames per second; a video without sound has None for it."""
    parts = read_parts(video, run) if isinstance(video, VideoFile) else video
    return Result((parts.images, parts.audio, float(parts.frame_rate)))


def save_video(run: Run, video: Video, filename_prefix: str, format: str, codec: str) -> Result:
    """A file is copied unless `format` or `codec` ask for another one; all else is encoded."""

    def write(file: IO[bytes]) -> None:
        save_mp4(video, file, format, codec, run)

    width, height = size_of(video)
    return Result(files=save_file(run, filename_prefix, ".mp4", write, width, height))


def save_webm(
    run: Run, images: Floats, filename_prefix: str, codec: str, fps: float, crf: float
) -> Result:
    """Pictures without their transparency, compressed with ComfyUI's settings."""
    coding = vp9(crf) if codec == "vp9" else av1(crf)
    parts = VideoParts(images[..., :3], frame_rate(fps))
    return Result(files=_save_webm(run, parts, filename_prefix, coding))


def runflow_save_video_mp4(run: Run, video: Video, filename_prefix: str) -> Result:
    """As SaveVideo with the format mp4; the name of the file, too."""
    files = save_video(run, video, filename_prefix, "mp4", AUTO).files
    return named(run, files)


def runflow_save_video_webm(
    run: Run,
    images: Floats,
    filename_prefix: str,
    fps: float,
    codec: str,
    crf: float,
    audio: Audio | None = None,
) -> Result:
    """Pictures with their transparency, which AV1 does not have, and sound; the file's name."""
    coding = fast_vp9(crf, images.shape[3] == 4) if codec == "vp9" else av1(crf)
    files = _save_webm(run, VideoParts(images, frame_rate(fps), audio), filename_prefix, coding)
    return named(run, files)


def _save_webm(run: Run, parts: VideoParts, prefix: str, coding: Coding) -> tuple[Path, ...]:
    def write(file: IO[bytes]) -> None:
        encode(file, "webm", parts, coding, run)

    width, height = size_of(parts)
    return save_file(run, prefix, ".webm", write, width, height)


CLASSES: Mapping[str, NodeClass] = {
    "CreateVideo": NodeClass(create_video),
    "GetVideoComponents": NodeClass(get_video_components, package="av"),
    "LoadVideo": NodeClass(load_video, files=frozenset({"file"}), package="av"),
    "RunflowSaveVideoMP4": NodeClass(runflow_save_video_mp4, package="av"),
    "RunflowSaveVideoWEBM": NodeClass(runflow_save_video_webm, package="av"),
    "SaveVideo": NodeClass(save_video, package="av"),
    "SaveWEBM": NodeClass(save_webm, package="av"),
}
