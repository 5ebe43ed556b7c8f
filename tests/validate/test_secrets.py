"""A key in a file is found wherever it stands, and never repeated."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.findings import Finding, render

Checked = Callable[..., list[Finding]]

KEY = "rf_live_" + "a1b2c3d4" * 4

PROMPT: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
        "_meta": {"title": "Paper"},
    },
    "2": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "o", "output_name": "", "value": ["1", 0]},
    },
}


def a_graph(*more: dict[str, Any], **rest: Any) -> dict[str, Any]:
    image = {
        "id": 1,
        "type": "EmptyImage",
        "inputs": [],
        "outputs": [{"type": "IMAGE", "links": [1]}],
        "widgets_values": [64, 64, 1, 0],
    }
    output = {
        "id": 2,
        "type": "RunflowOutputImage",
        "inputs": [{"name": "value", "type": "IMAGE", "link": 1}],
        "widgets_values": ["picture", ""],
    }
    links = [[1, 1, 0, 2, 0, "IMAGE"]]
    return {"version": 0.4, "nodes": [image, output, *more], "links": links, **rest}


def secrets(found: list[Finding]) -> list[Finding]:
    assert KEY not in render(found)
    assert KEY not in str([one.to_json() for one in found])
    return [one for one in found if one.code in ("secret-in-workflow", "spec-secret")]


def test_files_without_a_key(checked: Checked) -> None:
    assert secrets(checked(PROMPT)) == []
    assert secrets(checked(a_graph())) == []


def test_a_key_in_a_field_of_a_node_that_does_not_even_run(checked: Checked) -> None:
    data = copy.deepcopy(PROMPT)
    data["3"] = {"class_type": "CLIPTextEncode", "inputs": {"text": f"my key: {KEY}"}}
    assert render(secrets(checked(data))) == (
        "poster.json: error secret-in-workflow: the node holds an API key\n"
        "  at        node 3 (CLIPTextEncode), field text\n"
        "  fix       empty it and save; keep the key in the settings or in RUNFLOW_API_KEY, and "
        "revoke this one"
    )


@pytest.mark.parametrize(
    "api_key", ["rf_live_12345678", "not even of our form", KEY], ids=["ours", "another", "long"]
)
@pytest.mark.parametrize("form", ["list", "mapping", "prompt"])
def test_whatever_stands_in_a_deploy_nodes_key_is_one(
    checked: Checked, api_key: str, form: str
) -> None:
    if form == "prompt":
        node = {"class_type": "RunflowDeploy", "inputs": {"api_key": api_key}}
        data = {**PROMPT, "9": node}
    else:
        values: Any = ["Poster", "", api_key]
        if form == "mapping":
            values = {"endpoint_name": "Poster", "api_key": api_key}
        data = a_graph({"id": 9, "type": "RunflowDeploy", "widgets_values": values})
    (found,) = secrets(checked(data))
    assert (found.message, found.where.node) == ("the Deploy node holds an API key", "9")
    assert found.where.field == "api_key"
    assert api_key not in render([found])


@pytest.mark.parametrize("values", [["Poster", "", ""], ["Poster", "", "  "], ["Poster"], None])
def test_an_empty_key_on_a_deploy_node_is_as_it_should_be(checked: Checked, values: Any) -> None:
    node = {"id": 9, "type": "RunflowDeploy", "widgets_values": values}
    assert secrets(checked(a_graph(node))) == []


@pytest.mark.parametrize(
    ("data", "node"),
    [
        (a_graph({"id": 7, "type": "Note", "widgets_values": [f"remember {KEY}"]}), "7"),
        (a_graph({"id": 7, "type": "Note", "title": KEY}), "7"),
        (a_graph({"id": 7, "type": "Note", "properties": {"a": [{"b": KEY}]}}), "7"),
        (a_graph(groups=[{"title": KEY}]), None),
        (a_graph(extra={KEY: 1}), None),
        (
            a_graph(
                definitions={
                    "subgraphs": [{"id": "b0b", "nodes": [{"id": 8, "type": "X", "title": KEY}]}]
                }
            ),
            "8",
        ),
        (a_graph(definitions={"subgraphs": [{"id": "b0b", "name": KEY, "nodes": []}]}), None),
        ({**PROMPT, KEY: {"class_type": "EmptyImage", "inputs": {}}}, None),
        ({**PROMPT, "7": {"class_type": KEY, "inputs": {}}}, "7"),
        ({**PROMPT, "7": {"class_type": "X", "inputs": {KEY: 1}}}, "7"),
    ],
    ids=[
        "widget",
        "title",
        "properties",
        "group",
        "extra",
        "subgraph-node",
        "subgraph",
        "id",
        "class",
        "field",
    ],
)
def test_a_key_anywhere_in_the_file(
    checked: Checked, data: dict[str, Any], node: str | None
) -> None:
    found = secrets(checked(data))
    assert found
    assert node in {one.where.node for one in found}


def test_a_key_in_runflow_yaml(checked: Checked) -> None:
    found = secrets(checked(PROMPT, description=f"call it with {KEY}"))
    assert [(one.code, one.where.key) for one in found] == [
        ("spec-secret", ("endpoints", "poster", "description"))
    ]


def test_a_secret_of_another_maker_is_named_by_its_kind_and_never_shown(checked: Checked) -> None:
    token = "hf_" + "Zq7Rw2Lk9Tn4Vb6Xc1Mf8Jh3Gd5Ps0YeUa"
    data = copy.deepcopy(PROMPT)
    data["3"] = {"class_type": "LoadFromHub", "inputs": {"token": token}}
    found = secrets(checked(data, description=f"needs {token}"))
    assert token not in render(found)
    in_graph, in_spec = found
    assert render([in_spec]) == (
        "runflow.yaml: error spec-secret: a Hugging Face token stands in runflow.yaml\n"
        "  fix       remove it, and revoke it: it has been in a file"
    )
    assert render([in_graph]) == (
        "poster.json: error secret-in-workflow: the node holds a Hugging Face token\n"
        "  at        node 3 (LoadFromHub), field token\n"
        "  fix       empty it and save, and revoke it: it has been in a file"
    )
