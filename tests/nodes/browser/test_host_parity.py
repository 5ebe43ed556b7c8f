"""The stand-in for ComfyUI answers a program as ComfyUI 0.8.0 answered it, request for request.

tests/host/recorded.json holds what ComfyUI said; tracebacks and arrays are left out of it.
"""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[2]
RECORDED = json.loads((TESTS / "host" / "recorded.json").read_bytes())
EXCHANGES = {one["name"]: one for one in RECORDED["prompts"]}
INDEPENDENT = {"loadimage"}  # has nodes that do not need each other: any order will do
RELEASE = "0.8.0"  # that was recorded
RANDOM = re.compile(r"(?<=ComfyUI_temp)_[a-z]{5}")  # ComfyUI names previews at random
PNG = (TESTS.parent / "examples" / "postcard" / "input" / "photo.png").read_bytes()


@pytest.fixture(scope="module")
def replayed(comfyui_host: Any) -> dict[str, Any]:
    """The recorded requests in the recorded order, and what this ComfyUI answers them with."""
    comfyui_host.upload("gt_in.png", PNG)
    with ThreadPoolExecutor(1) as beside:  # the browser's event loop runs in this thread
        return beside.submit(asyncio.run, replay(comfyui_host.url)).result()


@pytest.fixture
def the_recorded_release(comfyui_host: Any) -> None:
    """Others have more or fewer folders, scripts, features, and fields in their history."""
    running = comfyui_host.get("/system_stats")["system"]["comfyui_version"]
    if running != RELEASE:
        pytest.skip(f"what was recorded is ComfyUI {RELEASE}'s own; this one is {running}")


async def replay(url: str) -> dict[str, Any]:
    from aiohttp import ClientSession

    answers: dict[str, Any] = {}
    async with ClientSession() as session, session.ws_connect(f"{url}/ws?clientId=me") as socket:
        answers["greeting"] = await socket.receive_json()
        for one in RECORDED["prompts"]:
            request = {**one["request"], "client_id": "me"}
            async with session.post(f"{url}/prompt", json=request) as answer:
                told = {"status": answer.status, "body": await answer.json()}
            if "events" in one and answer.status == 200:
                told["events"] = [event async for event in until_idle(socket)]
                prompt_id = told["body"]["prompt_id"]
                async with session.get(f"{url}/history/{prompt_id}") as answer:
                    told["history"] = (await answer.json())[prompt_id]
            answers[one["name"]] = told
    return answers


async def until_idle(socket: Any) -> Any:
    while True:
        event = await asyncio.wait_for(socket.receive_json(), 30)
        yield event
        if event["type"] == "executing" and event["data"]["node"] is None:
            return


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_prompt_is_answered_as_comfyui_answered_it(name: str, replayed: Any) -> None:
    ours, recorded = replayed[name], EXCHANGES[name]
    assert ours["status"] == recorded["status"]
    assert ours["body"].keys() == recorded["body"].keys()
    assert blamed(ours["body"]) == blamed(recorded["body"])


def blamed(body: Any) -> Any:
    """What an answer says is wrong with a prompt and with its nodes, without the wording."""
    nodes = {
        node: {
            **one,
            "errors": [kind_and_input(error) for error in one["errors"]],
            # ComfyUI goes through a set of outputs: another order in each process.
            "dependent_outputs": sorted(one["dependent_outputs"]),
        }
        for node, one in body["node_errors"].items()
    }
    return body.get("error", {}).get("type"), nodes


def kind_and_input(error: dict[str, Any]) -> tuple[str, str | None]:
    # Of a link to nowhere, ComfyUI names the input of the node after it.
    stumbled = error["type"] == "exception_during_inner_validation"
    return error["type"], None if stumbled else error["extra_info"]["input_name"]


@pytest.mark.parametrize("name", [name for name, one in EXCHANGES.items() if "events" in one])
def test_the_page_hears_the_events_that_comfyui_sent(name: str, replayed: Any) -> None:
    ours = [outline(event) for event in replayed[name]["events"]]
    recorded = [outline(event) for event in EXCHANGES[name]["events"]]
    if name not in INDEPENDENT:
        assert ours == recorded
    assert by_node(ours) == by_node(recorded)


def by_node(outlines: list[dict[str, Any]]) -> dict[str | None, list[dict[str, Any]]]:
    """The events about each node, and those about none, each in order."""
    nodes = {one["node"] for one in outlines}
    return {node: [one for one in outlines if one["node"] == node] for node in nodes}


def outline(event: dict[str, Any]) -> dict[str, Any]:
    """What matters of an event: type, fields, the node that it is about, and the node's state."""
    data, about = event["data"], {}
    if event["type"] == "progress_state":
        about = list(data["nodes"].values())[-1]  # the one that has changed
    return {
        "type": event["type"],
        "fields": sorted(data),
        "node": about.get("node_id") or data.get("node") or data.get("node_id"),
        "fields of the node": sorted(about),
        "state": (about.get("state"), about.get("value"), data.get("nodes") if not about else None),
        "output": steady(data.get("output")),
        "status": data.get("status"),
    }


@pytest.mark.usefixtures("the_recorded_release")
@pytest.mark.parametrize("name", [name for name, one in EXCHANGES.items() if "history" in one])
def test_history_keeps_what_comfyui_kept(name: str, replayed: Any) -> None:
    ours, recorded = replayed[name]["history"], EXCHANGES[name]["history"]
    assert ours.keys() == recorded.keys()
    assert ours["meta"] == recorded["meta"]
    assert steady(ours["outputs"]) == steady(recorded["outputs"])
    assert status_of(ours) == status_of(recorded)
    number, prompt_id, prompt, extra, outputs = ours["prompt"]
    assert (type(number), type(prompt_id), prompt) == (int, str, recorded["prompt"][2])
    assert (extra.keys(), sorted(outputs)) == (recorded["prompt"][3].keys(), recorded["prompt"][4])


def steady(outputs: Any) -> str:
    return RANDOM.sub("", json.dumps(outputs, sort_keys=True))


def status_of(entry: Any) -> dict[str, Any]:
    """Of its messages, the names of the events and of their fields."""
    messages = [(event, sorted(data)) for event, data in entry["status"]["messages"]]
    return {**entry["status"], "messages": messages}


def test_a_new_websocket_is_greeted_as_comfyui_greets_it(replayed: Any) -> None:
    ours, recorded = replayed["greeting"], RECORDED["greeting"]
    assert ours["data"].pop("sid") == "me"
    assert ours["data"] == {"status": recorded["data"]["status"]}
    assert ours["type"] == recorded["type"]


@pytest.mark.usefixtures("the_recorded_release")
@pytest.mark.parametrize("path", RECORDED["answers"])
def test_the_page_is_told_what_comfyui_told_it(path: str, comfyui_host: Any) -> None:
    ours, recorded = comfyui_host.get(path), RECORDED["answers"][path]
    if path == "/api/extensions":
        ours = [one for one in ours if one.startswith("/extensions/core/")]
    if path in ("/api/extensions", "/models"):
        ours, recorded = sorted(ours), sorted(recorded)
    assert ours == recorded


def test_what_is_no_prompt_is_refused_as_comfyui_refuses_it(comfyui_host: Any) -> None:
    assert comfyui_host.post("/prompt", b"{")[0] == 500
    status, body = comfyui_host.post("/prompt", {})
    assert (status, body["error"]["type"], body["node_errors"]) == (400, "no_prompt", {})


def test_a_node_without_inputs_is_refused_as_comfyui_refuses_it(comfyui_host: Any) -> None:
    status, body = comfyui_host.post("/prompt", {"prompt": {"1": {"class_type": "SaveImage"}}})
    [error] = body["node_errors"]["1"]["errors"]
    assert (status, body["error"]["type"]) == (400, "prompt_outputs_failed_validation")
    assert error["type"] == "exception_during_validation"
