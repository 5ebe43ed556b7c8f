"""runflow.yaml as a value, format version 1: what a person wishes for.

A `Wish` is what somebody asks for; its answer is the `Pin` of the same thing in `lock.model`.
Reading the text, with lines and columns, is `spec.read`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..document import Document

SPEC_VERSION = 1
UPSTREAM_COMFYUI = "https://github.com/comfyanonymous/ComfyUI"

Choice = Literal["deny", "warn", "allow"]


def _node_id(value: Any) -> Any:
    """`node: 6` means the id "6": every id is text, and an integer loses nothing on the way."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


NodeRef = Annotated[str, BeforeValidator(_node_id), Field(min_length=1)]


class ComfyUIWish(Document):
    """Which ComfyUI to run on."""

    ref: str  # tag, branch or full commit
    repository: str = UPSTREAM_COMFYUI


class PythonWish(Document):
    """Which Python, on which platforms, and what it needs beyond ComfyUI's and the packs' wishes."""

    version: str = "3.12"
    targets: list[str] = []  # platform + torch backend: linux-cu128
    requirements: list[str] = []  # PEP 508


class NodePackWish(Document):
    """Where a node pack comes from; the key is its folder name in custom_nodes/."""

    repository: str | None = None
    ref: str | None = None  # tag, branch or full commit


class ModelWish(Document):
    """Where a model file comes from; the key is its path below models/."""

    url: str | None = None
    sha256: str | None = None  # lower-case hex, of the whole file
    size: int | None = None  # bytes
    pickle: Literal["allow"] | None = None  # this one file may hold pickled code


class ResourceWish(Document):
    """Where an input file comes from that is not in ./input; the key is `input/<path>`."""

    url: str
    sha256: str | None = None
    size: int | None = None  # bytes


class Policy(Document):
    """What a lock may hold. Each `Choice` says what becomes of a breach."""

    pickle_models: Choice = "deny"
    dirty_repositories: Choice = "deny"
    unsourced_models: Choice = "deny"
    trusted_repositories: list[str] = []  # owner/name or owner/*
    trusted_hosts: list[str] = ["huggingface.co", "civitai.com", "github.com"]
    install_scripts: list[str] = []  # packs whose install.py may run


class GPUWish(Document):
    """The cheapest GPU with enough memory, or one named model; not both."""

    min_vram_gb: float | None = Field(default=None, gt=0)
    model: str | None = None


class InputWish(Document):
    """Refines the input of that name, or (with `node` and `field`) makes any node's field one."""

    node: NodeRef | None = None  # id or unique title
    field: str | None = None
    display_name: str | None = None
    description: str | None = None
    required: bool | None = None  # None: a Runflow node's own word; for an exposed field, false
    default: Any = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    step: float | int | None = None
    choices: list[str] | None = None


class OutputWish(Document):
    """Refines the output of that name, or (with `node`) makes an output node's files one."""

    node: NodeRef | None = None  # id or unique title
    display_name: str | None = None
    description: str | None = None


class EndpointWish(Document):
    """One endpoint; the key is its slug."""

    workflow: str  # POSIX path relative to runflow.yaml; editor graph or prompt
    name: str | None = None  # default: the slug
    description: str | None = None
    gpu: GPUWish | None = None
    inputs: dict[str, InputWish] = {}
    outputs: dict[str, OutputWish] = {}
    keep: list[NodeRef] = []  # output nodes to run although no declared output needs them


class Spec(Document):
    """The whole of runflow.yaml."""

    version: Literal[1]
    organization: str | None = None
    project: str | None = None  # None: the name of the folder
    comfyui: ComfyUIWish
    python: PythonWish = PythonWish()
    nodes: dict[str, NodePackWish] = {}
    models: dict[str, ModelWish] = {}
    resources: dict[str, ResourceWish] = {}
    policy: Policy = Policy()
    endpoints: dict[str, EndpointWish]
