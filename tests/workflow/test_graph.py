"""What a saved graph holds: its shape is checked, its meaning is not."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.graph import read_graph, subgraph_circles, subgraph_definitions

NODE = {"id": 1, "type": "EmptyImage"}
LISTED = [3, 1, 0, 2, 1, "IMAGE"]
MAPPED = {"id": 3, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 1}


def links(version: Any, *rows: Any, nodes: Any = ()) -> tuple[Any, list[str]]:
    graph, findings = read_graph({"nodes": list(nodes), "links": list(rows), "version": version})
    return graph.links, [finding.code for finding in findings]


@pytest.mark.parametrize(("version", "row"), [(0.4, LISTED), (1, MAPPED)])
def test_each_schema_writes_links_in_its_own_form(version: float, row: Any) -> None:
    assert links(version, row) == (((3, "1", 0, "2", 1),), [])


@pytest.mark.parametrize(
    ("version", "row"), [(1, LISTED), (None, LISTED), ("0.4", LISTED), (0.4, MAPPED)]
)
def test_a_link_in_the_other_schemas_form_is_read_and_named(version: Any, row: Any) -> None:
    assert links(version, row) == (((3, "1", 0, "2", 1),), ["links-form"])


def test_links_whose_ids_are_texts_only_in_the_table_are_named() -> None:
    row = ["3", *LISTED[1:]]
    slot = {"name": "image", "type": "IMAGE"}
    said = {**NODE, "inputs": [{**slot, "link": "3"}]}
    other = {**NODE, "inputs": [{**slot, "link": 3}]}
    assert links(0.4, row, nodes=[other]) == (((3, "1", 0, "2", 1),), ["links-form"])
    assert links(0.4, row, nodes=[said]) == (((3, "1", 0, "2", 1),), [])


@pytest.mark.parametrize("row", [None, [], [1, 2], [1, None, 0, 2, 0, "A"], [1, 2, 0.5, 2, 0], "x"])
def test_what_is_no_link_is_passed_over_and_named(row: Any) -> None:
    assert links(0.4, row) == ((), ["links-form"])


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((7, "7"), (7.0, "7"), (1.5, "1.5"), (-3, "-3"), (2**60, str(2**60))),
        *(("a:b", "a:b"), (True, "true")),
    ],
)
def test_ids_are_text_as_in_a_prompt(number: Any, text: str) -> None:
    graph, findings = read_graph({"nodes": [{**NODE, "id": number}]})
    assert ([id for id, _ in graph.nodes], findings) == ([text], [])


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ([], "it is no mapping"),
        ({"type": "A"}, "it has no id"),
        ({"id": [1], "type": "A"}, "it has no id"),
        ({"id": 1}, "it has no type"),
        ({"id": 1, "type": ""}, "it has no type"),
        ({**NODE, "inputs": {"image": 1}}, "its `inputs` are no list of slots"),
        ({**NODE, "inputs": [{}]}, "an input slot has no name"),
        ({**NODE, "outputs": [1]}, "its `outputs` are no list of slots"),
    ],
)
def test_what_is_no_node_is_a_finding_and_the_others_are_read(node: Any, problem: str) -> None:
    graph, [finding] = read_graph({"nodes": [node, {**NODE, "id": 9}]})
    assert finding.code == "node-malformed"
    assert finding.message == f"entry 1 of `nodes` is not a node: {problem}"
    assert [id for id, _ in graph.nodes] == ["9"]


def test_of_two_nodes_with_one_id_the_later_is_read_and_both_are_named() -> None:
    later = {**NODE, "id": 1.0, "type": "B"}
    graph, [finding] = read_graph({"nodes": [{**NODE, "title": "A"}, later]})
    assert graph.nodes == (("1", later),)
    assert (finding.code, finding.where.title) == ("node-duplicate-id", "A")
    assert finding.also == (("also", "node 1 (B)"),)


def test_missing_parts_are_empty() -> None:
    graph, findings = read_graph({"nodes": None})
    assert (graph.nodes, graph.links, findings) == ((), (), [])


def test_subgraphs_are_found_at_any_depth_and_the_later_of_one_id_counts() -> None:
    inner = {"id": "b", "name": "Inner", "nodes": [NODE]}
    outer = {"id": "a", "name": "Outer", "definitions": {"subgraphs": [inner]}}
    again = {"id": "a", "name": "Again"}
    found, findings = subgraph_definitions({"definitions": {"subgraphs": [outer, 5, again]}})
    assert {one.id: one.name for one in found} == {"a": "Again", "b": "Inner"}
    assert findings == []


def test_a_subgraph_that_contains_itself_through_others_is_named() -> None:
    def definition(id: str, inside: str) -> dict[str, Any]:
        return {"id": id, "name": id.upper(), "nodes": [{"id": 1, "type": inside}]}

    rows = [definition("a", "b"), definition("b", "c"), definition("c", "b"), definition("d", "A")]
    found, _ = subgraph_definitions({"definitions": {"subgraphs": rows}})
    [finding] = subgraph_circles(found)
    assert finding.message == "a subgraph contains itself: B -> C -> B"
