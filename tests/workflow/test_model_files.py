"""Model files of a prompt.

cases/models/templates.json are graphs from ComfyUI's own templates (comfyui-workflow-templates),
cut down to what is read here, each with the prompt that the real frontend made of it and the model
files, with URL, that its author declared for the nodes of that prompt.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.errors import WorkflowError
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt, Workflow
from runflow_build.workflow.model_files import ModelReference, model_references

TEMPLATES = Path(__file__).parent.parent / "cases" / "models" / "templates.json"


def prompt_of(class_type: str, **inputs: Any) -> Prompt:
    return {"1": {"class_type": class_type, "inputs": inputs, "_meta": {"title": "T"}}}


def graph(*rows: dict[str, Any], **more: Any) -> Workflow:
    """A graph whose node 1 has these rows of models."""
    nodes = [{"id": 1, "type": "X", "properties": {"models": list(rows)}}]
    return Workflow("w.json", "graph", {"nodes": nodes, **more})


@pytest.fixture(scope="session")
def found(definitions: Definitions) -> Callable[..., list[ModelReference]]:
    return lambda prompt, *more, **named: model_references(prompt, definitions, *more, **named)[0]


@pytest.fixture(scope="session")
def paths(found: Callable[..., list[ModelReference]]) -> Callable[..., list[str]]:
    """`paths(class, declared=(), field=value)`: the models of a prompt of one node."""

    def of(class_type: str, declared: Any = (), **inputs: Any) -> list[str]:
        prompt = prompt_of(class_type, **inputs)
        return [one.path for one in found(prompt, declared=declared)]

    return of


@pytest.fixture(scope="session")
def codes(definitions: Definitions) -> Callable[..., list[str]]:
    def of(class_type: str, declared: Any = (), **inputs: Any) -> list[str]:
        prompt = prompt_of(class_type, **inputs)
        _, findings = model_references(prompt, definitions, declared=declared)
        return [finding.code for finding in findings]

    return of


# -- folders


@pytest.mark.parametrize(
    ("class_type", "field", "path"),
    [
        ("CheckpointLoaderSimple", "ckpt_name", "checkpoints/m.safetensors"),
        ("UNETLoader", "unet_name", "diffusion_models/m.safetensors"),
        ("DualCLIPLoader", "clip_name2", "text_encoders/m.safetensors"),
        ("CLIPVisionLoader", "clip_name", "clip_vision/m.safetensors"),
        ("UpscaleModelLoader", "model_name", "upscale_models/m.safetensors"),
        ("LatentUpscaleModelLoader", "model_name", "latent_upscale_models/m.safetensors"),
        ("ModelPatchLoader", "name", "model_patches/m.safetensors"),
        ("LTXVAudioVAELoader", "ckpt_name", "checkpoints/m.safetensors"),
        ("TrainLoraNode", "existing_lora", "loras/m.safetensors"),
    ],
)
def test_the_catalogue_knows_the_folder_of_a_core_loader(
    paths: Any, class_type: str, field: str, path: str
) -> None:
    assert paths(class_type, **{field: "m.safetensors"}) == [path]


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("ckpt_name", "checkpoints/m.gguf"),
        ("lora_01", "loras/m.gguf"),
        ("lora_name_3", "loras/m.gguf"),
        ("vae_name", "vae/m.gguf"),
        ("unet_name", "diffusion_models/m.gguf"),
        ("clip_name1", "text_encoders/m.gguf"),
        ("controlnet_name", "controlnet/m.gguf"),
        ("upscale_model", "upscale_models/m.gguf"),
    ],
)
def test_the_loader_of_a_pack_calls_its_inputs_like_the_cores(
    paths: Any, field: str, path: str
) -> None:
    assert paths("LoaderOfSomePack", **{field: "m.gguf"}) == [path]
    assert paths("LoaderOfSomePack", **{field: "no model"}) == []


def test_a_core_class_has_no_model_but_where_the_catalogue_knows_of_one(
    paths: Any, codes: Any
) -> None:
    inputs = {"vae": "m.safetensors", "text": "m.safetensors"}
    assert paths("CLIPTextEncode", **inputs) == codes("CLIPTextEncode", **inputs) == []


@pytest.mark.parametrize("value", ["None", "[None]", "pixel_space", "", 5, None, ["2", 0], {}])
def test_what_is_no_file_name_is_no_model(paths: Any, codes: Any, value: Any) -> None:
    assert paths("VAELoader", vae_name=value) == codes("VAELoader", vae_name=value) == []


def test_a_tiny_vae_is_a_pair_of_files_of_any_suffix(found: Any) -> None:
    encoder, decoder = found(prompt_of("VAELoader", vae_name="taesd"))
    assert encoder.path == "vae_approx/taesd_encoder.safetensors"
    assert decoder.path == "vae_approx/taesd_decoder.safetensors"
    assert "vae_approx/taesd_decoder.pth" in decoder.also
    pth = "vae_approx/taesd_decoder.pth"
    assert found(prompt_of("VAELoader", vae_name="taesd"), declared=[pth])[1].path == pth


def test_a_decoder_for_video_lies_with_the_tiny_vaes(paths: Any) -> None:
    assert paths("VAELoader", vae_name="taehv.safetensors") == ["vae_approx/taehv.safetensors"]


def test_a_loader_of_a_whole_folder_has_the_files_that_runflow_yaml_names(
    paths: Any, codes: Any
) -> None:
    declared = ["diffusers/sd/unet/m.safetensors", "diffusers/sdxl/m.safetensors", "loras/sd/a.pt"]
    assert paths("DiffusersLoader", declared, model_path="sd") == declared[:1]
    assert codes("DiffusersLoader", declared, model_path="sd") == []
    assert codes("DiffusersLoader", model_path="sd") == ["folder-unlocked"]
    assert codes("DiffusersLoader", model_path="") == []


def test_of_an_unknown_loader_runflow_yaml_can_say_the_folder(paths: Any, codes: Any) -> None:
    declared = ["ultralytics/bbox/face.pt", "ultralytics/bbox/hand.pt"]
    assert paths("DetectorOfSomePack", declared, model_name="bbox/face.pt") == declared[:1]
    assert codes("DetectorOfSomePack", declared, model_name="bbox/face.pt") == []
    assert codes("DetectorOfSomePack", model_name="bbox/face.pt") == ["model-unplaced"]


@pytest.mark.parametrize("text", ["https://h.example/m.safetensors", "see\nm.safetensors", "m.png"])
def test_a_text_that_is_no_file_name_is_not_missed(codes: Any, text: str) -> None:
    assert codes("ClassOfSomePack", anything=text) == []


def test_every_recorded_input_is_one_of_its_class(definitions: Definitions) -> None:
    file = Path(__file__).parents[2] / "runflow_build" / "catalogue" / "file_fields.json"
    classes = json.loads(file.read_bytes())["classes"]
    assert classes["LoraLoader"] == {"lora_name": "models/loras"}
    for class_type, fields in classes.items():
        definition = definitions.get(class_type)
        assert definition
        assert {one.name for one in definition.inputs if one.choices is not None} >= set(fields)


# -- values that hold several names


def test_rows_of_a_stacking_loader_count_unless_they_are_switched_off(paths: Any) -> None:
    rows = {
        "lora_1": {"on": True, "lora": "a\\b.safetensors", "strength": 1},
        "lora_2": {"on": False, "lora": "c.safetensors", "strength": 1},
        "PowerLoraLoaderHeaderWidget": {"type": "PowerLoraLoaderHeaderWidget"},
    }
    assert paths("Power Lora Loader (rgthree)", **rows) == ["loras/a/b.safetensors"]


def test_a_list_of_names_counts_one_by_one(paths: Any) -> None:
    names = ["a.safetensors", "b.safetensors"]
    expected = ["loras/a.safetensors", "loras/b.safetensors"]
    assert paths("StackOfSomePack", lora_name={"__value__": names}) == expected
    assert paths("StackOfSomePack", lora_name=[*names, 3]) == expected


# -- names


def test_paths_are_posix_whoever_saved_them(paths: Any) -> None:
    for value in (
        "styles\\ink.safetensors",
        " styles/ink.safetensors",
        "./styles//ink.safetensors",
    ):
        assert paths("LoraLoader", lora_name=value) == ["loras/styles/ink.safetensors"]


@pytest.mark.parametrize(
    "value",
    [
        "../../x.ckpt",
        "/etc/x.ckpt",
        "C:\\x.ckpt",
        "\\\\server\\share\\x.ckpt",
        "a/../../x.ckpt",
        "a\0b.ckpt",
    ],
)
def test_a_model_outside_its_folder_is_refused(paths: Any, value: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        paths("CheckpointLoaderSimple", ckpt_name=value)
    [finding] = caught.value.findings
    assert (finding.code, finding.where.node, finding.where.title) == ("path-escapes", "1", "T")


ANY_NAME = st.text(st.sampled_from("aé漢😀. /\\:\0\n~%$'\"*-"), max_size=12)


@given(
    name=st.builds("".join, st.lists(ANY_NAME | st.sampled_from(["..", "C:", "//"]), max_size=4)),
    suffix=st.sampled_from([".safetensors", ".PT", ".gguf", ""]),
    class_type=st.sampled_from(["LoraLoader", "LoaderOfSomePack", "DiffusersLoader"]),
    directory=st.sampled_from([None, "loras", "../etc", "a\\b", "/"]),
)
def test_a_reference_always_stays_below_its_folder(
    definitions: Definitions, name: str, suffix: str, class_type: str, directory: str | None
) -> None:
    prompt = prompt_of(class_type, lora_name=name + suffix, model_path=name)
    workflow = graph({"name": name + suffix, "directory": directory})
    try:
        references, _ = model_references(prompt, definitions, workflow)
    except WorkflowError as error:
        assert {finding.code for finding in error.findings} == {"path-escapes"}
        return
    for one in references:
        assert str(PurePosixPath(one.path)) == one.path
        assert ".." not in one.path.split("/") and "/" in one.path
        assert not one.path.startswith("/") and "\\" not in one.path and "\0" not in one.path


# -- what the graph itself says


def test_the_graph_adds_what_it_knows_of_a_file(found: Any) -> None:
    row = {
        "name": "m.gguf",
        "url": "https://example.com/m.gguf",
        "directory": "unet_gguf",
        "hash": "AB" * 32,
        "hash_type": "SHA256",
    }
    [reference] = found(prompt_of("OddLoader", file="sub\\m.gguf"), graph(row))
    assert reference.path == "unet_gguf/sub/m.gguf"
    assert (reference.url, reference.sha256) == ("https://example.com/m.gguf", "ab" * 32)
    assert (reference.node, reference.title, reference.field) == ("1", "T", "file")


def test_a_row_of_a_file_that_the_node_no_longer_names_is_not_needed(found: Any) -> None:
    row = {"name": "old.safetensors", "url": "https://example.com/old", "directory": "loras"}
    [reference] = found(prompt_of("LoraLoader", lora_name="new.safetensors"), graph(row))
    assert (reference.path, reference.url) == ("loras/new.safetensors", None)
    assert found(prompt_of("LoraLoader", lora_name="None"), graph(row)) == []


@pytest.mark.parametrize("directory", ["clip", "checkpoints", "text_encoders/t5", None])
def test_what_a_core_loader_reads_is_not_for_a_row_to_say(found: Any, directory: Any) -> None:
    row = {"name": "t5.safetensors", "url": "https://example.com/t5", "directory": directory}
    [reference] = found(prompt_of("CLIPLoader", clip_name="t5.safetensors"), graph(row))
    assert (reference.path, reference.url) == ("text_encoders/t5.safetensors", row["url"])


def test_an_old_name_of_a_folder_is_the_new_one(found: Any) -> None:
    row = {"name": "m.sft", "directory": "unet"}
    assert found(prompt_of("Odd", file="m.sft"), graph(row))[0].path == "diffusion_models/m.sft"


def test_models_of_the_whole_graph_serve_every_node(found: Any) -> None:
    rows = [{"name": "a.pt", "url": "https://example.com/a", "directory": "sams"}]
    workflow = graph({"name": "b.pt"}, models=rows)
    [reference] = found(prompt_of("Odd", file="a.pt"), workflow)
    assert (reference.path, reference.url) == ("sams/a.pt", "https://example.com/a")


@pytest.mark.parametrize(
    ("kind", "digest", "kept"),
    [
        ("sha256", "A" * 64, "a" * 64),
        ("SHA-256", "a" * 64, "a" * 64),
        ("BLAKE3", "a" * 64, None),
        ("sha256", "a" * 10, None),
        ("sha256", "x" * 64, None),
        (None, "a" * 64, None),
    ],
)
def test_only_a_whole_sha256_is_a_hash_that_a_lock_can_hold(
    found: Any, kind: Any, digest: str, kept: Any
) -> None:
    row = {"name": "a.ckpt", "hash": digest, "hash_type": kind}
    prompt = prompt_of("CheckpointLoaderSimple", ckpt_name="a.ckpt")
    assert found(prompt, graph(row))[0].sha256 == kept


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://h.example/a?download=true", "https://h.example/a?download=true"),
        ("https://me:secret@h.example/a?token=t&x=1#part", "https://h.example/a?x=1"),
        ("https://h.example/a?API_KEY=t&X-Amz-Signature=s", "https://h.example/a"),
        ("https://[h.example/a", None),
        ("file:///home/me/a", None),
        ("C:\\models\\a", None),
        ("https:///a", None),
        (["https://h.example/a"], None),
    ],
)
def test_a_graphs_url_is_public_or_none(found: Any, url: Any, public: str | None) -> None:
    prompt = prompt_of("CheckpointLoaderSimple", ckpt_name="a.ckpt")
    [reference] = found(prompt, graph({"name": "a.ckpt", "url": url}))
    assert reference.url == public


@pytest.mark.parametrize(
    "template", json.loads(TEMPLATES.read_bytes()), ids=lambda one: one["name"]
)
def test_a_template_names_what_its_author_declared(found: Any, template: dict[str, Any]) -> None:
    workflow = Workflow("w.json", "graph", template["graph"])
    references = found(template["prompt"], workflow)
    assert {one.path: one.url for one in references} == template["models"]
