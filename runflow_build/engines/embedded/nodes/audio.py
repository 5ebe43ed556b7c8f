"""Sound; behaviour of comfy_extras/nodes_audio.py at 3cd7b32f, and our own savers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ....media.audio import FLAC, MP3, OPUS, Audio, AudioFormat, read_audio, write_audio
from ....media.pixels import Floats
from ..input_files import input_file
from ..kernels.sample_rates import resampled
from ..node_class import NodeClass, NodeError, Result, Run
from ..output_files import Writer, save_files
from .saving import PREVIEW_PREFIX


def load_audio(run: Run, audio: str) -> Result:
    path = input_file(run.folders, audio)
    return Result((read_audio(path, audio, run.claim_values, run.check),))


def save_audio(run: Run, audio: Audio, filename_prefix: str = "audio/ComfyUI") -> Result:
    return Result(files=_saved(run, audio, filename_prefix, FLAC))


def save_audio_mp3(
    run: Run, audio: Audio, filename_prefix: str = "audio/ComfyUI", quality: str = "V0"
) -> Result:
    return Result(files=_saved(run, audio, filename_prefix, MP3, quality))


def save_audio_opus(
    run: Run, audio: Audio, filename_prefix: str = "audio/ComfyUI", quality: str = "128k"
) -> Result:
    return Result(files=_saved(run, audio, filename_prefix, OPUS, quality))


def preview_audio(run: Run, audio: Audio) -> Result:
    return Result(files=_saved(run, audio, PREVIEW_PREFIX, FLAC))


def runflow_save_flac(run: Run, audio: Audio, filename_prefix: str) -> Result:
    return named(run, _saved(run, audio, filename_prefix, FLAC))


def runflow_save_mp3(run: Run, audio: Audio, filename_prefix: str, quality: str) -> Result:
    return named(run, _saved(run, audio, filename_prefix, MP3, quality))


def runflow_save_opus(run: Run, audio: Audio, filename_prefix: str, quality: str) -> Result:
    return named(run, _saved(run, audio, filename_prefix, OPUS, quality))


def named(run: Run, files: tuple[Path, ...]) -> Result:
    """The files, and what RunflowOutputFile takes: the first one's name below the output folder."""
    name = files[0].relative_to(run.folders.output.resolve()).as_posix()
    return Result((name,), files)


def _saved(
    run: Run, audio: Audio, prefix: str, form: AudioFormat, quality: str | None = None
) -> tuple[Path, ...]:
    def writer(waveform: Floats) -> Writer:
        return lambda file: write_audio(
            file, waveform, audio.sample_rate, form, quality, run.claim_values, run.check
        )

    return save_files(run, prefix, f".{form.name}", (writer(one) for one in audio.waveform))


def trim_audio_duration(run: Run, audio: Audio, start_index: float, duration: float) -> Result:
    """From `start_index` seconds, or so many before the end; as long as there is sound."""
    samples = audio.waveform.shape[-1]
    start = round(start_index * audio.sample_rate)
    start = max(0, min(start + samples if start_index < 0 else start, samples - 1))
    wanted = min(duration * audio.sample_rate, samples)  # the product may be infinite
    end = min(start + round(wanted), samples)
    if start >= end:
        raise NodeError(
            f"nothing is left of {samples} samples at {audio.sample_rate} a second:"
            f" {duration:g} s were to be kept",
            "keep a longer time",
        )
    return Result((Audio(audio.waveform[..., start:end], audio.sample_rate),))


def split_audio_channels(run: Run, audio: Audio) -> Result:
    channels = audio.waveform.shape[1]
    if channels != 2:
        raise NodeError(
            f"the sound has {_channels(channels)}, and only stereo can be split into left and right"
        )
    left, right = audio.waveform[:, :1], audio.waveform[:, 1:]
    return Result((Audio(left, audio.sample_rate), Audio(right, audio.sample_rate)))


def audio_concat(run: Run, audio1: Audio, audio2: Audio, direction: str = "after") -> Result:
    """Two sounds one after the other, stereo where both are mono or stereo."""
    one, two, rate = _at_one_rate(run, _stereo(audio1), _stereo(audio2))
    if one.shape[:2] != two.shape[:2]:
        raise NodeError(f"{_shape(one)} and {_shape(two)} cannot follow each other")
    run.claim_values(one.size + two.size)
    parts = (one, two) if direction == "after" else (two, one)
    return Result((Audio(np.concatenate(parts, axis=2), rate),))


def audio_merge(run: Run, audio1: Audio, audio2: Audio, merge_method: str) -> Result:
    """Two sounds at once, as long as the first; quieter as a whole where they would be over 1."""
    one, two, rate = _at_one_rate(run, audio1, audio2)
    try:
        shape = np.broadcast_shapes(one.shape[:2], two.shape[:2])
    except ValueError:
        raise NodeError(f"{_shape(one)} and {_shape(two)} cannot be merged") from None
    samples = one.shape[2]
    if not samples:
        raise NodeError("audio1 has no samples, so there is nothing to merge")
    run.claim_values(2 * shape[0] * shape[1] * samples + two.shape[0] * two.shape[1] * samples)
    two = two[..., :samples]
    two = np.pad(two, ((0, 0), (0, 0), (0, samples - two.shape[2])))
    merged = _MERGED[merge_method](one, two)
    if merge_method == "mean":
        merged /= np.float32(2)
    loudest = np.abs(merged).max()
    return Result((Audio(merged / loudest if loudest > 1 else merged, rate),))


_MERGED: Mapping[str, Any] = {
    "add": np.add,
    "mean": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
}


def audio_adjust_volume(run: Run, audio: Audio, volume: int) -> Result:
    """Louder by `volume` decibels."""
    if volume == 0:
        return Result((audio,))
    run.claim_values(audio.waveform.size)
    gain = np.float32(10 ** (volume / 20))
    return Result((Audio(audio.waveform * gain, audio.sample_rate),))


def empty_audio(run: Run, duration: float, sample_rate: int, channels: int) -> Result:
    """Silence."""
    samples = round(duration * sample_rate)
    run.claim_values(channels * samples)
    return Result((Audio(np.zeros((1, channels, samples), np.float32), sample_rate),))


def _stereo(audio: Audio) -> Audio:
    if audio.waveform.shape[1] != 1:
        return audio
    batch, _, samples = audio.waveform.shape
    return Audio(np.broadcast_to(audio.waveform, (batch, 2, samples)), audio.sample_rate)


def _at_one_rate(run: Run, audio1: Audio, audio2: Audio) -> tuple[Floats, Floats, int]:
    """Both waveforms at the higher of the two sample rates."""
    rate = max(audio1.sample_rate, audio2.sample_rate)
    one, two = (_at_rate(run, audio, rate) for audio in (audio1, audio2))
    return one, two, rate


def _at_rate(run: Run, audio: Audio, rate: int) -> Floats:
    if audio.sample_rate == rate:
        return audio.waveform
    what = f"bringing sound of {audio.sample_rate} samples a second to {rate}"
    return resampled(run, audio.waveform, audio.sample_rate, rate, what)


def _shape(waveform: Floats) -> str:
    batch, channels, _ = waveform.shape
    return f"a batch of {batch} with {_channels(channels)}"


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


_AV = "av"
CLASSES: Mapping[str, NodeClass] = {
    "AudioAdjustVolume": NodeClass(audio_adjust_volume),
    "AudioConcat": NodeClass(audio_concat),
    "AudioMerge": NodeClass(audio_merge),
    "EmptyAudio": NodeClass(empty_audio),
    "LoadAudio": NodeClass(load_audio, files=frozenset({"audio"}), package=_AV),
    "PreviewAudio": NodeClass(preview_audio, package=_AV),
    "RunflowSaveAudioFlac": NodeClass(runflow_save_flac, package=_AV),
    "RunflowSaveAudioMP3": NodeClass(runflow_save_mp3, package=_AV),
    "RunflowSaveAudioOpus": NodeClass(runflow_save_opus, package=_AV),
    "SaveAudio": NodeClass(save_audio, package=_AV),
    "SaveAudioMP3": NodeClass(save_audio_mp3, package=_AV),
    "SaveAudioOpus": NodeClass(save_audio_opus, package=_AV),
    "SplitAudioChannels": NodeClass(split_audio_channels),
    "TrimAudioDuration": NodeClass(trim_audio_duration),
}
