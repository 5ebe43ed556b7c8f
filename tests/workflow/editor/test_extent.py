"""How many nodes a graph stands for, and what is too many."""

from __future__ import annotations

from typing import Any

from runflow_build.workflow.editor.extent import DEEPEST, MOST_NODES, extent
from runflow_build.workflow.graph import read_graph, subgraph_definitions

Draw = Any


def measured(graph: Any, groups: dict[str, int] | None = None) -> tuple[int, int]:
    return extent(
        read_graph(graph)[0],
        subgraph_definitions(graph)[0],
        lambda kind: (groups or {}).get(kind, 0),
    )


def nested(levels: int, copies: int) -> dict[str, Any]:
    """Subgraphs, each of which holds the next so many times; the last an image."""

    def inside(level: int) -> list[Any]:
        kind = f"s{level + 1}" if level < levels else "EmptyImage"
        return [{"id": number, "type": kind} for number in range(copies if level < levels else 1)]

    rows = [{"id": f"s{level}", "nodes": inside(level)} for level in range(1, levels + 1)]
    return {"nodes": [{"id": 1, "type": "s1"}], "links": [], "definitions": {"subgraphs": rows}}


def test_a_node_counts_once_for_each_place_at_which_it_stands() -> None:
    assert measured({"nodes": [{"id": 1, "type": "A"}, {"id": 2, "type": "A"}]}) == (2, 0)
    assert measured(nested(1, 1)) == (2, 1)
    assert measured(nested(3, 2)) == (1 + 2 + 4 + 4, 3)


def test_the_nodes_in_a_group_count_too() -> None:
    assert measured({"nodes": [{"id": 1, "type": "workflow>g"}]}, {"workflow>g": 5}) == (6, 0)


def test_a_definition_that_nothing_uses_counts_for_nothing() -> None:
    graph = nested(3, 2)
    graph["nodes"] = []
    assert measured(graph) == (0, 0)


def test_a_million_nodes_in_a_few_lines_are_refused_before_they_are_made(draw: Draw) -> None:
    draw.graph = lambda: nested(20, 2)
    conversion = draw.convert()
    assert conversion.prompt == {}
    [finding] = conversion.errors
    assert finding.code == "workflow-too-large"
    assert f"1572863 nodes, with what is in its subgraphs; {MOST_NODES} are" in finding.message


def test_numbers_that_nobody_could_read_are_not_written_out(draw: Draw) -> None:
    draw.graph = lambda: nested(DEEPEST, 2)
    [finding] = draw.convert().errors
    assert "more than a million million nodes" in finding.message


def test_subgraphs_that_lie_too_deep_in_each_other_are_refused(draw: Draw) -> None:
    draw.graph = lambda: nested(DEEPEST + 1, 1)
    [finding] = draw.convert().errors
    assert (finding.code, f"{DEEPEST} are the most" in finding.message) == (
        "workflow-too-large",
        True,
    )
    draw.graph = lambda: nested(DEEPEST, 1)
    [node] = draw.prompt()
    assert node.count(":") == DEEPEST


def test_many_groups_are_too_many_nodes_as_well(draw: Draw) -> None:
    inside = {"nodes": [{"type": "EmptyImage"}] * 1000, "links": [], "external": []}
    draw.extra["groupNodes"] = {"g": inside}
    for _ in range(100):
        draw("workflow>g", outputs=[])
    assert draw.codes() == ["workflow-too-large"]
