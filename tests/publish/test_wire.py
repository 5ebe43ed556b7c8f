"""The body of a publish, in the API's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build import __version__
from runflow_build.bundle import Bundle
from runflow_build.lock.model import GPUPin, ResourcePin
from runflow_build.publish.provenance import Provenance
from runflow_build.publish.wire import Asset, body_of, spec_key
from runflow_build.workflow.contract_model import Contract, ContractInput, ContractOutput

Card = Callable[..., Bundle]


def test_the_whole_body_of_a_plain_endpoint(card: Card, source: Provenance) -> None:
    bundle = card()
    assert body_of(bundle, source, {}) == {
        "name": "Card",
        "slug": "card",
        "workflow_json": bundle.prompt,
        "graph": bundle.graph,
        "environment": {
            "packages": [
                {"name": "aiohttp", "version": "3.12.13"},
                {"name": "torch", "version": "2.8.0"},
            ],
            "cached_models": {"huggingface": [], "pytorch": []},
            "comfyui": {
                "origin": "https://github.com/comfyanonymous/ComfyUI",
                "commit": "3c" * 20,
                "dirty": False,
            },
            "runflow": {
                "bundle": bundle.digest,
                "project": "cards",
                "lock": "ef" * 32,
                "tool": f"runflow-build {__version__}",
                "sets": ["description"],
            },
        },
        "custom_nodes": {
            "Pack": {
                "origin": "https://github.com/acme/Pack",
                "commit": "ab" * 20,
                "dirty": False,
            },
            "ComfyUI-Runflow": {
                "origin": "https://github.com/runflow-io/ComfyUI-Runflow",
                "commit": "08721e33039c1255bca30a767817235584397e88",
                "dirty": False,
            },
        },
        "models": {
            "loras/style.safetensors": {"sha256": "cd" * 32, "url": "https://acme.example/s"}
        },
        "resources": {},
        "description": "A plain card.",
    }


def test_what_is_not_known_is_left_out(card: Card, source: Provenance) -> None:
    prompt: Any = {"1": {"class_type": "SaveImage", "inputs": {}}}
    bundle = card(prompt=prompt, comfyui=None, nodes={}, graph=None, description=None)
    body = body_of(bundle, source, {})
    assert "comfyui" not in body["environment"]
    assert "sets" not in body["environment"]["runflow"]
    assert "description" not in body
    assert (body["custom_nodes"], body["graph"]) == ({}, {})


def test_a_resource_is_an_asset_or_a_url(card: Card, source: Provenance) -> None:
    bundle = card(
        resources={
            "input/sub/a.webp": ResourcePin(sha256="12" * 32, size=5),
            "input/long.mp4": ResourcePin(sha256="34" * 32, size=9, url="https://acme.example/l"),
        }
    )
    asset = Asset("asset-1", "https://storage.example/a", "image/webp", 5)
    assert body_of(bundle, source, {"12" * 32: asset})["resources"] == {
        "sub/a.webp": {
            "asset_id": "asset-1",
            "url": "https://storage.example/a",
            "mime_type": "image/webp",
            "size_bytes": 5,
            "sha256": "12" * 32,
        },
        "long.mp4": {
            "url": "https://acme.example/l",
            "mime_type": "video/mp4",
            "size_bytes": 9,
            "sha256": "34" * 32,
        },
    }


@pytest.mark.parametrize(
    ("gpu", "mode", "models"),
    [
        (GPUPin(mode="model", model="l40s"), "pinned", ["L40S"]),
        (GPUPin(min_vram_gb=24), "pinned", ["L4", "A10G", "L40S", "A100", "H100"]),
        (GPUPin(min_vram_gb=40.5), "pinned", ["L40S", "A100", "H100"]),
        (GPUPin(), None, None),
    ],
)
def test_a_gpu_wish_is_a_list_of_models_that_fit_cheapest_first(
    card: Card, source: Provenance, gpu: GPUPin, mode: str | None, models: list[str] | None
) -> None:
    body = body_of(card(gpu=gpu), source, {})
    assert (body.get("gpu_mode"), body.get("gpu_models")) == (mode, models)


def _with_rows(card: Card) -> Bundle:
    contract = Contract(
        inputs={
            **card().contract.inputs,
            "mode": ContractInput(
                type="COMBO",
                required=False,
                node="4",
                class_type="ImageBlend",
                field="blend_mode",
                display_name="Print",
                default="screen",
                choices=["screen", "multiply"],
            ),
        },
        outputs={"file": ContractOutput(type="FILE", node="5", class_type="SaveAudio")},
    )
    return card(contract=contract)


def test_rows_are_sent_for_what_no_runflow_node_says(card: Card, source: Provenance) -> None:
    body = body_of(_with_rows(card), source, {})
    assert body["inputs"] == [
        {
            "name": "mode",
            "variable_type_code": "string",
            "is_required": False,
            "sort_order": 1,
            "comfyui_node_id": "4",
            "comfyui_field_name": "blend_mode",
            "display_name": "Print",
            "default_value": "screen",
            "validator_attrs": {"choices": ["screen", "multiply"]},
        }
    ]
    assert body["outputs"] == [
        {"name": "file", "variable_type_code": "file", "sort_order": 0, "comfyui_node_id": "5"}
    ]
    assert body["environment"]["runflow"]["sets"] == ["description", "inputs", "outputs"]


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("name", ("endpoints", "card", "name")),
        ("gpu_models.0", ("endpoints", "card", "gpu")),
        ("inputs.0.variable_type_code", ("endpoints", "card", "inputs", "mode")),
        ("inputs.7", ("endpoints", "card", "inputs")),
        ("inputs.²", ("endpoints", "card", "inputs")),
        ("outputs.0", ("endpoints", "card", "outputs", "file")),
        ("custom_nodes.Pack.commit", ("nodes", "Pack")),
        ("resources.a.png", ("resources",)),
        ("workflow_json.6", ("endpoints", "card")),
    ],
)
def test_a_field_of_the_body_leads_back_to_runflow_yaml(
    card: Card, field: str, key: tuple[str, ...]
) -> None:
    assert spec_key(_with_rows(card), field) == key
