"""Damaged graphs: whatever a file holds, the answer is a prompt or findings, and soon.

Real graphs are damaged in two ways. By structure: parts are removed, doubled, swapped, retyped,
linked elsewhere, put inside each other or replaced by what nobody expects there. By bytes: a file
is cut, its digits and letters changed.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.errors import WorkflowError
from runflow_build.findings import render
from runflow_build.workflow.convert import convert, prompt_digest, prompt_of
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.model import Workflow
from runflow_build.workflow.reach import link_of

CASES = Path(__file__).parent.parent.parent / "cases"


def _graphs() -> list[Any]:
    """Real graphs and rare ones, all of them small enough to be damaged thousands of times."""
    lines = gzip.decompress((CASES / "workflow" / "prompts.jsonl.gz").read_bytes()).splitlines()
    for path in sorted((CASES / "editor").glob("*.jsonl")):
        lines += path.read_bytes().splitlines()
    return [json.loads(line)["template"] for line in lines if len(line) < 30_000]


GRAPHS = _graphs()
TYPES = [
    *("EmptyImage", "ImageInvert", "SaveImage", "KSampler", "PreviewAny", "CLIPTextEncode"),
    *("BatchImagesNode", "ResizeImageMaskNode", "CustomCombo", "Load3D", "WebcamCapture"),
    *("Note", "Reroute", "PrimitiveNode", "SetNode", "GetNode", "Reroute (rgthree)"),
    *("LoadImage", "PreviewImage", "workflow>g", "T2IAdapterLoader", "NoSuchNode"),
]
HOSTILE = [
    *(None, True, False, -1, 0, 1, 2, 7, 1.5, -0.0, 1e300, 2**70, -(2**70), 10**4000),
    *("", "0", "1", "-1", "-10", "-20", "x", "1e400", "9" * 400, "\ud800", "{a|{b|c", "\\"),
    *("%date:yyyy%", "%KSampler.seed%", "//", "a.b.c", "images.image7", "None", "*", "IMAGE,MASK"),
    *([], {}, [[]], [1, 2], ["1", 0], [None], {"": 0}, {"name": 5}, {"widget": {}}, {"length": 9}),
    *({"__value__": [1]}, {"filename": 1}, {"0": 1, "1": {}}, [{"key": "a"}], [-10, 0, -20, 0]),
]
Way = tuple[Any, ...]


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """The way to every value below `value`."""
    children: Any = ()
    if isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in children:
        yield (*way, name)
        yield from ways(child, (*way, name))


def at(graph: Any, way: Way) -> Any:
    for name in way:
        graph = graph[name]
    return graph


def put(graph: Any, way: Way, value: Any) -> None:
    at(graph, way[:-1])[way[-1]] = value


def nested(levels: int, copies: int, back: str = "EmptyImage") -> dict[str, Any]:
    """Subgraphs, each of which holds the next one so many times; the last one `back`."""
    rows = []
    for level in range(1, levels + 1):
        kind = f"s{level + 1}" if level < levels else back
        nodes = [{"id": id, "type": kind} for id in range(copies)]
        rows.append({"id": f"s{level}", "nodes": nodes})
    return {"nodes": [{"id": 1, "type": "s1"}], "definitions": {"subgraphs": rows}}


# -- damages: each changes the graph at a place; `pick` chooses one of a list

Pick = Callable[[Any], Any]


def replace(graph: Any, way: Way, pick: Pick) -> None:
    put(graph, way, copy.deepcopy(pick(HOSTILE)))


def remove(graph: Any, way: Way, pick: Pick) -> None:
    del at(graph, way[:-1])[way[-1]]


def double(graph: Any, way: Way, pick: Pick) -> None:
    parent = at(graph, way[:-1])
    if isinstance(parent, list):
        parent.insert(pick(range(len(parent) + 1)), copy.deepcopy(parent[way[-1]]))


def swap(graph: Any, way: Way, pick: Pick) -> None:
    """Two values that are called alike change places: ids, links, types, whole nodes."""
    other = pick([one for one in ways(graph) if one[-1] == way[-1] and len(one) == len(way)])
    one, two = at(graph, way), at(graph, other)
    put(graph, way, two)
    put(graph, other, one)


def borrow(graph: Any, way: Way, pick: Pick) -> None:
    """A value takes that of another place of its kind; so links close circles."""
    kind = type(at(graph, way))
    alike = [one for one in ways(graph) if type(at(graph, one)) is kind]
    put(graph, way, copy.deepcopy(at(graph, pick(alike))))


def nest(graph: Any, way: Way, pick: Pick) -> None:
    value = at(graph, way)
    put(graph, way, pick([[value], {"nodes": [value]}, {"name": value}, [value, value]]))


def shuffle(graph: Any, way: Way, pick: Pick) -> None:
    value = at(graph, way)
    if isinstance(value, list) and len(value) > 1:
        value.insert(pick(range(len(value))), value.pop())


def retype(graph: Any, way: Way, pick: Pick) -> None:
    nodes = [one for one in ways(graph) if one[-1] == "type" and len(one) > 2]
    inner = [one["id"] for one in subgraphs(graph) if isinstance(one.get("id"), str)]
    if nodes:
        put(graph, pick(nodes), pick([*TYPES, *inner * 20]))


def switch(graph: Any, way: Way, pick: Pick) -> None:
    nodes = [
        one for one in ways(graph) if isinstance(at(graph, one), dict) and one[-2:-1] == ("nodes",)
    ]
    if nodes:
        at(graph, pick(nodes))["mode"] = pick([0, 1, 2, 3, 4, 4, 4, "4", None, 2**40])


def enclose(graph: Any, way: Way, pick: Pick) -> None:
    """The graph's nodes become a subgraph, or a group, that a node of the graph stands for."""
    nodes, links = graph.get("nodes"), graph.get("links")
    if not isinstance(nodes, list) or not nodes or not isinstance(nodes[0], dict):
        return
    inside = {"nodes": copy.deepcopy(nodes), "links": copy.deepcopy(links)}
    if pick([True, False]):
        graph["extra"] = {"groupNodes": {"g": inside}}
        nodes[0]["type"] = pick(["workflow>g", "workflow/g"])
        return
    slots = [
        {"name": name, "type": "*", "linkIds": pick([[1], [2], [9]])} for name in ("a", "image")
    ]
    inside.update(id="inner", name="Inner", inputs=slots, outputs=slots)
    definitions = graph.setdefault("definitions", {})
    if isinstance(definitions, dict) and isinstance(definitions.setdefault("subgraphs", []), list):
        definitions["subgraphs"].insert(0, inside)
        nodes[0]["type"] = "inner"


def subgraphs(graph: Any) -> list[dict[str, Any]]:
    definitions = graph.get("definitions")
    rows = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []


DAMAGES = [replace, remove, double, swap, borrow, nest, shuffle, retype, switch, enclose]


def damaged(graph: Any, damages: list[tuple[Any, int, int]]) -> Any:
    """A copy of the graph with each (damage, place, seed) done to it."""
    graph = copy.deepcopy(graph)
    for damage, place, seed in damages:
        if isinstance(graph, dict) and (found := list(ways(graph))):
            damage(graph, found[place % len(found)], random.Random(seed).choice)
    return graph


# -- what must hold, whatever the file


def examine(data: bytes, definitions: Definitions) -> None:
    """Convert the file: a prompt without dangling links, or findings, and nothing is raised."""
    try:
        workflow = read_workflow(data, "damaged.json")
    except WorkflowError as error:
        assert render(error.findings)
        return
    before = json.dumps(workflow.data)
    conversion = convert(workflow, definitions)
    assert json.dumps(workflow.data) == before, "a file is read, never changed"
    for finding in (*conversion.errors, *conversion.notes):
        assert render([finding]).encode(), "it can be shown on any screen"
    if conversion.errors:
        with pytest.raises(WorkflowError):
            prompt_of(workflow, definitions)
        return
    prompt = conversion.prompt
    for body in prompt.values():
        for value in body["inputs"].values():
            link = link_of(value)
            assert link is None or link[0] in prompt, "a link leads to a node of the prompt"
    assert prompt_digest(prompt)
    if all(body["class_type"] for body in prompt.values()):
        again = Workflow("again.json", "prompt", json.loads(json.dumps(prompt)))
        assert not convert(again, definitions).errors, "a prompt can be read again"


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(GRAPHS),
    st.lists(
        st.tuples(st.sampled_from(DAMAGES), st.integers(0, 2**16), st.integers(0, 2**16)),
        min_size=1,
        max_size=5,
    ),
)
def test_a_graph_damaged_in_its_structure_gives_a_prompt_or_findings(
    definitions: Definitions, graph: Any, damages: list[tuple[Any, int, int]]
) -> None:
    examine(json.dumps(damaged(graph, damages)).encode(), definitions)


# -- damages to the bytes of a file

_VALUE = re.compile(rb'"[^"]*"|-?[0-9][0-9.eE+-]*|true|false|null')
_ODD = [b"null", b"-1", b"0", b"1e999", b"NaN", b"[]", b"{}", b'"\\ud800"', b'""', b"9" * 5000]


def corrupted(data: bytes, dice: random.Random) -> bytes:
    """The file with up to four pieces changed; half of the files are JSON still."""
    for _ in range(dice.randint(1, 4)):
        values = [found.span() for found in _VALUE.finditer(data)] or [(0, 0)]
        start, end = dice.choice(values)
        kind = dice.random()
        if kind < 0.5:  # a value of the same kind from elsewhere
            alike = [one for one in values if data[one[0]] == data[start]] if data else values
            piece = data[slice(*dice.choice(alike))]
        elif kind < 0.7 and data[start : start + 1].isdigit():
            piece = b"%d" % dice.choice([0, 1, 2, 3, 4, 9, 99, 10**9])
        elif kind < 0.9:
            piece = dice.choice(_ODD)
        elif kind < 0.94:
            piece = bytes([dice.randrange(256)]) + data[start + 1 : end]
        elif kind < 0.98:  # a stretch twice, or away
            end = min(len(data), start + dice.randint(1, 300))
            piece = data[start:end] * dice.choice([0, 2])
        else:
            end, piece = len(data), b""
        data = data[:start] + piece + data[end:]
    return data


def test_a_file_damaged_in_its_bytes_gives_a_prompt_or_findings(definitions: Definitions) -> None:
    dice = random.Random("bytes")
    files = [json.dumps(graph).encode() for graph in GRAPHS]
    for _ in range(3000):
        examine(corrupted(dice.choice(files), dice), definitions)


# -- graphs that are made to be slow, or to have no end


def linked(kinds: list[str], name: str, ring: bool = False, **more: Any) -> dict[str, Any]:
    """Nodes of these types, each of which feeds the next one; `ring`: the last one the first."""
    nodes, links = [], []
    for id, kind in enumerate(kinds, 1):
        link = id - 1 or (len(kinds) if ring else None)
        slots = [{"name": name, "type": "*", "link": link}]
        outputs = [{"name": "", "type": "*", "links": [id]}]
        nodes.append({"id": id, "type": kind, "inputs": slots, "outputs": outputs, **more})
        if ring or id < len(kinds):
            links.append([id, id, 0, id % len(kinds) + 1, 0, "*"])
    return {"nodes": nodes, "links": links, "version": 0.4}


MANY = 10_000
ENDLESS = {
    "10,000 nodes in a row": linked(["ImageInvert"] * MANY, "image"),
    "a ring of nodes": linked(["ImageInvert"] * MANY, "image", ring=True),
    "10,000 reroutes in a row": linked(["Reroute"] * MANY, ""),
    "a ring of reroutes": linked(["Reroute"] * MANY, "", ring=True),
    "10,000 bypassed nodes in a row": linked(["ImageInvert"] * MANY, "image", mode=4),
    "a ring of bypassed nodes": linked(["ImageInvert"] * MANY, "image", ring=True, mode=4),
    "a ring of primitives": linked(["PrimitiveNode"] * 100, "value", ring=True),
    "a ring of other packs' reroutes": linked(["Reroute (rgthree)"] * 100, "", ring=True),
    "a ring of named wires": {
        "nodes": [
            *(
                {
                    "id": id,
                    "type": "GetNode",
                    "widgets_values": [str(id)],
                    "outputs": [{"name": "", "type": "*", "links": [id]}],
                }
                for id in range(100)
            ),
            *(
                {
                    "id": id + 100,
                    "type": "SetNode",
                    "widgets_values": [str((id + 1) % 100)],
                    "inputs": [{"name": "", "type": "*", "link": id}],
                }
                for id in range(100)
            ),
        ],
        "links": [[id, id, 0, id + 100, 0, "*"] for id in range(100)],
        "version": 0.4,
    },
    "2,000 subgraphs in each other": nested(2_000, 1),
    "a million nodes in 20 subgraphs": nested(20, 2),
    "a subgraph in itself": nested(5, 2, back="s2"),
    "2,000 groups in each other": {
        "nodes": [{"id": 1, "type": "workflow>g0"}],
        "extra": {
            "groupNodes": {
                f"g{id}": {"nodes": [{"type": f"workflow>g{id + 1}"}]} for id in range(2_000)
            }
        },
    },
}


@pytest.mark.parametrize("graph", ENDLESS.values(), ids=ENDLESS)
def test_a_graph_that_is_made_to_have_no_end_has_one(graph: Any, definitions: Definitions) -> None:
    examine(json.dumps({**graph, "version": 0.4}).encode(), definitions)


def test_a_primitive_that_10_000_widgets_read_writes_once_into_each(
    definitions: Definitions,
) -> None:
    ids = range(2, MANY)
    slot = {"name": "width", "type": "INT", "widget": {"name": "width"}}
    images = [{"id": id, "type": "EmptyImage", "inputs": [{**slot, "link": id}]} for id in ids]
    output = {"name": "INT", "type": "INT", "links": [*ids]}
    primitive = {"id": 1, "type": "PrimitiveNode", "outputs": [output], "widgets_values": [64]}
    links = [[id, 1, 0, id, 0, "INT"] for id in ids]
    graph = {"nodes": [primitive, *images], "links": links, "version": 0.4}
    prompt = prompt_of(Workflow("graph.json", "graph", graph), definitions)
    assert {body["inputs"]["width"] for body in prompt.values()} == {64}
