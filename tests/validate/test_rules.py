"""All rules together: each finding once, in an order that never depends on chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.findings import CODES, Finding
from runflow_build.spec.model import Spec
from runflow_build.validate import check
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Workflow

BAD: dict[str, Any] = {
    "10": {"class_type": "EmptyImage", "inputs": {"width": -1, "height": 64, "batch_size": 0}},
    "9": {"class_type": "ImageScale", "inputs": {"image": ["10", 0], "crop": "no"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["9", 0]}},
    "1": {"class_type": "PreviewImage", "inputs": {"images": ["9", 0]}},
}


def two_endpoints(workflow: dict[str, Any], definitions: Definitions) -> list[Finding]:
    wish = {"workflow": "a.json", "outputs": {"o": {"node": "2"}}}
    spec = Spec.model_validate(
        {"version": 1, "comfyui": {"ref": "v0.8.0"}, "endpoints": {"one": wish, "two": wish}}
    )
    return check(spec, {"a.json": Workflow("a.json", "prompt", workflow)}, definitions, None)


def test_two_endpoints_over_one_workflow_report_it_once(definitions: Definitions) -> None:
    found = [one for one in two_endpoints(BAD, definitions) if one.code != "output-dropped"]
    assert len(found) == len(set(found))
    assert [(one.where.node, one.where.field) for one in found if one.severity == "error"] == [
        ("2", "filename_prefix"),
        ("9", "crop"),
        ("9", "height"),
        ("9", "upscale_method"),
        ("9", "width"),
        ("10", "batch_size"),
        ("10", "color"),
        ("10", "width"),
    ]


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_nodes_does_not_change_the_order_of_findings(
    definitions: Definitions, chance: random.Random
) -> None:
    ids = list(BAD)
    chance.shuffle(ids)
    shuffled = {node_id: BAD[node_id] for node_id in ids}
    assert two_endpoints(shuffled, definitions) == two_endpoints(BAD, definitions)


def test_only_the_endpoints_that_were_asked_for_are_looked_at(
    checked: Callable[..., list[Finding]],
) -> None:
    assert checked(BAD, only=[]) == []
    assert checked(BAD, only=["poster"]) != []


def test_a_workflow_that_is_not_there(definitions: Definitions) -> None:
    wish = {"workflow": "gone.json"}
    spec = Spec.model_validate(
        {"version": 1, "comfyui": {"ref": "v0.8.0"}, "endpoints": {"poster": wish}}
    )
    (found,) = check(spec, {}, definitions, None)
    assert (found.code, found.where.key) == ("file-missing", ("endpoints", "poster", "workflow"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
FIELDS = ["image", "width", "crop", "upscale_method", "images", "value", "input_id", "required"]
CLASSES = [
    "ImageScale",
    "SaveImage",
    "LoadImage",
    "RunflowInputInt",
    "RunflowInputImage",
    "RunflowInputFile",
    "RunflowOutputImage",
    "RunflowDeploy",
    "VAELoader",
    "Unknown",
]
LINKS = st.tuples(st.sampled_from("12345"), st.integers(0, 2)).map(list)
NODES = st.fixed_dictionaries(
    {
        "class_type": st.sampled_from(CLASSES),
        "inputs": st.dictionaries(st.sampled_from(FIELDS), LINKS | JSON, max_size=5),
    }
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from("12345"), NODES, min_size=1))
def test_any_prompt_gets_findings_of_the_register_and_no_crash(
    checked: Callable[..., list[Finding]], prompt: dict[str, Any]
) -> None:
    for one in checked(prompt, lock={}, keep=["1"]):
        assert one.code in CODES
