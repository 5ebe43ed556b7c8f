"""The pack inside a real ComfyUI: its classes are there, and its nodes run."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
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
    log: Path

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def run(self, prompt: Any) -> dict[str, Any]:
        """Execute a prompt; the outputs of its nodes."""
        body = json.dumps({"prompt": prompt}).encode()
        request = urllib.request.Request(self.url + "/prompt", body, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            number = json.load(answer)["prompt_id"]
        for _ in range(600):
            if entry := self.get(f"/history/{number}").get(number):
                assert entry["status"]["status_str"] == "success", entry["status"]
                outputs: dict[str, Any] = entry["outputs"]
                return outputs
            time.sleep(0.1)
        raise AssertionError("the prompt did not finish")


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, started_comfyui: Callable[..., Any]
) -> Iterator[Server]:
    base = tmp_path_factory.mktemp("comfyui")
    (base / "custom_nodes").mkdir()
    (base / "custom_nodes" / "runflow-build").symlink_to(CHECKOUT, target_is_directory=True)
    with started_comfyui(base, "--disable-api-nodes") as url:
        yield Server(url, base, base / "log.txt")


def test_the_pack_is_loaded_without_a_word_about_it(server: Server) -> None:
    log = server.log.read_text()
    assert "runflow-build" in log  # in the list of import times
    assert "IMPORT FAILED" not in log
    assert not [line for line in log.splitlines() if "warn" in line.lower() and "runflow" in line]


def test_comfyui_offers_our_classes_with_exactly_our_widgets(server: Server) -> None:
    offered = server.get("/object_info")
    for name, shape in runflow_definitions().items():
        assert offered[name]["input"] == shape["input"], name
        assert offered[name]["output"] == shape["output"]
        assert offered[name]["output_node"] == shape["output_node"]
        assert offered[name]["display_name"] == shape["display_name"]
        assert offered[name]["category"] == shape["category"]


def test_an_image_goes_from_its_node_to_a_png_without_the_workflow_in_it(server: Server) -> None:
    from PIL import Image

    outputs = server.run(
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
    names = [one["filename"] for one in outputs["3"]["images"]]
    assert names == ["my_card_00001_.png", "my_card_00002_.png"]
    picture = Image.open(server.base / "output" / names[0])
    assert (picture.size, picture.getpixel((0, 0)), picture.info) == ((16, 8), (51, 102, 153), {})


def test_videos_are_saved_and_their_names_go_to_outputs(server: Server) -> None:
    def output(name: str, source: str) -> dict[str, Any]:
        inputs = {"output_id": name, "output_name": "", "value": [source, 0]}
        return {"class_type": "RunflowOutputFile", "inputs": inputs}

    saver = {"filename_prefix": "clips/a"}
    webm = {**saver, "images": ["1", 0], "fps": 12.0, "crf": 30.0, "audio": ["3", 0]}
    outputs = server.run(
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
        [row] = outputs[node]["files"]
        data = (server.base / "output" / row["subfolder"] / row["filename"]).read_bytes()
        assert b"class_type" not in data
        made.append([stream["codec"] for stream in facts(data)["streams"]])
    assert made == [["h264"], ["vp9", "opus"], ["libdav1d", "opus"]]


def test_the_example_converts_and_runs(server: Server) -> None:
    from PIL import Image

    example = CHECKOUT / "examples" / "postcard"
    photo = (example / "input" / "photo.png").read_bytes()
    (server.base / "input" / "photo.png").write_bytes(photo)
    definitions = Definitions(server.get("/object_info"), {})
    data = (example / "postcard.json").read_bytes()
    prompt = prompt_of(read_workflow(data, "postcard.json"), definitions)
    [saved] = server.run(prompt)["10"]["images"]
    picture = Image.open(io.BytesIO((server.base / "output" / saved["filename"]).read_bytes()))
    assert picture.size == (600, 400)


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
    outputs = server.run(
        {
            "1": {"class_type": "EmptyAudio", "inputs": sound},
            "2": {"class_type": class_type, "inputs": saver},
            "3": {"class_type": "RunflowOutputFile", "inputs": output},
        }
    )
    file = {"filename": f"{suffix}_00001_.{suffix}", "subfolder": "sounds", "type": "output"}
    assert outputs == {"2": {"audio": [file]}, "3": {"files": [file]}}
    content = (server.base / "output" / "sounds" / file["filename"]).read_bytes()
    assert content
    assert b"class_type" not in content
