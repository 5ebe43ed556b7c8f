"""Auto setup in the editor: a pack and a model are found, installed, and there after a restart."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
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
READY = "() => window.app?.vueAppReady && window.app.api.clientId && window.app.graph.nodes.length"
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
    greeting = {"id": 1, "type": CLASS, "pos": [60, 120], "widgets_values": ["otter"], **PLACE}
    greeting["properties"] = {"Node name for S&R": CLASS}
    ids = {"last_node_id": 2, "last_link_id": 0}
    nodes = [greeting, loader_of("style.safetensors", url)]
    return {**ids, "nodes": nodes, "links": [], "version": 0.4}


PLACE = {"size": [270, 100], "flags": {}, "order": 0, "mode": 0, "inputs": [], "outputs": []}


def loader_of(name: str, url: str) -> dict[str, Any]:
    row = {"name": name, "directory": "loras", "url": url}
    facts = {"hash": sha256(MODEL), "hash_type": "SHA256"}
    return {
        "id": 2,
        "type": "LoraLoaderModelOnly",
        "pos": [60, 320],
        "widgets_values": [name, 1.0],
        "properties": {"models": [{**row, **facts}]},
        **PLACE,
    }


def allow_the_editors_own(editor: Any) -> None:
    """Its own look for models asks what the stand-in lacks, and the host that a workflow names."""
    asked = ("/api/experiment/models/loras", "/internal/folder_paths")
    for path in (*asked, "CORS policy", "Error fetching file size"):
        editor.seen.allow(path)


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


def test_the_keyboard_stays_in_it_and_escape_closes_it(editor: Any) -> None:
    page = editor.page
    page.evaluate(
        "window.heard = []; window.addEventListener('keydown', one => window.heard.push(one.key))"
    )
    opened(editor)
    inside = "() => !!document.activeElement?.closest('dialog.rf-auto-setup')"
    for key in ("Tab", "Tab", "Tab", "Shift+Tab", "r"):
        page.keyboard.press(key)
        at = page.evaluate("() => document.activeElement?.tagName")
        assert page.evaluate(inside) or at == "BODY", key  # from the last to the browser's own
    assert page.evaluate("window.heard") == []
    page.keyboard.press("Escape")
    dialog(page).wait_for(state="hidden")


def test_keys_stay_in_it_also_where_the_focus_has_nothing_to_stand_on(editor: Any) -> None:
    """A button that takes itself away when pressed, and a click on a text."""
    page = editor.page
    shown = opened(editor)
    page.evaluate(
        "window.heard = []; window.addEventListener('keydown', one => window.heard.push(one.key))"
    )
    shown.get_by_role("button", name="Look again").press("Enter")
    shown.get_by_role("button", name="Close", exact=True).last.wait_for()
    shown.get_by_role("button", name="Look again").wait_for()
    page.keyboard.press("r")
    page.keyboard.press("Delete")
    shown.get_by_role("status").click()
    page.keyboard.press("Delete")
    assert page.evaluate("window.heard") == []
    page.keyboard.press("Escape")
    dialog(page).wait_for(state="hidden")


def test_what_cannot_be_found_says_so_with_a_way_on(editor: Any, model_host: FileHost) -> None:
    wanted = graph(model_host.url)
    wanted["nodes"][0]["type"] = "NobodyKnowsThis"
    editor.load(wanted)
    allow_the_editors_own(editor)
    shown = opened(editor)
    row = shown.locator("[data-row='pack:NobodyKnowsThis']")
    assert row.get_by_text("nothing says which node pack brings the class").is_visible()
    assert row.get_by_text("To mend it: ask the author of the workflow").is_visible()
    assert row.get_by_role("checkbox").count() == 0
    editor.page.evaluate("window.app.extensionManager.setting.set('Comfy.ColorPalette', 'light')")
    editor.page.wait_for_timeout(300)
    pictured(editor.page, f"light-{editor.host.real}")
    editor.page.evaluate("window.app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")


def test_a_prompt_that_the_editor_refuses_to_show_is_looked_at(editor: Any) -> None:
    """A workflow in API format; the graph in the editor stays as it is."""
    page, before = editor.page, editor.prompt()
    editor.seen.allow("https://api.comfy.org/nodes")  # by the editor's own list of what is missing
    prompt = {"1": {"class_type": CLASS, "inputs": {"name": "otter"}}}
    page.evaluate(
        """async text => await window.app.handleFile(
          new File([text], "prompt.json", {type: "application/json"}))""",
        json.dumps(prompt),
    )
    page.keyboard.press("Escape")  # the editor's own list of what is missing
    notice = page.get_by_role("status").filter(has_text="1 node type of this workflow")
    notice.get_by_role("button", name="Auto setup").click()
    shown = dialog(page)
    shown.locator("[data-row='pack:ComfyUI-Tiny']").wait_for()
    assert shown.locator("[data-row]").count() == 1
    assert editor.prompt() == before


def test_a_download_is_cancelled_and_gone_on_with_also_after_a_reload(
    editor: Any, model_host: FileHost
) -> None:
    page, place = editor.page, editor.host.base / "models/loras/slow.safetensors"
    held = threading.Event()
    model_host.asked.clear()
    model_host.before_chunk = lambda at: held.wait(20) if at >= 20 << 20 else None
    wanted = graph(model_host.url)
    wanted["nodes"] = [loader_of("slow.safetensors", model_host.url)]
    editor.load(wanted)
    allow_the_editors_own(editor)
    shown = opened(editor)
    shown.get_by_label(re.compile("download from 127.0.0.1")).check()
    shown.get_by_role("button", name="Install 1").click()
    shown.get_by_text(re.compile(r"0 of 1 installed · [1-9][\d.]+ MB so far")).wait_for()
    pictured(page, f"running-{editor.host.real}")

    page.reload()
    page.wait_for_function(READY, timeout=60_000)
    page.evaluate("window.app.extensionManager.command.execute('Runflow.AutoSetup')")
    shown = dialog(page)
    shown.get_by_text(re.compile(r"0 of 1 installed")).wait_for()
    shown.get_by_role("button", name="Cancel").click()
    held.set()
    shown.get_by_text("the rest was stopped; what came of it is kept").wait_for()
    bar = shown.get_by_role("progressbar", name="Models")
    assert bar.evaluate("one => one.value") == 0  # nothing is whole
    assert not place.exists()

    model_host.before_chunk = lambda at: None
    model_host.asked.clear()
    shown.get_by_role("button", name="Look again").click()
    shown.get_by_label(re.compile("download from 127.0.0.1")).check()
    shown.get_by_role("button", name="Install 1").click()
    shown.get_by_text(re.compile("1 of 1 installed")).wait_for()
    assert place.read_bytes() == MODEL
    assert model_host.asked[0] is not None  # not all of it again
    assert not model_host.asked[0].startswith("bytes=0-")


def test_what_it_showed_before_is_gone_when_it_opens_again(editor: Any) -> None:
    """Its buttons were of another plan, and of another graph."""
    page = editor.page
    opened(editor)
    page.keyboard.press("Escape")
    held: list[Any] = []
    page.route("**/runflow/auto-setup", lambda route: held.append(route))
    page.evaluate("window.app.extensionManager.command.execute('Runflow.AutoSetup')")
    shown = dialog(page)
    shown.get_by_text("Looking for what this workflow needs").wait_for()
    assert shown.get_by_role("button").all_inner_texts() == ["✕", "Cancel"]
    held[0].continue_()
    shown.get_by_role("button", name="Look again").wait_for()


def test_a_look_ends_with_its_dialog(editor: Any) -> None:
    """Closed with the cross or Escape, also before the answer that names the job has come."""
    page, ended = editor.page, "**/runflow/jobs/x/cancel"
    held: list[Any] = []
    running = {"job": "x", "kind": "auto_setup_plan", "state": "running", "events": []}
    page.route("**/runflow/jobs/x?*", lambda route: route.fulfill(json=running))
    page.route(ended, lambda route: route.fulfill(json={}))
    command = "window.app.extensionManager.command.execute('Runflow.AutoSetup')"

    page.route("**/runflow/auto-setup/plan", lambda route: route.fulfill(json={"job": "x"}))
    with page.expect_response("**/runflow/jobs/x?*"):
        page.evaluate(command)
    with page.expect_request(ended):
        page.keyboard.press("Escape")

    page.route("**/runflow/auto-setup/plan", lambda route: held.append(route))
    with page.expect_request("**/runflow/auto-setup/plan"):
        page.evaluate(command)
    page.keyboard.press("Escape")
    dialog(page).wait_for(state="hidden")
    with page.expect_request(ended):
        held[0].fulfill(json={"job": "x"})


def test_two_presses_on_install_are_one_and_another_page_shows_what_runs(
    editor: Any, model_host: FileHost
) -> None:
    page, held = editor.page, threading.Event()
    model_host.before_chunk = lambda at: held.wait(60)
    wanted = graph(model_host.url)
    wanted["nodes"] = [loader_of("twice.safetensors", model_host.url)]
    editor.load(wanted)
    allow_the_editors_own(editor)
    other = type(editor)(page.context.new_page(), editor.host, editor.seen)
    other.open()
    other.load(wanted)
    pages = [opened(editor), opened(other)]
    for shown in pages:
        shown.get_by_label(re.compile("download from 127.0.0.1")).check()
    editor.seen.allow("/runflow/auto-setup/start answered 409")  # to the second page
    pages[0].get_by_role("button", name="Install 1").dblclick()
    pages[0].get_by_text("at work").wait_for()
    pages[1].get_by_role("button", name="Install 1").click()
    pages[1].get_by_text("at work").wait_for()
    with other.page.expect_response("**/runflow/jobs/*/cancel"):
        pages[1].get_by_role("button", name="Cancel").click()
    held.set()
    model_host.before_chunk = lambda at: None
    for shown in pages:
        shown.get_by_text("the rest was stopped; what came of it is kept").wait_for()
    other.page.close()


def test_a_comfyui_that_ends_meanwhile_is_waited_for_and_what_it_left_is_said(
    editor: Any, model_host: FileHost
) -> None:
    page, held, jobs = editor.page, threading.Event(), "**/runflow/jobs/**"
    model_host.before_chunk = lambda at: held.wait(60)
    wanted = graph(model_host.url)
    wanted["nodes"] = [loader_of("ended.safetensors", model_host.url)]
    editor.load(wanted)
    allow_the_editors_own(editor)
    shown = opened(editor)
    shown.get_by_label(re.compile("download from 127.0.0.1")).check()
    shown.get_by_role("button", name="Install 1").click()
    shown.get_by_text("at work").wait_for()

    page.route(jobs, lambda route: route.abort())  # it has ended …
    shown.get_by_text("ComfyUI does not answer. If it has ended, start it").wait_for()
    unknown = {"error": {"code": "job-unknown", "message": "there is no such job"}}
    page.unroute(jobs)
    page.route(jobs, lambda route: route.fulfill(status=404, json=unknown))  # … and is back
    shown.get_by_text("ComfyUI was started anew, which ended this. Look again").wait_for()
    assert shown.get_by_role("button", name="Restart ComfyUI").count() == 0
    pictured(page, f"ended-{editor.host.real}")
    for noise in ("ERR_FAILED", "answered 404"):
        editor.seen.allow(noise)

    page.unroute(jobs)
    job = editor.host.get("/runflow/auto-setup")["job"]
    editor.host.post(f"/runflow/jobs/{job}/cancel", {})
    held.set()
    model_host.before_chunk = lambda at: None


def test_a_restart_asks_while_a_prompt_is_running(editor: Any) -> None:
    code = """async () => {
      const { offerRestart } = await import(
        "/extensions/runflow-build/auto_setup/restart.js")
      const { api } = await import("/scripts/api.js")
      const asked = []
      const fetch = api.fetchApi
      api.fetchApi = async (path, options) => {
        if (path !== "/runflow/restart") return fetch.call(api, path, options)
        asked.push(options.body)
        const error = {code: "prompts-running", message: "a prompt is running", fix: "wait"}
        return new Response(JSON.stringify({error}), {status: 409})
      }
      const said = []
      const button = offerRestart(text => said.push(text))
      button.click()
      await new Promise(done => setTimeout(done, 100))
      const text = button.textContent
      button.click()
      await new Promise(done => setTimeout(done, 100))
      api.fetchApi = fetch
      return {asked, said, text}
    }"""
    told = editor.page.evaluate(code)
    assert told["said"][0] == "a prompt is running: wait"
    assert told["text"] == "Restart anyway"
    assert told["asked"] == ['{"anyway":false}', '{"anyway":true}']


def test_a_pack_and_a_model_are_installed_and_there_after_the_restart(
    editor: Any, model_host: FileHost
) -> None:
    page, base = editor.page, editor.host.base
    model_host.asked.clear()
    editor.load(graph(model_host.url))
    notice = page.get_by_role("status").filter(has_text="1 node type of this workflow")
    notice.get_by_role("button", name="Auto setup").click()
    shown = dialog(page)
    shown.get_by_text("2 things that this workflow needs are not installed").wait_for()
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

    page.keyboard.press("Escape")
    shown = opened(editor)
    shown.get_by_text("is installed · restart ComfyUI to load the nodes").wait_for()
    restart = shown.get_by_role("button", name="Restart ComfyUI")

    before = editor.host.get("/runflow/restart")["instance"]
    page.evaluate("window.isTheFormerPage = true")
    allow_the_editors_own(editor)
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
