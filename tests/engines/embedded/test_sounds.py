"""Every recorded sound file of ComfyUI, and the same live where a ComfyUI is there.

The FLAC files of `exact.json` are equal to the sample, those of `rates.json` too where torch brings
sounds to one sample rate. What `lossy.json` makes passes a lossy codec, and is as equal with the
release of av that ComfyUI had (18); but Opus at 44100 and the like is encoded from sound whose last
bits torch adds up in another order. Other releases of av bring other encoders and decoders: there
only sample rate, channels and number of samples are the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_comfyui import run
from recorded_files import INPUT, arrays, arrays_of, numbered, prompts

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine

av = pytest.importorskip("av")

SAME_CODECS = av.__version__.startswith("18.")
OPUS_TOLERANCE = 0.01  # 0.003 was measured
RECORDED = {
    case: prompt
    for case, prompt in prompts("audio").items()
    if case[0] != "surround"  # which ComfyUI saves as noise
}
IDS = ["/".join(key) for key in RECORDED]
Sounds = Mapping[str, tuple[int, Any]]  # `<node>/<number><suffix>` -> sample rate, samples


@pytest.fixture(scope="module")
def recorded() -> Mapping[str, Any]:
    return arrays("audio")


@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_sounds_equal_those_that_comfyui_made(
    case: tuple[str, str], engine: EmbeddedEngine, tmp_path: Path, recorded: Mapping[str, Any]
) -> None:
    family, name = case
    if family == "rates":
        pytest.importorskip("torch")
    theirs = {
        key: decoded(io.BytesIO(data.tobytes()))
        for key, data in arrays_of(recorded[family], name).items()
    }
    for _ in range(2):  # the second time with what the first one left in the cache
        assert_equal(sounds(engine, RECORDED[case], tmp_path), theirs, family)


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_sounds_equal_those_that_comfyui_makes_now(
    case: tuple[str, str], engine: EmbeddedEngine, tmp_path: Path, comfyui: str
) -> None:
    made = numbered(run(comfyui, RECORDED[case]).files)
    theirs = {
        f"{key}{Path(one.name).suffix}": decoded(io.BytesIO(one.data)) for key, one in made.items()
    }
    assert_equal(sounds(engine, RECORDED[case], tmp_path), theirs, case[0])


def test_surround_sound_is_read_as_comfyui_reads_it(
    engine: EmbeddedEngine, recorded: Mapping[str, Any]
) -> None:
    """ComfyUI saves its six channels as noise: all samples of all channels, two by two."""
    from runflow_build.media.audio import read_audio

    path = INPUT / "au_surround.wav"
    sound = read_audio(path, path.name, lambda count: None, lambda: None)
    assert (sound.waveform.shape, sound.sample_rate) == ((1, 6, 600), 48000)
    noise = recorded["surround"]["load surround.wav/9/0.flac"]
    _, samples = decoded(io.BytesIO(noise.tobytes()))
    assert np.array_equal(samples.T.reshape(-1, 6).T, sound.waveform[0])


def sounds(engine: EmbeddedEngine, prompt: Any, folder: Path) -> Sounds:
    made = numbered(engine.execute(prompt, RunFolders(INPUT, folder)))
    return {f"{key}{one.path.suffix}": decoded(one.path) for key, one in made.items()}


def decoded(file: Any) -> tuple[int, Any]:
    """The sample rate, and float32 samples [channel, sample]; by other code than the engine's."""
    blocks = []
    with av.open(file if isinstance(file, io.BytesIO) else str(file)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray()
            if frame.format.is_packed:
                samples = samples.reshape(-1, len(frame.layout.channels)).T
            blocks.append(samples)
        whole = np.concatenate(blocks, axis=1)
        scale = {np.dtype("int16"): 1 << 15, np.dtype("int32"): 1 << 31}.get(whole.dtype, 1)
        return frame.sample_rate, (whole / scale).astype(np.float32)


def assert_equal(ours: Sounds, theirs: Sounds, family: str) -> None:
    assert ours.keys() == theirs.keys()
    for name, (rate, samples) in theirs.items():
        assert ours[name][0] == rate
        assert ours[name][1].shape == samples.shape, name
        if family == "lossy" and not SAME_CODECS:
            continue
        allowed = OPUS_TOLERANCE if name.endswith(".opus") else 0
        assert np.abs(ours[name][1] - samples).max() <= allowed, name
