"""Deploying from the editor: to a real `runflow serve`, with a key that nobody finds afterwards."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runflow_server import Api, serving
from waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

CHECKOUT = Path(__file__).resolve().parents[3]
EXAMPLE = CHECKOUT / "examples" / "postcard"
UPSCALING = CHECKOUT / "tests" / "cases" / "deploy" / "upscale.json"
STRANGER = "rf_live_STRANGERabcdefghijklmnopqrstuvw"
DEPLOY_ID = 90

SERIALIZED = "() => JSON.stringify((window.app.rootGraph ?? window.app.graph).serialize())"
DEPLOY_WIDGET = """([name, value]) => {
  const node = window.app.graph.nodes.find((one) => one.type === "RunflowDeploy");
  const widget = node.widgets.find((one) => one.name === name);
  widget.value = value;
  widget.callback?.(value);
}"""
PRESS = """(name) => {
  const node = window.app.graph.nodes.find((one) => one.type === "RunflowDeploy");
  node.widgets.find((one) => one.name === name).callback();
}"""
PLACE = """(name) => {
  const { canvas, graph } = window.app;
  const node = graph.nodes.find((one) => one.type === "RunflowDeploy");
  canvas.ds.scale = 1;
  canvas.ds.offset = [-node.pos[0] + 300, -node.pos[1] + 200];
  canvas.draw(true, true);
  const widget = node.widgets.find((one) => one.name === name);
  const [x, y] = canvas.ds.convertOffsetToCanvas([
    node.pos[0] + node.size[0] / 2, node.pos[1] + widget.last_y + 10,
  ]);
  const box = canvas.canvas.getBoundingClientRect();
  return [box.left + x, box.top + y];
}"""
SHOWN = """() => {
  const canvas = window.app.canvas;
  return [canvas.graph === window.app.rootGraph, Object.keys(canvas.selected_nodes)];
}"""
EVERYTHING_IN_THE_PAGE = """() => JSON.stringify([
  {...localStorage}, {...sessionStorage},
  window.app.graph.serialize(),
  window.app.extensionManager.workflow.openWorkflows.map((one) => [
    one.originalContent, one.activeState, one.initialState,
    one.changeTracker?.undoQueue, one.changeTracker?.redoQueue,
  ]),
  [...document.querySelectorAll("input, textarea")].map((one) => one.value),
])"""


@pytest.fixture(scope="module")
def comfyui_host(config: Path, comfyui_host: Any) -> Any:
    """The one of all browser tests, started when `config` is where its keys go."""
    return comfyui_host


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("api")) as one:
        yield one


@pytest.fixture(autouse=True)
def _photo(comfyui_host: Any, config: Path) -> None:
    shutil.copy(EXAMPLE / "input" / "photo.png", comfyui_host.base / "input" / "photo.png")
    config.unlink(missing_ok=True)


@pytest.fixture
def connected(comfyui_host: Any, api: Api) -> None:
    """The settings name the API, and have its key."""
    comfyui_host.post("/runflow/connection", {"action": "set-url", "url": api.url})
    body = {"action": "keep-key", "url": api.url, "key": api.key}
    assert comfyui_host.post("/runflow/connection", body)[0] == 200


def example(
    name: str = "Postcard",
    host: str = "",
    key: str = "",
    workflow: Path = EXAMPLE / "postcard.json",
) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads(workflow.read_bytes())
    graph["nodes"].append(
        {
            "id": DEPLOY_ID,
            "type": "RunflowDeploy",
            "pos": [80, -260],
            "size": [320, 180],
            "mode": 0,
            "flags": {},
            "order": 11,
            "properties": {},
            "widgets_values": [name, host, key],
        }
    )
    return graph


def panel(page: Page) -> Locator:
    return page.locator(".runflow-panel")


def status(page: Page, text: str) -> None:
    panel(page).locator('[role="status"]', has_text=text).wait_for(timeout=60_000)


def question(page: Page, button: str) -> None:
    page.locator("dialog.runflow-dialog").get_by_role("button", name=button).click()


def no_key_anywhere(editor: Any, key: str, *but: Path) -> None:
    """Neither in a file below ComfyUI's base folder, nor in what it serves, nor in the page."""
    host = editor.host
    for path in host.base.rglob("*"):
        if path.is_file() and "custom_nodes" not in path.parts:
            assert key.encode() not in path.read_bytes(), path
    # What the editor saves by itself comes some time after a change.
    assert key not in editor.page.evaluate(EVERYTHING_IN_THE_PAGE)
    paths = ["/settings", "/runflow/connection", "/history", "/queue", "/userdata?dir=", "/users"]
    paths += ["/userdata?dir=workflows&recurse=true&full_info=true", "/system_stats"]
    for path in paths:
        with (
            contextlib.suppress(urllib.error.HTTPError),
            urllib.request.urlopen(host.url + path, timeout=30) as answer,
        ):
            assert key.encode() not in answer.read(), path


def picture(name: str, page: Page) -> None:
    if folder := os.environ.get("RUNFLOW_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.usefixtures("connected")
def test_the_example_is_deployed_and_called(editor: Any, api: Api) -> None:
    page = editor.page
    editor.load(example())
    assert "90" not in editor.prompt()  # virtual
    page.evaluate(PRESS, "Deploy")
    status(page, "Deployed ✓")
    picture("deployed", page)
    url = f"{api.url}/v1/comfyui-workflows/local/postcard/runs"
    assert page.get_by_label("URL", exact=True).inner_text() == url
    assert f"curl -X POST '{url}'" in page.get_by_label("curl", exact=True).inner_text()
    steps = panel(page).locator("[data-step]")
    assert [one.get_attribute("data-status") for one in steps.all()] == ["done"] * 6
    assert page.locator(".p-toast").get_by_text("Deployed ✓").count() == 1
    photo = base64.b64encode((EXAMPLE / "input" / "photo.png").read_bytes()).decode()
    called = api.call("postcard", {"photo": f"data:image/png;base64,{photo}"})
    assert list(called) == ["postcard"]
    # Again: nothing has changed.
    page.evaluate(PRESS, "Deploy")
    status(page, "exactly like this")
    no_key_anywhere(editor, api.key)


def test_a_key_that_is_typed_is_kept_for_the_host_and_is_nowhere_else(
    editor: Any, api: Api, config: Path
) -> None:
    page = editor.page
    editor.load(example(name="Typed", host=api.url))
    page.evaluate(DEPLOY_WIDGET, ["api_key", api.key])
    # Before anything is answered it is off the node.
    assert api.key not in page.evaluate(SERIALIZED)
    picture("key", page)
    question(page, f"Keep it for {api.host}")
    page.wait_for_function("() => !document.querySelector('dialog.runflow-dialog')")
    for _ in range(50):
        if config.exists():
            break
        page.wait_for_timeout(100)
    assert api.key in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o600
    page.evaluate(PRESS, "Deploy")
    question(page, f"Deploy to {api.host}")  # the settings name the hosted API
    status(page, "Deployed ✓")
    page.wait_for_timeout(1500)
    no_key_anywhere(editor, api.key)


def test_a_key_for_one_use_is_gone_after_it(editor: Any, api: Api, config: Path) -> None:
    page = editor.page
    editor.load(example(name="Once", host=api.url))
    page.evaluate(DEPLOY_WIDGET, ["api_key", api.key])
    question(page, "Use it once")
    page.evaluate(PRESS, "Deploy")
    question(page, f"Deploy to {api.host}")
    status(page, "Deployed ✓")
    assert not config.exists()
    page.evaluate(PRESS, "Deploy")
    question(page, f"Deploy to {api.host}")
    page.get_by_text(f"There is no API key for {api.host}").wait_for()
    page.get_by_label("API key", exact=True).fill(api.key)
    assert page.get_by_label("API key", exact=True).get_attribute("type") == "password"
    question(page, "Use it once")
    status(page, "exactly like this")
    assert not config.exists()
    no_key_anywhere(editor, api.key)


def test_a_key_in_an_imported_workflow_is_off_the_graph_before_anything_is_saved(
    editor: Any, config: Path
) -> None:
    page = editor.page
    editor.load(example(key=STRANGER))
    assert STRANGER not in page.evaluate(SERIALIZED)
    page.get_by_text("This workflow has an API key").wait_for()
    question(page, "Discard it")
    page.evaluate("() => window.app.graph.nodes.find((n) => n.id === 90).clone().serialize()")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.wait_for_timeout(1500)
    assert not config.exists()
    no_key_anywhere(editor, STRANGER)


def test_a_key_is_typed_where_nobody_can_read_it(editor: Any, api: Api, config: Path) -> None:
    page = editor.page
    editor.load(example(name="Hidden", host=api.url))
    x, y = page.evaluate(PLACE, "api_key")
    page.mouse.click(x, y)
    page.get_by_text(f"There is no API key for {api.host}").wait_for()
    field = page.get_by_label("API key", exact=True)
    assert field.get_attribute("type") == "password"
    field.fill(api.key)
    question(page, "Keep it")
    for _ in range(50):
        if config.exists():
            break
        page.wait_for_timeout(100)
    assert api.key in config.read_text()
    x, y = page.evaluate(PLACE, "Deploy")
    page.mouse.click(x, y)
    question(page, f"Deploy to {api.host}")
    status(page, "Deployed ✓")
    picture("node", page)
    no_key_anywhere(editor, api.key)


def test_a_key_that_an_older_plugin_left_in_the_settings_is_moved(
    editor: Any, api: Api, config: Path
) -> None:
    page, host = editor.page, editor.host
    host.post("/settings", {"Runflow.ApiUrl": api.url, "Runflow.ApiKey": api.key})
    try:
        editor.open()
        page.get_by_text("where every page can read it").wait_for()
        question(page, f"Keep it for {api.host}")
        page.wait_for_function("() => !document.querySelector('dialog.runflow-dialog')")
        page.wait_for_timeout(1000)
        assert api.key in config.read_text()
        assert host.get("/settings")["Runflow.ApiKey"] == ""
        no_key_anywhere(editor, api.key)
    finally:
        host.post("/settings", {"Runflow.ApiUrl": "", "Runflow.ApiKey": ""})


@pytest.mark.usefixtures("connected")
def test_a_host_in_an_imported_workflow_gets_no_key_unasked(
    editor: Any, api: Api, seen: Any
) -> None:
    page = editor.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/runflow/deploy" in one.url else None)
    editor.load(example(host="https://evil.example"))
    page.evaluate(PRESS, "Deploy")
    page.get_by_text("Your settings name").wait_for()
    picture("host", page)
    question(page, "Cancel")
    assert asked == []
    page.evaluate(PRESS, "Deploy")
    question(page, "Deploy to evil.example")
    page.get_by_text("There is no API key for evil.example").wait_for()
    question(page, "Cancel")
    assert asked == []
    page.evaluate(PRESS, "Deploy")
    question(page, f"Deploy to {api.host}")
    status(page, "Deployed ✓")


def test_a_host_that_is_spelled_in_another_way_is_the_same_host(
    editor: Any, comfyui_host: Any, seen: Any
) -> None:
    page = editor.page
    comfyui_host.post("/runflow/connection", {"action": "set-url", "url": "http://localhost"})
    editor.load(example(host="LOCALHOST:80"))
    page.evaluate(PRESS, "Deploy")
    page.get_by_text("There is no API key for localhost").wait_for()  # and no other question
    question(page, "Cancel")
    far = {"action": "keep-key", "url": "xn--bcher-kva.example", "key": "typed"}
    comfyui_host.post("/runflow/connection", far)
    editor.load(example(host="Bücher.example"))
    page.evaluate(PRESS, "Deploy")
    with page.expect_response("**/runflow/deploy") as answer:
        question(page, "Deploy to xn--bcher-kva.example")
    assert answer.value.status == 200
    job = answer.value.json()["job"]
    comfyui_host.post(f"/runflow/jobs/{job}/cancel", {})
    page.get_by_text("Cancelled.").wait_for()


def test_a_host_that_is_none_is_said_before_anything_is_asked(
    editor: Any, comfyui_host: Any, seen: Any
) -> None:
    seen.allow("/runflow/connection?url=http%3A%2F%2Ffar.example answered 422")
    editor.load(example(host="http://far.example"))
    editor.page.evaluate(PRESS, "Deploy")
    editor.page.get_by_text("is plain http, which would show the API key").wait_for()


@pytest.fixture
def endless(comfyui_host: Any) -> Iterator[dict[str, Any]]:
    """A workflow whose deploy ends with Cancel alone: its model takes longer to read than any
    test."""
    model = comfyui_host.base / "models" / "upscale_models" / "4x.pth"
    model.parent.mkdir(parents=True, exist_ok=True)
    with model.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    yield example("Upscale", workflow=UPSCALING)
    if running := comfyui_host.get("/runflow/deploy"):
        comfyui_host.post(f"/runflow/jobs/{running['job']}/cancel", {})
    model.unlink()


def states(page: Page) -> dict[str, str]:
    steps = panel(page).locator("[data-step]").all()
    return {one.get_attribute("data-step"): one.get_attribute("data-status") for one in steps}


UNTIL_THE_LOCK = {"connect": "done", "capture": "done"}


@pytest.mark.usefixtures("connected")
def test_a_page_that_is_reloaded_shows_the_deploy_that_runs_and_cancels_it(
    editor: Any, endless: dict[str, Any], api: Api
) -> None:
    page = editor.page
    editor.load(endless)
    page.evaluate(PRESS, "Deploy")
    status(page, "Lock models")
    editor.open()
    status(page, "Lock models")
    assert panel(page).get_by_role("heading", name="Deploy: Upscale").is_visible()
    assert states(page) == {**UNTIL_THE_LOCK, "lock": "running"}
    picture("resumed", page)
    # Another one has to wait, and says for which.
    panel(page).get_by_role("button", name="Close").click()
    editor.load(example())
    editor.seen.allow("/runflow/deploy answered 409")
    page.evaluate(PRESS, "Deploy")
    status(page, "This one is still running")
    assert panel(page).get_by_role("heading", name="Deploy: Upscale").is_visible()
    picture("second", page)
    panel(page).get_by_role("button", name="Cancel").click()
    status(page, "Cancelled. Nothing was published.")
    assert states(page) == {**UNTIL_THE_LOCK, "lock": "stopped"}
    picture("cancelled", page)
    listed = api.ask("GET", "/v1/comfyui-workflows")
    assert "upscale" not in [one["slug"] for one in listed["items"]]
    shown_no_more(editor)


def shown_no_more(editor: Any) -> None:
    with editor.page.expect_response("**/runflow/deploy") as asked:
        editor.open()
    assert asked.value.json() == {}
    assert panel(editor.page).count() == 0


@pytest.mark.usefixtures("connected")
def test_how_a_deploy_ended_while_no_page_was_there_is_shown_once(
    editor: Any, endless: dict[str, Any], comfyui_host: Any
) -> None:
    page = editor.page
    editor.load(endless)
    page.evaluate(PRESS, "Deploy")
    status(page, "Lock models")
    page.goto("about:blank")
    job = comfyui_host.get("/runflow/deploy")["job"]
    comfyui_host.post(f"/runflow/jobs/{job}/cancel", {})
    until(lambda: comfyui_host.get(f"/runflow/jobs/{job}")["state"] != "running")
    editor.open()
    status(page, "Cancelled. Nothing was published.")
    assert states(page) == {**UNTIL_THE_LOCK, "lock": "stopped"}
    shown_no_more(editor)


@pytest.mark.usefixtures("connected")
def test_a_rename_says_first_that_it_makes_a_new_endpoint(editor: Any, api: Api) -> None:
    page = editor.page
    editor.load(example())
    page.evaluate(PRESS, "Deploy")
    status(page, "Deployed ✓")
    page.evaluate(DEPLOY_WIDGET, ["endpoint_name", "Greeting Card"])
    label = "() => window.app.graph.nodes.find((n) => n.id === 90).widgets[3].label"
    assert page.evaluate(label) == "Deploy as greeting-card"
    page.evaluate(PRESS, "Deploy")
    page.get_by_text("The workflow was deployed as postcard").wait_for()
    question(page, "Deploy as greeting-card")
    page.get_by_label("URL", exact=True).get_by_text("greeting-card").wait_for(timeout=60_000)
    listed = api.ask("GET", "/v1/comfyui-workflows")
    assert {"postcard", "greeting-card"} <= {one["slug"] for one in listed["items"]}


@pytest.mark.usefixtures("connected")
def test_a_finding_leads_to_its_node(editor: Any, comfyui_host: Any) -> None:
    page = editor.page
    graph = example()
    photo = next(one for one in graph["nodes"] if one["type"] == "RunflowInputImage")
    photo["widgets_values"][3] = False  # optional, so that its file is the default
    graph["nodes"][0]["widgets_values"] = ["gone.png", "image"]
    editor.seen.allow("filename=gone.png")  # the node's own preview
    editor.load(graph)
    page.evaluate(PRESS, "Deploy")
    status(page, "That did not work")
    picture("finding", page)
    page.get_by_text("gone.png is not in ComfyUI's input folder").wait_for()
    page.get_by_role("button", name="Show Try it with this photo (node 1), image").click()
    selected = "() => Object.values(window.app.canvas.selected_nodes).map((one) => one.id)"
    assert page.evaluate(selected) == [1]


@pytest.mark.usefixtures("connected")
def test_a_model_that_is_not_there_leads_to_its_node_and_to_the_file_that_may_say_more(
    editor: Any, comfyui_host: Any
) -> None:
    page = editor.page
    editor.load(example("Upscale", workflow=UPSCALING))
    page.evaluate(PRESS, "Deploy")
    status(page, "That did not work")
    panel(page).get_by_text("upscale_models/4x.pth is not in this ComfyUI").wait_for()
    folder = comfyui_host.base / "user" / "runflow" / "projects" / "upscale"
    assert page.get_by_label("Project folder", exact=True).inner_text() == str(folder)
    assert (folder / "runflow.yaml").is_file()
    picture("missing-model", page)
    panel(page).get_by_role("button", name="Show node 1").click()
    selected = "() => Object.values(window.app.canvas.selected_nodes).map((one) => one.id)"
    assert page.evaluate(selected) == [1]


@pytest.mark.usefixtures("connected")
def test_a_finding_in_a_subgraph_opens_it(editor: Any) -> None:
    page = editor.page
    graph = json.loads((CHECKOUT / "tests/cases/deploy/subgraph.json").read_bytes())
    deploy_node = example(name="Deep")["nodes"][-1]
    graph["nodes"].append(deploy_node)
    inner = graph["definitions"]["subgraphs"][0]["nodes"]
    inner[1]["widgets_values"][0] = ""  # a Runflow Input without an id
    editor.seen.allow("graph that was never set up")  # the editor's minimap, in any subgraph
    editor.load(graph)
    page.evaluate(PRESS, "Deploy")
    status(page, "That did not work")
    page.get_by_role("button", name="(node 5:2)").first.click()
    page.wait_for_timeout(300)
    assert page.evaluate(SHOWN) == [False, ["2"]]


@pytest.mark.parametrize("name", ["", "   ", "✨", "workflows"])
def test_a_name_without_a_slug_is_said(name: str, editor: Any) -> None:
    page = editor.page
    editor.load(example(name=name))
    page.evaluate(PRESS, "Deploy")
    status(page, "That did not work")
    assert "endpoint_name" in panel(page).inner_text()
    heading = f"Deploy: {name}" if name.strip() else "Deploy"
    assert panel(page).get_by_role("heading", name=heading, exact=True).is_visible()


def test_a_key_that_the_api_does_not_know_is_said_in_full(
    editor: Any, api: Api, comfyui_host: Any
) -> None:
    comfyui_host.post("/runflow/connection", {"action": "set-url", "url": api.url})
    body = {"action": "keep-key", "url": api.url, "key": STRANGER}
    comfyui_host.post("/runflow/connection", body)
    page = editor.page
    editor.load(example())
    page.evaluate(PRESS, "Deploy")
    status(page, "That did not work")
    text = panel(page).inner_text()
    assert f"{api.host} does not accept the API key" in text
    assert "may be mistyped, revoked, or of another server" in text
    assert STRANGER not in text
    panel(page).get_by_role("button", name="Type another key").click()
    page.get_by_label("API key", exact=True).fill(api.key)
    question(page, "Keep it")
    status(page, "Deployed ✓")


@pytest.mark.usefixtures("connected")
def test_files_are_saved_in_a_folder_of_the_users(editor: Any, tmp_path: Path, api: Api) -> None:
    page = editor.page
    editor.load(example())
    page.evaluate(PRESS, "Save as files")
    folder = tmp_path / "card"
    page.get_by_label("Folder on the machine that runs ComfyUI").fill(str(folder))
    picture("save", page)
    question(page, "Save")
    status(page, "Saved in")
    names = {one.name for one in folder.iterdir()}
    wanted = {"runflow.yaml", "workflow.json", "runflow.lock", "runflow.definitions.json"}
    assert wanted <= names
    text = (folder / "workflow.json").read_text()
    assert api.host not in text and api.key not in text
    page.evaluate(PRESS, "Save as files")
    custom_nodes = str(editor.host.base / "custom_nodes" / "x")
    page.get_by_label("Folder on the machine that runs ComfyUI").fill(custom_nodes)
    editor.seen.allow("/runflow/save answered 422")
    question(page, "Save")
    page.get_by_text("lies in ComfyUI's custom_nodes folder").wait_for()


def test_opening_the_editor_and_its_settings_writes_nothing(
    editor: Any, api: Api, config: Path
) -> None:
    page = editor.page
    posts: list[str] = []
    page.on("request", lambda one: posts.append(one.url) if one.method == "POST" else None)
    editor.open()
    page.evaluate("() => window.app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    page.get_by_text("Runflow", exact=True).first.click()
    page.get_by_role("textbox", name="API address").wait_for()
    assert not [one for one in posts if "/settings" in one or "/runflow/" in one]
    page.get_by_role("textbox", name="API address").fill(api.url)
    page.get_by_role("textbox", name="API address").press("Enter")
    page.get_by_role("button", name=f"Keep for {api.host}").wait_for()
    page.locator(".runflow-connection input[type=password]").fill(api.key)
    picture("settings", page)
    page.get_by_role("button", name=f"Keep for {api.host}").click()
    page.get_by_text(f"{api.host}: set (kept)").wait_for()
    assert api.key in config.read_text()
    picture("settings-kept", page)
    no_key_anywhere(editor, api.key)
    page.get_by_role("button", name=f"Forget the key of {api.host}").click()
    page.get_by_text(f"forgotten for {api.host}").wait_for()
    assert page.get_by_text(f"{api.host}: set").count() == 0
    assert api.key not in config.read_text()
