"""A capture is a prompt and a contract; what is wrong with the graph is a part of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from canvas import Canvas

from runflow_build.errors import UsageError
from runflow_build.playground.capture import Capture, captured
from runflow_build.playground.form import form_of

NEW = Callable[..., Capture]


def codes(capture: Capture, severity: str) -> list[str]:
    return [one["code"] for one in capture.findings if one["severity"] == severity]


def row(capture: Capture, name: str) -> dict[str, Any]:
    [found] = [one for one in form_of(capture)["inputs"] if one["id"] == name]
    return found


def test_a_graph_becomes_a_prompt_and_a_contract(capture: Capture) -> None:
    assert capture.slug == "a-card"
    assert capture.runnable
    assert list(capture.contract.inputs) == ["photo", "paper", "seed", "width"]
    assert list(capture.contract.outputs) == ["card", "paper", "plain"]
    assert capture.prompt["8"]["class_type"] == "ImageScale"


def test_what_is_private_in_a_deploy_node_is_nowhere_in_it(new_capture: NEW) -> None:
    canvas = Canvas()
    image = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", "", value=image)
    canvas.add("RunflowDeploy", "A card", "https://example.com", "rf_live_secret")
    text = new_capture(canvas).model_dump_json()
    assert "rf_live_secret" not in text
    assert "example.com" not in text


@pytest.mark.parametrize("name", ["", "  ", "工作流", "Workflows", "con"])
def test_a_name_without_a_slug_of_its_own_is_refused(name: str, new_capture: NEW) -> None:
    with pytest.raises(UsageError) as raised:
        new_capture(Canvas(), name)
    assert raised.value.findings[0].code == "slug-invalid"


def test_doubled_and_blank_ids_stand_in_the_way(new_capture: NEW) -> None:
    canvas = Canvas()
    for name in ("a", "a", ""):
        canvas.add("RunflowInputString", name, "", "", True, "", gives="STRING")
    image = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", "", value=image)
    capture = new_capture(canvas)
    assert not capture.runnable
    assert codes(capture, "error") == ["contract-id-duplicate", "contract-id-blank"]


def test_without_an_output_nothing_runs(new_capture: NEW) -> None:
    canvas = Canvas()
    canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    capture = new_capture(canvas)
    assert not capture.runnable
    assert codes(capture, "error") == ["contract-no-output"]


def test_a_graph_that_is_none_is_told_of_and_kept() -> None:
    graph = {"nodes": [{"id": 1, "type": "A", "inputs": [{"link": 7, "name": "x"}]}], "links": 3}
    capture = captured("A", graph, lambda names: {}, None, mark="", now="2026-01-01T00:00:00+00:00")
    assert not capture.runnable
    assert codes(capture, "error")


def test_what_the_running_comfyui_says_of_a_class_counts() -> None:
    canvas = Canvas()
    text = canvas.add("PackText", "a long tale", 7, gives="STRING")
    canvas.add("RunflowOutputFile", "out", "", value=text)
    inputs = {"required": {"tale": ["STRING", {"multiline": True}], "count": ["INT", {}]}}
    raw = {"input": inputs, "output": ["STRING"], "python_module": "custom_nodes.pack"}
    asked: list[str] = []

    def nodes(names: Any) -> dict[str, Any]:
        asked.extend(names)
        return {"PackText": raw}

    capture = captured("A", canvas.graph(), nodes, "0.8.0", mark="", now="")
    assert sorted(asked) == ["PackText", "RunflowOutputFile"]
    assert capture.prompt["1"]["inputs"] == {"tale": "a long tale", "count": 7}
    assert capture.findings == []


def test_a_capture_is_read_as_it_was_written(capture: Capture) -> None:
    assert Capture.model_validate_json(capture.model_dump_json(by_alias=True)) == capture


# ---- the form ----


def test_a_default_that_is_wired_is_offered(capture: Capture) -> None:
    assert (row(capture, "photo")["value"], row(capture, "photo")["from"]) == (
        '"photo.png"',
        "workflow",
    )
    assert (row(capture, "width")["value"], row(capture, "width")["from"]) == ("600", "default")


def test_what_is_wired_and_no_value_is_offered_as_such(capture: Capture) -> None:
    assert row(capture, "paper")["wired"]
    assert row(capture, "paper")["value"] is None
    assert not row(capture, "photo")["wired"]


def test_limits_keep_all_their_digits(capture: Capture) -> None:
    assert row(capture, "seed")["maximum"] == "18446744073709551615"
    assert json.loads(json.dumps(form_of(capture))) == form_of(capture)


@pytest.mark.parametrize(
    ("text", "multiline"), [("short", False), ("two\nlines", True), ("x" * 61, True)]
)
def test_a_long_text_gets_lines(text: str, multiline: bool, new_capture: NEW) -> None:
    canvas = Canvas()
    wired = canvas.add("PrimitiveStringMultiline", text, gives="STRING")
    given = ("RunflowInputString", "words", "", "", True, "")
    canvas.add(*given, gives="STRING", value=wired)
    image = canvas.add("EmptyImage", 8, 8, 1, 0, gives="IMAGE")
    canvas.add("RunflowOutputImage", "out", "", value=image)
    assert row(new_capture(canvas), "words")["multiline"] is multiline


def test_a_text_gets_lines_where_it_goes_into_a_field_with_lines(new_capture: NEW) -> None:
    canvas = Canvas()
    words = canvas.add("RunflowInputString", "words", "", "", True, "", gives="STRING")
    text = canvas.add("PrimitiveStringMultiline", "", gives="STRING", value=words)
    canvas.nodes[1]["inputs"][0]["widget"] = {"name": "value"}
    canvas.add("RunflowOutputFile", "out", "", value=text)
    assert row(new_capture(canvas), "words")["multiline"]
