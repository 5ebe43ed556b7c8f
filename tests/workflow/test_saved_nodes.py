"""From an id of the prompt to the node in the author's file."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.model import Workflow
from runflow_build.workflow.saved_nodes import SavedNodes


def node(number: Any, kind: str) -> dict[str, Any]:
    return {"id": number, "type": kind, "properties": {"says": f"{kind} {number}"}}


GRAPH = {
    "nodes": [
        node(1, "A"),
        node("57:8", "B"),
        node(12, "outer"),
        node(13, "outer"),
        node(20, "workflow/pair"),
        node(21, "workflow>pair"),
    ],
    "definitions": {
        "subgraphs": [
            {
                "id": "outer",
                "nodes": [node(1, "C"), node(7, "inner"), node(8, "outer")],
                "definitions": {"subgraphs": [{"id": "inner", "nodes": [node(5, "D")]}]},
            }
        ]
    },
    "extra": {"groupNodes": {"pair": {"nodes": [{"type": "E"}, node(-1, "F")]}}},
}


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["1"], "A 1"),
        (["57:8"], "B 57:8"),
        (["12:1", "13:1", "12:8:1", "12:8:8:8:1"], "C 1"),
        (["12:7:5", "13:7:5"], "D 5"),
        (["20:1", "21:1"], "F -1"),
    ],
)
def test_each_id_leads_through_subgraphs_and_group_nodes(ids: list[str], says: str) -> None:
    saved = SavedNodes(Workflow("w.json", "graph", GRAPH))
    assert [saved.properties(one) for one in ids] == [{"says": says}] * len(ids)


@pytest.mark.parametrize(
    "missing", ["2", "1:1", "12:9", "12:7:6", "20:2", "20:0:1", "", ":", "x:y"]
)
def test_an_id_that_leads_nowhere_is_an_empty_node(missing: str) -> None:
    assert SavedNodes(Workflow("w.json", "graph", GRAPH)).get(missing) == {}


def test_in_a_prompt_file_nothing_is_found() -> None:
    assert SavedNodes(Workflow("w.json", "prompt", {})).get("1") == {}
    assert SavedNodes(None).get("1") == {}


@pytest.mark.parametrize(
    "damage",
    [
        {"nodes": True},
        {"nodes": [5, None, {"id": None}]},
        {"definitions": {"subgraphs": [{"nodes": True, "id": "s"}, 5, {"id": []}]}},
        {"definitions": []},
        {"extra": {"groupNodes": []}},
        {"extra": {"groupNodes": {"g": None}}},
        {"nodes": [{"id": 1, "type": ["x"], "properties": 5}]},
    ],
)
def test_what_is_damaged_is_passed_over(damage: dict[str, Any]) -> None:
    assert SavedNodes(Workflow("w.json", "graph", damage)).properties("1:2") == {}
    assert SavedNodes(Workflow("w.json", "graph", damage)).properties("1") == {}
