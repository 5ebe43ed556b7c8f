"""Names of files get slashes; other text keeps its backslashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runflow_build.rewrite.paths import posix_embeddings, posix_paths


def test_only_the_named_places_change_and_the_original_does_not() -> None:
    prompt = {
        "1": {"class_type": "A", "inputs": {"name": "a\\b.safetensors", "text": "a\\b"}},
        "2": {"class_type": "B", "inputs": {"name": ["1", 0]}},
    }
    changed = posix_paths(prompt, [("1", "name"), ("2", "name"), ("3", "gone")])
    assert changed["1"]["inputs"] == {"name": "a/b.safetensors", "text": "a\\b"}
    assert prompt["1"]["inputs"]["name"] == "a\\b.safetensors"
    assert changed["2"] == prompt["2"]


def test_models_and_input_files_of_a_windows_author_are_found_on_linux(
    world: Callable[..., Any],
) -> None:
    data = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "cats\\a.png"}},
        "2": {"class_type": "VAELoader", "inputs": {"vae_name": "flux\\ae.safetensors"}},
        "3": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["2", 0]}},
        "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["2", 0]}},
        "5": {
            "class_type": "SaveImage",
            "inputs": {"images": ["4", 0], "filename_prefix": "a\\b"},
        },
    }
    made = world(data, outputs={"picture": {"node": "5"}}, keep=["5"])
    prompt = made.rewritten().prompt
    assert prompt["1"]["inputs"]["image"] == "cats/a.png"
    assert prompt["2"]["inputs"]["vae_name"] == "flux/ae.safetensors"
    assert prompt["5"]["inputs"]["filename_prefix"] == "a\\b"


def test_a_value_with_several_names_gets_slashes_in_each() -> None:
    value = {"on": True, "lora": "a\\b.safetensors", "strength": 1.0, "more": ["c\\d"]}
    prompt = {"1": {"class_type": "A", "inputs": {"lora_1": value}}}
    changed = posix_paths(prompt, [("1", "lora_1")])
    assert changed["1"]["inputs"]["lora_1"] == {
        "on": True,
        "lora": "a/b.safetensors",
        "strength": 1.0,
        "more": ["c/d"],
    }


def test_in_a_text_only_the_names_of_embeddings_get_slashes() -> None:
    text = "a \\(cat\\), (embedding:styles\\ink:1.2) embedding: b\\c\\d, x\\y"
    prompt = {"1": {"class_type": "A", "inputs": {"text": text}}}
    changed = posix_embeddings(prompt, [("1", "text")])
    assert changed["1"]["inputs"]["text"] == (
        "a \\(cat\\), (embedding:styles/ink:1.2) embedding: b/c/d, x\\y"
    )
    assert posix_embeddings(changed, [("1", "text")]) == changed
