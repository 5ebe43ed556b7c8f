"""runflow.lock as a value, format 1: every wish beside the pin that answers it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..document import Document
from ..workflow.contract_model import ContractInput, ContractOutput

LOCK_FORMAT = 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class FilePin(Document):
    """A companion file beside the lock."""

    file: str
    sha256: Sha256


class ComfyUIPin(Document):
    """The ComfyUI that the endpoints run on."""

    repository: str
    ref: str  # the wish it answers
    commit: Commit
    version: str | None = None  # None: not known for this commit
    dirty: bool = False  # captured from a working tree with local changes


class RegistryPin(Document):
    """What the Comfy Registry calls this commit."""

    id: str
    version: str


class NodePackPin(Document):
    """One node pack, held by commit; the key is its folder name in custom_nodes/."""

    repository: str
    ref: str | None = None  # the wish it answers; None: found in a workflow or an install
    commit: Commit
    dirty: bool = False  # captured from a working tree with local changes
    registry: RegistryPin | None = None
    classes: list[str] = []  # in use, of which only a look-up says that this pack brings them
    needs: list[str] = []  # keys of the packs that this one asks for (comfy-env-root.toml)
    required_by: list[str] = []  # slugs


class TargetPins(Document):
    """What only one platform has."""

    packages: dict[str, str] = {}
    pylock: FilePin | None = None


class PythonPins(Document):
    """The Python that everything runs on."""

    version: str
    requirements: list[str] = []  # the wish
    packages: dict[str, str] = {}  # what all targets share: name -> exact version
    targets: dict[str, TargetPins] = {}


class ModelPin(Document):
    """One model file, held by content; the key is its POSIX path below models/."""

    sha256: Sha256  # lower-case hex, of the whole file
    size: int | None = None  # bytes; None: never seen, only declared
    url: str | None = None  # where these bytes can be had again; None: not known, and a finding
    wanted: str | None = None  # the wish, where it is another URL
    used_by: list[str] = []  # slugs


class ResourcePin(Document):
    """One input file, held by content; the key is `input/<POSIX path>`."""

    sha256: Sha256
    size: int | None = None  # bytes
    url: str | None = None  # None: it lies in the project and travels as an asset
    wanted: str | None = None  # the wish, where it is another URL
    used_by: list[str] = []  # slugs


class GPUPin(Document):
    """`cheapest` that fits, or the named `model`."""

    mode: Literal["cheapest", "model"] = "cheapest"
    min_vram_gb: int | float | None = None
    model: str | None = None


class EndpointPin(Document):
    """One endpoint: its prompt by digest, and its contract in full, because reviewers read it."""

    name: str
    workflow: str  # POSIX path relative to the lock
    prompt: Sha256  # of the canonical prompt
    description: str | None = None
    inputs: dict[str, ContractInput] = {}
    outputs: dict[str, ContractOutput] = {}
    keep: list[str] = []  # node ids
    gpu: GPUPin = GPUPin()


class Lock(Document):
    """The whole of runflow.lock."""

    lock: Literal[1] = 1
    comfyui: ComfyUIPin | None = None  # None: not resolved, which validation reports
    runflow: str | None = None  # release whose Runflow nodes are used; None: none of them is
    nodes: dict[str, NodePackPin] = {}
    python: PythonPins
    definitions: FilePin | None = None
    models: dict[str, ModelPin] = {}
    resources: dict[str, ResourcePin] = {}
    endpoints: dict[str, EndpointPin] = {}


class Pins(Document):
    """What `resolve` found: answers without the wishes; whatever has no answer is absent."""

    comfyui: ComfyUIPin | None = None
    nodes: dict[str, NodePackPin] = {}  # `required_by` is filled in by the compiler
    python: PythonPins | None = None
    models: dict[str, ModelPin] = {}  # `used_by` is filled in by the compiler
    resources: dict[str, ResourcePin] = {}
    companions: dict[str, str] = {}  # the text of each pylock file that `python` names, by its name
