"""Damaged workflows: whatever is wrong in a file, the answer is a prompt or findings."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.errors import WorkflowError
from runflow_build.spec.model import EndpointWish
from runflow_build.workflow.contract import contract_of, served_contract
from runflow_build.workflow.convert import guesses, prompt_digest, prompt_of
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.embeddings import embedding_references
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.input_files import resource_references
from runflow_build.workflow.model_files import model_references
from runflow_build.workflow.node_packs import pack_references

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "postcard" / "postcard.json"
GRAPH = json.loads(EXAMPLE.read_bytes())
JUNK = [None, -1, 1.5, "", "x", [], {}, [1, 2], {"a": 1}, True, 2**70, ["1", 0], "\ud800"]


def places(value: Any, key: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value below `value`."""
    if key:
        yield key
    children: Any = ()
    if isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in children:
        yield from places(child, (*key, name))


PLACES = list(places(GRAPH))


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_damaged_graph_gives_a_prompt_or_findings(
    definitions: Definitions, dice: random.Random
) -> None:
    graph = copy.deepcopy(GRAPH)
    *way, last = dice.choice(PLACES)
    parent = graph
    for name in way:
        parent = parent[name]
    parent[last] = copy.deepcopy(dice.choice(JUNK))
    try:
        workflow = read_workflow(json.dumps(graph).encode(), "postcard.json")
        guesses(workflow, definitions)
        prompt = prompt_of(workflow, definitions)
        assert prompt_digest(prompt)
        pack_references(prompt, workflow, definitions)
        model_references(prompt, definitions, workflow)
        embedding_references(prompt, definitions)
        resource_references(prompt, definitions)
        contract_of(prompt, EndpointWish(workflow="postcard.json"), definitions, "postcard")
        served_contract(prompt)
    except WorkflowError as error:
        assert error.findings
        assert all(finding.message for finding in error.findings)
