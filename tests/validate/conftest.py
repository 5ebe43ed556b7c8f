"""A small world to check: runflow.yaml, workflows, definitions and a lock, as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.findings import Finding
from runflow_build.lock.model import Lock
from runflow_build.project.catalogue import shipped
from runflow_build.spec.model import Spec
from runflow_build.validate import check
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Workflow

COMMIT = "a" * 40
COMFYUI = {"repository": "https://github.com/a/b", "ref": "v0.8.0", "commit": COMMIT}


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions(None, shipped("0.8.0"))


@pytest.fixture(scope="session")
def checked(definitions: Definitions) -> Callable[..., list[Finding]]:
    """`checked(data, spec={…}, lock={…} or None, only=None, **wish)`: what `check` finds.

    `data` is the workflow of the endpoint `poster`; `spec` and `lock` are laid over a whole one.
    """

    def run(
        data: dict[str, Any],
        spec: dict[str, Any] | None = None,
        lock: dict[str, Any] | None = None,
        only: list[str] | None = None,
        **wish: Any,
    ) -> list[Finding]:
        workflow = Workflow("poster.json", "graph" if "nodes" in data else "prompt", data)
        whole = {
            "version": 1,
            "comfyui": {"ref": "v0.8.0"},
            "endpoints": {"poster": {"workflow": "poster.json", **wish}},
            **(spec or {}),
        }
        locked = {"comfyui": COMFYUI, "python": {"version": "3.12"}, **(lock or {})}
        return check(
            Spec.model_validate(whole),
            {"poster.json": workflow},
            definitions,
            None if lock is None else Lock.model_validate(locked),
            only,
        )

    return run
