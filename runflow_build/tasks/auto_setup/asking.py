"""What a setup is planned with: the running ComfyUI, the sources, and restore's own look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...findings import Finding
from ...resolve.inquiry import Inquiry
from ...restore.plan import Plan, plan
from ...restore.present import look
from ...restore.store import ModelStore
from ...restore.wanted import Wanted
from ...sources import Sources
from ...sources.digests import DigestCache
from ...sources.mirrors import Mirrors
from ...sources.world import World
from ...spec.model import ComfyUIWish, EndpointWish, Policy, Spec
from ...workflow.model_files import ModelReference
from .rows import Row
from .wishes import FILE, SLUG, Running, Wishes

STORE = "models/.runflow"  # below the base folder: on the models' disk, where none is looked for


@dataclass(frozen=True)
class Asking:
    """What a plan is made with."""

    running: Running
    world: World
    git: Any  # GitCache
    digests: DigestCache
    mirrors: Mirrors
    offline: bool
    environ: Mapping[str, str]
    check: Callable[[], None]  # raises where the user wants it to end

    def sources(self) -> Sources:
        return Sources(self.running.install.base / "input", None, self.world, self.digests)


@dataclass(frozen=True)
class Heard:
    """An inquiry, and what was reported."""

    inquiry: Inquiry
    said: list[Finding]

    def of(self, *key: str) -> tuple[Finding, ...]:
        """What was said of one thing, and of it alone."""
        return tuple(one for one in self.said if one.where.key[: len(key)] == key)


def inquiry_of(wishes: Wishes, models: list[ModelReference], asking: Asking) -> Heard:
    said: list[Finding] = []
    spec = spec_of(asking.running, Policy())
    needs = {SLUG: wishes.needs(models)}
    return Heard(Inquiry(spec, needs, asking.sources(), None, said.append, ()), said)


def store_of(running: Running) -> ModelStore:
    """Where models are while they come: beside their places, so that none is ever copied."""
    return ModelStore(running.install.base / STORE)


def spec_of(running: Running, policy: Policy) -> Spec:
    """A runflow.yaml that says just the policy: the running ComfyUI is given."""
    ref = f"v{running.version}" if running.version else "master"
    endpoints = {SLUG: EndpointWish(workflow=FILE)}
    return Spec(version=1, comfyui=ComfyUIWish(ref=ref), policy=policy, endpoints=endpoints)


def row_plan(row: Row, spec: Spec, running: Running, digests: DigestCache, yes: bool) -> Plan:
    """What restore would do for one row, as things are now. Raises GitError.

    `yes`: whether its code is trusted."""
    wanted = wanted_of([row])
    base = running.install.base
    present = look(base, wanted, digests=digests, store=store_of(running), inputs=base / "input")
    return plan(wanted, present, spec, lambda url: yes)


def wanted_of(rows: Sequence[Row]) -> Wanted:
    """The rows as restore takes them."""
    trees = tuple(row.tree for row in rows if row.tree)
    files = tuple(row.file for row in rows if row.file)
    return Wanted(trees, None, files, {row.name: row.requirements for row in rows})
