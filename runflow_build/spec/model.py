"""runflow.yaml as a value, format version 1: what a person wishes for.

A `Wish` is what somebody asks for; its answer is the `Pin` of the same thing in `lock.model`.
Reading the text, with lines and columns, is `spec.read`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from ..document import Document, refusal
from .rules import (
    FormatNumber,
    GitRef,
    ModelPath,
    NodeRef,
    Organization,
    PackName,
    Positive,
    PythonVersion,
    RelativePath,
    Requirement,
    ResourcePath,
    Sha256,
    Slug,
    Target,
    Text,
    TrustedHost,
    TrustedRepository,
    WebUrl,
)

SPEC_VERSION = 1
UPSTREAM_COMFYUI = "https://github.com/comfyanonymous/ComfyUI"

Choice = Literal["deny", "warn", "allow"]


class ComfyUIWish(Document):
    """Which ComfyUI to run on."""

    ref: GitRef  # tag, branch or full commit
    repository: WebUrl = UPSTREAM_COMFYUI


class PythonWish(Document):
    """Which Python, on which platforms, and what it needs that ComfyUI and the packs do not ask."""

    version: PythonVersion = "3.12"
    targets: list[Target] = []  # platform + torch backend: linux-cu128
    requirements: list[Requirement] = []  # PEP 508


class NodePackWish(Document):
    """Where a node pack comes from; the key is its folder name in custom_nodes/."""

    repository: WebUrl | None = None
    ref: GitRef | None = None  # tag, branch or full commit


class ModelWish(Document):
    """Where a model file comes from; the key is its path below models/."""

    url: WebUrl | None = None
    sha256: Sha256 | None = None  # lower-case hex, of the whole file
    size: int | None = Field(default=None, ge=0)  # bytes
    pickle: Literal["allow"] | None = None  # this one file may hold pickled code, which can do harm


class ResourceWish(Document):
    """Where an input file comes from that is not in ./input; the key is `input/<path>`."""

    url: WebUrl
    sha256: Sha256 | None = None  # lower-case hex, of the whole file
    size: int | None = Field(default=None, ge=0)  # bytes


class Policy(Document):
    """What a lock may hold. Each `Choice` says what becomes of a breach."""

    pickle_models: Choice = "deny"  # .ckpt .pt .pth .bin: loading one can run code
    dirty_repositories: Choice = "deny"  # code with changes that are in no commit
    unsourced_models: Choice = "deny"  # a hash, and nowhere to fetch the file
    unresolved: Choice = "deny"  # a wish that locking could not pin
    trusted_repositories: list[TrustedRepository] = []  # owner/name or owner/*, for code
    trusted_hosts: list[TrustedHost] = ["huggingface.co", "civitai.com", "github.com"]  # for data
    install_scripts: list[PackName] = []  # packs whose install.py may run


class GPUWish(Document):
    """The cheapest GPU with enough memory, or one named model; not both."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["min_vram_gb"]}, {"required": ["model"]}]}
    )

    min_vram_gb: Positive | None = None  # the cheapest GPU with at least this much memory
    model: Text | None = None  # just this GPU: l40s

    @model_validator(mode="after")
    def _exactly_one(self) -> GPUWish:
        if (self.min_vram_gb is None) == (self.model is None):
            given = "neither min_vram_gb nor" if self.model is None else "both min_vram_gb and"
            raise refusal(
                f"names {given} model; it needs one of the two",
                "write {min_vram_gb: 24} for the cheapest that fits, or {model: l40s}",
            )
        return self


class InputWish(Document):
    """Refines the input of that name, or (with `node` and `field`) makes any node's field one."""

    model_config = ConfigDict(
        json_schema_extra={"dependentRequired": {"node": ["field"], "field": ["node"]}}
    )

    node: NodeRef | None = None  # id or unique title of the node whose field is exposed
    field: Text | None = None  # the node's input that the value goes into
    display_name: str | None = None  # what a form calls it
    description: str | None = None
    required: bool | None = None  # absent: a Runflow node's own word; false for an exposed field
    default: Any = None  # what an optional input is when the caller leaves it out
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: Positive | None = None
    choices: list[str] | None = Field(default=None, min_length=1)  # the only values allowed

    @model_validator(mode="after")
    def _makes_sense(self) -> InputWish:
        if (self.node is None) != (self.field is None):
            given, lacking = ("node", "field") if self.field is None else ("field", "node")
            raise refusal(
                f"has `{given}` without `{lacking}`",
                "write both to expose a node's field, or neither to refine a Runflow input",
            )
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise refusal("has a minimum above its maximum", "swap the two")
        return self


class OutputWish(Document):
    """Refines the output of that name, or (with `node`) makes an output node's files one."""

    node: NodeRef | None = None  # id or unique title of the output node that is exposed
    display_name: str | None = None  # what a form calls it
    description: str | None = None


class EndpointWish(Document):
    """One endpoint; the key is its slug."""

    workflow: RelativePath  # POSIX path relative to runflow.yaml; editor graph or prompt
    name: Text | None = None  # what people call it; absent: the slug
    description: str | None = None
    gpu: GPUWish | None = None  # absent: the cheapest
    inputs: dict[Text, InputWish] = {}  # the Runflow Input nodes say this by themselves
    outputs: dict[Text, OutputWish] = {}  # the Runflow Output nodes say this by themselves
    keep: list[NodeRef] = []  # output nodes to run although no declared output needs them


class Spec(Document):
    """The whole of runflow.yaml."""

    version: Annotated[Literal[1], FormatNumber]  # of this format
    organization: Organization | None = None  # owner in the URL; absent: that of the API key
    project: Text | None = None  # who owns the published endpoints; absent: the folder's name
    comfyui: ComfyUIWish
    python: PythonWish = PythonWish()
    nodes: dict[PackName, NodePackWish] = {}
    models: dict[ModelPath, ModelWish] = {}
    resources: dict[ResourcePath, ResourceWish] = {}
    policy: Policy = Policy()
    endpoints: dict[Slug, EndpointWish]
