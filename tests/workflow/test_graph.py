from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.graph import read_graph

NODE = {"id": 1, "type": "EmptyImage"}


def links(version: Any, *rows: Any) -> Any:
    graph, _ = read_graph({"nodes": [], "links": list(rows), "version": version})
    return graph.links


def test_schema_0_4_writes_links_as_lists() -> None:
    link = links(0.4, [3, 1, 0, 2, 1, "IMAGE"])[3]
    assert (link.origin, link.origin_slot, link.target, link.target_slot) == ("1", 0, "2", 1)


def test_schema_1_writes_links_as_mappings() -> None:
    row = {"id": 3, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 1}
    assert links(1, row)[3].target == "2"


@pytest.mark.parametrize("version", [1, None])
def test_a_link_in_the_other_schemas_form_is_not_there(version: Any) -> None:
    assert links(version, [3, 1, 0, 2, 1, "IMAGE"]) == {}


def test_of_two_links_with_one_id_the_later_counts() -> None:
    assert links(0.4, [3, 1, 0, 2, 0, "A"], [3, 4, 0, 2, 0, "A"])[3].origin == "4"


@pytest.mark.parametrize(
    "row", [None, [], [1, 2], [1, None, 0, 2, 0, "A"], [1, 2, "0", 2, 0, "A"], "x"]
)
def test_what_is_no_link_is_passed_over(row: Any) -> None:
    assert links(0.4, row) == {}


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (7.0, "7"), (1.5, "1.5"), ("a:b", "a:b"), (-3, "-3"), (2**60, str(2**60))],
)
def test_ids_are_text_as_in_a_prompt(number: Any, text: str) -> None:
    graph, findings = read_graph({"nodes": [{**NODE, "id": number}]})
    assert (list(graph.nodes), findings) == ([text], [])


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ([], "it is no mapping"),
        ({"type": "A"}, "it has no id"),
        ({"id": True, "type": "A"}, "it has no id"),
        ({"id": 1}, "it has no type"),
        ({"id": 1, "type": 5}, "it has no type"),
        ({**NODE, "inputs": {"image": 1}}, "its `inputs` are no list of slots"),
        ({**NODE, "inputs": [{}]}, "an input slot has no name"),
        ({**NODE, "outputs": [1]}, "its `outputs` are no list of slots"),
    ],
)
def test_what_is_no_node_is_a_finding_and_the_others_are_read(node: Any, problem: str) -> None:
    graph, [finding] = read_graph({"nodes": [node, {**NODE, "id": 9}]})
    assert finding.code == "node-malformed"
    assert finding.message == f"entry 1 of `nodes` is not a node: {problem}"
    assert list(graph.nodes) == ["9"]


def test_of_two_nodes_with_one_id_both_are_named() -> None:
    _, [finding] = read_graph({"nodes": [{**NODE, "title": "A"}, {**NODE, "id": 1.0, "type": "B"}]})
    assert finding.code == "node-duplicate-id"
    assert finding.where.title == "A"
    assert finding.also == (("also", "node 1 (B)"),)


def test_missing_parts_are_empty() -> None:
    graph, findings = read_graph({"nodes": [NODE]})
    node = graph.nodes["1"]
    assert (node.mode, node.inputs, node.outputs, node.title) == (0, (), 0, None)
    assert (graph.links, graph.subgraphs, findings) == ({}, {}, [])
