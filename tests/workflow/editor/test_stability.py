"""What a prompt does not depend on: how a file is written, and how a graph looks."""

from __future__ import annotations

import copy
import gzip
import json
import random
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.workflow.convert import convert
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Workflow

CASES = Path(__file__).parent.parent.parent / "cases" / "workflow" / "prompts.jsonl.gz"
GRAPHS = [
    case["template"]
    for line in gzip.decompress(CASES.read_bytes()).splitlines()
    if len(json.dumps(case := json.loads(line))) < 40_000
]

graphs = st.sampled_from(GRAPHS)
dice = st.randoms(use_true_random=False)


def executed(graph: Any, definitions: Definitions) -> dict[str, Any]:
    conversion = convert(Workflow("graph.json", "graph", graph), definitions)
    assert not conversion.errors
    return {
        node: {"class_type": body["class_type"], "inputs": body["inputs"]}
        for node, body in conversion.prompt.items()
    }


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same JSON value, the keys of all objects in another order."""
    if isinstance(value, dict):
        names = list(value)
        dice.shuffle(names)
        return {name: shuffled(value[name], dice) for name in names}
    return [shuffled(one, dice) for one in value] if isinstance(value, list) else value


def canvases(graph: Any) -> list[Any]:
    """The graph and the inside of each of its subgraphs."""
    return [graph, *graph.get("definitions", {}).get("subgraphs", ())]


@settings(max_examples=100, deadline=None)
@given(graphs, dice)
def test_the_order_of_keys_does_not_matter(
    definitions: Definitions, graph: Any, dice: random.Random
) -> None:
    one, two = executed(graph, definitions), executed(shuffled(graph, dice), definitions)
    assert json.dumps(one) == json.dumps(two), "not even to the order in the prompt"


@settings(max_examples=100, deadline=None)
@given(graphs, dice)
def test_the_order_of_nodes_and_links_does_not_matter_to_what_is_sent(
    definitions: Definitions, graph: Any, dice: random.Random
) -> None:
    other = copy.deepcopy(graph)
    for canvas in canvases(other):
        dice.shuffle(canvas["nodes"])
        dice.shuffle(canvas["links"])
    assert executed(other, definitions) == executed(graph, definitions)


@settings(max_examples=100, deadline=None)
@given(graphs, dice)
def test_layout_and_colours_do_not_matter(
    definitions: Definitions, graph: Any, dice: random.Random
) -> None:
    other = copy.deepcopy(graph)
    for canvas in canvases(other):
        canvas["groups"] = [{"title": "Group", "bounding": [0, 0, 9, 9], "color": "#335"}]
        canvas["extra"] = {"ds": {"scale": dice.random(), "offset": [dice.random(), 0]}}
        canvas["config"] = {"links_ontop": dice.random() < 0.5}
        for order, node in enumerate(canvas["nodes"]):
            node["pos"] = [dice.randrange(-9999, 9999), dice.random() * 1000]
            node["size"] = [dice.randrange(999), dice.randrange(999)]
            node["flags"] = {"collapsed": dice.random() < 0.5, "pinned": True}
            node["order"] = dice.randrange(99) if dice.random() < 0.5 else order
            node.update(color="#232", bgcolor="#353", shape=dice.randrange(5))
            for slot in (*node.get("inputs", ()), *node.get("outputs", ())):
                slot.update(localized_name="x", slot_index=0, shape=7)
    assert executed(other, definitions) == executed(graph, definitions)


@settings(max_examples=100, deadline=None)
@given(graphs)
def test_converting_twice_gives_the_same(definitions: Definitions, graph: Any) -> None:
    before = json.dumps(graph)
    one, two = executed(graph, definitions), executed(graph, definitions)
    assert json.dumps(one) == json.dumps(two)
    assert json.dumps(graph) == before, "and the graph is as it was"
