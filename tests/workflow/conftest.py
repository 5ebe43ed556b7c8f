"""What the tests of workflows share: definitions as shipped, and short ways to write workflows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.project.catalogue import shipped
from runflow_build.workflow.convert import prompt_of
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.model import Prompt, Workflow


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions(None, shipped("0.8.0"))


@pytest.fixture(scope="session")
def workflow() -> Callable[[Any], Workflow]:
    """`workflow(value)`: a workflow file that holds this JSON value."""
    return lambda value: read_workflow(json.dumps(value).encode(), "workflow.json")


@pytest.fixture(scope="session")
def converted(
    definitions: Definitions, workflow: Callable[[Any], Workflow]
) -> Callable[..., Prompt]:
    """`converted(*nodes, links=[])`: the prompt of a graph with these nodes."""

    def convert(*nodes: dict[str, Any], links: Any = ()) -> Prompt:
        graph = {"nodes": list(nodes), "links": list(links), "version": 0.4}
        return prompt_of(workflow(graph), definitions)

    return convert


@pytest.fixture(scope="session")
def node() -> Callable[..., dict[str, Any]]:
    """`node(id, type, values, inputs={name: link id}, …)`: a node as the editor saves it."""

    def make(
        number: Any,
        class_type: str,
        values: Any = None,
        inputs: dict[str, Any] | None = None,
        outputs: int = 1,
        **more: Any,
    ) -> dict[str, Any]:
        return {
            "id": number,
            "type": class_type,
            "mode": 0,
            "inputs": [
                {"name": name, "type": "*", "link": link} for name, link in (inputs or {}).items()
            ],
            "outputs": [{"name": "OUT", "type": "*", "links": []} for _ in range(outputs)],
            "properties": {},
            **({} if values is None else {"widgets_values": values}),
            **more,
        }

    return make
