"""The API key of the Deploy node: no way of the editor leads it into a workflow."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

KEY = "rf_live_STRANGERabcdefghijklmnopqrstuvw"
HOST = "127.0.0.1:9"

SERIALIZED = "() => JSON.stringify((window.app.rootGraph ?? window.app.graph).serialize())"
VUE_NODES = "on => window.app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
INTO_VIEW = """() => {
  const { canvas, graph } = window.app;
  const { pos } = graph.nodes.find((one) => one.type === "RunflowDeploy");
  canvas.ds.scale = 1;
  canvas.ds.offset = [-pos[0] + 300, -pos[1] + 200];
  canvas.setDirty(true, true);
}"""
INPUTS = """() => window.app.graph.nodes
  .flatMap((node) => [node, ...(node.subgraph?.nodes ?? [])])
  .find((one) => one.type === "RunflowDeploy").inputs.map((one) => one.name)"""
WIDGETS = """(id) => window.app.graph.nodes
  .find((one) => one.id === id).widgets.map((one) => [one.name, one.value])"""


@pytest.fixture(scope="module")
def comfyui_host(config: Path, comfyui_host: Any) -> Any:
    """The one of all browser tests, started when `config` is where its keys go."""
    return comfyui_host


@pytest.fixture(autouse=True)
def _no_keys(config: Path) -> None:
    config.unlink(missing_ok=True)


def node(type_id: str, id_: int, values: list[str], **more: Any) -> dict[str, Any]:
    place = {"pos": [80, 80], "size": [320, 180], "flags": {}, "order": 0, "mode": 0}
    slots: dict[str, Any] = {"inputs": [], "outputs": [], "properties": {}}
    return {"type": type_id, "id": id_, "widgets_values": values, **place, **slots, **more}


def graph(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        **{"last_node_id": 9, "last_link_id": 9, "nodes": list(nodes), "links": []},
        **{"groups": [], "config": {}, "extra": {}, "version": 0.4, **more},
    }


def deploy(name: int | None = None, key: int | None = None, value: str = "") -> dict[str, Any]:
    """A Deploy node, with the numbers of the links to its widgets."""
    links = {"endpoint_name": name, "host": None, "api_key": key}
    inputs = [
        {"name": one, "type": "STRING", "widget": {"name": one}, "link": link}
        for one, link in links.items()
    ]
    return node("RunflowDeploy", 1, ["Postcard", f"http://{HOST}", value], inputs=inputs)


def in_a_subgraph(value: str) -> dict[str, Any]:
    """A Deploy node whose key and name are typed on the frame of its subgraph."""
    kind, places = str(uuid.uuid4()), [("api_key", 2), ("endpoint_name", 1)]
    rows = [
        {"id": str(uuid.uuid4()), "name": name, "type": "STRING", "linkIds": [link]}
        for name, link in places
    ]
    links = [
        {"id": link, "origin_id": -10, "origin_slot": slot, "target_id": 1, "type": "STRING"}
        | {"target_slot": 2 if name == "api_key" else 0}
        for slot, (name, link) in enumerate(places)
    ]
    state = {"lastGroupId": 0, "lastNodeId": 1, "lastLinkId": 2, "lastRerouteId": 0}
    frame: dict[str, Any] = {"bounding": [0, 0, 120, 60]}
    inner = {
        **{"id": kind, "name": "Sub", "version": 1, "revision": 0, "state": state, "config": {}},
        **{"inputNode": {"id": -10, **frame}, "outputNode": {"id": -20, **frame}, "inputs": rows},
        **{"outputs": [], "widgets": [], "nodes": [deploy(1, 2)], "groups": [], "links": links},
    }
    slots = [
        {"name": name, "type": "STRING", "widget": {"name": name}, "link": None}
        for name, _ in places
    ]
    outer = node(kind, 5, [value, "Postcard"], inputs=slots)
    return graph(outer, definitions={"subgraphs": [inner]})


def question(page: Any) -> Any:
    return page.locator("dialog.runflow-dialog")


@pytest.mark.parametrize("vue_nodes", [False, True], ids=["canvas", "nodes-2.0"])
def test_a_button_stands_where_the_key_would_be_read(editor: Any, vue_nodes: bool) -> None:
    page = editor.page
    page.evaluate(VUE_NODES, vue_nodes)
    try:
        editor.load(graph(deploy()))
        page.evaluate(INTO_VIEW)
        if vue_nodes:
            shown = page.locator("[data-node-id='1']")
            button = shown.get_by_role("button", name="api_key")
            if not shown.count():
                pytest.skip("this frontend has no Nodes 2.0")
            assert shown.locator("input").count() == 2  # name and host
            button.click()
            question(page).get_by_text("Your settings name api.runflow.io").wait_for()
            question(page).get_by_label("API key", exact=True).fill(KEY)
            assert KEY not in page.evaluate(SERIALIZED)
            question(page).get_by_role("button", name="Cancel").click()
        else:
            kinds = "() => window.app.graph.nodes[0].widgets.map((one) => [one.name, one.type])"
            assert page.evaluate(kinds)[2] == ["api_key", "button"]
    finally:
        page.evaluate(VUE_NODES, False)


def test_no_wire_leads_to_the_key(editor: Any) -> None:
    page = editor.page
    links = [{"name": "STRING", "type": "STRING", "links": [4]}]
    text = node("PrimitiveString", 2, ["text"], outputs=links)
    # The node that the wire comes from is not there yet when the Deploy node is loaded.
    editor.load(graph(deploy(key=4), text, links=[[4, 2, 0, 1, 2, "STRING"]]))
    assert page.evaluate(INPUTS) == ["endpoint_name", "host"]
    left = "() => [window.app.graph.links.size, window.app.graph.nodes.at(-1).outputs[0].links]"
    assert page.evaluate(left) == [0, []]


def test_nor_does_the_frame_of_a_subgraph(editor: Any) -> None:
    page = editor.page
    editor.load(in_a_subgraph(KEY))
    assert page.evaluate(INPUTS) == ["endpoint_name", "host"]
    assert page.evaluate(WIDGETS, 5) == [["endpoint_name", "Postcard"]]
    saved = page.evaluate(SERIALIZED)
    assert KEY not in saved
    page.evaluate("saved => window.app.loadGraphData(JSON.parse(saved))", saved)
    assert page.evaluate(WIDGETS, 5) == [["endpoint_name", "Postcard"]]


def test_where_the_settings_cannot_be_read_the_cure_is_said(
    editor: Any, seen: Any, config: Path
) -> None:
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("url: https://api.runflow.io\n")
    config.chmod(0o644)
    seen.allow("/runflow/connection?url=http%3A%2F%2F127.0.0.1%3A9 answered 403")
    editor.load(graph(deploy(value=KEY)))
    question(editor.page).get_by_text("chmod 600").wait_for()
    question(editor.page).get_by_role("button", name="Close").click()
    assert KEY not in editor.page.evaluate(SERIALIZED)


def open_settings(page: Any) -> Any:
    page.evaluate("() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    page.get_by_text("Runflow", exact=True).first.click()
    return page.locator(".runflow-connection")


def test_the_settings_take_an_address_as_people_type_it(editor: Any, config: Path) -> None:
    rows = open_settings(editor.page)
    field = rows.get_by_label("API address")
    field.fill(HOST)
    field.press("Enter")
    rows.get_by_text("saved").wait_for()
    assert field.input_value() == f"http://{HOST}"
    assert f"http://{HOST}" in config.read_text()


def test_a_key_is_kept_and_forgotten_in_the_settings(editor: Any, seen: Any, config: Path) -> None:
    rows = open_settings(editor.page)
    rows.get_by_label("API key", exact=True).fill(KEY)
    editor.page.keyboard.press("Enter")
    rows.get_by_text("api.runflow.io: set (kept)").wait_for()
    assert KEY in config.read_text()
    forget = rows.get_by_role("button", name="Forget the key of api.runflow.io")
    config.chmod(0o644)
    seen.allow("/runflow/connection answered 403")
    forget.click()
    rows.get_by_text("chmod 600").first.wait_for()
    config.chmod(0o600)
    forget.click()
    rows.get_by_text("forgotten for api.runflow.io").wait_for()
    assert KEY not in config.read_text()
    focused = "() => document.activeElement.getAttribute('aria-label')"
    assert editor.page.evaluate(focused) == "API key"
