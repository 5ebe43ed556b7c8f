"""The Runflow savers: files below ComfyUI's output folder, their names for RunflowOutputFile."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable
from typing import IO, Any

from ..runflow_build.workflow.runflow_nodes import SAVE_CATEGORY, SAVERS
from .inputs import comfyui_inputs

PACKAGE = "av"  # imported only when a saver runs


class SaveNode:
    """What the savers share; a subclass's name is its row in the table."""

    CATEGORY = SAVE_CATEGORY
    FUNCTION = "save"
    OUTPUT_NODE = True
    RETURN_TYPES = ("STRING",)
    NEEDS: tuple[str, ...] = (PACKAGE,)

    def __init_subclass__(cls) -> None:
        if row := SAVERS.get(cls.__name__):
            cls.DISPLAY_NAME = row.display_name

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return comfyui_inputs(cls.__name__)


class SaveAudioNode(SaveNode):
    FORMAT = ""  # of runflow_build.media.audio

    def save(
        self, audio: dict[str, Any], filename_prefix: str, quality: str | None = None
    ) -> dict[str, Any]:
        """A file per sound of the batch."""
        from ..runflow_build.media import audio as media

        form = getattr(media, self.FORMAT)
        batch = audio["waveform"].cpu().float().numpy()

        def writer(waveform: Any) -> Callable[[IO[bytes]], None]:
            return lambda file: media.write_audio(
                file, waveform, audio["sample_rate"], form, quality, _any_size, _interrupted
            )

        return saved("audio", filename_prefix, form.name, (writer(one) for one in batch))


class RunflowSaveAudioFlac(SaveAudioNode):
    FORMAT = "FLAC"


class RunflowSaveAudioMP3(SaveAudioNode):
    FORMAT = "MP3"


class RunflowSaveAudioOpus(SaveAudioNode):
    FORMAT = "OPUS"


class RunflowSaveVideoMP4(SaveNode):
    """As SaveVideo with the format mp4, through what the VIDEO itself can do."""

    NEEDS = (PACKAGE, "comfy_api.latest")

    def save(self, video: Any, filename_prefix: str) -> dict[str, Any]:
        from comfy_api.latest import Types  # ComfyUI's own

        def write(file: IO[bytes]) -> None:
            # By its name: every kind of VIDEO can write that, other files only some.
            video.save_to(file.name, format=Types.VideoContainer.MP4)

        return _moving(saved("images", filename_prefix, "mp4", [write], *video.get_dimensions()))


class RunflowSaveVideoWEBM(SaveNode):
    """Pictures with their transparency, which AV1 does not have, and sound."""

    def save(
        self,
        images: Any,
        filename_prefix: str,
        fps: float,
        codec: str,
        crf: float,
        audio: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        from ..runflow_build.media.audio import Audio
        from ..runflow_build.media.video import VideoParts, frame_rate
        from ..runflow_build.media.video_writing import av1, encode, fast_vp9

        sound = audio and Audio(audio["waveform"].cpu().float().numpy(), audio["sample_rate"])
        parts = VideoParts(images.cpu().float().numpy(), frame_rate(fps), sound)
        height, width, channels = images.shape[1:]
        coding = fast_vp9(crf, channels == 4) if codec == "vp9" else av1(crf)

        def write(file: IO[bytes]) -> None:
            encode(file, "webm", parts, coding, _Watch())

        return _moving(saved("images", filename_prefix, "webm", [write], width, height))


def _moving(answer: dict[str, Any]) -> dict[str, Any]:
    """Tell the editor that the files are to be played."""
    answer["ui"]["animated"] = (True,)
    return answer


class _Watch:
    """What the writers of runflow_build.media ask meanwhile."""

    def claim(self, images: int, height: int, width: int, channels: int = 3) -> None:
        _any_size(images * height * width * channels)

    def claim_values(self, count: int) -> None:
        _any_size(count)

    def check(self) -> None:
        _interrupted()


def saved(
    kind: str,
    prefix: str,
    suffix: str,
    writers: Iterable[Callable[[IO[bytes]], None]],
    width: int = 0,
    height: int = 0,
) -> dict[str, Any]:
    """Write `<prefix>_00001_.<suffix>` and so on; a node's answer, with the name of the first.

    The name is relative to the output folder, with / between its parts. `kind` is what ComfyUI's
    editor calls such files.
    """
    import folder_paths  # ComfyUI's own

    folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), width, height
    )
    subfolder = subfolder.replace(os.sep, "/")
    rows = []
    for number, write in enumerate(writers):
        start = stem.replace("%batch_num%", str(number))
        # ComfyUI counts the files of the unfilled stem, so a name may be taken all the same.
        while os.path.exists(path := os.path.join(folder, f"{start}_{counter:05}_.{suffix}")):
            counter += 1
        with open(path, "xb") as file:
            try:
                write(file)
            except BaseException:  # half a file is worse than none
                file.close()
                os.remove(path)
                raise
        name = os.path.basename(path)
        rows.append({"filename": name, "subfolder": subfolder, "type": "output"})
    first = "/".join(filter(None, (subfolder, rows[0]["filename"])))
    return {"ui": {kind: rows}, "result": (first,)}


def available() -> tuple[dict[str, type[SaveNode]], list[str]]:
    """The savers that can run here, by class name, and what is to be said of the others."""
    if not _importable(PACKAGE):
        return {}, [f"the savers are left out: they need the package {PACKAGE}"]
    found = {one.__name__: one for one in _CLASSES if all(map(_importable, one.NEEDS))}
    lost = [one for one in _CLASSES if one.__name__ not in found]
    if not lost:
        return found, []
    names = ", ".join(one.__name__ for one in lost)
    needs = ", ".join(sorted({name for one in lost for name in one.NEEDS} - {PACKAGE}))
    return found, [f"{names} is left out: it needs {needs}, which this ComfyUI does not have"]


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what it is a part of is not there
        return False


def _any_size(count: int) -> None:
    """ComfyUI holds the sound already: its machine, its memory."""


def _interrupted() -> None:
    """Stop where the user has pressed cancel."""
    from comfy.model_management import throw_exception_if_processing_interrupted

    throw_exception_if_processing_interrupted()


_CLASSES: tuple[type[SaveNode], ...] = (
    RunflowSaveAudioFlac,
    RunflowSaveAudioMP3,
    RunflowSaveAudioOpus,
    RunflowSaveVideoMP4,
    RunflowSaveVideoWEBM,
)
