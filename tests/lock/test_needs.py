"""Which files of the outside an endpoint needs: those that are served, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.lock.model import NodePackPin
from runflow_build.lock.needs import Needs, homes_of, needs_of, packs_by_endpoint
from runflow_build.project.catalogue import shipped
from runflow_build.spec.model import Spec
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt, Workflow

OUTPUT = {"output_id": "out", "output_name": ""}


def needs_in(workflow: Workflow, models: Any = (), file: Any = None, **endpoint: Any) -> Needs:
    spec = Spec.model_validate(
        {
            "version": 1,
            "comfyui": {"ref": "v0.8.0"},
            "models": {path: {} for path in models},
            "endpoints": {"card": {"workflow": workflow.path, **endpoint}},
        }
    )
    return needs_of("card", spec, workflow, Definitions(file, shipped(None)))


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
    needs = needs_in(Workflow("a.json", "prompt", prompt), inputs={"photo": photo})
    return [one.path for one in needs.resources]


EXPOSED = {"node": "1", "field": "image"}


@pytest.mark.parametrize(
    ("prompt", "exposed"),
    [(picture, {}), (file, {}), (loader, EXPOSED)],
    ids=["picture", "file", "loader"],
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
    ids=["picture", "file", "loader"],
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


def test_an_embedding_is_needed_unless_every_caller_brings_the_text() -> None:
    prompt = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {
            "class_type": "CLIPTextEncode",
            "inputs": {"text": "embedding:ink", "clip": ["1", 1]},
        },
        "3": {"class_type": "RunflowOutputImage", "inputs": {**OUTPUT, "value": ["2", 0]}},
    }
    workflow = Workflow("a.json", "prompt", prompt)
    text = {"node": "2", "field": "text"}

    def models(**more: Any) -> list[str]:
        return [one.path for one in needs_in(workflow, **more).models]

    own = ["checkpoints/a.safetensors", "embeddings/ink.safetensors"]
    assert models() == models(inputs={"prompt": text}) == own
    assert models(inputs={"prompt": {**text, "required": True}}) == own[:1]
    assert models(models=["embeddings/ink.pt"]) == [own[0], "embeddings/ink.pt"]


def test_a_file_whose_folder_nothing_says_is_a_finding() -> None:
    prompt = {"1": {"class_type": "DetectorOfSomePack", "inputs": {"model_name": "face.pt"}}}
    workflow = Workflow("a.json", "prompt", prompt)
    [finding] = needs_in(workflow).findings
    assert (finding.code, finding.where.node) == ("model-unplaced", "1")
    assert needs_in(workflow, models=["ultralytics/face.pt"]).findings == []


def packs_of(*nodes: tuple[str, dict[str, str]], file: Any = None) -> Needs:
    """The needs of a graph with these (class, properties), each wired to an output of its own."""
    rows = [
        {
            "id": number,
            "type": kind,
            "properties": properties,
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [number]}],
        }
        for number, (kind, properties) in enumerate(nodes, 1)
    ]
    ends = [
        {
            "id": number + 100,
            "type": "PreviewImage",
            "properties": {"cnr_id": "comfy-core"},
            "inputs": [{"name": "images", "type": "IMAGE", "link": number}],
        }
        for number in range(1, len(nodes) + 1)
    ]
    links = [[number, number, 0, number + 100, 0, "IMAGE"] for number in range(1, len(nodes) + 1)]
    data = {"nodes": [*rows, *ends], "links": links, "version": 0.4}
    return needs_in(Workflow("a.json", "graph", data), file=file)


def test_a_class_that_nothing_is_known_of_has_no_home() -> None:
    needs = packs_of(
        ("ReActorFaceSwap", {}),
        ("ImageBlur+", {"cnr_id": "comfyui_essentials"}),
        ("ImageResizeKJ", {"aux_id": "kijai/ComfyUI-KJNodes"}),
        ("EmptyImage", {}),
    )
    assert needs.foreign == {"ReActorFaceSwap", "ImageBlur+", "ImageResizeKJ"}
    assert needs.homeless == {"ReActorFaceSwap"}


def test_a_class_of_a_newer_comfyui_is_of_no_pack() -> None:
    needs = packs_of(("LoadMoGeModel", {"cnr_id": "comfy-core", "ver": "0.19.0"}))
    assert needs.foreign == needs.homeless == set()
    assert needs.packs == []


def test_two_versions_of_one_pack_are_both_seen() -> None:
    needs = packs_of(
        ("ImageResizeKJ", {"cnr_id": "comfyui-kjnodes", "ver": "a" * 40}),
        ("ColorMatch", {"cnr_id": "comfyui-kjnodes", "ver": "b" * 40}),
    )
    assert [one.version for one in needs.packs] == ["a" * 40, "b" * 40]


def test_recorded_definitions_say_which_pack_a_class_is_from() -> None:
    raw = {"input": {}, "output": ["IMAGE"], "python_module": "custom_nodes.comfyui-reactor"}
    needs = packs_of(("ReActorFaceSwap", {}), file={"ReActorFaceSwap": raw})
    assert needs.foreign == {"ReActorFaceSwap"}
    assert needs.homeless == set()


def test_nodes_that_only_the_browser_has_need_no_pack() -> None:
    kj, rgthree = {"cnr_id": "comfyui-kjnodes"}, {"cnr_id": "rgthree-comfy"}
    image: dict[str, Any] = {"name": "IMAGE", "type": "IMAGE"}
    data = {
        "version": 0.4,
        "nodes": [
            {"id": 1, "type": "EmptyImage", "outputs": [{**image, "links": [1]}]},
            {
                "id": 2,
                "type": "SetNode",
                "properties": kj,
                "widgets_values": ["paper"],
                "inputs": [{**image, "link": 1}],
                "outputs": [{"name": "*", "type": "*", "links": None}],
            },
            {
                "id": 3,
                "type": "GetNode",
                "properties": kj,
                "widgets_values": ["paper"],
                "outputs": [{**image, "links": [2]}],
            },
            {"id": 4, "type": "PreviewImage", "inputs": [{**image, "name": "images", "link": 2}]},
            {"id": 5, "type": "Fast Groups Muter (rgthree)", "properties": rgthree},
            {"id": 6, "type": "ColorMatch", "properties": kj, "mode": 2},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 3, 0, 4, 0, "IMAGE"]],
    }
    needs = needs_in(Workflow("a.json", "graph", data))
    assert needs.prompt["4"]["inputs"] == {"images": ["1", 0]}
    assert needs.packs == []
    assert needs.foreign == set()


def pack(name: str, **more: Any) -> NodePackPin:
    url = f"https://github.com/owner/{name}"
    return NodePackPin(repository=url, commit="a" * 40, **more)


def test_a_class_has_the_home_that_its_node_or_a_look_up_says() -> None:
    needs = packs_of(
        ("Named", {"cnr_id": "comfyui-named"}),
        ("NamedOtherwise", {"cnr_id": "a-name-that-only-the-registry-knows"}),
        ("LookedUp", {}),
        ("Homeless", {}),
    )
    packs = {
        "ComfyUI-Named": pack("ComfyUI-Named"),
        "Found": pack("Found", classes=["LookedUp", "NamedOtherwise", "NotInUse"]),
    }
    assert homes_of(needs, packs) == {
        "Named": {"ComfyUI-Named"},
        "NamedOtherwise": {"Found"},
        "LookedUp": {"Found"},
    }


def test_a_pack_comes_with_the_packs_that_it_needs() -> None:
    one = packs_of(("LookedUp", {}))
    other = packs_of(("Named", {"cnr_id": "last"}))
    packs = {
        "first": pack("first", classes=["LookedUp"], needs=["middle"]),
        "middle": pack("middle", needs=["last", "first", "gone"]),
        "last": pack("last"),
    }
    assert packs_by_endpoint({"one": one, "other": other}, packs) == {
        "one": {"first", "middle", "last"},
        "other": {"last"},
    }


def test_a_pack_that_only_another_needs_is_no_home_of_unknown_classes() -> None:
    needs = packs_of(("Homeless", {}))
    packs = {"spare": pack("spare"), "user": pack("user", needs=["needed"])}
    packs |= {"needed": pack("needed"), "known": pack("known", classes=["Another"])}
    known = packs_of(("Another", {}))
    found = packs_by_endpoint({"one": needs, "two": known}, packs)
    assert found == {"one": {"needed", "spare", "user"}, "two": {"known"}}
