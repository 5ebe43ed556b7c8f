"""A bundle in the API's words: the body that creates or updates an endpoint. Pure.

Fields that the API's documentation does not name are sent only where the spec sets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..bundle import Bundle
from ..content_type import content_type_of
from ..errors import ApiError
from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where
from ..lock.model import GPUPin, ResourcePin
from ..workflow import runflow_nodes
from ..workflow.contract_model import TYPE_CODES, Contract, ContractInput, ContractOutput
from .provenance import Provenance

Body = dict[str, Any]

DOCUMENTED = (
    "name",
    "workflow_json",
    "graph",
    "environment",
    "custom_nodes",
    "models",
    "resources",
    "description",
)
# What a field is set to when the spec no longer sets it and an earlier publish did.
OPTIONAL: Mapping[str, Any] = {
    "description": None,
    "gpu_mode": "auto",
    "gpu_models": [],
    "inputs": [],
    "outputs": [],
}

# Runflow's own classes are locked by plugin version, so no pin of ours names a commit. The hosted
# API installs packs by commit: it gets the public plugin's, whose node ids ours are.
_OWN_PACK = "ComfyUI-Runflow"
_OWN_PACK_ENTRY = {
    "origin": "https://github.com/runflow-io/ComfyUI-Runflow",
    "commit": "08721e33039c1255bca30a767817235584397e88",
    "dirty": False,
}

# The hosted GPUs with their memory, cheapest first. "At least 40 GB" has no field of its own on the
# wire; it is said as the list of models that have it.
_GPUS = (("L4", 24), ("A10G", 24), ("L40S", 48), ("A100", 80), ("H100", 80))


@dataclass(frozen=True)
class Asset:
    """A file in the API's storage."""

    id: str
    url: str  # signed, for a time
    mime_type: str
    size_bytes: int


def body_of(bundle: Bundle, provenance: Provenance, assets: Mapping[str, Asset]) -> Body:
    """The body of a create; an update's is the same less `slug`.

    `assets` is by sha256; a resource without one is described by its hash alone, which is enough
    to compare.
    """
    optional = optional_fields(bundle)
    return {
        "name": bundle.name,
        "slug": bundle.slug,
        "workflow_json": bundle.prompt,
        "graph": bundle.graph or {},
        "environment": {
            "packages": [
                {"name": name, "version": bundle.packages[name]} for name in sorted(bundle.packages)
            ],
            "cached_models": {"huggingface": [], "pytorch": []},
            **_comfyui(bundle),
            "runflow": {
                "bundle": bundle.digest,
                "project": provenance.project,
                "lock": provenance.lock,
                "tool": f"runflow-build {__version__}",
                # So that a later publish can take back what this one set.
                **({"sets": sorted(optional)} if optional else {}),
            },
        },
        "custom_nodes": _custom_nodes(bundle),
        "models": {
            path: {"sha256": pin.sha256, **({"url": pin.url} if pin.url else {})}
            for path, pin in sorted(bundle.models.items())
        },
        "resources": {
            path.removeprefix("input/"): _resource(path, pin, assets.get(pin.sha256))
            for path, pin in sorted(bundle.resources.items())
        },
        **optional,
    }


def optional_fields(bundle: Bundle) -> Body:
    """The fields that are sent only because the spec asks for them."""
    fields: Body = {}
    if bundle.description is not None:
        fields["description"] = bundle.description
    fields.update(_gpu(bundle.slug, bundle.gpu))
    if rows := _input_rows(bundle.contract):
        fields["inputs"] = rows
    if rows := _output_rows(bundle.contract):
        fields["outputs"] = rows
    return fields


def spec_key(bundle: Bundle, field: str) -> Key:
    """The place in runflow.yaml that decides a field of the body; the endpoint, if none does."""
    head, _, rest = field.partition(".")
    key: Key = ("endpoints", bundle.slug)
    if head in ("name", "description"):
        return (*key, head)
    if head in ("gpu_mode", "gpu_models"):
        return (*key, "gpu")
    if head in ("inputs", "outputs"):
        rows = optional_fields(bundle).get(head, [])
        index = rest.partition(".")[0]
        row = int(index) if index.isdecimal() and len(index) < 6 else len(rows)
        return (*key, head, rows[row]["name"]) if row < len(rows) else (*key, head)
    if head == "custom_nodes" and rest:
        return ("nodes", rest.partition(".")[0])
    return ("resources",) if head == "resources" else key


def _comfyui(bundle: Bundle) -> Body:
    pin = bundle.comfyui
    if pin is None:
        return {}
    return {"comfyui": {"origin": pin.repository, "commit": pin.commit, "dirty": pin.dirty}}


def _custom_nodes(bundle: Bundle) -> Body:
    packs = {
        name: {"origin": pin.repository, "commit": pin.commit, "dirty": pin.dirty}
        for name, pin in sorted(bundle.nodes.items())
    }
    classes = {node["class_type"] for node in bundle.prompt.values()}
    if classes & set(runflow_nodes.definitions()):
        packs[_OWN_PACK] = dict(_OWN_PACK_ENTRY)
    return packs


def _resource(path: str, pin: ResourcePin, asset: Asset | None) -> Body:
    row: Body = {"mime_type": content_type_of(path), "size_bytes": pin.size, "sha256": pin.sha256}
    if pin.url:
        return {"url": pin.url, **row}
    if asset is None:
        return row
    known = {"mime_type": asset.mime_type, "size_bytes": asset.size_bytes}
    return {"asset_id": asset.id, "url": asset.url, **row, **known}


def _gpu(slug: str, gpu: GPUPin) -> Body:
    if gpu.mode == "model" and gpu.model:
        return {"gpu_mode": "pinned", "gpu_models": [gpu.model.upper()]}
    if gpu.min_vram_gb is None:
        return {}
    fitting = [name for name, memory_gb in _GPUS if memory_gb >= gpu.min_vram_gb]
    if not fitting:
        largest = max(memory_gb for _, memory_gb in _GPUS)
        raise ApiError(
            Finding(
                "gpu-none-fits",
                f"no GPU of the API has {gpu.min_vram_gb:g} GB; the largest have {largest}",
                Where(file=SPEC_FILE, key=("endpoints", slug, "gpu", "min_vram_gb")),
                fix=f"ask for at most {largest}, or name one: gpu: {{model: …}}",
            )
        )
    return {"gpu_mode": "pinned", "gpu_models": fitting}


# What Runflow nodes say about themselves is read off the prompt by every server; a row is needed
# for a field that no Runflow node can stand in front of, such as a combo.


def _input_rows(contract: Contract) -> list[Body]:
    return [
        _input_row(name, row, order)
        for order, (name, row) in enumerate(contract.inputs.items())
        if row.class_type not in runflow_nodes.INPUTS
    ]


def _input_row(name: str, row: ContractInput, order: int) -> Body:
    limits = {
        limit: value
        for limit in ("minimum", "maximum", "step", "choices")
        if (value := getattr(row, limit)) is not None
    }
    return {
        "name": name,
        "variable_type_code": TYPE_CODES[row.type],
        "is_required": row.required,
        "sort_order": order,
        "comfyui_node_id": row.node,
        "comfyui_field_name": row.field,
        **_said(row),
        **({"default_value": row.default} if row.default is not None else {}),
        **({"validator_attrs": limits} if limits else {}),
    }


def _output_rows(contract: Contract) -> list[Body]:
    return [
        {
            "name": name,
            "variable_type_code": TYPE_CODES[row.type],
            "sort_order": order,
            "comfyui_node_id": row.node,
            **_said(row),
        }
        for order, (name, row) in enumerate(contract.outputs.items())
        if row.class_type not in runflow_nodes.OUTPUTS
    ]


def _said(row: ContractInput | ContractOutput) -> Body:
    """What a person sees, where the author says it."""
    texts = {"display_name": row.display_name, "description": row.description}
    return {name: text for name, text in texts.items() if text is not None}
