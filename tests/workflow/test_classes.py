"""Which classes a workflow file uses."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.classes import classes_in_use
from runflow_build.workflow.model import Workflow

SUBGRAPH = "0a1b2c3d-0000-4000-8000-00000000000"


def node(id: Any, type: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": type, **more}


def classes(data: dict[str, Any]) -> list[str]:
    return list(classes_in_use(Workflow("flows/a.json", "graph", data)))


def test_the_classes_of_a_prompt() -> None:
    data = {
        "1": {"class_type": "LoadImage", "inputs": {}, "_meta": {"title": "The photo"}},
        "2": {"class_type": "SaveImage", "inputs": {}},
        "3": {"class_type": "LoadImage", "inputs": {}},
        "4": {"inputs": {}},
    }
    found = classes_in_use(Workflow("a.json", "prompt", data))
    assert list(found) == ["LoadImage", "SaveImage"]
    assert found["LoadImage"].node_text() == 'node 1 "The photo" (LoadImage)'
    assert found["LoadImage"].file == "a.json"


def test_those_inside_of_subgraphs_and_group_nodes_count() -> None:
    inner = {"id": f"{SUBGRAPH}2", "nodes": [node(7, "ImageInvert")]}
    outer = {
        "id": f"{SUBGRAPH}1",
        "nodes": [node(5, inner["id"]), node(6, "ImageScale")],
        "definitions": {"subgraphs": [inner]},
    }
    data = {
        "nodes": [node(1, outer["id"]), node(2, "SaveImage"), node(3, "workflow>pair")],
        "definitions": {"subgraphs": [outer]},
        "extra": {"groupNodes": {"pair": {"nodes": [{"type": "LoadImage"}]}}},
    }
    assert classes(data) == ["SaveImage", "ImageScale", "ImageInvert", "LoadImage"]


def test_muted_and_bypassed_nodes_count() -> None:
    assert classes({"nodes": [node(1, "A", mode=2), node(2, "B", mode=4)]}) == ["A", "B"]


@pytest.mark.parametrize(
    "type",
    [
        *("Note", "MarkdownNote", "Reroute", "PrimitiveNode", "SetNode", "RunflowDeploy"),
        *("workflow/pair", f"{SUBGRAPH}9"),
    ],
)
def test_what_only_the_editor_has_is_no_class(type: str) -> None:
    assert classes({"nodes": [node(1, type)]}) == []


def test_a_class_goes_by_its_name_of_today() -> None:
    assert classes({"nodes": [node(1, "T2IAdapterLoader")]}) == ["ControlNetLoader"]


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": 5},
        {"nodes": [None, 7, {}, {"type": 3}, {"type": ["A"]}]},
        {"definitions": {"subgraphs": [None, {"id": ["x"], "nodes": {}}]}, "extra": []},
        {"extra": {"groupNodes": {"a": None, "b": {"nodes": "x"}}}},
    ],
)
def test_what_has_no_usable_shape_is_passed_over(data: dict[str, Any]) -> None:
    assert classes(data) == []
