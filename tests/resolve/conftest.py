"""One question to the resolvers, from values: runflow.yaml's text, what nodes load, the outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from twins import world_of

from runflow_build.findings import Finding
from runflow_build.lock.model import Lock, ModelPin, PythonPins, ResourcePin
from runflow_build.lock.needs import Needs
from runflow_build.resolve.inquiry import Inquiry
from runflow_build.sources import Sources
from runflow_build.sources.install import find_install
from runflow_build.spec.read import read_spec
from runflow_build.workflow.contract_model import Contract
from runflow_build.workflow.input_files import ResourceReference
from runflow_build.workflow.model_files import ModelReference


@dataclass
class Asked:
    """An inquiry, with what it reports."""

    inquiry: Inquiry
    world: Any
    findings: list[Finding] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        """`code: message` of each finding."""
        return [f"{one.code}: {one.message}" for one in self.findings]

    @property
    def files_asked(self) -> list[str]:
        """The URLs and hashes that file hosts were asked for."""
        return [row[1] for row in self.world.files.told.asked if row[0] == "files"]


def needs_of(
    models: Collection[ModelReference] = (), resources: Collection[ResourceReference] = ()
) -> Needs:
    return Needs(
        prompt={},
        contract=Contract(inputs={}, outputs={}),
        keep=[],
        served=set(),
        classes=set(),
        defined=set(),
        foreign=set(),
        models=list(models),
        resources=list(resources),
        packs=[],
        findings=[],
        notes=(),
    )


@pytest.fixture
def question(tmp_path: Path) -> Callable[..., Asked]:
    """`question(spec, models={slug: [(path, url, sha256)]}, outside={…}, files={path: bytes},
    previous=…, upgrade=(), read=False)`; `files` make an installation."""

    def make(
        spec: str = "",
        *,
        models: Mapping[str, Collection[tuple[str, str | None, str | None]]] | None = None,
        resources: Mapping[str, Collection[str]] | None = None,
        outside: Mapping[str, Any] | None = None,
        world: Any = None,
        files: Mapping[str, bytes] | None = None,
        previous: Mapping[str, ModelPin | ResourcePin] | None = None,
        upgrade: Collection[str] | None = (),
        read: bool = False,
        digests: Any = None,
    ) -> Asked:
        slugs = sorted({*(models or {}), *(resources or {})}) or ["one"]
        endpoints = "".join(f"  {slug}: {{workflow: {slug}.json}}\n" for slug in slugs)
        text = f"version: 1\ncomfyui: {{ref: v0.8.0}}\n{spec}endpoints:\n{endpoints}"
        needs = {
            slug: needs_of(
                [
                    ModelReference(path, str(n), None, "Loader", "name", url, sha256)
                    for n, (path, url, sha256) in enumerate((models or {}).get(slug, ()), 1)
                ],
                [
                    ResourceReference(path, str(n), None, "LoadImage", "image")
                    for n, path in enumerate((resources or {}).get(slug, ()), 1)
                ],
            )
            for slug in slugs
        }
        for path, data in (files or {}).items():
            file = tmp_path / "install" / "models" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        install = find_install(tmp_path / "install") if files else None
        outer = world or (None if outside is None else world_of(outside))
        pins = previous or {}
        lock = Lock(
            python=PythonPins(version="3.12"),
            models={key: pin for key, pin in pins.items() if isinstance(pin, ModelPin)},
            resources={key: pin for key, pin in pins.items() if isinstance(pin, ResourcePin)},
        )
        findings: list[Finding] = []
        sources = Sources(tmp_path / "input", install, outer, digests, read)
        inquiry = Inquiry(read_spec(text).spec, needs, sources, lock, findings.append, upgrade)
        return Asked(inquiry, outer, findings)

    return make
