"""What ComfyUI's history says, read: files of outputs, errors, and odd entries of packs."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.playground.results import ResultFile, kind_of, outcome

OUTPUTS = {"card": "9", "film": "10"}
PNG = {"filename": "a.png", "subfolder": "x\\y", "type": "output"}


def entry(*messages: Any, outputs: Any = None, status: str = "success") -> dict[str, Any]:
    told = {"status_str": status, "completed": status == "success", "messages": messages}
    return {"outputs": outputs or {}, "status": told}


def test_each_output_gets_the_files_of_its_node() -> None:
    shown = {
        "9": {"images": [PNG, PNG]},
        "10": {"files": [], "animated": [True]},
        "7": {"a": [PNG]},
    }
    start, end = {"timestamp": 1000}, {"timestamp": 3500}
    found = outcome(
        entry(["execution_start", start], ["execution_success", end], outputs=shown), OUTPUTS, {}
    )
    assert found.state == "done"
    assert found.seconds == 2.5
    file = ResultFile(filename="a.png", subfolder="x/y", type="output")
    assert found.files == {"card": [file], "film": []}


def test_an_error_names_its_node() -> None:
    told = {"node_id": "5:8", "node_type": "KSampler", "exception_message": "out of memory\n"}
    found = outcome(entry(["execution_error", told], status="error"), OUTPUTS, {"5:8": "Sample"})
    assert found.state == "failed"
    assert found.error == {"message": "out of memory", "node": "5:8", "title": "Sample"}


def test_an_interruption_is_no_error() -> None:
    found = outcome(entry(["execution_interrupted", {}], status="error"), OUTPUTS, {})
    assert (found.state, found.error) == ("cancelled", None)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"status": None, "outputs": None},
        {"status": {"messages": [1, ["a"], ["b", 2]]}, "outputs": {"9": [PNG]}},
        {"outputs": {"9": {"images": [{"filename": 3}, {"filename": "a", "type": "etc"}, None]}}},
        {"outputs": {"9": {"text": ["hello"], "images": {"filename": "a"}}}},
    ],
)
def test_what_packs_write_there_is_passed_over(odd: Any) -> None:
    assert outcome(odd, OUTPUTS, {}).files == {"card": [], "film": []}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", "image"),
        ("a.webp", "image"),
        ("a.webm", "video"),
        ("a.mp4", "video"),
        ("a.flac", "audio"),
        ("a.opus", "audio"),
        ("a.mp3", "audio"),
        ("a.glb", "model"),
        ("a.txt", "text"),
        ("a.tiff", "other"),
        ("a", "other"),
    ],
)
def test_files_are_shown_as_what_they_are(name: str, kind: str) -> None:
    assert kind_of(name) == kind
