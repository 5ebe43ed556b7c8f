"""Make the pictures of docs/images: the editor with our pack, as a reader will see it.

    python tools/screenshots.py                  # all scenes
    python tools/screenshots.py editor deploy    # these

A scene is a function that brings a page to what is to be seen, and a row in SCENES; each row makes
`<name>.png`. The pages are served by the stand-in for ComfyUI of tests/host, and nothing is asked
of another machine. Needs `pip install -e '.[dev]'` and a Chromium on the PATH or in
$RUNFLOW_CHROMIUM. Look at what comes out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runflow_build.publish.example_call import File, curl

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLE = CHECKOUT / "examples" / "postcard"
IMAGES = CHECKOUT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SETTINGS = {
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.Minimap.Visible": False,
    "Comfy.Notification.ShowVersionUpdates": False,  # asks api.comfy.org
    "Comfy.TutorialCompleted": True,
    "LiteGraph.Canvas.MinFontSizeForLOD": 0,  # texts at every zoom
}
READY = """() => {
  const app = window.app
  return app?.vueAppReady && app.api.clientId && app.graph.nodes.length
}"""

LOAD = "async ([graph, name]) => { await window.app.loadGraphData(graph, true, true, name) }"


@dataclass(frozen=True)
class Stage:
    """Where the pictures are taken: a running host and its base folder."""

    url: str
    base: Path


@dataclass(frozen=True)
class Scene:
    """One picture. `play(page, stage)` gives what is to be seen: an element, or None for all."""

    name: str
    play: Callable[[Page, Stage], Any]
    size: dict[str, int]
    dark: bool = True  # ComfyUI's own default


def editor(page: Page, stage: Stage) -> None:
    """The example's workflow on the canvas."""
    open_editor(page, stage)
    load(page, json.loads((EXAMPLE / "postcard.json").read_bytes()), "postcard")


def auto_setup(page: Page, stage: Stage) -> Any:
    """The plan for a workflow whose pack and models are missing; the answers are made up."""
    case = CHECKOUT / "tests" / "cases" / "auto_setup_plan.json"
    rows = json.loads(case.read_bytes())
    last = {"job": "a", "number": 1, "state": "done", "plan": "a", "rows": rows, "findings": []}
    told = {"job": "a", "state": "done", "events": [last]}
    page.route("**/runflow/auto-setup/plan", lambda route: route.fulfill(json={"job": "a"}))
    page.route("**/runflow/jobs/a?*", lambda route: route.fulfill(json=told))
    open_editor(page, stage)
    page.evaluate("window.app.extensionManager.command.execute('Runflow.AutoSetup')")
    shown = page.get_by_role("dialog", name="Auto setup")
    shown.get_by_label("trust kijai/ComfyUI-KJNodes").check()
    page.mouse.move(0, 0)
    return shown


def deploy(page: Page, stage: Stage) -> None:
    """The example with a Deploy node, deployed; the API's answers are made up."""
    url = "https://api.runflow.io/v1/comfyui-workflows/acme/postcard/runs"
    call = curl(url, {"photo": File("photo.png")})
    steps = {
        "connect": "api.runflow.io: a new endpoint",
        "capture": "wrote workflow.json, .gitattributes, .gitignore, runflow.yaml",
        "lock": "runflow.lock is new",
        "validate": "ok",
        "rewrite": "bundle 02842ee48b3a",
        "publish": "created",
    }
    events = [{"step": step, "status": "done", "text": text} for step, text in steps.items()]
    done = {"state": "done", "action": "created", "url": url, "curl": call}
    events.append({**done, "slug": "postcard", "findings": []})
    rows = [{"job": "d", "number": number, **one} for number, one in enumerate(events, 1)]
    hosts = [{"host": "api.runflow.io", "from": "config"}]
    known = {"url": "https://api.runflow.io", "host": "api.runflow.io", "url_from": "default"}
    known |= {"has_key": True, "hosts": hosts}
    page.route("**/runflow/connection", lambda route: route.fulfill(json=known))
    page.route("**/runflow/deploy", lambda route: route.fulfill(json={"job": "d"}))
    told = {"job": "d", "state": "done", "events": rows}
    page.route("**/runflow/jobs/d?*", lambda route: route.fulfill(json=told))
    open_editor(page, stage)
    graph = json.loads((EXAMPLE / "postcard.json").read_bytes())
    node = {"id": 90, "type": "RunflowDeploy", "pos": [740, 620], "size": [300, 190]}
    more = {"mode": 0, "flags": {}, "order": 20, "properties": {}}
    graph["nodes"].append({**node, **more, "widgets_values": ["Postcard", "", ""]})
    graph["nodes"] = [one for one in graph["nodes"] if one["type"] != "MarkdownNote"]
    load(page, graph, "postcard")
    page.evaluate(
        "window.app.graph.getNodeById(90).widgets.find((one) => one.name === 'Deploy').callback()"
    )
    page.get_by_text("Deployed ✓  created").wait_for()
    page.wait_for_timeout(9000)  # until the toast has gone


def connection(page: Page, stage: Stage) -> Any:
    """The rows of the connection in the settings."""
    known = {"url": "https://api.runflow.io", "host": "api.runflow.io", "url_from": "default"}
    hosts = [
        {"host": "127.0.0.1:8787", "from": "config"},
        {"host": "api.runflow.io", "from": "config"},
    ]
    told = {**known, "has_key": True, "hosts": hosts}
    page.route("**/runflow/connection", lambda route: route.fulfill(json=told))
    open_editor(page, stage)
    page.evaluate("window.app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    page.get_by_text("Runflow", exact=True).first.click()
    page.get_by_text("api.runflow.io: set").wait_for()
    page.mouse.move(0, 0)
    return page.get_by_role("dialog").first


def playground(page: Page, stage: Stage) -> Any:
    """The example's playground after a run."""
    graph = json.loads((EXAMPLE / "postcard.json").read_bytes())
    told = {"name": "Postcard", "graph": graph, "mark": ""}
    page.context.request.post("/runflow/playground/_captures", data=told)
    page.goto("/runflow/playground/postcard")
    # Another width in each scene: ComfyUI makes the same picture once, and then in no time.
    page.get_by_label("Width", exact=True).fill("640" if page.viewport_size == DESKTOP else "720")
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#history .run.done").wait_for()
    page.wait_for_timeout(500)  # the picture, and the call's text
    return page.locator("body")


def security(page: Page, stage: Stage) -> Any:
    """Where a password is asked for, and what a scan has found; the answers are made up."""
    networks = [("0.0.0.0", "bad", "everybody in every network that this machine is in")]
    keys = ("address", "level", "reached_by")
    told = {
        **page.request.get(f"{stage.url}/runflow/security").json(),
        **{"password": "on", "username": "ada", "port": 8188},
        "listens_to": [dict(zip(keys, one, strict=True)) for one in networks],
    }
    told["scan"]["ports"][0] = 8188
    states = {8188: "open", 80: "closed", 8080: "closed", 443: "closed"}
    ports = [{"port": port, "state": state} for port, state in states.items()]
    found = {"public_address": "203.0.113.7", "asked": "api.ipify.org", "problems": []}
    page.route("**/runflow/security", lambda route: route.fulfill(json=told))
    page.route("**/runflow/port-scan", lambda route: route.fulfill(json={**found, "ports": ports}))
    open_editor(page, stage)
    page.evaluate("window.app.extensionManager.command.execute('Runflow.Security')")
    shown = page.get_by_role("dialog", name="Security")
    shown.get_by_role("button", name="Scan from the internet").click()
    shown.get_by_text("Public address:").wait_for()
    shown.evaluate("(one) => one.focus()")
    return shown


SCENES = [
    Scene("auto-setup", auto_setup, DESKTOP),
    Scene("connection", connection, DESKTOP),
    Scene("deploy", deploy, DESKTOP),
    Scene("editor", editor, DESKTOP),
    Scene("playground", playground, DESKTOP, dark=False),
    Scene("playground-phone", playground, PHONE),
    Scene("security", security, {**DESKTOP, "height": 960}),
]


def open_editor(page: Page, stage: Stage) -> None:
    page.goto(stage.url)
    page.wait_for_function(READY, timeout=60_000)


def load(page: Page, graph: dict[str, Any], name: str) -> None:
    """Show a workflow, all of it, and wait until its pictures are there."""
    page.evaluate(LOAD, [graph, name])
    page.wait_for_timeout(500)  # the nodes get their sizes in the frames after loading
    page.keyboard.press(".")  # fit the view
    page.wait_for_timeout(1500)


@contextlib.contextmanager
def host() -> Iterator[Stage]:
    """The stand-in for ComfyUI with our pack, for a user who has been here before."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        base = Path(folder)
        (base / "custom_nodes").mkdir()
        (base / "custom_nodes" / "runflow-build").symlink_to(CHECKOUT, target_is_directory=True)
        shutil.copytree(EXAMPLE / "input", base / "input")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, CHECKOUT / "tests" / "host" / "host.py"]
        process = subprocess.Popen([*command, "--base-directory", folder, "--port", str(port)])
        try:
            stage = Stage(f"http://127.0.0.1:{port}", base)
            wait_for(stage.url, process)
            yield stage
        finally:
            process.terminate()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"{url}/system_stats", timeout=5).close()
            return
        time.sleep(0.1)
    sys.exit("the stand-in for ComfyUI does not start")


def take(browser: Browser, scene: Scene, stage: Stage) -> None:
    """Play a scene in a browser profile of its own, and write its picture."""
    settings = {
        "Comfy.ColorPalette": "dark" if scene.dark else "light",
        **SETTINGS,
    }
    context = browser.new_context(
        base_url=stage.url,
        color_scheme="dark" if scene.dark else "light",
        has_touch=scene.size == PHONE,
        viewport={"width": scene.size["width"], "height": scene.size["height"]},
    )
    context.request.post("/settings", data=settings)
    page = context.new_page()
    seen = scene.play(page, stage) or page
    seen.screenshot(path=IMAGES / f"{scene.name}.png")
    context.close()
    print(f"docs/images/{scene.name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [scene.name for scene in SCENES]
    parser.add_argument("scenes", nargs="*", help=f"of {', '.join(names)}; default: all")
    wanted = parser.parse_args().scenes or names
    if unknown := sorted(set(wanted) - set(names)):
        parser.error(f"no scene is called {', '.join(unknown)}")
    path = os.environ.get("RUNFLOW_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if path is None:
        parser.error("there is no Chromium on the PATH; set RUNFLOW_CHROMIUM")
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    with host() as stage, sync_playwright() as playwright:
        options = ["--headless=new", "--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        for scene in SCENES:
            if scene.name in wanted:
                take(browser, scene, stage)
        browser.close()


if __name__ == "__main__":
    main()
