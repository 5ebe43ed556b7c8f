"""What is published for one endpoint, as a value; `rewrite` makes it, `publish` sends it."""

from __future__ import annotations

from typing import Any, Literal

from .document import Document
from .lock.model import ComfyUIPin, GPUPin, ModelPin, NodePackPin, ResourcePin
from .workflow.model import Contract, Prompt

BUNDLE_SCHEME = 1


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
