"""Which files of the outside an endpoint needs: those that are served, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.lock.needs import needs_of
from runflow_build.project.catalogue import shipped
from runflow_build.spec.model import EndpointWish
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt, Workflow

OUTPUT = {"output_id": "out", "output_name": ""}


def picture(required: bool) -> Prompt:
    """A Runflow image input that the author tried with `mine.png`."""
    said = {"input_id": "photo", "display_name": "", "description": "", "required": required}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "mine.png"}},
        "2": {"class_type": "RunflowInputImage", "inputs": {**said, "value": ["1", 0]}},
        "3": {"class_type": "RunflowOutputImage", "inputs": {**OUTPUT, "value": ["2", 0]}},
    }


def file(required: bool) -> Prompt:
    """A Runflow file input whose author chose `mine.txt`."""
    said = {"input_id": "photo", "display_name": "", "description": "", "required": required}
    return {
        "2": {"class_type": "RunflowInputFile", "inputs": {**said, "file_name": "mine.txt"}},
        "3": {"class_type": "RunflowOutputFile", "inputs": {**OUTPUT, "value": ["2", 0]}},
    }


def loader(required: bool) -> Prompt:
    """The same picture with no Runflow input."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "mine.png"}},
        "3": {"class_type": "RunflowOutputImage", "inputs": {**OUTPUT, "value": ["1", 0]}},
    }


def files(prompt: Prompt, **photo: Any) -> list[str]:
    wish = EndpointWish.model_validate({"workflow": "a.json", "inputs": {"photo": photo}})
    definitions = Definitions(None, shipped(None))
    needs = needs_of("card", wish, Workflow("a.json", "prompt", prompt), definitions)
    return [one.path for one in needs.resources]


EXPOSED = {"node": "1", "field": "image"}


@pytest.mark.parametrize(
    ("prompt", "exposed"), [(picture, {}), (file, {}), (loader, EXPOSED)], ids=lambda one: str(one)
)
def test_what_a_required_input_was_tried_with_is_not_needed(prompt: Any, exposed: Any) -> None:
    assert files(prompt(True), **exposed, required=True) == []


@pytest.mark.parametrize(
    ("prompt", "exposed", "own"),
    [
        (picture, {}, "input/mine.png"),
        (file, {}, "input/mine.txt"),
        (loader, EXPOSED, "input/mine.png"),
    ],
    ids=lambda one: str(one),
)
def test_the_default_of_an_optional_input_is_needed_wherever_it_comes_from(
    prompt: Any, exposed: Any, own: str
) -> None:
    assert files(prompt(False), **exposed) == [own]
    assert files(prompt(False), **exposed, default="ours/paper.png") == ["input/ours/paper.png"]


def test_a_picture_that_something_else_reads_is_still_needed() -> None:
    prompt = picture(True)
    prompt["4"] = {"class_type": "RunflowOutputImage", "inputs": {**OUTPUT, "value": ["1", 0]}}
    prompt["4"]["inputs"]["output_id"] = "original"
    assert files(prompt) == ["input/mine.png"]


def test_a_default_that_is_no_file_of_the_project_is_left_to_validation() -> None:
    assert files(picture(False), default="../../secret.png") == []
