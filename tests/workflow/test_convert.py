"""Conversion, held against what the real editor made of the same graphs.

cases/workflow/<name>.json are graphs from ComfyUI's own templates (comfyui-workflow-templates),
without layout and notes; edge-cases.jsonl are small graphs, one rare case each. `prompt` is what
ComfyUI's frontend 1.35.9 on ComfyUI 0.8.0 sent; null: it refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.findings import Finding
from runflow_build.workflow.convert import guesses, prompt_digest, prompt_of
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt, Workflow

Convert = Callable[..., Prompt]
MakeNode = Callable[..., dict[str, Any]]
MakeWorkflow = Callable[[Any], Workflow]

CASES = Path(__file__).parent.parent / "cases" / "workflow"


EDGE_CASES = [
    json.loads(line)
    for line in (CASES / "edge-cases.jsonl").read_text(encoding="utf-8").splitlines()
]


def executed(prompt: Prompt) -> dict[str, Any]:
    """What counts: classes and inputs."""
    return {
        node: {"class_type": body["class_type"], "inputs": body["inputs"]}
        for node, body in prompt.items()
    }


def refused(convert: Callable[[], Any]) -> list[Finding]:
    with pytest.raises(WorkflowError) as caught:
        convert()
    assert all(finding.where.file == "workflow.json" for finding in caught.value.findings)
    return list(caught.value.findings)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_a_real_graph_becomes_what_the_editor_sent(
    path: Path, workflow: MakeWorkflow, definitions: Definitions
) -> None:
    case = json.loads(path.read_bytes())
    prompt = prompt_of(workflow(case["graph"]), definitions)
    assert executed(prompt) == case["prompt"]
    assert list(prompt) == list(case["prompt"])


@pytest.mark.parametrize("case", EDGE_CASES, ids=lambda case: case["name"])
def test_a_rare_graph_becomes_what_the_editor_sent_or_is_refused_as_there(
    case: Any, workflow: MakeWorkflow, definitions: Definitions
) -> None:
    graph = workflow(case["graph"])
    if case["prompt"] is None:
        assert refused(lambda: prompt_of(graph, definitions))
    else:
        assert executed(prompt_of(graph, definitions)) == case["prompt"], case["note"]


def test_a_prompt_file_keeps_its_nodes_and_titles_and_nothing_else(
    workflow: MakeWorkflow, definitions: Definitions
) -> None:
    file = {
        "9": {"class_type": "A", "inputs": {"x": ["3", 0]}, "_meta": {"title": "T", "y": 1}},
        "3": {"class_type": "B", "is_changed": 4},
    }
    assert prompt_of(workflow(file), definitions) == {
        "9": {"class_type": "A", "inputs": {"x": ["3", 0]}, "_meta": {"title": "T"}},
        "3": {"class_type": "B", "inputs": {}},
    }


def test_a_title_is_the_authors_or_the_classes_own(converted: Convert, node: MakeNode) -> None:
    prompt = converted(node(1, "LoadImage", ["a.png"], title="Photo"), node(2, "LoadImage"))
    assert [body["_meta"]["title"] for body in prompt.values()] == ["Photo", "Load Image"]


def test_seeds_stay_exact_where_the_editor_rounds_them(converted: Convert, node: MakeNode) -> None:
    seed = 2**63 - 1
    assert converted(node(1, "PrimitiveInt", [seed, "fixed"]))["1"]["inputs"] == {"value": seed}


def test_notes_and_the_deploy_node_are_no_nodes(converted: Convert, node: MakeNode) -> None:
    key = "rf_live_" + "0" * 32
    assert (
        converted(
            node(1, "Note", ["x"]),
            node(2, "MarkdownNote"),
            node(3, "RunflowDeploy", ["a", "b", key]),
        )
        == {}
    )


def test_a_runflow_node_of_an_old_graph_gets_the_later_widgets_defaults(
    converted: Convert, node: MakeNode
) -> None:
    prompt = converted(node(1, "RunflowInputInt", ["steps", "Steps", "How many"]))
    assert prompt["1"]["inputs"] == {
        "input_id": "steps",
        "display_name": "Steps",
        "description": "How many",
        "required": True,
        "minimum": "",
        "maximum": "",
        "step": "",
    }


def test_a_runflow_file_node_of_an_old_graph_keeps_its_file(
    converted: Convert, node: MakeNode
) -> None:
    inputs = converted(node(1, "RunflowInputFile", ["doc", "", "", "a.pdf"]))["1"]["inputs"]
    assert (inputs["file_name"], inputs["required"]) == ("a.pdf", True)


@pytest.mark.parametrize("class_type", ["Reroute", "PrimitiveNode", "GetNode", "SetNode"])
def test_a_virtual_node_is_refused_where_something_reads_it(
    class_type: str, converted: Convert, node: MakeNode
) -> None:
    nodes = (node(1, class_type), node(2, "ImageInvert", inputs={"image": 1}))
    [finding] = refused(lambda: converted(*nodes, links=[[1, 1, 0, 2, 0, "*"]]))
    assert (finding.code, finding.where.node) == ("node-unsupported", "1")
    assert list(converted(nodes[0], node(2, "ImageInvert"))) == ["2"]


def test_a_bypassed_node_is_refused_where_something_reads_it_and_left_out_else(
    converted: Convert, node: MakeNode
) -> None:
    nodes = (node(1, "ImageInvert", mode=4), node(2, "ImageInvert", inputs={"image": 1}))
    [finding] = refused(lambda: converted(*nodes, links=[[1, 1, 0, 2, 0, "*"]]))
    assert "bypassed" in finding.message
    assert list(converted(nodes[0], node(2, "ImageInvert"))) == ["2"]


def test_what_stands_behind_a_refused_node_is_named_too(converted: Convert, node: MakeNode) -> None:
    findings = refused(
        lambda: converted(
            node(1, "Reroute"),
            node(2, "ImageInvert", inputs={"image": 1}, mode=4),
            node(3, "ImageInvert", inputs={"image": 2}),
            links=[[1, 1, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "*"]],
        )
    )
    assert [finding.where.node for finding in findings] == ["2", "1"]


@pytest.mark.parametrize("mode", [0, 2, 4])
def test_a_subgraph_is_refused_whatever_its_mode(
    mode: int, workflow: MakeWorkflow, definitions: Definitions, node: MakeNode
) -> None:
    graph = workflow(
        {
            "nodes": [node(4, "8f2c", title="Grade", mode=mode)],
            "links": [],
            "definitions": {"subgraphs": [{"id": "8f2c", "name": "Grade (film)"}]},
            "version": 0.4,
        }
    )
    [finding] = refused(lambda: prompt_of(graph, definitions))
    assert finding.message == "this release cannot convert node 4: it is the subgraph Grade (film)"
    assert finding.where.node_text() == 'node 4 "Grade" (8f2c)'


@pytest.mark.parametrize(
    ("class_type", "values"),
    [
        ("workflow>my group", []),
        ("ResizeImageMaskNode", ["scale dimensions", 512, 512, "center", "area"]),
        ("BatchImagesNode", []),
        ("CustomCombo", ["a"]),
        ("Load3D", ["x.glb"]),
        ("LoadImageOutput", ["x.png"]),
        ("KSampler", {"seed": 1}),
    ],
)
def test_what_cannot_be_known_for_certain_is_refused(
    class_type: str, values: Any, converted: Convert, node: MakeNode
) -> None:
    [finding] = refused(lambda: converted(node(1, class_type, values)))
    assert finding.code == "node-unsupported"


def test_a_muted_node_takes_the_input_that_reads_it_away_with_its_widget(
    converted: Convert, node: MakeNode
) -> None:
    prompt = converted(
        node(1, "PrimitiveInt", [5, "fixed"], mode=2),
        node(2, "EmptyImage", [64, 32, 1, 0], inputs={"width": 1}),
        links=[[1, 1, 0, 2, 0, "INT"]],
    )
    assert prompt["2"]["inputs"] == {"height": 32, "batch_size": 1, "color": 0}


def test_a_choice_in_a_text_is_settled_and_said(
    workflow: MakeWorkflow, definitions: Definitions, node: MakeNode
) -> None:
    graph = workflow({"nodes": [node(1, "CLIPTextEncode", ["a {red|blue} car"])], "version": 0.4})
    assert prompt_of(graph, definitions)["1"]["inputs"]["text"] == "a red car"
    [finding] = guesses(graph, definitions)
    assert (finding.code, finding.where.field) == ("text-choice", "text")


def test_a_date_in_a_prefix_stays_and_is_said(
    workflow: MakeWorkflow, definitions: Definitions, node: MakeNode
) -> None:
    graph = workflow({"nodes": [node(1, "SaveImage", ["%date:yyyy%/x"])], "version": 0.4})
    assert prompt_of(graph, definitions)["1"]["inputs"]["filename_prefix"] == "%date:yyyy%/x"
    assert [finding.code for finding in guesses(graph, definitions)] == ["prefix-date"]


def unknown(node: MakeNode, values: Any) -> dict[str, Any]:
    slots = [
        {"name": "model", "type": "MODEL", "link": None},
        {"name": "seed", "type": "INT", "link": None, "widget": {"name": "seed"}},
        {"name": "style", "type": "COMBO", "link": None, "widget": {"name": "style"}},
    ]
    return {**node(1, "SomePackNode", values), "inputs": slots}


@pytest.mark.parametrize("values", [[7, "randomize", "ink"], [7, "ink"], [7, "fixed", "ink", None]])
def test_an_unknown_class_converts_by_its_own_slots_with_a_warning(
    values: Any, workflow: MakeWorkflow, definitions: Definitions, node: MakeNode
) -> None:
    graph = workflow({"nodes": [unknown(node, values)], "version": 0.4})
    assert executed(prompt_of(graph, definitions)) == {
        "1": {"class_type": "SomePackNode", "inputs": {"seed": 7, "style": "ink"}}
    }
    [finding] = guesses(graph, definitions)
    assert (finding.code, finding.severity) == ("node-class-unknown", "warning")


def test_an_unknown_class_that_saves_by_name_is_read_by_name(
    converted: Convert, node: MakeNode
) -> None:
    prompt = converted(unknown(node, {"seed": 7, "crf": 19}))
    assert prompt["1"]["inputs"] == {"seed": 7, "crf": 19}


def test_an_unknown_class_whose_values_have_no_names_is_refused(
    converted: Convert, node: MakeNode
) -> None:
    [finding] = refused(lambda: converted(node(1, "OldPackNode", [1, 2])))
    assert finding.code == "node-unsupported"


def test_a_projects_own_definition_makes_an_unknown_class_known(
    workflow: MakeWorkflow, node: MakeNode
) -> None:
    own = {"OldPackNode": {"input": {"required": {"a": ["INT", {}], "b": [["x", "y"]]}}}}
    graph = workflow({"nodes": [node(1, "OldPackNode", [1])], "version": 0.4})
    assert executed(prompt_of(graph, Definitions(own, {}))) == {
        "1": {"class_type": "OldPackNode", "inputs": {"a": 1, "b": "x"}}
    }


def test_everything_wrong_is_said_at_once(converted: Convert, node: MakeNode) -> None:
    findings = refused(
        lambda: converted(
            node(1, "ImageInvert", inputs={"image": 5}),
            {"id": 2},
            node(3, "BatchImagesNode"),
            node(4, "ImageInvert", inputs={"image": 6}),
            links=[[6, 77, 0, 4, 0, "IMAGE"]],
        )
    )
    assert [finding.code for finding in findings] == [
        "node-malformed",
        "link-dangling",
        "node-unsupported",
        "link-dangling",
    ]


def test_a_link_from_a_node_that_a_prompt_lacks_is_refused(
    workflow: MakeWorkflow, definitions: Definitions
) -> None:
    file = workflow({"1": {"class_type": "A", "inputs": {"x": ["9", 0], "y": ["no", "link"]}}})
    [finding] = refused(lambda: prompt_of(file, definitions))
    assert (finding.code, finding.where.field) == ("link-dangling", "x")


def test_a_circle_is_refused_with_its_nodes(
    workflow: MakeWorkflow, definitions: Definitions
) -> None:
    ring = {str(n): {"class_type": "A", "inputs": {"x": [str(n % 3 + 1), 0]}} for n in (1, 2, 3)}
    [finding] = refused(lambda: prompt_of(workflow(ring), definitions))
    assert finding.message == "nodes feed each other in a circle: 1 -> 3 -> 2 -> 1"


def test_a_chain_of_thousands_of_nodes_needs_no_recursion(
    workflow: MakeWorkflow, definitions: Definitions, node: MakeNode
) -> None:
    size = 5000
    chain = [node(1, "EmptyImage", [8, 8, 1, 0])]
    chain += [node(n, "ImageInvert", inputs={"image": n}) for n in range(2, size + 1)]
    links = [[n, n - 1, 0, n, 0, "IMAGE"] for n in range(2, size + 1)]
    graph = workflow({"nodes": chain, "links": links, "version": 0.4})
    prompt = prompt_of(graph, definitions)
    assert prompt[str(size)]["inputs"] == {"image": [str(size - 1), 0]}
    assert prompt_of(workflow(prompt), definitions) == prompt


def test_the_digest_is_over_classes_and_inputs_alone() -> None:
    prompt: Prompt = {
        "2": {"class_type": "B", "inputs": {"y": 1, "x": ["1", 0]}, "_meta": {"title": "One"}},
        "1": {"class_type": "A", "inputs": {}},
    }
    moved: Prompt = {
        "1": {"class_type": "A", "inputs": {}, "_meta": {"title": "Renamed"}},
        "2": {"class_type": "B", "inputs": {"x": ["1", 0], "y": 1}},
    }
    changed: Prompt = {**prompt, "1": {"class_type": "A", "inputs": {"x": 0}}}
    assert prompt_digest(prompt) == prompt_digest(moved) != prompt_digest(changed)
