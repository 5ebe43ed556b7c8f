"""A small world for the pure half of locking: runflow.yaml's text and a prompt, as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from runflow_build.findings import Finding
from runflow_build.lock.compile import compile_lock
from runflow_build.lock.freshness import disagreements
from runflow_build.lock.model import Lock, Pins
from runflow_build.project.catalogue import shipped
from runflow_build.spec.model import Spec
from runflow_build.spec.read import read_spec
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.formats import read_workflow
from runflow_build.workflow.model import Workflow


def node(class_type: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    meta = {"_meta": {"title": title}} if title else {}
    return {"class_type": class_type, "inputs": inputs, **meta}


PROMPT: dict[str, dict[str, Any]] = {
    "1": node("CheckpointLoaderSimple", ckpt_name="sd.safetensors"),
    "2": node("LoadImage", image="cat.png"),
    "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
    "6": node("CLIPTextEncode", "Positive", text="a cat", clip=["1", 1]),
    "7": node("CLIPTextEncode", "Negative", text="", clip=["1", 1]),
    "8": node(
        "KSampler",
        seed=1,
        steps=20,
        cfg=8.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
        model=["1", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "9": node("VAEDecode", samples=["8", 0], vae=["1", 2]),
    "10": node("SaveImage", "Result", images=["9", 0], filename_prefix="x"),
    "11": node("ImageInvert", image=["2", 0]),
    "12": node("PreviewImage", "Aside", images=["11", 0]),
}

SPEC = """\
version: 1
comfyui: {ref: v0.8.0}
endpoints:
  poster:
    workflow: w.json
    inputs:
      prompt: {node: "6", field: text}
    outputs:
      image: {node: "10"}
"""


@dataclass
class World:
    """What locking is given; tests change a part and ask again."""

    text: str = SPEC
    prompt: dict[str, dict[str, Any]] = field(
        default_factory=lambda: json.loads(json.dumps(PROMPT))
    )
    pins: Pins = field(default_factory=Pins)
    definitions: Definitions = field(default_factory=lambda: Definitions(None, shipped("0.8.0")))

    @property
    def spec(self) -> Spec:
        return read_spec(self.text).spec

    @property
    def workflows(self) -> dict[str, Workflow]:
        return {"w.json": read_workflow(json.dumps(self.prompt).encode(), "w.json")}

    def replace(self, old: str, new: str) -> World:
        """The same world with another runflow.yaml."""
        assert old in self.text
        return World(self.text.replace(old, new), self.prompt, self.pins, self.definitions)

    def lock(self, previous: Lock | None = None) -> Lock:
        return compile_lock(self.spec, self.workflows, self.definitions, self.pins, previous)

    def disagreements(self, lock: Lock) -> list[Finding]:
        return disagreements(self.spec, self.workflows, self.definitions, lock)


@pytest.fixture
def new_world() -> Callable[..., World]:
    return World


@pytest.fixture
def world() -> World:
    return World()
