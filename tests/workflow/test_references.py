from __future__ import annotations

from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.workflow.model import Prompt, Workflow
from runflow_build.workflow.references import (
    PackReference,
    model_references,
    node_classes,
    pack_references,
    resource_references,
)


def prompt_of(class_type: str, **inputs: Any) -> Prompt:
    return {"1": {"class_type": class_type, "inputs": inputs, "_meta": {"title": "T"}}}


def model_paths(class_type: str, **inputs: Any) -> list[str]:
    return [one.path for one in model_references(prompt_of(class_type, **inputs))]


def resource_paths(class_type: str, **inputs: Any) -> list[str]:
    return [one.path for one in resource_references(prompt_of(class_type, **inputs))]


def refused(call: Any, *arguments: Any) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        call(*arguments)
    return [finding.code for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("class_type", "field", "path"),
    [
        ("CheckpointLoaderSimple", "ckpt_name", "checkpoints/m.safetensors"),
        ("UNETLoader", "unet_name", "diffusion_models/m.safetensors"),
        ("DualCLIPLoader", "clip_name2", "text_encoders/m.safetensors"),
        ("CLIPVisionLoader", "clip_name", "clip_vision/m.safetensors"),
        ("UpscaleModelLoader", "model_name", "upscale_models/m.safetensors"),
        ("ModelPatchLoader", "name", "model_patches/m.safetensors"),
        ("UnetLoaderOfSomePack", "unet_name", "diffusion_models/m.safetensors"),
    ],
)
def test_a_loaders_field_tells_the_folder(class_type: str, field: str, path: str) -> None:
    assert model_paths(class_type, **{field: "m.safetensors"}) == [path]


def test_paths_are_posix_whoever_saved_them() -> None:
    assert model_paths("LoraLoader", lora_name="styles\\ink.safetensors") == [
        "loras/styles/ink.safetensors"
    ]


@pytest.mark.parametrize("value", ["None", "taesd", "", 5, None, ["2", 0]])
def test_what_is_no_file_name_is_no_model(value: Any) -> None:
    assert model_paths("VAELoader", vae_name=value) == []


@pytest.mark.parametrize("value", ["../../x.ckpt", "/etc/x.ckpt", "C:\\x.ckpt", "a/../../x.ckpt"])
def test_a_model_outside_its_folder_is_refused(value: str) -> None:
    prompt = prompt_of("CheckpointLoaderSimple", ckpt_name=value)
    assert refused(model_references, prompt) == ["path-escapes"]


def test_the_graph_adds_what_it_knows_of_a_file() -> None:
    row = {
        "name": "m.gguf",
        "url": "https://example.com/m.gguf",
        "directory": "unet_gguf",
        "hash": "AB" * 32,
        "hash_type": "SHA256",
    }
    graph = Workflow(
        "w.json", "graph", {"nodes": [{"id": 1, "type": "X", "properties": {"models": [row]}}]}
    )
    [reference] = model_references(prompt_of("OddLoader", file="sub\\m.gguf"), graph)
    assert reference.path == "unet_gguf/sub/m.gguf"
    assert (reference.url, reference.sha256) == ("https://example.com/m.gguf", "ab" * 32)
    assert (reference.node, reference.title, reference.field) == ("1", "T", "file")
    assert model_references(prompt_of("OddLoader", file="other.gguf"), graph) == []


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://h.example/a?download=true", "https://h.example/a?download=true"),
        ("https://me:secret@h.example/a?token=t&x=1#part", "https://h.example/a?x=1"),
        ("https://[h.example/a", None),
        ("file:///home/me/a", None),
        ("C:\\models\\a", None),
        ("https:///a", None),
    ],
)
def test_a_graphs_url_is_public_or_none(url: str, public: str | None) -> None:
    rows = {"models": [{"name": "a.ckpt", "url": url}]}
    node = {"id": 1, "type": "CheckpointLoaderSimple", "properties": rows}
    prompt = prompt_of("CheckpointLoaderSimple", ckpt_name="a.ckpt")
    [reference] = model_references(prompt, Workflow("w.json", "graph", {"nodes": [node]}))
    assert reference.url == public


@pytest.mark.parametrize(
    ("class_type", "inputs", "paths"),
    [
        ("LoadImage", {"image": "x.png"}, ["input/x.png"]),
        ("LoadImage", {"image": "sub\\x.png"}, ["input/sub/x.png"]),
        ("LoadImage", {"image": "x.png [input]"}, ["input/x.png"]),
        ("LoadImageMask", {"image": "x.png", "channel": "alpha"}, ["input/x.png"]),
        ("LoadAudio", {"audio": "a.mp3", "audioUI": ""}, ["input/a.mp3"]),
        ("LoadVideo", {"file": "v.mp4"}, ["input/v.mp4"]),
        ("RunflowInputFile", {"input_id": "a", "file_name": "d.pdf"}, ["input/d.pdf"]),
        ("RunflowInputFile", {"input_id": "a", "file_name": ""}, []),
        ("LoadImage", {"image": ["2", 0]}, []),
        ("CLIPTextEncode", {"text": "x.png"}, []),
    ],
)
def test_only_a_loaders_own_field_names_an_input_file(
    class_type: str, inputs: dict[str, Any], paths: list[str]
) -> None:
    assert resource_paths(class_type, **inputs) == paths


@pytest.mark.parametrize("value", ["../x.png", "/x.png", "a/../../x.png [input]"])
def test_an_input_file_outside_the_folder_is_refused(value: str) -> None:
    assert refused(resource_references, prompt_of("LoadImage", image=value)) == ["path-escapes"]


@pytest.mark.parametrize("value", ["x.png [output]", "sub/x.png[temp]"])
def test_a_file_of_an_earlier_run_is_refused(value: str) -> None:
    prompt = prompt_of("LoadImage", image=value)
    assert refused(resource_references, prompt) == ["resource-not-input"]


def test_packs_are_what_nodes_say_of_themselves_in_subgraphs_too() -> None:
    def node(number: int, class_type: str, **properties: str) -> dict[str, Any]:
        return {"id": number, "type": class_type, "properties": properties}

    data = {
        "nodes": [
            node(1, "KSampler", cnr_id="comfy-core", ver="0.8.0"),
            node(2, "A", cnr_id="pack-a", ver="1.2.3"),
            node(3, "B", aux_id="owner/pack-b", ver="0" * 40),
            node(4, "C"),
            {"id": 5, "type": "D"},
        ],
        "definitions": {"subgraphs": [{"id": "s", "nodes": [node(7, "E", cnr_id="pack-e")]}]},
    }
    assert pack_references(Workflow("w.json", "graph", data)) == [
        PackReference("A", "pack-a", None, "1.2.3", "2"),
        PackReference("B", None, "owner/pack-b", "0" * 40, "3"),
        PackReference("E", "pack-e", None, None, "7"),
    ]


def test_subgraphs_that_are_none_are_passed_over() -> None:
    data = {"nodes": [], "definitions": {"subgraphs": [{"nodes": True}, 5]}}
    assert pack_references(Workflow("w.json", "graph", data)) == []


def test_a_prompt_file_names_no_packs() -> None:
    assert pack_references(Workflow("w.json", "prompt", {})) == []


def test_classes_are_those_of_all_nodes() -> None:
    assert node_classes(prompt_of("A")) == {"A"}
