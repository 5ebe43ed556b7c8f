"""The stand-in for ComfyUI serves the editor as ComfyUI does, and can do what packs ask of it."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from runflow_build.workflow.runflow_nodes import definitions

pytestmark = pytest.mark.browser

CHECKOUT = Path(__file__).resolve().parents[3]
PNG = (CHECKOUT / "examples" / "postcard" / "input" / "photo.png").read_bytes()


def graph(nodes: list[dict[str, Any]], links: list[list[Any]]) -> dict[str, Any]:
    """A workflow as the editor saves it; the nodes get their ids and places in order."""
    placed = [
        {"id": number, "pos": [320 * number - 260, 120], "size": [270, 150], "mode": 0, **node}
        for number, node in enumerate(nodes, 1)
    ]
    return {"nodes": placed, "links": links, "version": 0.4}


def image_input(name: str, link: int | None) -> list[dict[str, Any]]:
    return [{"name": name, "type": "IMAGE", "link": link}]


def image_output(*links: int) -> list[dict[str, Any]]:
    return [{"name": "IMAGE", "type": "IMAGE", "links": list(links)}]


EMPTY_IMAGE = {"type": "EmptyImage", "widgets_values": [48, 32, 1, 0x0000FF]}
INVERT = {"type": "ImageInvert", "outputs": image_output(2)}
SAVE = {"type": "SaveImage", "inputs": image_input("images", 2), "widgets_values": ["page"]}
TO_SAVE = [2, 2, 0, 3, 0, "IMAGE"]

INVERTED = graph(
    [
        {**EMPTY_IMAGE, "outputs": image_output(1)},
        {**INVERT, "inputs": image_input("image", 1)},
        SAVE,
    ],
    [[1, 1, 0, 2, 0, "IMAGE"], TO_SAVE],
)
NOTHING_TO_INVERT = graph(
    [
        {**EMPTY_IMAGE, "outputs": image_output()},
        {**INVERT, "inputs": image_input("image", None)},
        SAVE,
    ],
    [TO_SAVE],
)
SHOWN_SIZE = """() => {
  const image = window.app.graph.getNodeById(3).imgs?.[0]
  return image?.complete && image.naturalWidth && [image.naturalWidth, image.naturalHeight]
}"""

# ---- in the page ----


def test_the_editor_opens_with_our_nodes_in_its_list(editor: Any) -> None:
    # That nothing was wrong and nothing asked of other machines, the fixture sees to.
    types = "() => LiteGraph.getNodeTypesInCategory('Runflow').map(one => one.type)"
    assert "RunflowInputString" in editor.page.evaluate(types)


def test_a_prompt_queued_in_the_page_runs_and_its_picture_shows(editor: Any) -> None:
    from PIL import Image

    editor.load(INVERTED)
    assert editor.prompt()["2"]["inputs"] == {"image": ["1", 0]}
    editor.run()
    shown = editor.page.wait_for_function(SHOWN_SIZE, timeout=30_000)
    assert shown.json_value() == [48, 32]
    [path] = (editor.host.base / "output").glob("page_*.png")
    with Image.open(path) as picture:
        assert picture.getpixel((0, 0)) == (255, 255, 0)
        assert picture.info.keys() == {"prompt", "workflow"}


def test_what_is_wrong_with_a_prompt_is_shown_in_the_page(editor: Any) -> None:
    editor.seen.allow("POST /api/prompt answered 400")
    editor.seen.allow("Prompt execution failed")  # the page's own log of it
    editor.load(NOTHING_TO_INVERT)
    editor.run()
    editor.page.get_by_text("Required input is missing").first.wait_for(timeout=30_000)
    assert editor.page.evaluate("() => Object.keys(window.app.lastNodeErrors)") == ["2"]


# ---- our nodes ----


def test_every_class_of_ours_is_offered_with_its_inputs(comfyui_host: Any) -> None:
    offered = comfyui_host.get("/object_info")
    for name, shape in definitions().items():
        for key in ("input", "output", "output_node", "display_name", "category"):
            assert offered[name][key] == shape[key], name
        assert offered[name]["python_module"] == "custom_nodes.runflow-build"


def test_the_files_of_our_nodes_are_told_of_under_the_names_that_the_page_knows(
    comfyui_host: Any,
) -> None:
    sound = {"duration": 0.1, "sample_rate": 44100, "channels": 2}
    film = {"filename_prefix": "our/film", "fps": 4.0, "codec": "vp9", "crf": 40.0}
    image = {"width": 32, "height": 32, "batch_size": 2, "color": 255}
    nodes = {
        "1": ("EmptyImage", image),
        "2": ("RunflowOutputImage", {"output_id": "picture", "value": ["1", 0]}),
        "3": ("EmptyAudio", sound),
        "4": ("RunflowSaveAudioFlac", {"audio": ["3", 0], "filename_prefix": "our/sound"}),
        "5": ("RunflowSaveVideoWEBM", {"images": ["1", 0], **film}),
        "6": ("RunflowOutputFile", {"output_id": "file", "value": ["5", 0]}),
    }
    texts = {"display_name": "", "output_name": "", "description": ""}
    prompt = {
        node: {"class_type": name, "inputs": {**inputs, **texts}}
        for node, (name, inputs) in nodes.items()
    }
    status, answer = comfyui_host.post("/prompt", {"prompt": prompt})
    assert (status, answer.get("node_errors")) == (200, {})
    entry = until(lambda: comfyui_host.get("/history")[answer["prompt_id"]])
    assert entry["outputs"] == {
        "2": {"images": [saved("picture_00001_.png", ""), saved("picture_00002_.png", "")]},
        "4": {"audio": [saved("sound_00001_.flac", "our")]},
        "5": {"images": [saved("film_00001_.webm", "our")], "animated": [True]},
        "6": {"files": [saved("film_00001_.webm", "our")]},
    }


def saved(name: str, subfolder: str) -> dict[str, str]:
    return {"filename": name, "subfolder": subfolder, "type": "output"}


# ---- files ----


def test_the_choices_of_a_file_input_are_the_files_that_are_there(comfyui_host: Any) -> None:
    answer = {"name": "chosen.png", "subfolder": "", "type": "input"}
    assert comfyui_host.upload("chosen.png", PNG) == (200, answer)
    (comfyui_host.base / "input" / "notes.txt").write_text("no picture")
    fields = comfyui_host.get("/object_info/LoadImage")["LoadImage"]["input"]["required"]
    assert "chosen.png" in fields["image"][0]
    assert "notes.txt" not in fields["image"][0]


def test_the_choices_of_a_model_are_the_files_of_its_folder(comfyui_host: Any) -> None:
    folder = comfyui_host.base / "models" / "loras" / "faces"
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(b"")
    fields = comfyui_host.get("/object_info/LoraLoader")["LoraLoader"]["input"]["required"]
    assert fields["lora_name"][0] == ["faces/a.safetensors"]


def test_an_upload_gets_a_name_of_its_own_unless_it_is_there_already(comfyui_host: Any) -> None:
    contents = (PNG, PNG, PNG[:-1], PNG[:-2], PNG[:-1])
    names = [comfyui_host.upload("u.png", data)[1]["name"] for data in contents]
    assert names == ["u.png", "u.png", "u (1).png", "u (2).png", "u (1).png"]
    comfyui_host.upload("u.png", b"new", overwrite="true")
    assert (comfyui_host.base / "input" / "u.png").read_bytes() == b"new"


@pytest.mark.parametrize("subfolder", ["../out", "/tmp"])
def test_nothing_is_uploaded_to_a_place_outside(subfolder: str, comfyui_host: Any) -> None:
    assert comfyui_host.upload("escaped.png", PNG, subfolder=subfolder)[0] == 400
    assert not list(comfyui_host.base.rglob("escaped.png"))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("filename=v.png&type=input", 200),
        ("filename=v.png", 404),
        ("filename=v.png&type=input&preview=webp;90", 200),
        ("filename=../v.png&type=input", 400),
        ("filename=v.png&type=input&subfolder=../user", 403),
        ("filename=v.png&type=user", 400),
        ("", 404),
    ],
)
def test_only_what_lies_in_the_three_folders_is_shown(
    query: str, status: int, comfyui_host: Any
) -> None:
    (comfyui_host.base / "input" / "v.png").write_bytes(PNG)
    assert comfyui_host.status(f"/view?{query}") == status


def test_a_page_of_another_site_is_refused(comfyui_host: Any) -> None:
    assert comfyui_host.status("/queue", Origin="http://evil.example") == 403
    assert comfyui_host.status("/queue", Origin=comfyui_host.url) == 200


# ---- the process ----

RESTARTING_PACK = """
import os, sys
from aiohttp import web
from nodes import LOADED_MODULE_DIRS
from server import PromptServer
NODE_CLASS_MAPPINGS = {}
@PromptServer.instance.routes.post("/restart")
async def restart(request):
    os.execv(sys.executable, [sys.executable] + sys.argv)
@PromptServer.instance.routes.get("/process")
async def process(request):
    return web.json_response([os.getpid(), sorted(LOADED_MODULE_DIRS)])
"""
GUARDING_PACK = """
from aiohttp import web
from server import PromptServer
NODE_CLASS_MAPPINGS, WEB_DIRECTORY = {}, "."
@web.middleware
async def guard(request, handler):
    if "Authorization" in request.headers:
        return await handler(request)
    return web.Response(status=401)
PromptServer.instance.app._middlewares.append(guard)
"""


def add_pack(base: Path, name: str, text: str) -> None:
    folder = base / "custom_nodes" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(text)


def test_a_pack_restarts_the_process_and_a_pack_added_meanwhile_is_there(
    tmp_path: Path, started_host: Callable[..., Any]
) -> None:
    add_pack(tmp_path, "a", RESTARTING_PACK)
    with started_host(tmp_path) as host:
        process, packs = host.get("/api/process")
        assert packs == ["a"]
        add_pack(tmp_path, "b", "NODE_CLASS_MAPPINGS = {}")
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            host.post("/restart", {})
        assert until(lambda: host.get("/process")) == [process, ["a", "b"]]


def test_a_middleware_of_a_pack_stands_before_everything(
    tmp_path: Path, started_host: Callable[..., Any]
) -> None:
    add_pack(tmp_path, "guard", GUARDING_PACK)
    paths = ["/", "/api/settings", "/ws", "/extensions/guard/__init__.py", "/scripts/app.js"]
    with started_host(tmp_path) as host:
        assert {path: host.status(path) for path in paths} == dict.fromkeys(paths, 401)
        assert host.status("/extensions/guard/__init__.py", Authorization="x") == 200


def test_a_running_prompt_is_interrupted(tmp_path: Path, started_host: Callable[..., Any]) -> None:
    image = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
    saved = {"images": ["1", 0], "filename_prefix": "a"}
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": image},
        "2": {"class_type": "SaveImage", "inputs": saved},
    }
    hold = tmp_path / "hold"
    hold.write_text("2")
    with started_host(tmp_path, "--hold", str(hold)) as host:
        _, answer = host.post("/prompt", {"prompt": prompt})
        until(lambda: host.get("/queue")["queue_running"][0])
        assert host.post("/interrupt", {"prompt_id": "another"})[0] == 200
        assert host.get("/history") == {}
        assert host.post("/interrupt", {"prompt_id": answer["prompt_id"]})[0] == 200
        entry = until(lambda: host.get("/history")[answer["prompt_id"]])
    event, told = entry["status"]["messages"][-1]
    assert (event, told["node_id"], told["executed"]) == ("execution_interrupted", "2", ["1"])
    assert entry["status"]["status_str"] == "error"
