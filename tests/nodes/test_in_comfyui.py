"""The pack inside a real ComfyUI: its classes are there, and its nodes run."""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pack_copy import GONE, copy_pack
from real_comfyui import Made, get, post, run
from video_facts import facts

from runflow_build.workflow.convert import prompt_of
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.runflow_nodes import definitions as runflow_definitions

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

CHECKOUT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Server:
    url: str
    base: Path  # its models, input, output

    @property
    def log(self) -> str:
        return (self.base / "log.txt").read_text(encoding="utf-8")

    def made(self, prompt: Any) -> dict[str, list[Made]]:
        """Execute a prompt; the files of its output nodes."""
        outcome = run(self.url, prompt)
        assert (outcome.refused, outcome.failed) == (None, None)
        found: dict[str, list[Made]] = {}
        for one in outcome.files:
            found.setdefault(one.node, []).append(one)
        return found


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, started_comfyui: Callable[..., Any]
) -> Iterator[Server]:
    base = tmp_path_factory.mktemp("comfyui")
    (base / "custom_nodes").mkdir()
    (base / "custom_nodes" / "runflow-build").symlink_to(CHECKOUT, target_is_directory=True)
    with started_comfyui(base, "--disable-api-nodes") as url:
        yield Server(url, base)


def test_the_pack_is_loaded_without_a_word_about_it(server: Server) -> None:
    log = server.log
    assert log.count("runflow-build") == 1  # in the list of import times
    assert "IMPORT FAILED" not in log
    assert "Runflow" not in log


def test_comfyui_offers_our_classes_with_exactly_our_widgets(server: Server) -> None:
    offered = get(server.url, "/object_info")
    for name, shape in runflow_definitions().items():
        assert offered[name]["input"] == shape["input"], name
        assert offered[name]["output"] == shape["output"]
        assert offered[name]["output_node"] == shape["output_node"]
        assert offered[name]["display_name"] == shape["display_name"]
        assert offered[name]["category"] == shape["category"]


def test_an_image_goes_from_its_node_to_a_png_without_the_workflow_in_it(server: Server) -> None:
    from PIL import Image

    files = server.made(
        {
            "1": {
                "class_type": "EmptyImage",
                "inputs": {"width": 16, "height": 8, "batch_size": 2, "color": 0x336699},
            },
            "2": {
                "class_type": "RunflowInputImage",
                "inputs": {
                    "input_id": "a",
                    "display_name": "",
                    "description": "",
                    "value": ["1", 0],
                },
            },
            "3": {
                "class_type": "RunflowOutputImage",
                "inputs": {"output_id": "my card", "output_name": "", "value": ["2", 0]},
            },
        }
    )
    assert [one.name for one in files["3"]] == ["my_card_00001_.png", "my_card_00002_.png"]
    picture = Image.open(io.BytesIO(files["3"][0].data))
    assert (picture.size, picture.getpixel((0, 0)), picture.info) == ((16, 8), (51, 102, 153), {})


def test_videos_are_saved_and_their_names_go_to_outputs(server: Server) -> None:
    def output(name: str, source: str) -> dict[str, Any]:
        inputs = {"output_id": name, "output_name": "", "value": [source, 0]}
        return {"class_type": "RunflowOutputFile", "inputs": inputs}

    saver = {"filename_prefix": "clips/a"}
    webm = {**saver, "images": ["1", 0], "fps": 12.0, "crf": 30.0, "audio": ["3", 0]}
    files = server.made(
        {
            "1": {
                "class_type": "EmptyImage",
                "inputs": {"width": 64, "height": 64, "batch_size": 6, "color": 0x336699},
            },
            "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 12.0}},
            "3": {
                "class_type": "EmptyAudio",
                "inputs": {"duration": 0.5, "sample_rate": 44100, "channels": 2},
            },
            "4": {"class_type": "RunflowSaveVideoMP4", "inputs": {**saver, "video": ["2", 0]}},
            "5": {"class_type": "RunflowSaveVideoWEBM", "inputs": {**webm, "codec": "vp9"}},
            "6": {"class_type": "RunflowSaveVideoWEBM", "inputs": {**webm, "codec": "av1"}},
            "7": output("mp4", "4"),
            "8": output("vp9", "5"),
            "9": output("av1", "6"),
        }
    )
    made = []
    for node in ("7", "8", "9"):
        [file] = files[node]
        assert b"class_type" not in file.data
        made.append([stream["codec"] for stream in facts(file.data)["streams"]])
    assert made == [["h264"], ["vp9", "opus"], ["libdav1d", "opus"]]


def test_the_example_converts_and_runs(server: Server) -> None:
    from PIL import Image

    example = CHECKOUT / "examples" / "postcard"
    photo = (example / "input" / "photo.png").read_bytes()
    (server.base / "input" / "photo.png").write_bytes(photo)
    definitions = Definitions(get(server.url, "/object_info"), {})
    data = (example / "postcard.json").read_bytes()
    prompt = prompt_of(read_workflow(data, "postcard.json"), definitions)
    [saved] = server.made(prompt)["10"]
    assert Image.open(io.BytesIO(saved.data)).size == (600, 400)


@pytest.mark.parametrize(
    ("class_type", "values", "suffix"),
    [
        ("RunflowSaveAudioFlac", {}, "flac"),
        ("RunflowSaveAudioMP3", {"quality": "V0"}, "mp3"),
        ("RunflowSaveAudioOpus", {"quality": "64k"}, "opus"),
    ],
)
def test_a_saver_of_sound_hands_its_file_to_an_output(
    class_type: str, values: dict[str, str], suffix: str, server: Server
) -> None:
    sound = {"duration": 0.5, "sample_rate": 44100, "channels": 2}
    saver = {"audio": ["1", 0], "filename_prefix": f"sounds/{suffix}", **values}
    output = {"output_id": "sound", "output_name": "", "value": ["2", 0]}
    files = server.made(
        {
            "1": {"class_type": "EmptyAudio", "inputs": sound},
            "2": {"class_type": class_type, "inputs": saver},
            "3": {"class_type": "RunflowOutputFile", "inputs": output},
        }
    )
    assert {node: [one.name for one in made] for node, made in files.items()} == {
        node: [f"sounds/{suffix}_00001_.{suffix}"] for node in ("2", "3")
    }
    [file] = files["3"]
    assert file.data
    assert b"class_type" not in file.data


# Not there, as far as a program can tell, whatever is installed; ComfyUI itself does without.
NOT_THERE = {"doit": "doit", "git": "gitpython", "argon2": "argon2-cffi"}


def test_without_our_packages_comfyui_starts_with_one_warning_and_the_nodes_run(
    tmp_path: Path, started_comfyui: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, python = tmp_path / "base", tmp_path / "python"
    copy_pack(base / "custom_nodes" / "runflow-build")
    python.mkdir()
    (python / "sitecustomize.py").write_text(GONE.format(gone=NOT_THERE))
    monkeypatch.setenv("PYTHONPATH", str(python))
    with started_comfyui(base, "--disable-api-nodes") as url:
        server = Server(url, base)
        card = {"input_id": "a", "display_name": "", "description": "", "value": ["1", 0]}
        empty = {"width": 16, "height": 8, "batch_size": 1, "color": 0x336699}
        output = {"output_id": "card", "output_name": "", "value": ["2", 0]}
        files = server.made(
            {
                "1": {"class_type": "EmptyImage", "inputs": empty},
                "2": {"class_type": "RunflowInputImage", "inputs": card},
                "3": {"class_type": "RunflowOutputImage", "inputs": output},
            }
        )
        lacking = get(url, "/runflow/packages")["lacking"]
    assert [one.name for one in files["3"]] == ["card_00001_.png"]
    assert server.log.count("Runflow works in part:") == 1
    what = "what needs one of these Python packages does not work: argon2-cffi, doit, gitpython"
    assert f"\n  - {what}\n    install them and restart ComfyUI: " in server.log
    file = base / "custom_nodes" / "runflow-build" / "requirements.txt"
    assert f"-m pip install -r {file}\n" in server.log
    assert lacking["message"] == what
    assert "IMPORT FAILED" not in server.log
    assert "Traceback" not in server.log


def test_models_lie_elsewhere_and_of_two_clones_one_does_nothing(
    tmp_path: Path, started_comfyui: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, disk = tmp_path / "base", tmp_path / "another disk"
    clones = {"runflow-build", "runflow build (2)"}
    for name in clones:
        copy_pack(base / "custom_nodes" / name)
    (disk / "upscalers").mkdir(parents=True)
    (disk / "upscalers" / "4x.pth").write_bytes(b"weights")
    config = tmp_path / "extra.yaml"
    config.write_text(f"disk:\n  base_path: {disk}\n  upscale_models: upscalers\n")
    monkeypatch.setenv("RUNFLOW_OFFLINE", "1")
    monkeypatch.setenv("RUNFLOW_CACHE_DIR", str(tmp_path / "cache"))
    graph = json.loads((CHECKOUT / "tests/cases/deploy/upscale.json").read_bytes())
    body = {"graph": graph, "name": "Upscale", "folder": str(tmp_path / "project")}
    options = ("--disable-api-nodes", "--extra-model-paths-config", str(config))
    with started_comfyui(base, *options) as url:
        job = post(url, "/runflow/save", body)["job"]
        while (told := get(url, f"/runflow/jobs/{job}"))["state"] == "running":
            time.sleep(0.05)
        log = Server(url, base).log
    assert told["state"] == "done", told
    lock = (tmp_path / "project" / "runflow.lock").read_text()
    digest = hashlib.sha256(b"weights").hexdigest()
    assert f"upscale_models/4x.pth:\n    sha256: {digest}\n" in lock
    [(used, idle)] = re.findall(r"The folder (.+) is in use, and (.+) does nothing:", log)
    assert {used, idle} == clones
    assert f"remove the folder {idle}, and restart" in log
    assert "Traceback" not in log
