"""Auto setup in the editor: a pack and a model are found, installed, and there after a restart."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from file_host import FileHost
from file_host import served as host_of_a_file
from restorable import Restorable, sha256
from running_comfyui import public_hosts, publish_pack

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PACK = "https://github.com/kijai/ComfyUI-Tiny"
CLASS = "TinyGreeting"
PACK_FILES = {
    "__init__.py": f"""\
class Greeting:
    CATEGORY, FUNCTION, RETURN_TYPES = "tiny", "greet", ("STRING",)

    @classmethod
    def INPUT_TYPES(cls):
        return {{"required": {{"name": ("STRING", {{"default": "otter"}})}}}}

    def greet(self, name):
        return (f"hello {{name}}",)


NODE_CLASS_MAPPINGS = {{"{CLASS}": Greeting}}
"""
}
MODEL = hashlib.shake_128(b"a model").digest(30 << 20)
PICTURES = os.environ.get("RUNFLOW_PICTURES")  # a folder for what the pages look like


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restorable]:
    """The hosts that everything comes from."""
    with public_hosts(tmp_path_factory.mktemp("outside")) as one:
        publish_pack(one, PACK, PACK_FILES, [CLASS])
        yield one


@pytest.fixture(scope="module")
def model_host() -> Iterator[FileHost]:
    with host_of_a_file(MODEL, chunk=1 << 20) as host:
        yield host


@pytest.fixture(scope="module")
def comfyui_environ(outside: Restorable) -> Mapping[str, str]:
    return outside.environ


def graph(url: str) -> dict[str, Any]:
    """A node of a class that is missing, and a loader of a file that is missing."""
    row = {"name": "style.safetensors", "directory": "loras", "url": url}
    facts = {"hash": sha256(MODEL), "hash_type": "SHA256"}
    place = {"size": [270, 100], "flags": {}, "order": 0, "mode": 0, "inputs": [], "outputs": []}
    greeting = {"id": 1, "type": CLASS, "pos": [60, 120], "widgets_values": ["otter"], **place}
    greeting["properties"] = {"Node name for S&R": CLASS}
    loader = {
        "id": 2,
        "type": "LoraLoaderModelOnly",
        "pos": [60, 320],
        "widgets_values": ["style.safetensors", 1.0],
        "properties": {"models": [{**row, **facts}]},
        **place,
    }
    ids = {"last_node_id": 2, "last_link_id": 0}
    return {**ids, "nodes": [greeting, loader], "links": [], "version": 0.4}


def pictured(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to see it."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def dialog(page: Page) -> Any:
    return page.get_by_role("dialog", name="Auto setup")


def opened(editor: Any) -> Any:
    """The dialog, with a plan in it, by way of the command."""
    editor.page.evaluate("window.app.extensionManager.command.execute('Runflow.AutoSetup')")
    one = dialog(editor.page)
    one.get_by_role("button", name="Look again").wait_for()
    return one


def test_it_is_in_the_menu(editor: Any) -> None:
    entries = editor.page.evaluate(
        "() => window.app.extensions.flatMap(one => one.menuCommands ?? [])"
    )
    assert {"path": ["Runflow"], "commands": ["Runflow.AutoSetup"]} in entries


def test_a_pack_and_a_model_are_installed_and_there_after_the_restart(
    editor: Any, model_host: FileHost
) -> None:
    page, base = editor.page, editor.host.base
    model_host.asked.clear()
    editor.load(graph(model_host.url))
    notice = page.get_by_role("status").filter(has_text="1 node type of this workflow")
    notice.get_by_role("button", name="Auto setup").click()
    shown = dialog(page)
    shown.get_by_text("2 of what this workflow needs are not installed").wait_for()
    pictured(page, f"plan-{editor.host.real}")
    install = shown.get_by_role("button", name="Install")
    assert install.is_disabled()
    shown.get_by_label("trust kijai/ComfyUI-Tiny").check()
    shown.get_by_label(re.compile("download from 127.0.0.1")).check()
    assert model_host.asked == []
    shown.get_by_role("button", name="Install 2").click()
    restart = shown.get_by_role("button", name="Restart ComfyUI")
    restart.wait_for(timeout=60_000)
    pictured(page, f"done-{editor.host.real}")
    assert (base / "models/loras/style.safetensors").read_bytes() == MODEL
    assert (base / "custom_nodes/ComfyUI-Tiny/.git").is_dir()

    before = editor.host.get("/runflow/restart")["instance"]
    page.evaluate("window.isTheFormerPage = true")
    for path in ("/api/experiment/models/loras", "/internal/folder_paths"):
        editor.seen.allow(path)  # the editor's own look for models, which the stand-in lacks
    for noise in ("WebSocket", "ERR_", "/runflow/restart", "/ws", "Failed to fetch", "fetch"):
        editor.seen.allow(noise)
    restart.click()
    page.wait_for_function("() => !window.isTheFormerPage", timeout=120_000)
    shown = dialog(page)
    shown.get_by_text("ComfyUI has restarted. All that this workflow needs is installed.").wait_for(
        timeout=60_000
    )
    pictured(page, f"restarted-{editor.host.real}")
    assert editor.host.get("/runflow/restart")["instance"] != before
    rows = shown.locator("[data-row]")
    assert rows.evaluate_all("all => all.map(one => one.dataset.row)") == [
        "pack:ComfyUI-Tiny",
        "model:loras/style.safetensors",
    ]
    assert CLASS in editor.host.get(f"/object_info/{CLASS}")
    assert page.evaluate(f"() => '{CLASS}' in LiteGraph.registered_node_types")
    assert editor.prompt()["1"] == {
        "class_type": CLASS,
        "inputs": {"name": "otter"},
        "_meta": {"title": CLASS},
    }
