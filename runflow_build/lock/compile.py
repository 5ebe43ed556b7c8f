"""Spec, workflows and pins become the lock. Pure: the same values give the same lock anywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .. import digest
from ..errors import LockError, WorkflowError
from ..file_names import DEFINITIONS_FILE, SPEC_FILE
from ..findings import Finding, Where
from ..spec.model import EndpointWish, GPUWish, InputWish, OutputWish, PythonWish, Spec
from ..workflow.convert import prompt_digest
from ..workflow.definitions import Definitions, definitions_text
from ..workflow.model import ContractInput, ContractOutput, Prompt, Workflows, where_in
from ..workflow.references import node_classes
from .model import EndpointPin, FilePin, GPUPin, Lock, Pins, PythonPins, TargetPins
from .needs import Needs, all_needs, packs_by_endpoint


def compile_lock(
    spec: Spec,
    workflows: Workflows,
    definitions: Definitions,
    pins: Pins,
    previous: Lock | None = None,
) -> Lock:
    """The lock that answers `spec` with `pins`.

    `previous` is the lock of before: a node that it exposes must still be of the same class.

    Raises, with the findings of all endpoints at once, WorkflowError for workflows that do not
    convert or whose contract is wrong, and LockError (`exposed-node-changed`) where only that is.
    """
    needs, findings = all_needs(spec, workflows, definitions)
    broken = [finding for finding in findings if finding.severity == "error"]
    changed = []
    for slug, need in needs.items():
        moved = _changed_nodes(slug, spec.endpoints[slug], need.prompt, previous)
        changed.extend(moved)
        # A contract over a node of another class is wrong in many ways; the cause is enough.
        if not moved:
            broken.extend(finding for finding in need.findings if finding.severity == "error")
    if broken:
        raise WorkflowError(*broken, also=changed)
    if changed:
        raise LockError(*changed)
    text = _definitions_of(needs.values(), definitions)
    models = {slug: {one.path for one in need.models} for slug, need in needs.items()}
    resources = {slug: {one.path for one in need.resources} for slug, need in needs.items()}
    packs = packs_by_endpoint(needs, pins.nodes)
    return Lock(
        comfyui=pins.comfyui,
        nodes={
            key: pin.model_copy(update={"required_by": _slugs(key, packs)})
            for key, pin in pins.nodes.items()
        },
        python=pins.python or python_pins(spec.python),
        definitions=FilePin(file=DEFINITIONS_FILE, sha256=_digest(text)) if text else None,
        models={
            path: pin.model_copy(update={"used_by": _slugs(path, models)})
            for path, pin in pins.models.items()
        },
        resources={
            path: pin.model_copy(update={"used_by": _slugs(path, resources)})
            for path, pin in pins.resources.items()
        },
        endpoints={
            slug: endpoint_pin(slug, spec.endpoints[slug], need) for slug, need in needs.items()
        },
    )


def companions(spec: Spec, workflows: Workflows, definitions: Definitions) -> dict[str, str]:
    """The text of each file that the lock stands on, by its name beside the lock."""
    needs, _ = all_needs(spec, workflows, definitions)
    text = _definitions_of(needs.values(), definitions)
    return {DEFINITIONS_FILE: text} if text else {}


def endpoint_pin(slug: str, wish: EndpointWish, needs: Needs) -> EndpointPin:
    """What the lock says of an endpoint; no part of it comes from outside spec and workflow."""
    return EndpointPin(
        name=slug if wish.name is None else wish.name,
        workflow=wish.workflow,
        prompt=prompt_digest(needs.prompt),
        description=wish.description,
        inputs=needs.contract.inputs,
        outputs=needs.contract.outputs,
        keep=needs.keep,
        gpu=gpu_pin(wish.gpu),
    )


def gpu_pin(wish: GPUWish | None) -> GPUPin:
    """The wish as the lock writes it; whole numbers of GB as integers."""
    if wish is None:
        return GPUPin()
    memory = wish.min_vram_gb
    if memory is not None and memory == int(memory):
        memory = int(memory)
    return GPUPin(mode="model" if wish.model else "cheapest", min_vram_gb=memory, model=wish.model)


def python_pins(wish: PythonWish) -> PythonPins:
    """The wish for a Python, with nothing pinned yet."""
    return PythonPins(
        version=wish.version,
        requirements=sorted(set(wish.requirements)),
        targets={target: TargetPins() for target in wish.targets},
    )


def _definitions_of(needs: Iterable[Needs], definitions: Definitions) -> str:
    """The definitions that converting used; empty when it used none but Runflow's own."""
    classes = set().union(*(node_classes(need.prompt) for need in needs))
    if all(definitions.source(name) in (None, "runflow") for name in classes):
        return ""
    return definitions_text(definitions, classes)


def _digest(text: str) -> str:
    return digest.of_bytes(text.encode())


def _slugs(key: str, wanted: Mapping[str, Collection[str]]) -> list[str]:
    """The endpoints whose set holds `key`, sorted."""
    return sorted(slug for slug, keys in wanted.items() if key in keys)


def _changed_nodes(
    slug: str, wish: EndpointWish, prompt: Prompt, previous: Lock | None
) -> list[Finding]:
    """Exposed nodes whose id now belongs to a node of another class, or to none.

    Re-saving a workflow can hand an id to another node; the API would silently change its meaning.
    """
    before = previous.endpoints.get(slug) if previous else None
    if before is None:
        return []
    wishes: list[tuple[str, str, InputWish | OutputWish]] = [
        *(("inputs", name, one) for name, one in wish.inputs.items()),
        *(("outputs", name, one) for name, one in wish.outputs.items()),
    ]
    findings = []
    for section, name, one in sorted(wishes, key=lambda row: row[:2]):
        pin = (before.inputs if section == "inputs" else before.outputs).get(name)
        # A wish that is new, or now names another node, is a decision, and so is the class.
        if pin is None or one.node is None or one.node != pin.node:
            continue
        now = prompt.get(pin.node, {}).get("class_type")
        if now != pin.class_type:
            findings.append(_changed(slug, section, name, pin, now, prompt))
    return findings


def _changed(
    slug: str,
    section: str,
    name: str,
    pin: ContractInput | ContractOutput,
    now: str | None,
    prompt: Prompt,
) -> Finding:
    heirs = [
        where_in(prompt, node).node_text()
        for node, body in prompt.items()
        if body["class_type"] == pin.class_type
    ]
    became = f"is now {now}" if now else "is gone"
    return Finding(
        "exposed-node-changed",
        f"node {pin.node}, which `{name}` of {slug} exposes, was {pin.class_type} and {became}",
        Where(SPEC_FILE, key=("endpoints", slug, section, name, "node")),
        also=((pin.class_type, "; ".join(heirs) or "no node of this class is left"),),
        fix=f"write the id of the node that is meant, or accept the change: "
        f"runflow lock --upgrade {slug}",
    )
