"""A bundle's digest changes with what callers would notice, and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.bundle import Bundle, bundle_digest, bundle_text, read_bundle
from runflow_build.errors import BundleError

INPUT = {
    "type": "INT",
    "required": False,
    "node": "2",
    "class": "RunflowInputInt",
    "title": "Steps",
    "field": "value",
    "display_name": "Steps",
    "description": "How long to work",
    "default": 20,
    "minimum": 1,
    "maximum": 50,
    "step": 1,
    "choices": None,
}
OUTPUT = {
    "type": "IMAGE",
    "node": "9",
    "class": "RunflowOutputImage",
    "title": "Result",
    "display_name": "Picture",
    "description": "The result",
}
SHAPE: dict[str, Any] = {
    "digest": "",
    "slug": "poster",
    "name": "Poster",
    "description": "Makes posters",
    "prompt": {
        "2": {
            "class_type": "RunflowInputInt",
            "inputs": {"input_id": "steps", "value": 20},
            "_meta": {"title": "Steps"},
        },
        "9": {"class_type": "RunflowOutputImage", "inputs": {"value": ["5", 0], "nothing": None}},
    },
    "graph": {"nodes": [{"id": 2, "pos": [0, 0], "color": None}], "links": []},
    "contract": {"inputs": {"steps": INPUT}, "outputs": {"image": OUTPUT}},
    "gpu": {"mode": "cheapest", "min_vram_gb": 24},
    "comfyui": {
        "repository": "https://github.com/comfyanonymous/ComfyUI",
        "ref": "v0.8.0",
        "commit": "a" * 40,
        "version": "0.8.0",
    },
    "nodes": {
        "ComfyUI-KJNodes": {
            "repository": "https://github.com/kijai/ComfyUI-KJNodes",
            "ref": "main",
            "commit": "b" * 40,
            "registry": {"id": "kj", "version": "1.0"},
            "required_by": ["poster"],
        }
    },
    "python": "3.12",
    "packages": {"torch": "2.8.0+cu128"},
    "models": {
        "checkpoints/a.safetensors": {
            "sha256": "c" * 64,
            "size": 5,
            "url": "https://huggingface.co/a",
            "wanted": "https://huggingface.co/b",
            "used_by": ["poster"],
        }
    },
    "resources": {"input/cat.png": {"sha256": "d" * 64, "size": 7, "used_by": ["poster"]}},
}


def changed(path: str, value: Any) -> Bundle:
    """The bundle with another value at `a/b/c`; missing mappings on the way are made."""

    def at(shape: dict[str, Any], keys: list[str]) -> dict[str, Any]:
        first, *rest = keys
        return {**shape, first: at(shape.get(first, {}), rest) if rest else value}

    return Bundle.model_validate(at(SHAPE, path.split("|")))


BUNDLE = Bundle.model_validate(SHAPE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "Poster 2"),
        ("description", None),
        ("prompt|2|class_type", "RunflowInputFloat"),
        ("prompt|2|inputs|value", 21),
        ("prompt|7", {"class_type": "ImageInvert", "inputs": {}}),
        ("contract|inputs|steps|type", "FLOAT"),
        ("contract|inputs|steps|required", True),
        ("contract|inputs|steps|node", "3"),
        ("contract|inputs|steps|class", "KSampler"),
        ("contract|inputs|steps|field", "steps"),
        ("contract|inputs|steps|display_name", "Work"),
        ("contract|inputs|steps|description", None),
        ("contract|inputs|steps|default", 10),
        ("contract|inputs|steps|minimum", None),
        ("contract|inputs|steps|maximum", 100),
        ("contract|inputs|steps|step", 5),
        ("contract|inputs|steps|choices", ["1", "2"]),
        ("contract|inputs", {}),
        ("contract|outputs|image|type", "FILE"),
        ("contract|outputs|image|node", "8"),
        ("contract|outputs|image|class", "SaveImage"),
        ("contract|outputs|image|display_name", None),
        ("contract|outputs|image|description", None),
        ("gpu|mode", "model"),
        ("gpu|min_vram_gb", 48),
        ("gpu|model", "l40s"),
        ("comfyui", None),
        ("comfyui|commit", "e" * 40),
        ("nodes|ComfyUI-KJNodes|commit", "e" * 40),
        ("nodes|Another", SHAPE["nodes"]["ComfyUI-KJNodes"]),
        ("python", "3.13"),
        ("packages|torch", "2.9.0"),
        ("models|checkpoints/a.safetensors|sha256", "e" * 64),
        ("resources|input/cat.png|sha256", "e" * 64),
        ("resources|input/dog.png", {"sha256": "d" * 64}),
    ],
)
def test_what_a_caller_would_notice_changes_the_digest(path: str, value: Any) -> None:
    assert bundle_digest(changed(path, value)) != bundle_digest(BUNDLE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("digest", "f" * 64),
        ("slug", "another"),
        ("prompt|2|_meta|title", "Number of steps"),
        ("graph", None),
        ("graph|nodes", [{"id": 2, "pos": [300, 0]}]),
        ("contract|inputs|steps|title", "Another title"),
        ("contract|outputs|image|title", None),
        ("comfyui|repository", "https://github.com/Comfy-Org/ComfyUI"),
        ("comfyui|ref", "a" * 40),
        ("comfyui|version", None),
        ("nodes|ComfyUI-KJNodes|repository", "https://example.com/KJNodes"),
        ("nodes|ComfyUI-KJNodes|ref", None),
        ("nodes|ComfyUI-KJNodes|registry", None),
        ("nodes|ComfyUI-KJNodes|required_by", ["another", "poster"]),
        ("models|checkpoints/a.safetensors|url", "https://mirror.example.com/a"),
        ("models|checkpoints/a.safetensors|wanted", None),
        ("models|checkpoints/a.safetensors|size", None),
        ("models|checkpoints/a.safetensors|used_by", ["another", "poster"]),
        ("resources|input/cat.png|url", "https://example.com/cat.png"),
    ],
)
def test_what_a_caller_would_not_notice_leaves_the_digest(path: str, value: Any) -> None:
    assert bundle_digest(changed(path, value)) == bundle_digest(BUNDLE)


def test_what_a_run_draws_is_in_the_digest() -> None:
    drawn = changed("prompt|2|_meta|drawn", {"value": "choice"})
    assert bundle_digest(drawn) != bundle_digest(BUNDLE)
    other = changed("prompt|2|_meta|drawn", {"value": "date"})
    assert bundle_digest(other) != bundle_digest(drawn)


def test_the_digest_is_the_same_in_every_release() -> None:
    expected = "2f59cd26d7b7d05f80faea290a8d00e82fc885d55a6ffe4e66d5d941ecc4888f"
    assert bundle_digest(BUNDLE) == expected


def test_a_bundle_is_read_back_as_it_was_written() -> None:
    whole = BUNDLE.model_copy(update={"digest": bundle_digest(BUNDLE)})
    text = bundle_text(whole)
    assert read_bundle(text) == whole
    assert bundle_text(read_bundle(text)) == text


def test_nulls_of_prompt_and_graph_survive_the_file() -> None:
    whole = BUNDLE.model_copy(update={"digest": bundle_digest(BUNDLE)})
    again = read_bundle(bundle_text(whole))
    assert again.prompt["9"]["inputs"]["nothing"] is None
    assert again.graph == SHAPE["graph"]


def test_a_node_or_pin_stands_on_each_line() -> None:
    lines = bundle_text(BUNDLE).splitlines()
    assert (
        '  "ComfyUI-KJNodes": {"repository": "https://github.com/kijai/ComfyUI-KJNodes"'
        in (lines[lines.index(' "nodes": {') + 1])
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "Input should be a valid dictionary or instance of Bundle"),
        (bundle_text(BUNDLE), "the digest does not fit the content"),
        (bundle_text(BUNDLE).replace('"bundle": 1', '"bundle": 2'), "bundle: Input should be 1"),
        (
            bundle_text(BUNDLE).replace('"slug": "poster"', '"slug": 5'),
            "slug: Input should be a valid string",
        ),
    ],
)
def test_an_edited_or_damaged_bundle_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BundleError) as caught:
        read_bundle(text)
    (finding,) = caught.value.findings
    assert (finding.code, finding.also) == ("bundle-malformed", (("because", reason),))
