"""The savers as ComfyUI calls them, with stand-ins for the modules of it that they use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parent.parent.parent

# The pack under a name of its own, as ComfyUI gives it; `before` runs first.
LOADER = """
import importlib, importlib.util, json, logging, os, sys, types
logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
{before}
folder = sys.argv[1]
top = types.ModuleType("a_pack_root")
top.__path__ = [folder]
sys.modules["a_pack_root"] = top
pack = importlib.import_module("a_pack_root.nodes")
{then}
print(json.dumps(answer))
"""
WITHOUT_AV = """
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "av" else real(name, package)
"""
WITH_COMFY_API = """
real = importlib.util.find_spec
importlib.util.find_spec = lambda name: name == "comfy_api.latest" or real(name)
"""
CLASSES = "answer = [list(pack.NODE_CLASS_MAPPINGS), pack.SAVERS_LEFT_OUT]"
# get_save_image_path as far as the savers rely on it.
COMFYUI = """
import numpy as np
class Tensor:
    def __init__(self, array): self.array = array
    def cpu(self): return self
    def float(self): return self
    def numpy(self): return self.array.astype(np.float32)
def get_save_image_path(prefix, output, width=0, height=0):
    subfolder, stem = os.path.split(prefix)
    os.makedirs(os.path.join(output, subfolder), exist_ok=True)
    return os.path.join(output, subfolder), stem, 1, subfolder, prefix
sys.modules["folder_paths"] = types.SimpleNamespace(
    get_output_directory=lambda: sys.argv[2], get_save_image_path=get_save_image_path)
state = types.SimpleNamespace(throw_exception_if_processing_interrupted=lambda: None)
sys.modules["comfy"] = types.ModuleType("comfy")
sys.modules["comfy.model_management"] = state
class Video:
    def get_dimensions(self): return 6, 4
    def save_to(self, path, format):
        with open(path, "wb") as file: file.write(format.encode())
latest = types.SimpleNamespace(Types=types.SimpleNamespace(
    VideoContainer=types.SimpleNamespace(MP4="mp4")))
sys.modules["comfy_api"] = types.ModuleType("comfy_api")
sys.modules["comfy_api.latest"] = latest
def save(name, sound, **values):
    audio = {"waveform": Tensor(sound), "sample_rate": 8000}
    return pack.NODE_CLASS_MAPPINGS[name]().save(audio=audio, **values)
sound = np.linspace(-1, 1, 2 * 2 * 50).reshape(2, 2, 50)
"""


def run(before: str, then: str, *arguments: object) -> tuple[Any, str]:
    """What `then` puts into `answer`, and what was logged."""
    code = LOADER.format(before=before, then=then)
    command = [sys.executable, "-W", "error", "-c", code, str(CHECKOUT), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_without_av_the_savers_are_left_out() -> None:
    (names, left_out), _ = run(WITHOUT_AV, CLASSES)
    assert "RunflowInputImage" in names
    assert not [name for name in names if "Save" in name]
    assert left_out == ["the savers are left out: they need the package av"]


def test_without_comfyui_s_own_video_types_one_saver_is_left_out() -> None:
    (names, left_out), _ = run("", CLASSES)
    assert [name for name in names if "Video" in name] == ["RunflowSaveVideoWEBM"]
    assert left_out == [
        "RunflowSaveVideoMP4 is left out: it needs comfy_api.latest, which this ComfyUI does not"
        " have"
    ]


@pytest.fixture
def with_av() -> None:
    pytest.importorskip("av")
    pytest.importorskip("numpy")


@pytest.mark.usefixtures("with_av")
def test_a_batch_becomes_files_and_the_first_one_s_name_goes_on(tmp_path: Path) -> None:
    then = COMFYUI + 'answer = save("RunflowSaveAudioFlac", sound, filename_prefix="a/b/s")'
    answer, log = run(WITH_COMFY_API, then, tmp_path)
    row = {"subfolder": "a/b", "type": "output"}
    names = ["s_00001_.flac", "s_00002_.flac"]
    assert answer == {
        "ui": {"audio": [{"filename": name, **row} for name in names]},
        "result": ["a/b/s_00001_.flac"],
    }
    assert log == ""
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == names


@pytest.mark.usefixtures("with_av")
def test_the_files_are_those_of_the_embedded_engine(tmp_path: Path) -> None:
    import io

    import numpy as np

    from runflow_build.media.audio import FLAC, MP3, OPUS, write_audio

    then = (
        COMFYUI
        + """
calls = (("Flac", {}), ("MP3", {"quality": "V0"}), ("Opus", {"quality": "64k"}))
answer = [save("RunflowSaveAudio" + name, sound[:1], filename_prefix="s", **values)["result"][0]
          for name, values in calls]
"""
    )
    answer, _ = run("", then, tmp_path)
    assert answer == ["s_00001_.flac", "s_00001_.mp3", "s_00001_.opus"]
    sound = np.linspace(-1, 1, 2 * 2 * 50).reshape(2, 2, 50).astype(np.float32)[0]
    forms = ((FLAC, None), (MP3, "V0"), (OPUS, "64k"))
    for name, (form, quality) in zip(answer, forms, strict=True):
        file = io.BytesIO()
        write_audio(file, sound, 8000, form, quality, lambda count: None, lambda: None)
        assert (tmp_path / name).read_bytes() == file.getvalue(), name


@pytest.mark.usefixtures("with_av")
def test_no_file_is_written_over_and_none_is_left_half_written(tmp_path: Path) -> None:
    (tmp_path / "s0_00001_.flac").write_bytes(b"mine")
    then = (
        COMFYUI
        + """
def stop(): raise KeyboardInterrupt("cancelled")
answer = [save("RunflowSaveAudioFlac", sound[:1], filename_prefix="s%batch_num%")["result"][0]]
state.throw_exception_if_processing_interrupted = stop
try:
    save("RunflowSaveAudioFlac", sound[:1], filename_prefix="t")
except KeyboardInterrupt as error:
    answer.append(str(error))
try:
    save("RunflowSaveAudioFlac", sound[..., :0], filename_prefix="t")
except Exception as error:
    answer.append(str(error))
"""
    )
    answer, _ = run("", then, tmp_path)
    nothing = "the sound has no samples, so there is nothing to save"
    assert answer == ["s0_00002_.flac", "cancelled", nothing]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s0_00001_.flac", "s0_00002_.flac"]
    assert (tmp_path / "s0_00001_.flac").read_bytes() == b"mine"


@pytest.mark.usefixtures("with_av")
def test_an_mp4_is_what_the_video_itself_saves(tmp_path: Path) -> None:
    call = 'pack.NODE_CLASS_MAPPINGS["RunflowSaveVideoMP4"]().save(Video(), "clips/a")'
    answer, log = run(WITH_COMFY_API, f"{COMFYUI}answer = {call}", tmp_path)
    row = {"filename": "a_00001_.mp4", "subfolder": "clips", "type": "output"}
    assert answer == {"ui": {"images": [row], "animated": [True]}, "result": ["clips/a_00001_.mp4"]}
    assert (tmp_path / "clips" / "a_00001_.mp4").read_bytes() == b"mp4"
    assert log == ""


@pytest.mark.usefixtures("with_av")
def test_a_webm_is_that_of_the_embedded_engine(tmp_path: Path) -> None:
    import numpy as np

    from runflow_build.engines.base import RunFolders
    from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
    from runflow_build.engines.embedded.node_class import Run
    from runflow_build.engines.embedded.nodes.video import runflow_save_video_webm
    from runflow_build.media.audio import Audio

    then = (
        COMFYUI
        + """
Tensor.shape = property(lambda self: self.array.shape)
images = Tensor(np.linspace(0, 1, 5 * 32 * 48 * 4).reshape(5, 32, 48, 4))
audio = {"waveform": Tensor(sound[:1]), "sample_rate": 8000}
answer = pack.NODE_CLASS_MAPPINGS["RunflowSaveVideoWEBM"]().save(
    images, "a", 12.5, "vp9", 40.0, audio)["result"]
"""
    )
    answer, _ = run(WITH_COMFY_API, then, tmp_path)
    assert answer == ["a_00001_.webm"]
    images = np.linspace(0, 1, 5 * 32 * 48 * 4).reshape(5, 32, 48, 4).astype(np.float32)
    sound = np.linspace(-1, 1, 2 * 2 * 50).reshape(2, 2, 50).astype(np.float32)
    here = Run(RunFolders(tmp_path, tmp_path / "here"), DEFAULT_LIMITS)
    audio = Audio(sound[:1], 8000)
    (ours,) = runflow_save_video_webm(here, images, "a", 12.5, "vp9", 40.0, audio).files
    assert (tmp_path / "a_00001_.webm").read_bytes() == ours.read_bytes()
