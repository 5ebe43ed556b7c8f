"""Sound nodes; what ComfyUI makes with them is in ../test_sounds.py."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS, Limits
from runflow_build.engines.embedded.node_class import NodeError, Run
from runflow_build.engines.embedded.nodes.audio import CLASSES
from runflow_build.media.audio import Audio
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]
FOLDERS = RunFolders(Path("input"), Path("output"))  # for nodes that touch no file
RUN = Run(FOLDERS, DEFAULT_LIMITS)


def call(name: str, **inputs: Any) -> tuple[Any, ...]:
    return CLASSES[name].function(RUN, **inputs).values


def made(*channels: list[float], rate: int = 10) -> Audio:
    return Audio(np.array([channels], np.float32), rate)


def refused(name: str, **inputs: Any) -> str:
    with pytest.raises(NodeError) as caught:
        call(name, **inputs)
    return str(caught.value)


RAMP = made([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])


# -- trimming


@pytest.mark.parametrize(
    ("start", "duration", "kept"),
    [
        (0.2, 0.3, [2, 3, 4]),
        (-0.3, 0.2, [7, 8]),
        (-99, 0.2, [0, 1]),
        (99, 5, [9]),  # the last sample, as in ComfyUI
        (0.7, 1e308, [7, 8, 9]),
        (0.25, 0.15, [2, 3]),  # halves go to the even number
    ],
)
def test_trimming_counts_in_seconds(start: float, duration: float, kept: list[float]) -> None:
    (audio,) = call("TrimAudioDuration", audio=RAMP, start_index=start, duration=duration)
    assert audio.waveform[0, 0].tolist() == kept
    assert audio.sample_rate == 10


def test_trimming_to_nothing_is_refused() -> None:
    assert refused("TrimAudioDuration", audio=RAMP, start_index=0.0, duration=0.01) == (
        "nothing is left of 10 samples at 10 a second: 0.01 s were to be kept"
    )
    empty = Audio(np.zeros((1, 2, 0), np.float32), 10)
    assert refused("TrimAudioDuration", audio=empty, start_index=0.0, duration=1.0) == (
        "nothing is left of 0 samples at 10 a second: 1 s were to be kept"
    )


# -- channels


def test_stereo_is_split_and_nothing_else() -> None:
    left, right = call("SplitAudioChannels", audio=made([1, 2], [3, 4]))
    assert (left.waveform.tolist(), right.waveform.tolist()) == ([[[1, 2]]], [[[3, 4]]])
    assert refused("SplitAudioChannels", audio=made([1])) == (
        "the sound has 1 channel, and only stereo can be split into left and right"
    )
    assert refused("SplitAudioChannels", audio=made([1], [1], [1])) == (
        "the sound has 3 channels, and only stereo can be split into left and right"
    )


# -- one after the other


def test_concat_makes_stereo_of_mono() -> None:
    inputs = {"audio1": made([1, 2]), "audio2": made([3], [4])}
    (after,) = call("AudioConcat", **inputs, direction="after")
    assert after.waveform.tolist() == [[[1, 2, 3], [1, 2, 4]]]
    (before,) = call("AudioConcat", **inputs, direction="before")
    assert before.waveform.tolist() == [[[3, 1, 2], [4, 1, 2]]]
    assert (after.waveform.dtype, after.sample_rate) == (np.float32, 10)


def test_concat_refuses_channels_that_do_not_fit() -> None:
    assert refused("AudioConcat", audio1=made([1]), audio2=made([1], [1], [1])) == (
        "a batch of 1 with 2 channels and a batch of 1 with 3 channels cannot follow each other"
    )


def test_two_sample_rates_need_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runflow_build.engines.embedded.extras.installed", lambda package: False)
    assert refused("AudioConcat", audio1=made([1], rate=8000), audio2=made([1], rate=12000)) == (
        "bringing sound of 8000 samples a second to 12000 needs torch, which is not installed"
    )


def test_the_higher_sample_rate_is_kept() -> None:
    pytest.importorskip("torch")
    slow, fast = made([0.5] * 100, rate=8000), made([0.5] * 30, rate=12000)
    (audio,) = call("AudioConcat", audio1=slow, audio2=fast)
    assert (audio.waveform.shape, audio.sample_rate) == ((1, 2, 180), 12000)
    (audio,) = call("AudioMerge", audio1=fast, audio2=slow, merge_method="mean")
    assert (audio.waveform.shape, audio.sample_rate) == ((1, 1, 30), 12000)


def test_rates_that_share_no_divisor_are_refused_before_they_take_gigabytes() -> None:
    pytest.importorskip("torch")
    one, two = made([1], rate=44101), made([1], rate=48000)
    assert refused("AudioConcat", audio1=one, audio2=two) == (
        "the run would hold more than 4096 MiB of media"
    )


# -- at once


@pytest.mark.parametrize(
    ("method", "merged"),
    [
        ("add", [0.75, 0, 0.5]),
        ("subtract", [0.25, 0.5, 0.5]),
        ("multiply", [0.125, -0.0625, 0]),
        ("mean", [0.375, 0, 0.25]),
    ],
)
def test_merging_is_as_long_as_the_first(method: str, merged: list[float]) -> None:
    one, two = made([0.5, 0.25, 0.5]), made([0.25, -0.25])
    (audio,) = call("AudioMerge", audio1=one, audio2=two, merge_method=method)
    assert audio.waveform[0, 0].tolist() == merged
    (audio,) = call("AudioMerge", audio1=two, audio2=one, merge_method="add")
    assert audio.waveform[0, 0].tolist() == [0.75, 0]


def test_merging_spreads_mono_over_stereo_and_is_never_over_1() -> None:
    (audio,) = call(
        "AudioMerge", audio1=made([1.0, 0.5]), audio2=made([1, 0], [0, 0]), merge_method="add"
    )
    assert audio.waveform.tolist() == [[[1, 0.25], [0.5, 0.25]]]


def test_merging_passes_nan_on() -> None:
    (audio,) = call("AudioMerge", audio1=made([np.nan, 3]), audio2=made([1, 1]), merge_method="add")
    assert np.array_equal(audio.waveform[0, 0], [np.nan, 4], equal_nan=True)


def test_merging_refuses_what_does_not_fit() -> None:
    two, three = made([1], [1]), made([1], [1], [1])
    assert refused("AudioMerge", audio1=two, audio2=three, merge_method="add") == (
        "a batch of 1 with 2 channels and a batch of 1 with 3 channels cannot be merged"
    )
    empty = Audio(np.zeros((1, 1, 0), np.float32), 10)
    assert refused("AudioMerge", audio1=empty, audio2=two, merge_method="add") == (
        "audio1 has no samples, so there is nothing to merge"
    )


# -- volume and silence


def test_volume_is_in_decibels() -> None:
    (louder,) = call("AudioAdjustVolume", audio=made([0.5, -1]), volume=20)
    assert louder.waveform[0, 0].tolist() == [5, -10]
    (same,) = call("AudioAdjustVolume", audio=RAMP, volume=0)
    assert same is RAMP


def test_silence_is_as_long_as_asked() -> None:
    (audio,) = call("EmptyAudio", duration=0.5, sample_rate=5, channels=2)
    assert audio.waveform.shape == (1, 2, 2)  # 2.5 goes to the even number
    assert (audio.waveform.dtype, audio.sample_rate) == (np.float32, 5)
    assert not audio.waveform.any()


def test_too_much_silence_is_refused() -> None:
    assert refused("EmptyAudio", duration=2.0**64, sample_rate=192000, channels=2) == (
        "the run would hold more than 4096 MiB of media"
    )


floats = st.lists(st.floats(width=32, allow_nan=True), min_size=1, max_size=9)


@given(floats, floats, st.sampled_from(["add", "mean", "subtract", "multiply"]))
def test_no_input_is_changed(one: list[float], two: list[float], method: str) -> None:
    audio1, audio2 = made(one), made(two)
    before = audio1.waveform.copy(), audio2.waveform.copy()
    with np.errstate(all="ignore"):
        call("AudioMerge", audio1=audio1, audio2=audio2, merge_method=method)
        call("AudioConcat", audio1=audio1, audio2=audio2)
        call("AudioAdjustVolume", audio=audio1, volume=7)
    assert np.array_equal(before[0], audio1.waveform, equal_nan=True)
    assert np.array_equal(before[1], audio2.waveform, equal_nan=True)


# -- files


@pytest.fixture
def av() -> Any:
    return pytest.importorskip("av")


def silence(node: Node) -> dict[str, Any]:
    return node("EmptyAudio", duration=0.1, sample_rate=8000, channels=1)


@pytest.mark.usefixtures("av")
@pytest.mark.parametrize(
    ("class_type", "values", "suffix", "content_type"),
    [
        ("RunflowSaveAudioFlac", {}, "flac", "audio/flac"),
        ("RunflowSaveAudioMP3", {"quality": "V0"}, "mp3", "audio/mpeg"),
        ("RunflowSaveAudioOpus", {"quality": "64k"}, "opus", "audio/ogg"),
    ],
)
def test_our_savers_give_the_file_and_its_name(
    class_type: str,
    values: dict[str, str],
    suffix: str,
    content_type: str,
    engine: EmbeddedEngine,
    folders: RunFolders,
    node: Node,
) -> None:
    prompt: Prompt = {
        "1": silence(node),
        "2": node(class_type, audio=["1", 0], filename_prefix="a/b", **values),
        "3": node("RunflowOutputFile", output_id="sound", output_name="", value=["2", 0]),
    }
    saved, given_out = engine.execute(prompt, folders)
    assert (saved.node, given_out.node) == ("2", "3")
    assert saved.path.samefile(given_out.path)
    assert given_out.path.name == f"b_00001_.{suffix}"
    assert given_out.content_type == content_type
    again, _ = engine.execute(prompt, folders)
    assert again.path.name == f"b_00002_.{suffix}"


@pytest.mark.usefixtures("av")
def test_a_preview_is_a_file_of_the_run(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    (file,) = engine.execute(
        {"1": silence(node), "2": node("PreviewAudio", audio=["1", 0])}, folders
    )
    assert file.path.name == "ComfyUI_temp_00001_.flac"


@pytest.mark.usefixtures("av")
def test_a_batch_is_saved_sound_by_sound_and_the_first_gives_its_name(folders: RunFolders) -> None:
    batch = Audio(np.zeros((3, 1, 9), np.float32), 8000)
    run = Run(folders, DEFAULT_LIMITS)
    saver = CLASSES["RunflowSaveAudioFlac"].function
    result = saver(run, audio=batch, filename_prefix="s%batch_num%")
    assert [path.name for path in result.files] == [
        "s0_00001_.flac",
        "s1_00002_.flac",
        "s2_00003_.flac",
    ]
    assert result.values == ("s0_00001_.flac",)


@pytest.mark.usefixtures("av")
def test_nothing_to_save_leaves_no_file(
    refusal: Callable[[Prompt], str], folders: RunFolders, node: Node
) -> None:
    empty = node("EmptyAudio", duration=0.0, sample_rate=8000, channels=1)
    saver = node("SaveAudioMP3", audio=["1", 0], filename_prefix="a", quality="V0")
    assert refusal({"1": empty, "2": saver}) == (
        "error node-failed: the sound has no samples, so there is nothing to save\n"
        "  at        node 2 (SaveAudioMP3)"
    )
    assert list(folders.output.iterdir()) == []


@pytest.mark.usefixtures("av")
def test_a_file_without_sound_is_named_without_its_folder(
    refusal: Callable[[Prompt], str], folders: RunFolders, node: Node
) -> None:
    (folders.input / "words.mp3").write_text("words", encoding="utf-8")
    saver = node("SaveAudio", audio=["1", 0], filename_prefix="a")
    assert refusal({"1": node("LoadAudio", audio="words.mp3"), "2": saver}) == (
        "error node-failed: words.mp3 is damaged, or no sound or video:"
        " Invalid data found when processing input\n"
        "  at        node 1 (LoadAudio)"
    )


@pytest.mark.usefixtures("av")
def test_a_sound_that_is_too_long_is_refused_while_it_is_decoded(folders: RunFolders) -> None:
    samples = bytes(2 * 300_000)
    head = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples
    (folders.input / "long.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    run = Run(folders, Limits(held_bytes=1 << 20))
    with pytest.raises(NodeError) as caught:
        CLASSES["LoadAudio"].function(run, audio="long.wav")
    assert str(caught.value) == "the run would hold more than 1 MiB of media"


def test_what_needs_av_says_so_and_what_does_not_goes_without() -> None:
    needing = {name for name, one in CLASSES.items() if one.package == "av"}
    assert {*CLASSES} - needing == {
        "AudioAdjustVolume",
        "AudioConcat",
        "AudioMerge",
        "EmptyAudio",
        "SplitAudioChannels",
        "TrimAudioDuration",
    }
