"""What is published for one endpoint, as a value; `rewrite` makes it, `publish` sends it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import ValidationError

from . import digest
from .document import Document
from .errors import BundleError
from .findings import Finding
from .lock.model import ComfyUIPin, GPUPin, ModelPin, NodePackPin, ResourcePin
from .workflow.contract_model import Contract, ContractInput, ContractOutput
from .workflow.drawing import drawn_fields
from .workflow.model import Prompt

BUNDLE_SCHEME = 1  # of the digest; a change of what it is over is a new number


class Bundle(Document):
    """One endpoint, ready to publish; stands on disk as `.runflow/build/<slug>.json`."""

    bundle: Literal[1] = 1
    digest: str  # sha256 over what the endpoint does; see `bundle_digest`
    slug: str
    name: str
    description: str | None
    prompt: Prompt  # what the API serves, local wiring gone, fields exposed
    graph: dict[str, Any] | None  # the editor graph published beside it; None for a prompt file
    contract: Contract  # of `prompt`
    gpu: GPUPin
    comfyui: ComfyUIPin | None
    nodes: dict[str, NodePackPin]  # those that this endpoint needs
    python: str  # version
    packages: dict[str, str]  # name -> exact version, over all targets
    models: dict[str, ModelPin]  # those that this endpoint uses
    resources: dict[str, ResourcePin]


def bundle_digest(bundle: Bundle) -> str:
    """sha256 over what decides how the endpoint looks and behaves to a caller.

    Its own digest, the slug, URLs, titles, the order of inputs (the lock does not keep it) and the
    editor graph are not in it: two bundles of one digest answer every request alike.
    """
    gpu = bundle.gpu
    shape = {
        "scheme": BUNDLE_SCHEME,
        "name": bundle.name,
        "description": bundle.description,
        "prompt": {node_id: _node_shape(node) for node_id, node in bundle.prompt.items()},
        "inputs": {key: _input_shape(row) for key, row in bundle.contract.inputs.items()},
        "outputs": {key: _output_shape(row) for key, row in bundle.contract.outputs.items()},
        "gpu": {"mode": gpu.mode, "min_vram_gb": gpu.min_vram_gb, "model": gpu.model},
        "comfyui": bundle.comfyui.commit if bundle.comfyui else None,
        "nodes": {name: pin.commit for name, pin in bundle.nodes.items()},
        "python": bundle.python,
        "packages": bundle.packages,
        "models": {path: pin.sha256 for path, pin in bundle.models.items()},
        "resources": {path: pin.sha256 for path, pin in bundle.resources.items()},
    }
    return digest.of(shape)


def _node_shape(node: dict[str, Any]) -> dict[str, Any]:
    shape = {"class_type": node["class_type"], "inputs": node["inputs"]}
    drawn = drawn_fields(node)
    return {**shape, "drawn": drawn} if drawn else shape


def _input_shape(row: ContractInput) -> dict[str, Any]:
    return {
        "type": row.type,
        "required": row.required,
        "node": row.node,
        "class": row.class_type,
        "field": row.field,
        "display_name": row.display_name,
        "description": row.description,
        "default": row.default,
        "minimum": row.minimum,
        "maximum": row.maximum,
        "step": row.step,
        "choices": row.choices,
    }


def _output_shape(row: ContractOutput) -> dict[str, Any]:
    return {
        "type": row.type,
        "node": row.node,
        "class": row.class_type,
        "display_name": row.display_name,
        "description": row.description,
    }


def bundle_text(bundle: Bundle) -> str:
    """The bundle as JSON, plain ASCII, a node or a pin on each line."""
    shape = bundle.model_dump(by_alias=True, exclude_none=True)
    # What `exclude_none` must not thin out: in a prompt or a graph, null is a value.
    shape["prompt"] = bundle.prompt
    shape["graph"] = bundle.graph
    shape["description"] = bundle.description
    shape["comfyui"] = shape.get("comfyui")
    return f"{_object({key: _value(part) for key, part in shape.items()}, ' ')}\n"


def _value(part: Any) -> str:
    if not isinstance(part, dict):
        return json.dumps(part, allow_nan=False)
    # Not `indent=`, which would bypass json's C encoder: 5,000 nodes are normal here.
    return _object({key: json.dumps(row, allow_nan=False) for key, row in part.items()}, "  ")


def _object(members: dict[str, str], indent: str) -> str:
    if not members:
        return "{}"
    rows = ",\n".join(f"{indent}{json.dumps(key)}: {text}" for key, text in members.items())
    return f"{{\n{rows}\n{indent[1:]}}}"


def read_bundle(text: str) -> Bundle:
    """The bundle that `bundle_text` wrote. Raises BundleError: `bundle-malformed`."""
    try:
        bundle = Bundle.model_validate(json.loads(text))
        if bundle.digest != bundle_digest(bundle):
            raise ValueError("the digest does not fit the content")
    except (ValueError, KeyError, RecursionError) as error:  # ValidationError is a ValueError
        raise BundleError(
            Finding(
                "bundle-malformed",
                "the bundle is not what this release writes: edited, damaged, or of another one",
                also=(("because", _reason(error)),),
                fix="build it again: runflow build",
            )
        ) from None
    return bundle


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"]
    return str(error)
