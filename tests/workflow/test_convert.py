"""Conversion, held against what the real editor made of the same graphs.

cases/workflow/prompts.jsonl.gz: graphs from ComfyUI's own templates (comfyui-workflow-templates),
without what conversion does not see, and the prompts that frontend 1.35.9 on ComfyUI 0.8.0 sent.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.findings import Finding
from runflow_build.workflow.convert import convert, guesses, prompt_digest, prompt_of
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt, Workflow

Convert = Callable[..., Prompt]
MakeNode = Callable[..., dict[str, Any]]
MakeWorkflow = Callable[[Any], Workflow]

CASES = Path(__file__).parent.parent / "cases" / "workflow" / "prompts.jsonl.gz"
PROMPTS = [json.loads(line) for line in gzip.decompress(CASES.read_bytes()).splitlines()]


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


@pytest.mark.parametrize("case", PROMPTS, ids=lambda case: case["name"])
def test_a_real_graph_becomes_what_the_editor_sent(
    case: Any, workflow: MakeWorkflow, definitions: Definitions
) -> None:
    prompt = prompt_of(workflow(case["template"]), definitions)
    assert executed(prompt) == case["prompt"]
    assert list(prompt) == list(case["prompt"])


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


def test_a_muted_node_takes_the_input_that_reads_it_away_with_its_widget(
    converted: Convert, node: MakeNode
) -> None:
    prompt = converted(
        node(1, "PrimitiveInt", [5, "fixed"], mode=2),
        node(2, "EmptyImage", [64, 32, 1, 0], inputs={"width": 1}),
        links=[[1, 1, 0, 2, 0, "INT"]],
    )
    assert prompt["2"]["inputs"] == {"height": 32, "batch_size": 1, "color": 0}


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


def test_a_projects_own_definition_makes_an_unknown_class_known(
    workflow: MakeWorkflow, node: MakeNode
) -> None:
    own = {"OldPackNode": {"input": {"required": {"a": ["INT", {}], "b": [["x", "y"]]}}}}
    graph = workflow({"nodes": [node(1, "OldPackNode", [1])], "version": 0.4})
    assert executed(prompt_of(graph, Definitions(own, {}))) == {
        "1": {"class_type": "OldPackNode", "inputs": {"a": 1, "b": "x"}}
    }


def test_a_link_from_a_node_that_a_prompt_lacks_is_refused(
    workflow: MakeWorkflow, definitions: Definitions
) -> None:
    file = workflow({"1": {"class_type": "A", "inputs": {"x": ["9", 0], "y": ["no", "link"]}}})
    [finding] = refused(lambda: prompt_of(file, definitions))
    assert (finding.code, finding.where.field) == ("link-dangling", "x")


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


@pytest.mark.parametrize(
    ("class_type", "text", "kind", "code"),
    [
        ("CLIPTextEncode", "a {red|blue} car", "choice", "text-choice"),
        ("SaveImage", "%date:yyyy%/x", "date", "prefix-date"),
    ],
)
def test_what_the_editor_draws_anew_stays_as_written_and_is_marked(
    class_type: str,
    text: str,
    kind: str,
    code: str,
    workflow: MakeWorkflow,
    definitions: Definitions,
    node: MakeNode,
) -> None:
    graph = workflow({"nodes": [node(1, class_type, [text])], "version": 0.4})
    body = prompt_of(graph, definitions)["1"]
    [field] = body["inputs"]
    assert body["inputs"] == {field: text}
    assert body["_meta"]["drawn"] == {field: kind}
    [finding] = guesses(graph, definitions)
    assert (finding.code, finding.where.field) == (code, field)


def test_a_prompt_file_keeps_marks_of_what_is_drawn_and_no_others(
    workflow: MakeWorkflow, definitions: Definitions
) -> None:
    marks = {"text": "choice", "seed": "choice", "gone": "date", "kind": "none"}
    inputs = {"text": "{a|b}", "seed": 1, "kind": "x"}
    file = {"1": {"class_type": "A", "inputs": inputs, "_meta": {"title": "T", "drawn": marks}}}
    meta = prompt_of(workflow(file), definitions)["1"]["_meta"]
    assert meta == {"title": "T", "drawn": {"text": "choice"}}


def test_what_is_drawn_is_part_of_the_digest() -> None:
    body = {"class_type": "A", "inputs": {"text": "{a|b}"}}
    drawn = {**body, "_meta": {"drawn": {"text": "choice"}}}
    assert prompt_digest({"1": body}) != prompt_digest({"1": drawn})


def test_values_that_no_slot_names_are_an_error_and_the_prompt_is_there(
    workflow: MakeWorkflow, definitions: Definitions, node: MakeNode
) -> None:
    graph = workflow({"nodes": [node(1, "OldPackNode", [1, 2])], "version": 0.4})
    conversion = convert(graph, definitions)
    assert executed(conversion.prompt) == {"1": {"class_type": "OldPackNode", "inputs": {}}}
    assert conversion.errors == ()
    [finding] = conversion.notes
    assert (finding.code, finding.severity) == ("node-values-unnamed", "error")
    assert "2 of the values" in finding.message


def test_each_node_says_where_its_definition_is_from(
    workflow: MakeWorkflow, node: MakeNode
) -> None:
    layers = Definitions({"Own": {"input": {}}}, {"Core": {"input": {}}})
    classes = ["Own", "Core", "RunflowInputInt", "Gone"]
    nodes = [node(number, kind) for number, kind in enumerate(classes, 1)]
    conversion = convert(workflow({"nodes": nodes, "version": 0.4}), layers)
    assert conversion.sources == {"1": "file", "2": "catalogue", "3": "runflow", "4": None}


def test_everything_wrong_is_said_at_once(converted: Convert, node: MakeNode) -> None:
    findings = refused(
        lambda: converted(
            node(1, "ImageInvert", inputs={"image": 5}),
            {"id": 2},
            node(4, "ImageInvert", inputs={"image": 6}),
            links=[[6, 77, 0, 4, 0, "IMAGE"]],
        )
    )
    codes = [finding.code for finding in findings]
    assert codes == ["node-malformed", "link-dangling", "link-dangling"]


def test_a_circle_is_sent_as_the_editor_sends_it_and_named(
    workflow: MakeWorkflow, definitions: Definitions
) -> None:
    ring = {str(n): {"class_type": "A", "inputs": {"x": [str(n % 3 + 1), 0]}} for n in (1, 2, 3)}
    conversion = convert(workflow(ring), definitions)
    assert (conversion.prompt, conversion.errors) == (ring, ())
    [finding] = conversion.notes
    assert finding.code == "link-cycle"
    assert finding.message == "nodes feed each other in a circle: 1 -> 3 -> 2 -> 1"
