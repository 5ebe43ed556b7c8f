"""Which graphs fit the editor's schema, so that it repairs their links."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from runflow_build.workflow.editor.schema import fits_schema

UUID = "8f2c0000-0000-4000-8000-000000000000"
NODE = {
    "id": 1,
    "type": "EmptyImage",
    "pos": [0, 0],
    "size": {"0": 1, "1": 2},
    "flags": {},
    "order": 0,
    "mode": 0,
    "properties": {},
}
SLOT = {"name": "image", "type": "IMAGE"}
LINK = {"id": 1, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "A"}
STATE = {"lastGroupId": 0, "lastNodeId": 1, "lastLinkId": 1, "lastRerouteId": 0}
BORDER = {"id": -10, "bounding": [0, 0, 1, 1]}
SUBGRAPH = {
    "id": UUID,
    "name": "S",
    "version": 1,
    "revision": 0,
    "state": STATE,
    "nodes": [],
    "inputNode": BORDER,
    "outputNode": {**BORDER, "pinned": True},
}
GRAPH: dict[str, Any] = {
    "version": 0.4,
    "last_node_id": 1,
    "last_link_id": 1,
    "nodes": [NODE],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
}
GRAPH_1: dict[str, Any] = {"version": 1, "state": STATE, "nodes": [NODE], "links": [LINK]}


def fits(**changed: Any) -> bool:
    """Whether a graph with these parts fits; None takes a part away."""
    graph = {**copy.deepcopy(GRAPH), **changed}
    return fits_schema({name: value for name, value in graph.items() if value is not None})


def node_fits(**changed: Any) -> bool:
    return fits(nodes=[{**NODE, **changed}])


def test_a_graph_of_either_version_fits() -> None:
    assert fits_schema(GRAPH)
    assert fits_schema(GRAPH_1)
    assert fits_schema({**GRAPH_1, "links": None} | {"links": []})


@pytest.mark.parametrize("name", ["version", "last_node_id", "last_link_id", "nodes", "links"])
def test_each_part_of_version_0_4_must_be_there(name: str) -> None:
    assert not fits(**{name: None})


@pytest.mark.parametrize("name", ["state", "nodes"])
def test_each_part_of_version_1_must_be_there(name: str) -> None:
    assert not fits_schema({key: value for key, value in GRAPH_1.items() if key != name})


@pytest.mark.parametrize("name", [*NODE])
def test_each_part_of_a_node_must_be_there(name: str) -> None:
    assert not fits(nodes=[{key: value for key, value in NODE.items() if key != name}])


@pytest.mark.parametrize(
    "good",
    [
        {"widgets_values": [1]},
        {"widgets_values": {"a": 1}},
        {"inputs": [{**SLOT, "link": None}, {**SLOT, "type": 0, "slot_index": "3"}]},
        {"outputs": [{**SLOT, "type": ["A"], "links": [1]}, {**SLOT, "links": None}]},
        {"id": "text", "color": "#fff", "flags": {"pinned": True}},
        {"properties": {"cnr_id": "some-pack", "ver": "1.2.3", "Node name for S&R": "x"}},
        {"properties": {"aux_id": "owner/repo", "ver": "v0.1.0-beta.1"}},
        {"properties": {"ver": "0123abcd", "any": {"thing": 1}}},
        {"properties": {"ver": "unknown", "models": []}},
        {"properties": {"models": [{"name": "m", "url": "https://x/m", "directory": "loras"}]}},
    ],
)
def test_these_parts_of_a_node_fit(good: Any) -> None:
    assert node_fits(**good)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": 1.5},
        {"id": None},
        {"pos": [0]},
        {"pos": {"0": 1}},
        {"flags": {"pinned": 1}},
        {"mode": "0"},
        {"widgets_values": "text"},
        {"inputs": [{"name": "image"}]},
        {"inputs": [{**SLOT, "link": "1"}]},
        {"inputs": [{**SLOT, "slot_index": 0.5}]},
        {"inputs": [{**SLOT, "type": {}}]},
        {"outputs": [{**SLOT, "links": 1}]},
        {"properties": {"cnr_id": "-"}},
        {"properties": {"aux_id": "no slash"}},
        {"properties": {"aux_id": "-owner/repo"}},
        {"properties": {"ver": "latest"}},
        {"properties": {"ver": 5}},
        {"properties": {"models": [{"name": "m", "url": "nowhere", "directory": "loras"}]}},
        {"properties": {"Node name for S&R": 5}},
    ],
)
def test_these_parts_of_a_node_do_not(bad: Any) -> None:
    assert not node_fits(**bad)


@pytest.mark.parametrize(
    "link",
    [
        [1, 1, 0, 2, 0],
        [1, 1, 0, 2, 0, "A", 7],
        ["1", 1, 0, 2, 0, "A"],
        [1, 1, 0.5, 2, 0, "A"],
        [1, 1.5, 0, 2, 0, "A"],
        [1, 1, None, 2, 0, "A"],
        {**LINK},
    ],
)
def test_a_link_of_version_0_4_has_six_parts_of_their_kinds(link: Any) -> None:
    assert not fits(links=[link])


@pytest.mark.parametrize("name", [*LINK])
def test_each_part_of_a_link_of_version_1_must_be_there(name: str) -> None:
    short = {key: value for key, value in LINK.items() if key != name}
    assert not fits_schema({**GRAPH_1, "links": [short]})


@pytest.mark.parametrize(
    "good",
    [
        {"id": UUID, "revision": 3},
        {"groups": [{"title": "G", "bounding": [0, 0, 1, 1], "locked": True}]},
        {"config": {"links_ontop": True}},
        {"extra": {"ds": {"scale": 1, "offset": [0, 0]}, "workflowRendererVersion": "LG"}},
        {"extra": {"reroutes": [{"id": 1, "pos": [0, 0], "floating": {"slotType": "input"}}]}},
        {"extra": {"linkExtensions": [{"id": 1, "parentId": 2}]}},
        {"floatingLinks": [{**LINK, "parentId": 1}]},
        {"models": [{"name": "m", "url": "https://x/m", "directory": "d", "hash": "0"}]},
        {"definitions": {"subgraphs": []}},
        {"definitions": {"subgraphs": [SUBGRAPH]}},
        {"definitions": {"subgraphs": [{**SUBGRAPH, "widgets": [{"id": "1", "name": "w"}]}]}},
        {"definitions": {"subgraphs": [{**SUBGRAPH, "inputs": [{**SLOT, "id": UUID}]}]}},
    ],
)
def test_these_parts_of_a_graph_fit(good: Any) -> None:
    assert fits(**good)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "no uuid"},
        {"groups": [{"title": "G", "bounding": [0, 0, 1]}]},
        {"config": []},
        {"extra": {"ds": {"scale": 1}}},
        {"extra": {"ds": 5}},
        {"extra": {"workflowRendererVersion": "new"}},
        {"extra": {"reroutes": [{"id": 1}]}},
        {"extra": {"reroutes": [{"id": 1, "pos": [0, 0], "floating": {"slotType": "both"}}]}},
        {"floatingLinks": [5]},
        {"models": [{"name": "m"}]},
        {"definitions": []},
        {"definitions": {}},
        {"definitions": {"subgraphs": [{**SUBGRAPH, "id": "no uuid"}]}},
        {"definitions": {"subgraphs": [{**SUBGRAPH, "version": 0.4}]}},
        {"definitions": {"subgraphs": [{**SUBGRAPH, "inputs": [SLOT]}]}},
        {"definitions": {"subgraphs": [{**SUBGRAPH, "inputNode": 5}]}},
        {"last_node_id": 1.5},
        {"version": "0.4"},
    ],
)
def test_these_parts_of_a_graph_do_not(bad: Any) -> None:
    assert not fits(**bad)


def test_numbers_beyond_any_range_are_numbers() -> None:
    assert fits(links=[[1, 10**400, 0, 2, 10**400, "A"]], last_node_id=10**400)
