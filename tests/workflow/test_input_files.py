from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.input_files import resource_references


@pytest.fixture(scope="session")
def paths(definitions: Definitions) -> Callable[..., list[str]]:
    """`paths(class, declared=(), field=value)`: the input files of a prompt of one node."""

    def of(class_type: str, declared: Any = (), **inputs: Any) -> list[str]:
        prompt = {"1": {"class_type": class_type, "inputs": inputs}}
        return [one.path for one in resource_references(prompt, definitions, declared)[0]]

    return of


@pytest.mark.parametrize(
    ("class_type", "inputs", "expected"),
    [
        ("LoadImage", {"image": "x.png"}, ["input/x.png"]),
        ("LoadImage", {"image": "sub\\x.png"}, ["input/sub/x.png"]),
        ("LoadImage", {"image": "x.png [input]"}, ["input/x.png"]),
        ("LoadImage", {"image": "猫 😀.png"}, ["input/猫 😀.png"]),
        ("LoadImageMask", {"image": "x.png", "channel": "alpha"}, ["input/x.png"]),
        ("LoadAudio", {"audio": "a.mp3", "audioUI": ""}, ["input/a.mp3"]),
        ("LoadVideo", {"file": "v.mp4"}, ["input/v.mp4"]),
        ("LoadLatent", {"latent": "l.latent"}, ["input/l.latent"]),
        ("Load3D", {"model_file": "3d/x.glb", "image": ""}, ["input/3d/x.glb"]),
        ("GeminiInputFiles", {"file": "x.pdf"}, ["input/x.pdf"]),
        ("RunflowInputFile", {"input_id": "a", "file_name": "d.pdf"}, ["input/d.pdf"]),
        ("RunflowInputFile", {"input_id": "a", "file_name": ""}, []),
        ("LoadImage", {"image": ["2", 0]}, []),
        ("LoadImage", {"image": {"__value__": ["x.png"]}}, []),
        ("CLIPTextEncode", {"text": "x.png"}, []),
        ("LoraLoader", {"lora_name": "x.safetensors"}, []),
    ],
)
def test_only_a_loaders_own_field_names_an_input_file(
    paths: Any, class_type: str, inputs: dict[str, Any], expected: list[str]
) -> None:
    assert paths(class_type, **inputs) == expected


def test_a_loader_of_a_pack_is_known_by_its_upload_button() -> None:
    raw = {"input": {"required": {"clip": [["a.mp4"], {"video_upload": True}]}}}
    prompt = {"1": {"class_type": "LoadClip", "inputs": {"clip": "b.mp4", "other": "c.mp4"}}}
    [one], _ = resource_references(prompt, Definitions({"LoadClip": raw}, {}))
    assert (one.path, one.node, one.class_type, one.field) == (
        "input/b.mp4",
        "1",
        "LoadClip",
        "clip",
    )
    assert resource_references(prompt, Definitions(None, {})) == ([], [])


def test_of_a_whole_folder_the_files_are_those_that_runflow_yaml_names(
    definitions: Definitions, paths: Any
) -> None:
    declared = ["input/cats/a.png", "input/cats/b.png", "input/dogs/a.png"]
    assert paths("LoadImageDataSetFromFolder", declared, folder="cats") == declared[:2]
    prompt = {"1": {"class_type": "LoadImageDataSetFromFolder", "inputs": {"folder": "cats"}}}
    _, [finding] = resource_references(prompt, definitions)
    assert (finding.code, finding.severity) == ("folder-unlocked", "warning")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("../x.png", "path-escapes"),
        ("/x.png", "path-escapes"),
        ("C:\\x.png", "path-escapes"),
        ("a\0.png", "path-escapes"),
        ("a/../../x.png [input]", "path-escapes"),
        ("x.png [output]", "resource-not-input"),
        ("sub/x.png[temp]", "resource-not-input"),
    ],
)
def test_what_an_endpoint_does_not_have_is_refused(paths: Any, value: str, code: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        paths("LoadImage", image=value)
    assert [finding.code for finding in caught.value.findings] == [code]
