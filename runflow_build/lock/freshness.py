"""Does the lock answer what runflow.yaml and the workflows say now? Wish against wish, no more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..document import Document
from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where
from ..spec.model import EndpointWish, ModelWish, ResourceWish, Spec
from ..workflow.definitions import Definitions
from ..workflow.model import Workflows
from . import repository
from .compile import endpoint_pin, gpu_pin, python_pins, runflow_pin
from .diff import differ
from .model import ComfyUIPin, EndpointPin, Lock, NodePackPin
from .needs import Needs, all_needs, model_wishes

FIX = "run `runflow lock`"


def disagreements(
    spec: Spec, workflows: Workflows, definitions: Definitions, lock: Lock
) -> list[Finding]:
    """Where the lock answers another wish than the one that stands now; one finding per field.

    A wish is what runflow.yaml says, or a workflow of its own models and of what it computes. Each
    finding is `lock-stale`, placed at the wish in runflow.yaml, or at the workflow. Of an endpoint
    whose workflow is not in `workflows` or does not convert only the wishes are compared: what is
    wrong with it is for others to say. A wish that no pin answers is not a disagreement where
    locking would have to look further than these files.
    """
    return list(_Comparison(spec, workflows, definitions, lock).all())


@dataclass(frozen=True)
class _Comparison:
    spec: Spec
    workflows: Workflows
    definitions: Definitions
    lock: Lock

    def all(self) -> Iterator[Finding]:
        needs, _ = all_needs(self.spec, self.workflows, self.definitions)
        yield from self._comfyui()
        yield from self._runflow(needs)
        yield from self._node_packs()
        yield from self._python()
        yield from self._models(needs)
        yield from self._resources()
        yield from self._endpoints(needs)

    def _comfyui(self) -> Iterator[Finding]:
        wish, pin = self.spec.comfyui, self.lock.comfyui
        if pin:
            yield from _repository(("comfyui",), pin.repository, wish.repository)
            yield from _differs(("comfyui", "ref"), _answered(pin), wish.ref)
        elif repository.is_full_commit(wish.ref):
            yield _lacks(("comfyui", "ref"), "ComfyUI's commit")

    def _runflow(self, needs: Mapping[str, Needs]) -> Iterator[Finding]:
        have = self.lock.runflow
        want = runflow_pin(needs.values(), self.definitions, self.lock)
        # Endpoints whose workflow cannot be read may be the ones that use them.
        if want != have and not (want is None and needs.keys() < self.spec.endpoints.keys()):
            yield from _differs(("runflow",), have, want)

    def _node_packs(self) -> Iterator[Finding]:
        for key, wish in sorted(self.spec.nodes.items()):
            pin = self.lock.nodes.get(key)
            if pin:
                if wish.repository:
                    yield from _repository(("nodes", key), pin.repository, wish.repository)
                yield from _differs(("nodes", key, "ref"), _answered(pin), wish.ref)
            elif wish.repository and repository.is_full_commit(wish.ref):
                yield _lacks(("nodes", key), f"the node pack {key}")
        for key, pin in sorted(self.lock.nodes.items()):
            if pin.ref and key not in self.spec.nodes:
                yield from _differs(("nodes", key, "ref"), pin.ref, None)

    def _python(self) -> Iterator[Finding]:
        want, have = python_pins(self.spec.python), self.lock.python
        yield from _differs(("python", "version"), have.version, want.version)
        yield from _differs(("python", "requirements"), have.requirements, want.requirements)
        yield from _differs(("python", "targets"), sorted(have.targets), sorted(want.targets))

    def _models(self, needs: Mapping[str, Needs]) -> Iterator[Finding]:
        wishes = model_wishes(self.spec, needs)
        for path in sorted({*wishes, *self.lock.models}):
            key, wish, pin = ("models", path), wishes.get(path), self.lock.models.get(path)
            if pin is None:
                if wish and wish.sha256:
                    yield _lacks(key, f"the model {path}")
                continue
            if not needs.keys() >= set(pin.used_by):  # a workflow that says more may be unreadable
                wish = self.spec.models.get(path)
            elif pin.wanted and not (wish and wish.url):
                yield from _differs((*key, "url"), pin.wanted, None)
            if wish and wish.url:
                yield from _differs((*key, "url"), pin.wanted or pin.url, wish.url)
            if wish is None and not pin.used_by:
                yield from _differs(key, pin.sha256, None)
            yield from _content(key, pin.sha256, pin.size, wish)

    def _resources(self) -> Iterator[Finding]:
        for path in sorted({*self.spec.resources, *self.lock.resources}):
            wish, pin = self.spec.resources.get(path), self.lock.resources.get(path)
            key = ("resources", path)
            if pin:
                have = pin.wanted or pin.url
                yield from _differs((*key, "url"), have, wish.url if wish else None)
                yield from _content(key, pin.sha256, pin.size, wish)
            elif wish and wish.sha256:
                yield _lacks(key, f"the input {path}")

    def _endpoints(self, needs: Mapping[str, Needs]) -> Iterator[Finding]:
        for slug in sorted({*self.spec.endpoints, *self.lock.endpoints}):
            wish, pin = self.spec.endpoints.get(slug), self.lock.endpoints.get(slug)
            if pin is None:
                yield _lacks(("endpoints", slug), f"the endpoint {slug}")
            elif wish is None:
                yield _stale(
                    ("endpoints", slug), f"the lock has the endpoint {slug}, runflow.yaml has not"
                )
            elif slug in needs:
                yield from _endpoint(slug, pin, endpoint_pin(slug, wish, needs[slug]))
            else:
                yield from _wishes(slug, pin, wish)


def _answered(pin: ComfyUIPin | NodePackPin) -> str | None:
    """The wish that the pin answers: what it says, unless its commit was changed behind that."""
    return pin.ref if repository.answers(pin.commit, pin.ref) else pin.commit


def _endpoint(slug: str, have: EndpointPin, want: EndpointPin) -> Iterator[Finding]:
    key = ("endpoints", slug)
    for name in ("name", "workflow", "description", "keep"):
        yield from _differs((*key, name), getattr(have, name), getattr(want, name))
    yield from _fields((*key, "gpu"), have.gpu, want.gpu)
    if have.prompt != want.prompt:
        yield Finding(
            "lock-stale",
            f"the workflow of {slug} computes something else than when it was locked",
            Where(want.workflow),
            also=(("locked", have.prompt), ("now", want.prompt)),
            fix=FIX,
        )
    for name in sorted({*have.inputs, *want.inputs}):
        yield from _fields((*key, "inputs", name), have.inputs.get(name), want.inputs.get(name))
    for name in sorted({*have.outputs, *want.outputs}):
        yield from _fields((*key, "outputs", name), have.outputs.get(name), want.outputs.get(name))


def _wishes(slug: str, have: EndpointPin, wish: EndpointWish) -> Iterator[Finding]:
    """What can be compared of an endpoint without its workflow."""
    key = ("endpoints", slug)
    yield from _differs((*key, "name"), have.name, slug if wish.name is None else wish.name)
    yield from _differs((*key, "workflow"), have.workflow, wish.workflow)
    yield from _differs((*key, "description"), have.description, wish.description)
    yield from _fields((*key, "gpu"), have.gpu, gpu_pin(wish.gpu))


def _fields(key: Key, have: Document | None, want: Document | None) -> Iterator[Finding]:
    """Each field in which two records differ; a record that is not there at all is one finding."""
    if have is None or want is None:
        what = f"`{'.'.join(str(part) for part in key[1:])}`"
        if have is not want:
            yield _stale(
                key,
                f"the lock lacks {what}" if have is None else f"the lock has {what}, which is gone",
            )
        return
    for name, field in type(have).model_fields.items():
        shown = (*key, field.alias or name)
        yield from _differs(shown, getattr(have, name), getattr(want, name))


def _content(
    key: Key, sha256: str, size: int | None, wish: ModelWish | ResourceWish | None
) -> Iterator[Finding]:
    if wish and wish.sha256:
        yield from _differs((*key, "sha256"), sha256, wish.sha256.lower())
    if wish and wish.size is not None and size is not None:
        yield from _differs((*key, "size"), size, wish.size)


def _repository(key: Key, have: str, want: str) -> Iterator[Finding]:
    if not repository.same(have, want):
        yield from _differs((*key, "repository"), have, repository.canonical(want) or want)


def _differs(key: Key, have: Any, want: Any) -> Iterator[Finding]:
    if differ(have, want):
        name = ".".join(str(part) for part in key)
        yield _stale(key, f"`{name}`: the lock answers {_shown(have)}, wanted is {_shown(want)}")


def _lacks(key: Key, what: str) -> Finding:
    return _stale(key, f"the lock lacks {what}")


def _stale(key: Key, message: str) -> Finding:
    return Finding("lock-stale", message, Where(SPEC_FILE, key=key), fix=FIX)


def _shown(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}…"
