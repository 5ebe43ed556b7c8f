"""A small world to rewrite in: an endpoint over a workflow, locked and rewritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from runflow_build.bundle import Bundle
from runflow_build.lock.compile import compile_lock
from runflow_build.lock.model import Lock, Pins
from runflow_build.lock.text import lock_text, read_lock
from runflow_build.project.catalogue import shipped
from runflow_build.rewrite import rewrite
from runflow_build.spec.model import Spec
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Workflow


@dataclass(frozen=True)
class World:
    """An endpoint `poster`, its workflow, and the lock over both."""

    workflow: Workflow
    definitions: Definitions
    lock: Lock

    def rewritten(self) -> Bundle:
        return rewrite(self.workflow, self.definitions, self.lock, "poster")

    def rewritten_from_file(self) -> Bundle:
        """The same with a lock that has been on the disk."""
        lock = read_lock(lock_text(self.lock))
        return rewrite(self.workflow, self.definitions, lock, "poster")


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions(None, shipped("0.8.0"))


@pytest.fixture(scope="session")
def world(definitions: Definitions) -> Callable[..., World]:
    """`world(data, pins=None, **wish)`: the endpoint's wish as runflow.yaml has it."""

    def make(data: dict[str, Any], pins: Pins | None = None, **wish: Any) -> World:
        workflow = Workflow("poster.json", "graph" if "nodes" in data else "prompt", data)
        spec = Spec.model_validate(
            {
                "version": 1,
                "comfyui": {"ref": "v0.8.0"},
                "endpoints": {"poster": {"workflow": "poster.json", **wish}},
            }
        )
        lock = compile_lock(spec, {"poster.json": workflow}, definitions, pins or Pins())
        return World(workflow, definitions, lock)

    return make
