"""From the author's workflow to the bundle: what stays, what goes, and what must never change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runflow_build.bundle import Bundle, bundle_text
from runflow_build.errors import CheckError, LockError, StaleLockError
from runflow_build.lock.model import Pins
from runflow_build.rewrite import rewrite
from runflow_build.rewrite.bind import bind
from runflow_build.workflow.contract import served_contract
from runflow_build.workflow.convert import prompt_digest
from runflow_build.workflow.model import Prompt, Workflow

PROMPT: Prompt = {
    "1": {
        "class_type": "RunflowInputImage",
        "inputs": {
            "input_id": "photo",
            "display_name": "Photo",
            "description": "",
            "required": True,
            "value": ["2", 0],
        },
        "_meta": {"title": "Photo in"},
    },
    "2": {"class_type": "LoadImage", "inputs": {"image": "my-private-test.png"}},
    "3": {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["1", 0],
            "upscale_method": "lanczos",
            "width": 512,
            "height": 512,
            "crop": "disabled",
        },
    },
    "4": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "picture", "output_name": "", "value": ["3", 0]},
    },
    "5": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
}


def test_the_whole_way_of_a_prompt(world: Callable[..., Any]) -> None:
    bundle = world(
        PROMPT,
        name="Poster",
        gpu={"min_vram_gb": 24},
        inputs={"width": {"node": "3", "field": "width"}},
    ).rewritten()
    assert bundle.prompt == {
        "1": {
            "class_type": "RunflowInputImage",
            "inputs": {
                "input_id": "photo",
                "display_name": "Photo",
                "description": "",
                "required": True,
            },
            "_meta": {"title": "Photo in"},
        },
        "3": {
            "class_type": "ImageScale",
            "inputs": {
                "image": ["1", 0],
                "upscale_method": "lanczos",
                "width": ["runflow-width", 0],
                "height": 512,
                "crop": "disabled",
            },
        },
        "4": PROMPT["4"],
        "runflow-width": {
            "class_type": "RunflowInputInt",
            "inputs": {
                "input_id": "width",
                "display_name": "",
                "description": "",
                "required": False,
                "minimum": "0",
                "maximum": "16384",
                "value": 512,
            },
        },
    }
    assert (bundle.name, bundle.gpu.min_vram_gb, bundle.graph) == ("Poster", 24, None)
    assert list(bundle.contract.inputs) == ["photo", "width"]


def test_any_server_derives_the_contract_from_the_prompt(world: Callable[..., Any]) -> None:
    wish = {
        "width": {"node": "3", "field": "width", "required": True, "maximum": 2048},
        "photo": {"description": "What to show"},
    }
    bundle = world(PROMPT, inputs=wish).rewritten()
    assert served_contract(bundle.prompt) == bundle.contract


def test_the_author_s_prompt_is_not_changed(world: Callable[..., Any]) -> None:
    data = copy.deepcopy(PROMPT)
    world(data, inputs={"width": {"node": "3", "field": "width"}}).rewritten()
    assert data == PROMPT


def test_only_the_pins_of_this_endpoint_are_in_the_bundle(world: Callable[..., Any]) -> None:
    made = world(PROMPT)
    row = {"repository": "https://github.com/a/b", "commit": "a" * 40}
    lock = made.lock.model_validate(
        {
            **made.lock.model_dump(by_alias=True),
            "nodes": {
                "Ours": {**row, "required_by": ["poster"]},
                "Theirs": {**row, "required_by": ["another"]},
            },
            "models": {
                "vae/ours.safetensors": {"sha256": "b" * 64, "used_by": ["another", "poster"]},
                "vae/theirs.safetensors": {"sha256": "b" * 64, "used_by": ["another"]},
            },
            "resources": {
                "input/ours.png": {"sha256": "c" * 64, "used_by": ["poster"]},
                "input/theirs.png": {"sha256": "c" * 64, "used_by": []},
            },
            "python": {
                "version": "3.12",
                "packages": {"aiohttp": "3.12"},
                "targets": {
                    "linux-cu128": {"packages": {"torch": "2.8.0+cu128"}},
                    "windows-cpu": {"packages": {"torch": "2.8.0+cpu", "pywin32": "1"}},
                },
            },
        }
    )
    bundle = rewrite(made.workflow, made.definitions, lock, "poster")
    assert list(bundle.nodes) == ["Ours"]
    assert list(bundle.models) == ["vae/ours.safetensors"]
    assert list(bundle.resources) == ["input/ours.png"]
    assert bundle.packages == {"aiohttp": "3.12", "pywin32": "1", "torch": "2.8.0+cu128"}


def test_a_lock_from_the_disk_gives_the_same_bytes(world: Callable[..., Any]) -> None:
    wish = {
        "zoom": {"node": "3", "field": "width"},
        "area": {"node": "3", "field": "height", "maximum": 1024},
    }
    made = world(PROMPT, inputs=wish)
    assert bundle_text(made.rewritten()) == bundle_text(made.rewritten_from_file())
    assert list(made.rewritten().contract.inputs) == ["photo", "zoom", "area"]


def test_titles_and_dropped_nodes_are_not_in_the_digest(world: Callable[..., Any]) -> None:
    other = copy.deepcopy(PROMPT)
    other["3"]["_meta"] = {"title": "Make it small"}
    other["2"]["inputs"]["image"] = "another-test.png"
    assert world(other).rewritten().digest == world(PROMPT).rewritten().digest


def test_a_lock_of_another_version_of_the_workflow_is_refused(world: Callable[..., Any]) -> None:
    made = world(PROMPT)
    other = copy.deepcopy(PROMPT)
    other["3"]["inputs"]["width"] = 1024
    workflow = Workflow("poster.json", "prompt", other)
    with pytest.raises(StaleLockError) as caught:
        rewrite(workflow, made.definitions, made.lock, "poster")
    assert str(caught.value) == (
        "poster.json: error lock-stale: the workflow of poster computes something else than when "
        "it was locked\n  fix       run `runflow lock`"
    )


def test_an_endpoint_that_the_lock_lacks_is_named(world: Callable[..., Any]) -> None:
    made = world(PROMPT)
    with pytest.raises(LockError) as caught:
        rewrite(made.workflow, made.definitions, made.lock, "postr")
    assert [one.code for one in caught.value.findings] == ["endpoint-unknown"]


KEY = "rf_live_" + "a1b2c3d4" * 4


@pytest.mark.parametrize("place", ["inputs", "title"])
def test_an_api_key_is_never_published_whatever_the_checks_said(
    world: Callable[..., Any], place: str
) -> None:
    data = copy.deepcopy(PROMPT)
    if place == "inputs":
        data["4"]["inputs"]["output_name"] = f"see {KEY}"
    else:
        data["3"]["_meta"] = {"title": KEY}
    with pytest.raises(CheckError) as caught:
        world(data).rewritten()
    assert {one.code for one in caught.value.findings} == {"secret-in-workflow"}
    assert KEY not in str(caught.value)


def test_an_api_key_on_a_node_that_is_dropped_is_gone(world: Callable[..., Any]) -> None:
    data = copy.deepcopy(PROMPT)
    data["9"] = {"class_type": "RunflowDeploy", "inputs": {"api_key": KEY}}
    assert KEY not in bundle_text(world(data).rewritten())


# -- properties

WISHES = st.fixed_dictionaries(
    {},
    optional={
        "width": st.fixed_dictionaries(
            {"node": st.just("3"), "field": st.just("width")},
            optional={"required": st.booleans(), "default": st.integers(1, 99)},
        ),
        "method": st.fixed_dictionaries(
            {"node": st.just("3"), "field": st.just("upscale_method")},
            optional={"required": st.booleans(), "default": st.just("area")},
        ),
        "test": st.fixed_dictionaries(
            {"node": st.just("2"), "field": st.just("image")},
            optional={"required": st.booleans()},
        ),
        "photo": st.fixed_dictionaries(
            {}, optional={"required": st.booleans(), "description": st.text("ab ", max_size=3)}
        ),
    },
)


def rewritten_again(made: Any, bundle: Bundle) -> Bundle:
    """The bundle of the rewritten prompt, with a lock over it."""
    pin = made.lock.endpoints["poster"].model_copy(
        update={
            "prompt": prompt_digest(bundle.prompt),
            "inputs": bundle.contract.inputs,
            "outputs": bundle.contract.outputs,
        }
    )
    lock = made.lock.model_copy(update={"endpoints": {"poster": pin}})
    workflow = Workflow("poster.json", "prompt", bundle.prompt)
    return rewrite(workflow, made.definitions, lock, "poster")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WISHES, st.sets(st.sampled_from(["5", "3"])))
@example(
    {"photo": {"required": False}, "test": {"node": "2", "field": "image", "required": True}}, set()
)
def test_rewriting_a_rewritten_prompt_changes_nothing(
    world: Callable[..., Any], wish: dict[str, Any], keep: set[str]
) -> None:
    made = world(PROMPT, inputs=wish, keep=sorted(keep))
    bundle = made.rewritten()
    again = rewritten_again(made, bundle)
    assert (again.prompt, again.contract, again.digest) == (
        bundle.prompt,
        bundle.contract,
        bundle.digest,
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WISHES, st.booleans())
def test_no_link_dangles_before_or_after_binding(
    world: Callable[..., Any], wish: dict[str, Any], everything: bool
) -> None:
    bundle = world(PROMPT, inputs=wish, keep=["5"]).rewritten()
    values = {
        key: {"INT": 7, "IMAGE": "new.png", "COMBO": "area"}[row.type]
        for key, row in bundle.contract.inputs.items()
        if row.required or everything
    }
    now = datetime(2031, 4, 5)
    bound = bind(bundle.prompt, bundle.contract, values, seed="1", now=now)
    for prompt in (bundle.prompt, bound):
        for node in prompt.values():
            for value in node["inputs"].values():
                assert not isinstance(value, list) or value[0] in prompt


def test_pins_without_anything_resolved_still_make_a_bundle(world: Callable[..., Any]) -> None:
    bundle = world(PROMPT, Pins()).rewritten()
    assert (bundle.comfyui, bundle.nodes, bundle.packages) == (None, {}, {})


GRAPH_THAT_DRAWS: dict[str, Any] = {
    "version": 0.4,
    "nodes": [
        {
            "id": 1,
            "type": "CLIPLoader",
            "outputs": [{"name": "CLIP", "type": "CLIP", "links": [1, 2]}],
            "widgets_values": ["clip.safetensors", "flux", "default"],
        },
        *(
            {
                "id": id,
                "type": "CLIPTextEncode",
                "inputs": [{"name": "clip", "type": "CLIP", "link": id - 1}],
                "widgets_values": ["a {red|green} car // mine"],
            }
            for id in (2, 3)
        ),
        {
            "id": 4,
            "type": "EmptyImage",
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [3]}],
            "widgets_values": [8, 8, 1, 0],
        },
        {
            "id": 5,
            "type": "SaveImage",
            "inputs": [{"name": "images", "type": "IMAGE", "link": 3}],
            "widgets_values": ["%date:yyyy-MM%/%EmptyImage.width%"],
        },
    ],
    "links": [
        [1, 1, 0, 2, 0, "CLIP"],
        [2, 1, 0, 3, 0, "CLIP"],
        [3, 4, 0, 5, 0, "IMAGE"],
    ],
}


def test_what_the_editor_would_draw_is_drawn_by_each_run(world: Callable[..., Any]) -> None:
    bundle = world(
        GRAPH_THAT_DRAWS,
        inputs={"words": {"node": "2", "field": "text"}},
        outputs={"file": {"node": "5"}},
        keep=["2", "3", "5"],
    ).rewritten()
    written = "a {red|green} car // mine"
    assert bundle.contract.inputs["words"].default == written
    served = bundle.prompt
    assert served["runflow-words"]["inputs"]["value"] == served["3"]["inputs"]["text"] == written
    assert served["5"]["inputs"]["filename_prefix"] == "%date:yyyy-MM%/8"

    def run(seed: int, **values: str) -> tuple[str, str, str]:
        now = datetime(2031, 4, 5)
        bound = bind(served, bundle.contract, values, seed=str(seed), now=now)
        assert "drawn" not in str(bound)
        return (
            bound["runflow-words"]["inputs"]["value"],
            bound["3"]["inputs"]["text"],
            bound["5"]["inputs"]["filename_prefix"],
        )

    drawn = {run(seed) for seed in range(50)}
    cars = ("a red car ", "a green car ")
    assert drawn == {(one, other, "2031-04/8") for one in cars for other in cars}
    assert {run(seed, words=written)[0] for seed in range(5)} == {written}
