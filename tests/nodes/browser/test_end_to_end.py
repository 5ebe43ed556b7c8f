"""The whole way, as a user goes it: open, try out, deploy, call, save, publish from the files.

Each station has tests of its own beside this one; here they have to fit together. The picture is
the same at each: from the editor's Run, from the playground, from the endpoint.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runflow_server import Api, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

CHECKOUT = Path(__file__).resolve().parents[3]
EXAMPLE = CHECKOUT / "examples" / "postcard"
PHOTO = (EXAMPLE / "input" / "photo.png").read_bytes()
DODO = "from runflow_build.tasks import DOIT_CONFIG, projects\n\nbuild = projects('.')\n"
SETTINGS = "() => window.app.extensionManager.command.execute('Comfy.ShowSettingsDialog')"
DRAW_DEPLOY_NODE = """(name) => {
  const node = window.LiteGraph.createNode("RunflowDeploy");
  node.pos = [80, -260];
  window.app.graph.add(node);
  const widget = node.widgets.find((one) => one.name === "endpoint_name");
  widget.value = name;
  widget.callback?.(name);
}"""
PRESS = """(name) => {
  const node = window.app.graph.nodes.find((one) => one.type === "RunflowDeploy");
  node.widgets.find((one) => one.name === name).callback();
}"""
SHOWN = """(id) => window.app.graph.getNodeById(id).imgs?.[0]?.src"""


@pytest.fixture(scope="module", autouse=True)
def _no_keys_yet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path / "api") as one:
        yield one


def pixels(data: bytes) -> tuple[tuple[int, int], bytes]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return picture.size, picture.convert("RGB").tobytes()


def connect(page: Page, api: Api) -> None:
    """In the settings, by hand."""
    page.evaluate(SETTINGS)
    page.get_by_text("Runflow", exact=True).first.click()
    address = page.get_by_role("textbox", name="API address")
    address.fill(api.url)
    address.press("Enter")
    page.get_by_role("button", name=f"Keep for {api.host}").wait_for()
    page.locator('input[aria-label="API key"]').fill(api.key)
    page.get_by_role("button", name=f"Keep for {api.host}").click()
    page.get_by_text(f"{api.host}: set (kept)").wait_for()
    page.keyboard.press("Escape")


def run_in_editor(editor: Any) -> bytes:
    editor.run()
    shown = editor.page.wait_for_function(SHOWN, arg=10, timeout=60_000).json_value()
    answer = editor.page.request.get(shown)
    assert answer.ok
    data: bytes = answer.body()
    return data


def run_in_playground(editor: Any, seen: Any) -> tuple[bytes, bytes]:
    """The picture of what is wired, and that of another width."""
    with editor.page.context.expect_page() as waiting:
        editor.page.evaluate(PRESS, "Playground")
    page = waiting.value
    seen.watch(page)
    page.get_by_role("heading", name="Postcard", exact=True).wait_for()

    def run(number: int) -> bytes:
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#history .values").nth(number - 1).wait_for()
        page.locator("#state", has_text="Done").wait_for(timeout=60_000)
        with page.expect_download() as download:
            page.locator('[data-output="postcard"]').get_by_role("link").click()
        return Path(download.value.path()).read_bytes()

    wired = run(1)
    page.get_by_label("Width", exact=True).fill("480")
    narrow = run(2)
    page.close()
    return wired, narrow


def deploy(page: Page) -> str:
    """The curl call that the panel shows."""
    page.evaluate(PRESS, "Deploy")
    status = page.locator(".runflow-panel").locator('[role="status"]', has_text="Deployed ✓")
    status.wait_for(timeout=120_000)
    text: str = page.get_by_label("curl", exact=True).inner_text()
    return text


def save_as_files(page: Page, folder: Path) -> None:
    page.evaluate(PRESS, "Save as files")
    page.get_by_label("Folder on the machine that runs ComfyUI").fill(str(folder))
    page.locator("dialog.runflow-dialog").get_by_role("button", name="Save").click()
    status = page.locator(".runflow-panel").locator('[role="status"]', has_text="Saved in")
    status.wait_for(timeout=120_000)


def publish(folder: Path, api: Api) -> str:
    """`doit publish`, as a build machine does it that knows the files alone."""
    (folder / "dodo.py").write_text(DODO)
    env = {**os.environ, "RUNFLOW_API_URL": api.url, "RUNFLOW_API_KEY": api.key}
    command = [sys.executable, "-m", "doit", "publish"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_the_example_in_the_editor_to_an_endpoint_and_its_files_in_git(
    editor: Any, seen: Any, api: Api, tmp_path: Path
) -> None:
    host, page = editor.host, editor.page
    (host.base / "input" / "photo.png").write_bytes(PHOTO)
    editor.load(json.loads((EXAMPLE / "postcard.json").read_bytes()))

    in_editor = run_in_editor(editor)
    page.evaluate(DRAW_DEPLOY_NODE, "Postcard")
    wired, narrow = run_in_playground(editor, seen)
    assert pixels(wired) == pixels(in_editor)
    assert pixels(narrow)[0] == (480, 400)

    connect(page, api)
    url = f"{api.url}/v1/comfyui-workflows/local/postcard/runs"
    assert url in deploy(page)
    _, told = host.post("/runflow/playground/postcard/calls", {"values": {}})
    assert url in told["curl"]
    photo = "data:image/png;base64," + base64.b64encode(PHOTO).decode()
    called = api.call("postcard", {"photo": photo})
    assert list(called) == ["postcard"]
    assert pixels(called["postcard"]) == pixels(in_editor)
    called = api.call("postcard", {"photo": photo, "width": 480})
    assert pixels(called["postcard"]) == pixels(narrow)

    folder = tmp_path / "in git"
    save_as_files(page, folder)
    with serving(tmp_path / "another api") as another:
        publish(folder, another)
        called = another.call("postcard", {"photo": photo})
    assert pixels(called["postcard"]) == pixels(in_editor)
    button = host.base / "user" / "runflow" / "projects" / "postcard"
    bundles = [one / ".runflow" / "build" / "postcard.json" for one in (button, folder)]
    assert bundles[0].read_bytes() == bundles[1].read_bytes()
    for path in [*folder.rglob("*"), *button.rglob("*")]:
        assert not path.is_file() or api.key.encode() not in path.read_bytes()
