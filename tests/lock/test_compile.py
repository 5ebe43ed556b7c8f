"""Spec, workflows and pins become the lock."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runflow_build import digest
from runflow_build.errors import LockError, WorkflowError
from runflow_build.lock.compile import companions, compile_lock
from runflow_build.lock.model import ModelPin, NodePackPin, Pins, RegistryPin, ResourcePin
from runflow_build.lock.needs import all_needs
from runflow_build.lock.text import lock_text

ONE = "1" * 64
COMMIT = "a" * 40


def test_an_endpoint_is_locked_with_its_contract(world: Any) -> None:
    (pin,) = world.lock().endpoints.values()
    assert (pin.name, pin.workflow, pin.gpu.mode) == ("poster", "w.json", "cheapest")
    assert pin.inputs["prompt"].class_type == "CLIPTextEncode"
    assert pin.inputs["prompt"].title == "Positive"
    assert pin.inputs["prompt"].default == "a cat"
    assert pin.outputs["image"].node == "10"


def test_the_prompt_s_digest_is_over_what_it_computes_alone(world: Any) -> None:
    before = world.lock().endpoints["poster"].prompt
    world.prompt["6"]["_meta"]["title"] = "Another title"
    world.prompt = dict(reversed(world.prompt.items()))
    assert world.lock().endpoints["poster"].prompt == before
    world.prompt["8"]["inputs"]["steps"] = 21
    assert world.lock().endpoints["poster"].prompt != before


def test_whole_gigabytes_are_written_as_such(world: Any) -> None:
    wished = world.replace("    workflow", "    gpu: {min_vram_gb: 24.0}\n    workflow")
    assert repr(wished.lock().endpoints["poster"].gpu.min_vram_gb) == "24"
    named = world.replace("    workflow", "    gpu: {model: l40s}\n    workflow")
    assert named.lock().endpoints["poster"].gpu.mode == "model"


def test_only_what_is_served_counts_as_used(world: Any) -> None:
    """The previewed cat is in the workflow, and no output of the endpoint needs it."""
    world.pins = Pins(
        models={"checkpoints/sd.safetensors": ModelPin(sha256=ONE)},
        resources={"input/cat.png": ResourcePin(sha256=ONE)},
    )
    lock = world.lock()
    assert lock.models["checkpoints/sd.safetensors"].used_by == ["poster"]
    assert lock.resources["input/cat.png"].used_by == []
    kept = world.replace("    workflow", "    keep: [Aside]\n    workflow").lock()
    assert kept.endpoints["poster"].keep == ["12"]
    assert kept.resources["input/cat.png"].used_by == ["poster"]


def test_the_test_picture_of_a_required_input_is_not_served(world: Any) -> None:
    world.prompt = {
        "2": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}},
        "3": {
            "class_type": "RunflowInputImage",
            "inputs": {"input_id": "photo", "display_name": "", "description": "",
                       "required": True, "value": ["2", 0]},
        },
        "4": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "out", "output_name": "", "value": ["3", 0]},
        },
    }  # fmt: skip
    world.text = "version: 1\ncomfyui: {ref: v0.8.0}\nendpoints: {poster: {workflow: w.json}}\n"
    world.pins = Pins(resources={"input/cat.png": ResourcePin(sha256=ONE)})
    assert world.lock().resources["input/cat.png"].used_by == []
    world.prompt["3"]["inputs"]["required"] = False
    assert world.lock().resources["input/cat.png"].used_by == ["poster"]


def test_packs_are_attributed_by_what_nodes_say_of_them(new_world: Any) -> None:
    graph = {
        "nodes": [
            {"id": 1, "type": "Special", "inputs": [], "outputs": [{"type": "IMAGE", "links": [1]}],
             "widgets_values": [], "properties": {"cnr_id": "the-pack", "ver": "1.0"}, "mode": 0},
            {"id": 2, "type": "SaveImage", "mode": 0, "inputs": [
                {"name": "images", "type": "IMAGE", "link": 1}],
             "outputs": [], "widgets_values": ["x"], "properties": {"cnr_id": "comfy-core"}},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
        "version": 0.4,
    }  # fmt: skip
    world = new_world(
        text="version: 1\ncomfyui: {ref: v0.8.0}\nendpoints:\n  poster:\n    workflow: w.json\n"
        '    outputs: {image: {node: "2"}}\n',
        prompt=graph,
    )
    registry = RegistryPin(id="the-pack", version="1.0")
    pin = NodePackPin(repository="https://github.com/o/Pack", commit=COMMIT, registry=registry)
    other = NodePackPin(repository="https://github.com/o/other", commit=COMMIT)
    world.pins = Pins(nodes={"Pack": pin, "other": other})
    lock = world.lock()
    assert lock.nodes["Pack"].required_by == ["poster"]
    assert lock.nodes["other"].required_by == []


def test_a_class_of_unknown_origin_needs_every_pack_that_no_node_names(world: Any) -> None:
    pin = NodePackPin(repository="https://github.com/o/p", ref=COMMIT, commit=COMMIT)
    world.pins = Pins(nodes={"p": pin})
    assert world.lock().nodes["p"].required_by == []
    world.prompt["10"]["inputs"]["images"] = ["20", 0]
    world.prompt["20"] = {"class_type": "Mystery", "inputs": {"image": ["9", 0]}}
    assert world.lock().nodes["p"].required_by == ["poster"]


def beside(world: Any) -> dict[str, str]:
    needs = all_needs(world.spec, world.workflows, world.definitions)
    return companions(needs, world.definitions, Pins())


def test_the_definitions_file_holds_the_classes_in_use_and_is_pinned(world: Any) -> None:
    files = beside(world)
    text = files["runflow.definitions.json"]
    assert set(json.loads(text)["nodes"]) == {body["class_type"] for body in world.prompt.values()}
    pin = world.lock().definitions
    assert (pin.file, pin.sha256) == ("runflow.definitions.json", digest.of_bytes(text.encode()))


def test_without_definitions_there_is_no_file_of_them(world: Any) -> None:
    world.prompt = {
        "4": {
            "class_type": "RunflowOutputFile",
            "inputs": {"output_id": "out", "output_name": "", "value": "x"},
        },
    }
    world.text = "version: 1\ncomfyui: {ref: v0.8.0}\nendpoints: {poster: {workflow: w.json}}\n"
    assert world.lock().definitions is None
    assert beside(world) == {}


def test_requirements_are_sorted_and_targets_stand_with_nothing_in_them(world: Any) -> None:
    wished = world.replace(
        "endpoints:", "python: {requirements: [b>1, a, b>1], targets: [linux-cpu]}\nendpoints:"
    )
    python = wished.lock().python
    assert (python.requirements, list(python.targets)) == (["a", "b>1"], ["linux-cpu"])


def test_what_was_read_already_is_not_read_again(world: Any) -> None:
    needs = all_needs(world.spec, world.workflows, world.definitions)
    unread = compile_lock(world.spec, {}, world.definitions, world.pins, None, needs)
    assert unread == world.lock()


# -- exposed nodes


def refusal(world: Any, previous: Any) -> str:
    with pytest.raises(LockError) as caught:
        world.lock(previous)
    return str(caught.value)


def test_an_exposed_node_of_another_class_is_an_error_that_names_the_old_ones(world: Any) -> None:
    previous = world.lock()
    world.prompt["6"], world.prompt["5"] = world.prompt["5"], world.prompt["6"]
    assert refusal(world, previous) == (
        "runflow.yaml: error exposed-node-changed: node 6, which `prompt` of poster exposes, was "
        "CLIPTextEncode and is now EmptyLatentImage\n"
        '  CLIPTextEncode node 5 "Positive" (CLIPTextEncode); '
        'node 7 "Negative" (CLIPTextEncode)\n'
        "  fix       write the id of the node that is meant, or accept the change: "
        "runflow lock --upgrade poster"
    )


def test_an_exposed_node_that_is_gone_is_told_the_same_way(world: Any) -> None:
    previous = world.lock()
    world.prompt["66"] = world.prompt.pop("6")
    world.prompt["8"]["inputs"]["positive"] = ["66", 0]
    message = refusal(world, previous)
    assert "was CLIPTextEncode and is gone" in message
    assert "node 66" in message


def test_a_title_that_went_to_a_node_of_another_class_is_an_error_too(world: Any) -> None:
    """Whoever exposed `Positive` did not mean the node that is called so now."""
    world = world.replace('node: "6", field: text', "node: Positive, field: text")
    previous = world.lock()
    world.prompt["6"]["_meta"]["title"] = "Prompt"
    world.prompt["5"]["_meta"] = {"title": "Positive"}
    message = refusal(world, previous)
    assert (
        'the node "Positive", which `prompt` of poster exposes, was CLIPTextEncode and is now '
        "EmptyLatentImage"
    ) in message
    assert 'CLIPTextEncode node 6 "Prompt" (CLIPTextEncode)' in message


def test_a_title_follows_its_node_to_another_id(world: Any) -> None:
    world = world.replace('node: "6", field: text', "node: Positive, field: text")
    previous = world.lock()
    world.prompt["66"] = world.prompt.pop("6")
    world.prompt["8"]["inputs"]["positive"] = ["66", 0]
    assert world.lock(previous).endpoints["poster"].inputs["prompt"].node == "66"


def test_naming_another_node_is_a_decision(world: Any) -> None:
    previous = world.lock()
    moved = world.replace('node: "6", field: text', 'node: "8", field: steps')
    assert moved.lock(previous).endpoints["poster"].inputs["prompt"].node == "8"


def test_an_exposed_output_is_guarded_too(world: Any) -> None:
    previous = world.lock()
    world.prompt["10"], world.prompt["12"] = world.prompt["12"], world.prompt["10"]
    assert "node 10, which `image` of poster exposes" in refusal(world, previous)


def test_all_that_is_wrong_is_said_at_once(world: Any) -> None:
    previous = world.lock()
    world.prompt["6"], world.prompt["5"] = world.prompt["5"], world.prompt["6"]
    more = world.replace(
        "endpoints:",
        "endpoints:\n"
        "  two: {workflow: w.json, outputs: {x: {node: '77'}}}\n"
        "  three: {workflow: no.json}",
    )
    with pytest.raises(WorkflowError) as caught:
        more.lock(previous)
    codes = sorted(finding.code for finding in caught.value.findings)
    assert codes == ["exposed-node-changed", "file-missing", "node-missing"]


# -- the same lock, however things were found


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_order_of_nodes_pins_and_keys_leaves_no_trace(new_world: Any, data: Any) -> None:
    def shuffled(mapping: dict[str, Any]) -> dict[str, Any]:
        return {key: mapping[key] for key in data.draw(st.permutations(list(mapping)))}

    models = {f"loras/{name}": ModelPin(sha256=ONE) for name in "abc"}
    first = new_world(pins=Pins(models=models))
    second = new_world(pins=Pins(models=shuffled(models)))
    second.prompt = {
        key: {**body, "inputs": shuffled(body["inputs"])}
        for key, body in shuffled(second.prompt).items()
    }
    assert lock_text(second.lock()) == lock_text(first.lock())
