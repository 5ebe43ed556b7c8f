"""The editor graph beside the prompt shows the author's canvas, but not the author's tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.rewrite.graph import published_graph
from runflow_build.workflow.contract_model import Contract
from runflow_build.workflow.definitions import Definitions

KEY = "rf_live_" + "a1b2c3d4" * 4


def a_node(number: int, kind: str, inputs: dict[str, int | None], **more: Any) -> dict[str, Any]:
    """A node as the editor saves it; `inputs`: slot name -> id of the link into it."""
    links = more.pop("links", [])
    return {
        "id": number,
        "type": kind,
        "inputs": [{"name": name, "type": "*", "link": link} for name, link in inputs.items()],
        "outputs": [{"name": "out", "type": "*", "links": links}] if links else [],
        **more,
    }


GRAPH: dict[str, Any] = {
    "version": 0.4,
    "nodes": [
        a_node(1, "PrimitiveString", {}, links=[1], widgets_values=["private test"]),
        a_node(2, "StringConcatenate", {"string_a": 1}, links=[2], widgets_values=["", "b", ""]),
        a_node(
            3,
            "RunflowInputString",
            {"value": 2},
            links=[3],
            widgets_values=["text", "", "", True, ""],
        ),
        a_node(4, "RunflowOutputFile", {"value": 3}, widgets_values=["out", ""]),
        a_node(5, "RunflowDeploy", {}, widgets_values=["Poster", "", KEY]),
        a_node(6, "Note", {}, widgets_values=["how it works"]),
    ],
    "links": [
        [1, 1, 0, 2, 0, "STRING"],
        [2, 2, 0, 3, 0, "STRING"],
        [3, 3, 0, 4, 0, "STRING"],
    ],
    "extra": {"reroutes": [{"id": 1, "linkIds": [2, 3]}], "linkExtensions": [{"id": 2}, {"id": 3}]},
}


def as_schema_1(graph: dict[str, Any]) -> dict[str, Any]:
    """The same with links as mappings."""
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    links = [dict(zip(names, link, strict=True)) for link in graph["links"]]
    return {**copy.deepcopy(graph), "version": 1, "links": links}


def contract(**rows: dict[str, Any]) -> Contract:
    base = {"required": True, "class": "RunflowInputString", "type": "STRING", "field": "value"}
    return Contract.model_validate({"inputs": {key: {**base, **row} for key, row in rows.items()}})


REQUIRED = contract(text={"node": "3"})
OPTIONAL = contract(text={"node": "3", "required": False})


def types(graph: dict[str, Any]) -> list[str]:
    return [node["type"] for node in graph["nodes"]]


@pytest.mark.parametrize("data", [GRAPH, as_schema_1(GRAPH)], ids=["0.4", "1"])
def test_test_wiring_and_deploy_node_go_with_all_that_mentions_them(
    data: dict[str, Any], definitions: Definitions
) -> None:
    before = copy.deepcopy(data)
    graph = published_graph(data, REQUIRED, {"3", "4"}, definitions)
    assert data == before
    assert types(graph) == ["RunflowInputString", "RunflowOutputFile", "Note"]
    assert graph["nodes"][0]["inputs"][0]["link"] is None
    assert graph["links"] == data["links"][2:]
    assert graph["extra"] == {
        "reroutes": [{"id": 1, "linkIds": [3]}],
        "linkExtensions": [{"id": 3}],
    }
    text = json.dumps(graph)
    assert "private test" not in text
    assert KEY not in text


def test_the_wiring_of_an_optional_input_is_part_of_the_workflow(definitions: Definitions) -> None:
    graph = published_graph(GRAPH, OPTIONAL, {"1", "2", "3", "4"}, definitions)
    assert types(graph) == [one for one in types(GRAPH) if one != "RunflowDeploy"]
    assert graph["links"] == GRAPH["links"]


def test_what_something_else_uses_stays_and_forgets_only_the_cut_link(
    definitions: Definitions,
) -> None:
    data = copy.deepcopy(GRAPH)
    data["nodes"][1]["outputs"][0]["links"] = [2, 4]
    data["nodes"].append(a_node(7, "RunflowOutputFile", {"value": 4}))
    data["links"].append([4, 2, 0, 7, 0, "STRING"])
    graph = published_graph(data, REQUIRED, {"1", "2", "3", "4", "7"}, definitions)
    assert "PrimitiveString" in types(graph)
    assert graph["nodes"][1]["outputs"][0]["links"] == [4]


def test_a_served_node_stays_although_its_links_are_gone(definitions: Definitions) -> None:
    graph = published_graph(GRAPH, REQUIRED, {"2", "3", "4"}, definitions)
    assert types(graph)[:2] == ["PrimitiveString", "StringConcatenate"]


def test_texts_and_file_names_of_required_inputs_are_emptied(definitions: Definitions) -> None:
    data = {
        "version": 0.4,
        "nodes": [
            a_node(
                1,
                "RunflowInputFile",
                {},
                widgets_values=["file", "", "", "my-own.mp4", True],
            ),
            a_node(2, "CLIPTextEncode", {}, widgets_values=["my test"]),
            a_node(3, "CLIPTextEncode", {}, widgets_values=["the default"]),
            a_node(4, "EmptyImage", {}, widgets_values=[512, 256, 1, 0]),
        ],
        "links": [],
    }
    exposed = {"class": "CLIPTextEncode", "field": "text"}
    wanted = contract(
        file={"node": "1", "class": "RunflowInputFile", "type": "FILE"},
        text={"node": "2", **exposed},
        style={"node": "3", "required": False, **exposed},
        width={"node": "4", "class": "EmptyImage", "type": "INT", "field": "width"},
    )
    graph = published_graph(data, wanted, {"1", "2", "3", "4"}, definitions)
    assert [node["widgets_values"] for node in graph["nodes"]] == [
        ["file", "", "", "", True],
        [""],
        ["the default"],
        [512, 256, 1, 0],
    ]


def a_subgraph(inside: list[dict[str, Any]], links: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "b0b",
        "name": "Inner",
        "inputs": [{"name": "text", "type": "STRING", "linkIds": [1]}],
        "outputs": [],
        "nodes": inside,
        "links": links,
    }


def test_wiring_inside_a_subgraph_is_cut_and_followed_out_of_it(definitions: Definitions) -> None:
    inner = a_subgraph(
        [a_node(8, "RunflowInputString", {"value": 1}, widgets_values=["text", "", "", True, ""])],
        [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 8, "target_slot": 0}],
    )
    data = {
        "version": 0.4,
        "nodes": [
            a_node(1, "PrimitiveString", {}, links=[5], widgets_values=["private test"]),
            a_node(57, "b0b", {"text": 5}),
        ],
        "links": [[5, 1, 0, 57, 0, "STRING"]],
        "definitions": {"subgraphs": [inner]},
    }
    graph = published_graph(data, contract(text={"node": "57:8"}), {"57:8"}, definitions)
    (subgraph,) = graph["definitions"]["subgraphs"]
    assert (subgraph["links"], subgraph["inputs"][0]["linkIds"]) == ([], [])
    assert subgraph["nodes"][0]["inputs"][0]["link"] is None
    assert types(graph) == ["b0b"]
    assert graph["links"] == []

    kept = contract(text={"node": "57:8", "required": False})
    assert published_graph(data, kept, {"57:8"}, definitions) == data


def test_odd_rows_of_a_graph_are_passed_over(definitions: Definitions) -> None:
    data = copy.deepcopy(GRAPH)
    data["links"] += [None, [9], {"id": [1]}, "x"]
    data["nodes"][0]["outputs"].append({"name": "odd", "links": None})
    data["nodes"][0]["inputs"].append({"name": "odd", "link": [1]})
    graph = published_graph(data, REQUIRED, {"3", "4"}, definitions)
    assert types(graph) == ["RunflowInputString", "RunflowOutputFile", "Note"]


def test_the_published_graph_has_no_trace_of_a_test_from_end_to_end(
    world: Callable[..., Any],
) -> None:
    data = {**GRAPH, "last_node_id": 6}
    bundle = world(data).rewritten()
    assert bundle.graph is not None
    assert "private test" not in json.dumps([bundle.graph, bundle.prompt])
    assert set(bundle.prompt) == {"3", "4"}
