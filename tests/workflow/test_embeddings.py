"""Which `embedding:name` ComfyUI's tokenizers look for.

Compared with comfy/sd1_clip.py at 3cd7b32f on 200,000 random texts of such parts: no difference.
"""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.errors import WorkflowError
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.embeddings import embedding_references, names_in
from runflow_build.workflow.model import Prompt


def encoding(text: Any, **more: Any) -> Prompt:
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}},
        **more,
    }


def paths(prompt: Prompt, definitions: Definitions, *declared: str) -> list[str]:
    return [one.path for one in embedding_references(prompt, definitions, declared)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("embedding:ink", ["ink"]),
        ("a cat, embedding:ink, embedding:ash.pt", ["ink", "ash.pt"]),
        ("a cat\nembedding:ink\nin rain", ["ink"]),
        ("a cat,embedding:ink", []),
        ("(embedding:ink:1.2) (a cat:1.1)", ["ink"]),
        ("((embedding:ink))", ["ink"]),
        ("(a cat (embedding:ink:0.5) embedding:ash:1.2)", ["ink", "ash"]),
        ("embedding:ink:1.2", ["ink:1.2"]),
        ("(embedding:ink", []),
        ("embedding:ink\\(2\\)", ["ink(2)"]),
        ("embedding: ink", ["ink"]),
        ("embedding:styles\\ink", ["styles\\ink"]),
        ("embedding:", []),
        ("embedding: , ", []),
        ("an Embedding:ink", []),
    ],
)
def test_names_stand_where_comfyui_looks_for_them(text: str, names: list[str]) -> None:
    assert sorted(names_in(text)) == sorted(names)


def test_deep_parentheses_end() -> None:
    assert list(names_in("(" * 5000 + "embedding:a" + ")" * 5000)) == []


def test_a_name_without_suffix_is_any_of_three_files(definitions: Definitions) -> None:
    [one] = embedding_references(encoding("embedding:styles\\ink"), definitions)
    assert one.path == "embeddings/styles/ink.safetensors"
    assert one.also == ("embeddings/styles/ink.pt", "embeddings/styles/ink.bin")
    assert (one.node, one.class_type, one.field) == ("2", "CLIPTextEncode", "text")


def test_a_name_with_its_suffix_is_that_file(definitions: Definitions) -> None:
    assert paths(encoding("embedding:ink.pt"), definitions) == ["embeddings/ink.pt"]


@pytest.mark.parametrize("own", ["embeddings/ink.pt", "embeddings/sd15/ink.safetensors"])
def test_runflow_yaml_says_which_file_is_meant(definitions: Definitions, own: str) -> None:
    others = ("loras/ink.pt", "embeddings/pink.pt")
    assert paths(encoding("embedding:ink"), definitions, *others, own) == [own]


def test_only_texts_on_their_way_to_an_encoder_name_embeddings(definitions: Definitions) -> None:
    more = {
        "3": {"class_type": "PrimitiveString", "inputs": {"value": "embedding:ink"}},
        "4": {"class_type": "PrimitiveString", "inputs": {"value": "embedding:ash"}},
        "5": {"class_type": "PreviewAny", "inputs": {"source": ["4", 0]}},
        "6": {"class_type": "EncoderOfSomePack", "inputs": {"positive": "embedding:oak"}},
    }
    found = paths(encoding(["3", 0], **more), definitions)
    assert found == ["embeddings/ink.safetensors", "embeddings/oak.safetensors"]


def test_an_embedding_outside_its_folder_is_refused(definitions: Definitions) -> None:
    with pytest.raises(WorkflowError) as caught:
        embedding_references(encoding("embedding:../../secret.pt"), definitions)
    assert [finding.code for finding in caught.value.findings] == ["path-escapes"]
