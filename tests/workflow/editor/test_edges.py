"""Rare graphs, one case each, held against what the real editor did with them.

cases/editor/<family>.jsonl: `template` is a graph as a file would hold it, `note` the rule in a
sentence, `prompt` what ComfyUI's frontend 1.35.9 on ComfyUI 0.8.0 sent (a node of unknown type has
no class_type), null where it refused with `error`; `nondeterministic` names the values that were
others at the next call. <family>.object_info.json are the classes that only that family knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.project.catalogue import shipped
from runflow_build.workflow.convert import Conversion, convert
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.reach import link_of

CASES = Path(__file__).parent.parent.parent / "cases" / "editor"

# Where the prompt is meant to be another than the editor's, and why.
DIFFERENT = {
    "edge-missing-type-other-packs-reroute": "common packs' virtual nodes are known without them",
    "edge-missing-type-other-packs-virtual": "common packs' virtual nodes are known without them",
    "edge-getnode-below-setnode-fed-by-input": "the wire goes on outside, and is followed there",
    "edge-getnode-below-setnode-in-two-instances": "each instance reads what it is fed with itself",
    "edge-setnode-getnode-without-pack": "SetNode and GetNode are joined without their pack",
    "edge-prefix-of-unknown-type": "only the editor has a widget UNKNOWN that a pattern can name",
    "edge-prefix-of-unknown-type-two-values": "only the editor has a widget UNKNOWN",
    "edge-schema-api-prompt-instead": "a prompt is taken as the prompt that it is",
    "edge-schema-type-empty": "a node of no type at all is malformed",
    "edge-schema-float-and-huge-ids": "ids beyond 2^53 stay exact, too",
}

# Cases that the editor opens as an empty graph, and that are refused as no workflow at all.
NO_WORKFLOW = ("edge-schema-nodes-missing", "edge-schema-nodes-null", "edge-schema-nodes-object")


def _cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            # As written: some numbers have more digits than a double, or lie beyond its range.
            start = line.index('"template":') + len('"template":')
            _, end = json.JSONDecoder().raw_decode(line, start)
            case["file"] = line[start:end].encode()
            found.append(pytest.param(path.stem, case, id=case["name"].removeprefix("edge-")))
    return found


@pytest.fixture(scope="module")
def known() -> Mapping[str, Definitions]:
    """The definitions of each family that has classes of its own."""
    files = {path.name.partition(".")[0]: path for path in CASES.glob("*.object_info.json")}
    return {
        family: Definitions(json.loads(path.read_bytes()), shipped("0.8.0"))
        for family, path in files.items()
    }


@pytest.mark.parametrize(("family", "case"), _cases())
def test_a_rare_graph_becomes_what_the_editor_sent_or_a_finding(
    family: str, case: Any, known: Mapping[str, Definitions], definitions: Definitions
) -> None:
    if case["name"] in NO_WORKFLOW:
        with pytest.raises(WorkflowError, match="workflow-unknown-format"):
            read_workflow(case["file"], "graph.json")
        return
    workflow = read_workflow(case["file"], "graph.json")
    conversion = convert(workflow, known.get(family, definitions))
    if case["prompt"] is None:
        assert conversion.errors or conversion.notes, case["error"]
        return
    ours, theirs = _compared(conversion, case)
    if case["name"] in DIFFERENT:
        assert ours != theirs, "the difference is gone: take it off the list"
        return
    assert ours == theirs, case["note"]
    assert list(ours) == list(theirs), "the ids stand in the editor's order"
    assert not conversion.errors, "the editor sends it"


def _compared(conversion: Conversion, case: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both prompts as classes and inputs, without what differs by a rule.

    - Integers are exact at any size, where the editor's are doubles.
    - A node of unknown class keeps its class and converts by its own slots; the editor sends it
      without class, its values in one input UNKNOWN. What counts is what it is linked to.
    - What is drawn at each run is left in the text and marked, where the editor draws at once.
    - What only a browser or the running ComfyUI has is not sent, and that is said: pictures of a
      3D view or a camera, the newest file of a folder.
    """
    ours, theirs = {}, {}
    for node, body in conversion.prompt.items():
        ours[node] = {"class_type": body["class_type"], "inputs": body["inputs"]}
    for node, body in case["prompt"].items():
        theirs[node] = {"class_type": body.get("class_type"), "inputs": body["inputs"]}
        if body.get("class_type") is None and node in ours:
            theirs[node] = _links_only(body)
            ours[node] = _links_only(ours[node])
    for path in case.get("nondeterministic", ()):
        node, _, field = path.split(".", 2)
        drawn = conversion.prompt[node].get("_meta", {}).get("drawn", {})
        said = any(note.where.node == node for note in conversion.notes)
        assert field in drawn or said, f"{path} is not said to differ"
        ours[node]["inputs"] = {**ours[node]["inputs"], field: None}
        theirs[node]["inputs"] = {**theirs[node]["inputs"], field: None}
    return _as_doubles(ours), _as_doubles(theirs)


def _links_only(body: Mapping[str, Any]) -> dict[str, Any]:
    links = {name: value for name, value in body["inputs"].items() if link_of(value)}
    return {"class_type": None, "inputs": links}


def _as_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_doubles(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_doubles(one) for one in value]
    return float(value) if isinstance(value, int) and abs(value) > 2**53 else value
