from __future__ import annotations

import json
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.findings import Finding
from runflow_build.workflow.formats import read_workflow

PROMPT = {"1": {"class_type": "EmptyImage", "inputs": {}}}


def read(value: Any) -> Any:
    return read_workflow(json.dumps(value).encode(), "w.json")


def refused(data: bytes) -> Finding:
    with pytest.raises(WorkflowError) as caught:
        read_workflow(data, "w.json")
    assert caught.value.findings[0].where.file == "w.json"
    return caught.value.findings[0]


def test_a_list_of_nodes_makes_an_editor_graph() -> None:
    assert read({"nodes": [], "links": []}).format == "graph"


def test_nodes_with_a_class_type_make_a_prompt() -> None:
    assert read(PROMPT).format == "prompt"


def test_a_node_of_a_prompt_may_be_called_nodes() -> None:
    assert read({"nodes": {"class_type": "EmptyImage", "inputs": {}}}).format == "prompt"


def test_a_prompt_may_be_wrapped_as_the_api_takes_it() -> None:
    assert read({"prompt": PROMPT, "client_id": "x"}).data == PROMPT


def test_a_byte_order_mark_is_nothing() -> None:
    assert read_workflow(b"\xef\xbb\xbf" + json.dumps(PROMPT).encode(), "w.json").data == PROMPT


def test_integers_are_exact_at_any_size() -> None:
    seed = 18446744073709551615
    data = read({"1": {"class_type": "KSampler", "inputs": {"seed": seed}}}).data
    assert data["1"]["inputs"]["seed"] == seed


def test_a_number_beyond_a_double_is_null_as_in_the_editor() -> None:
    data = read_workflow(b'{"1": {"class_type": "A", "inputs": {"x": 1e400}}}', "w.json").data
    assert data["1"]["inputs"]["x"] is None


def test_what_was_cut_off_says_where() -> None:
    finding = refused(b'{"nodes": [\n  {"id": 1, "type": "Load')
    assert (finding.code, finding.where.line, finding.where.column) == ("workflow-syntax", 2, 21)
    assert finding.message == "the JSON is cut off"


def test_broken_json_says_what_and_where() -> None:
    finding = refused(b'{"nodes": [],\n "links": [1 2]}')
    assert (finding.where.line, finding.where.column) == (2, 14)
    assert finding.message == "not JSON: expecting ',' delimiter"


@pytest.mark.parametrize("data", [b"", b" \n\t"])
def test_an_empty_file_is_called_that(data: bytes) -> None:
    assert refused(data).message == "the file is empty"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(word: str) -> None:
    finding = refused(b'{"1": {"class_type": "A", "inputs": {"x": ' + word.encode() + b"}}}")
    assert finding.code == "workflow-syntax"
    assert word in finding.message


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    # Python 3.10.6 and older read it.
    try:
        assert refused(b"[" + b"9" * 5000 + b"]").code == "workflow-syntax"
    except AssertionError:
        assert refused(b"[" + b"9" * 5000 + b"]").code == "workflow-unknown-format"


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n", b"PK\x03\x04..", b'{"a": "\xff"}', '{"ü": 1}'.encode("utf-16")]
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    assert refused(data).code == "file-not-text"


@pytest.mark.parametrize("depth", [201, 900, 30_000])
def test_deep_nesting_is_refused_however_deep(depth: int) -> None:
    data = b'{"nodes": ' + b"[" * depth + b"]" * depth + b"}"
    assert refused(data).code == "workflow-too-deep"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([], "the file holds a list"),
        ("x", "the file holds a text"),
        (7, "the file holds a number"),
        (None, "the file holds null"),
        ({}, "the file holds an empty mapping"),
        ({"b": 1, "a": {}}, "the file holds a mapping of a, b"),
        (dict.fromkeys("abcdefgh"), "the file holds a mapping of a, b, c, d, e, f, …"),
    ],
)
def test_neither_format_says_what_was_found_and_how_to_export(value: Any, found: str) -> None:
    finding = refused(json.dumps(value).encode())
    assert finding.code == "workflow-unknown-format"
    assert finding.message.endswith(found)
    assert "Export (API)" in (finding.fix or "")


def test_a_prompt_with_one_id_twice_is_refused_though_json_allows_it() -> None:
    node = json.dumps(PROMPT["1"])
    finding = refused(f'{{"1": {node}, "2": {node}, "1": {node}}}'.encode())
    assert (finding.code, finding.where.node) == ("node-duplicate-id", "1")


def test_a_double_key_further_down_is_not_a_double_node() -> None:
    data = b'{"1": {"class_type": "A", "inputs": {"x": 1, "x": 2}}}'
    assert read_workflow(data, "w.json").data["1"]["inputs"] == {"x": 2}
