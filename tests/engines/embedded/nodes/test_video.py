"""Video as ComfyUI has it: recorded facts of its files, the same live, and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_comfyui import run as run_there
from video_facts import facts, pixels, sound

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine, Limits
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.nodes import video
from runflow_build.media.audio import Audio
from runflow_build.media.error import MediaError
from runflow_build.media.video import VideoFile, VideoParts
from runflow_build.media.video_writing import save_mp4
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]
CASES = Path(__file__).parents[3] / "cases"
INPUT = CASES / "pixels" / "input"
SAVED = json.loads((CASES / "video" / "saved.json").read_text(encoding="utf-8"))
RATES = json.loads((CASES / "video" / "fps.json").read_text(encoding="utf-8"))
# x264 and SVT-AV1 do not give the same bytes every time at sizes like these; never far apart.
LEVELS_APART = 8
# ComfyUI takes samples of 16 bits for values up to 32767 here, though not in LoadAudio.
SOUND_UNSCALED = {"mpeg4.avi to auto h264"}


@pytest.fixture
def recorded_run(tmp_path: Path) -> Run:
    return Run(RunFolders(INPUT, tmp_path), DEFAULT_LIMITS)


def saved(engine: EmbeddedEngine, prompt: Prompt, folder: Path) -> bytes:
    (file,) = engine.execute(prompt, RunFolders(INPUT, folder))
    return file.path.read_bytes()


def noise(*shape: int) -> Any:
    return np.random.default_rng(5).random(shape, dtype=np.float32)


def tone(samples: int, rate: int = 48000, channels: int = 2) -> Audio:
    one = np.sin(np.arange(samples) * (2 * np.pi * 440 / rate), dtype=np.float32) * np.float32(0.5)
    return Audio(np.tile(one, (1, channels, 1)), rate)


def has_av1() -> bool:
    """PyAV has it since 14."""
    from av.codec import Codec

    with contextlib.suppress(ValueError):
        return bool(Codec("libsvtav1", "w"))
    return False


WITHOUT_AV1 = pytest.mark.skipif(not has_av1(), reason="the installed av has no libsvtav1")
NOT_NUMBERS = Audio(np.full((1, 2, 8), np.nan, np.float32), 48000)


# ---- equal to ComfyUI


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=WITHOUT_AV1) if "av1" in name else name for name in SAVED]
)
def test_a_saved_video_is_what_comfyui_made(
    name: str, engine: EmbeddedEngine, tmp_path: Path
) -> None:
    case = SAVED[name]
    assert facts(saved(engine, case["prompt"], tmp_path), case["copied"]) == case["made"]


@pytest.mark.parametrize("file", RATES)
def test_the_frame_rate_is_the_one_that_comfyui_gives(file: str, recorded_run: Run) -> None:
    (value,) = video.load_video(recorded_run, file).values
    images, _, fps = video.get_video_components(recorded_run, value).values
    assert fps == RATES[file]
    assert images.dtype == np.float32


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("name", SAVED)
def test_a_saved_video_is_what_comfyui_makes_now(
    name: str, engine: EmbeddedEngine, tmp_path: Path, comfyui: str
) -> None:
    case = SAVED[name]
    (theirs,) = (one.data for one in run_there(comfyui, case["prompt"]).files)
    ours = saved(engine, case["prompt"], tmp_path)
    made = facts(ours, case["copied"])
    assert made == facts(theirs, case["copied"])
    apart = np.abs(pixels(ours).astype(int) - pixels(theirs))
    assert apart.mean() <= (0 if case["copied"] else LEVELS_APART)
    if any(stream["type"] == "audio" for stream in made["streams"]):
        assert np.array_equal(sound(ours), sound(theirs)) == (name not in SOUND_UNSCALED)


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("file", RATES)
def test_frames_are_those_that_comfyui_decodes_now(
    file: str, pictures_there: Callable[[Prompt], Any], recorded_run: Run, node: Node
) -> None:
    prompt = {
        "1": node("LoadVideo", file=file),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="vi"),
    }
    (value,) = video.load_video(recorded_run, file).values
    images = video.get_video_components(recorded_run, value).values[0]
    assert np.array_equal(np.round(images * 255).astype(np.uint8), pictures_there(prompt))


@pytest.fixture
def pictures_there(comfyui: str) -> Callable[[Prompt], Any]:
    from PIL import Image

    def pictures(prompt: Prompt) -> Any:
        files = run_there(comfyui, prompt).files
        return np.stack([np.asarray(Image.open(io.BytesIO(one.data))) for one in files])

    return pictures


# ---- values


def test_a_video_of_parts_gives_its_parts_back(run: Run) -> None:
    images, audio = noise(3, 4, 6, 3), tone(100)
    (value,) = video.create_video(run, images, 23.976, audio).values
    back, heard, fps = video.get_video_components(run, value).values
    assert back is images
    assert heard is audio
    assert fps == 23.976


def test_a_video_without_sound_gives_none_for_it_and_that_makes_a_video_again(
    recorded_run: Run,
) -> None:
    (value,) = video.load_video(recorded_run, "vi_plain.mp4").values
    images, audio, fps = video.get_video_components(recorded_run, value).values
    assert audio is None
    (again,) = video.create_video(recorded_run, images, fps, audio).values
    assert video.save_video(recorded_run, again, "a", "auto", "auto").files


def test_sound_of_whole_numbers_is_scaled(recorded_run: Run) -> None:
    (value,) = video.load_video(recorded_run, "vi_pcm.mov").values
    audio = video.get_video_components(recorded_run, value).values[1]
    assert audio.waveform.shape == (1, 2, 1600)
    assert audio.sample_rate == 8000
    assert np.abs(audio.waveform).max() == pytest.approx(0.4, abs=0.01)


def test_a_copied_video_is_never_decoded(
    definitions: Definitions, node: Node, tmp_path: Path
) -> None:
    prompt = {
        "1": node("LoadVideo", file="vi_sound.mp4"),
        "2": node("SaveVideo", video=["1", 0], filename_prefix="a", format="auto", codec="auto"),
    }
    small = EmbeddedEngine(definitions, Limits(pixels=1))  # not one frame of it
    assert small.execute(prompt, RunFolders(INPUT, tmp_path))


# ---- our own savers


def test_an_mp4_hands_its_name_to_an_output(
    engine: EmbeddedEngine, node: Node, tmp_path: Path
) -> None:
    prompt = {
        "1": node("LoadVideo", file="vi_vp9.webm"),
        "2": node("RunflowSaveVideoMP4", video=["1", 0], filename_prefix="clips/a"),
        "3": node("RunflowOutputFile", output_id="clip", output_name="", value=["2", 0]),
    }
    files = engine.execute(prompt, RunFolders(INPUT, tmp_path))
    assert {one.path for one in files} == {(tmp_path / "clips/a_00001_.mp4").resolve()}
    assert {one.content_type for one in files} == {"video/mp4"}
    streams = facts(files[0].path.read_bytes())["streams"]
    assert [stream["codec"] for stream in streams] == ["h264", "aac"]


@pytest.mark.parametrize(
    ("codec", "decoder"),
    [("vp9", "vp9"), pytest.param("av1", "libdav1d", marks=WITHOUT_AV1)],
)
def test_a_webm_has_pictures_and_sound(run: Run, codec: str, decoder: str) -> None:
    images = np.repeat(np.repeat(noise(24, 8, 8, 3), 12, 1), 12, 2)
    result = video.runflow_save_video_webm(
        run, images, "a", 12.0, codec, 30.0, tone(100_000, 44100)
    )
    assert result.values == ("a_00001_.webm",)
    told = facts(result.files[0].read_bytes())
    assert told["seconds"] == pytest.approx(2.0, abs=0.03)  # the sound ends with the pictures
    picture, heard = told["streams"]
    assert (picture["codec"], picture["size"], picture["frames"]) == (decoder, [96, 96], 24)
    assert (heard["codec"], heard["rate"], heard["channels"]) == ("opus", 48000, 2)


def test_a_webm_keeps_transparency(run: Run) -> None:
    import av

    alpha = np.linspace(0, 1, 64, dtype=np.float32)
    images = np.full((12, 48, 64, 4), 0.5, np.float32)
    images[..., 3] = alpha
    (file,) = video.runflow_save_video_webm(run, images, "a", 12.0, "vp9", 20.0).files
    with av.open(str(file)) as container:  # FFmpeg's own decoder of VP9 leaves alpha out
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [*container.demux(video=0)]
        frames = [one for packet in packets for one in decoder.decode(packet)]
    assert len(frames) == 12
    assert {one.format.name for one in frames} == {"yuva420p"}
    for frame in frames:
        got = frame.to_ndarray(format="rgba")[..., 3] / 255
        assert np.abs(got - alpha).mean() < 0.02


def test_no_metadata_is_written_and_none_is_taken_over(
    engine: EmbeddedEngine, node: Node, folders: RunFolders
) -> None:
    import av

    with av.open(
        str(folders.input / "a.mp4"), "w", options={"movflags": "use_metadata_tags"}
    ) as one:
        one.metadata["prompt"] = "{}"
        stream = one.add_stream("libx264", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        one.mux(stream.encode(av.VideoFrame(16, 16, "rgb24")))
        one.mux(stream.encode(None))
    assert b"prompt" in (folders.input / "a.mp4").read_bytes()
    prompt = {
        "1": node("LoadVideo", file="a.mp4"),
        "2": node("SaveVideo", video=["1", 0], filename_prefix="a", format="auto", codec="auto"),
    }
    (file,) = engine.execute(prompt, folders)
    assert b"prompt" not in file.path.read_bytes()


# ---- what is refused


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            VideoParts(noise(2, 4, 5, 3), Fraction(8)),
            "H.264 has even widths and heights only, and the pictures are 5 x 4 pixels",
        ),
        (
            VideoParts(noise(2, 4, 4, 4), Fraction(8)),
            "H.264 has no transparency, and the pictures have 4 channels",
        ),
        (VideoParts(noise(0, 4, 4, 3), Fraction(8)), "0 pictures of 4 x 4 pixels are no video"),
        (
            VideoParts(noise(2, 4, 4, 3), Fraction(5000)),
            "a video cannot have 5000 frames per second",
        ),
        (
            VideoParts(noise(2, 4, 4, 3), Fraction(8), tone(8, channels=6)),
            "the sound has 6 channels, and a video takes 1 or 2",
        ),
        (
            VideoParts(noise(2, 4, 4, 3), Fraction(8), tone(8, 4000)),
            "the sound has 4000 samples per second, and aac takes 7350, 8000, 11025, 12000, 16000,"
            " 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000",
        ),
        (
            VideoParts(
                noise(2, 4, 4, 3), Fraction(8), Audio(tone(8).waveform * np.float32("nan"), 48000)
            ),
            "the sound holds values that are no numbers",
        ),
        (
            VideoParts(noise(1, 2, 32768, 3), Fraction(8)),
            "H.264 cannot be made of 32768 x 2 pixels at 8 frames per second: Generic error in an"
            " external library",
        ),
    ],
)
def test_what_no_mp4_can_hold_is_refused_and_nothing_stays(
    value: Any, message: str, run: Run
) -> None:
    with pytest.raises(MediaError) as caught:
        video.save_video(run, value, "a", "auto", "auto")
    assert str(caught.value) == message
    assert [*run.folders.output.iterdir()] == []


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"fps": float("nan")}, "a video cannot have nan frames per second"),
        ({"fps": 0}, "a video cannot have 0 frames per second"),
        ({"fps": -1.5}, "a video cannot have -1.5 frames per second"),
        ({"fps": 1e300}, "a video cannot have 1e+300 frames per second"),
        ({"fps": 0.0001}, "a video cannot have 0.0001 frames per second"),
        ({"crf": float("nan")}, "crf is nan, and not within 0 and 63"),
        ({"crf": 64.0}, "crf is 64, and not within 0 and 63"),
        (
            {"codec": "av1", "images": noise(2, 64, 64, 4)},
            "AV1 has no transparency, and the pictures have 4 channels",
        ),
    ],
)
def test_what_no_webm_can_hold_is_refused_and_nothing_stays(
    inputs: dict[str, Any], message: str, run: Run
) -> None:
    given = {"images": noise(2, 8, 8, 3), "fps": 24.0, "codec": "vp9", "crf": 32.0, **inputs}
    with pytest.raises(MediaError) as caught:
        video.runflow_save_video_webm(run, filename_prefix="a", **given)
    assert str(caught.value) == message
    assert [*run.folders.output.iterdir()] == []


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_linked_rate_that_is_none_is_refused(fps: float, run: Run) -> None:
    with pytest.raises(MediaError, match=r"^a video cannot have .* frames per second$"):
        video.create_video(run, noise(1, 2, 2, 3), fps)


def test_pictures_that_are_no_numbers_are_saved_black(run: Run) -> None:
    value = VideoParts(np.full((2, 32, 32, 3), np.nan, np.float32), Fraction(8))
    (file,) = video.save_video(run, value, "a", "auto", "auto").files
    assert pixels(file.read_bytes()).max() <= 2


def test_saving_stops_when_the_run_is_cancelled_and_leaves_nothing(folders: RunFolders) -> None:
    asked = []
    run = Run(folders, DEFAULT_LIMITS, lambda: len(asked) == 5 or asked.append(None))
    value = VideoParts(noise(60, 64, 64, 3), Fraction(8), tone(48000))
    with pytest.raises(RunStoppedError):
        video.save_video(run, value, "a", "auto", "auto")
    assert len(asked) == 5
    assert [*folders.output.iterdir()] == []


def test_decoding_and_copying_stop_when_the_time_is_over(tmp_path: Path) -> None:
    run = Run(RunFolders(INPUT, tmp_path), Limits(seconds=0))
    value = VideoFile(INPUT / "vi_sound.mp4", "vi_sound.mp4")
    with pytest.raises(RunStoppedError, match=r"^the run took longer than 0 s$"):
        video.get_video_components(run, value)
    file = io.BytesIO()
    with pytest.raises(RunStoppedError, match=r"^the run took longer than 0 s$"):
        save_mp4(value, file, "auto", "auto", run)


def test_decoding_is_bounded_frame_by_frame(folders: RunFolders) -> None:
    run = Run(RunFolders(INPUT, folders.output), Limits(pixels=3 * 32 * 40))
    value = VideoFile(INPUT / "vi_sound.mp4", "vi_sound.mp4")
    with pytest.raises(
        NodeError, match=r"^4 x 32 x 40 pixels .* are over the limit of 3840 pixels$"
    ):
        video.get_video_components(run, value)


def test_a_gif_cannot_be_copied_into_an_mp4(recorded_run: Run) -> None:
    (value,) = video.load_video(recorded_run, "vi_gif.gif").values
    with pytest.raises(MediaError) as caught:
        video.save_video(recorded_run, value, "a", "auto", "auto")
    assert str(caught.value).startswith("vi_gif.gif cannot be put into an MP4 file as it is: ")
    assert caught.value.fix == "choose the codec h264, then it is encoded anew"
    assert [*recorded_run.folders.output.iterdir()] == []
