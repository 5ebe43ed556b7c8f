"""Spec, workflows and pins become the lock. Pure: the same values give the same lock anywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .. import __version__, digest
from ..errors import LockError, WorkflowError
from ..file_names import DEFINITIONS_FILE, SPEC_FILE
from ..findings import Finding, Where
from ..spec.model import EndpointWish, GPUWish, InputWish, OutputWish, PythonWish, Spec
from ..workflow.contract import nodes_named
from ..workflow.contract_model import ContractInput, ContractOutput
from ..workflow.convert import prompt_digest
from ..workflow.definitions import Definitions
from ..workflow.definitions_text import definitions_text
from ..workflow.model import Prompt, Workflows, where_in
from .model import EndpointPin, FilePin, GPUPin, Lock, Pins, PythonPins, TargetPins
from .needs import AllNeeds, Needs, all_needs, packs_by_endpoint


def compile_lock(
    spec: Spec,
    workflows: Workflows,
    definitions: Definitions,
    pins: Pins,
    previous: Lock | None = None,
    needs: AllNeeds | None = None,
) -> Lock:
    """The lock that answers `spec` with `pins`.

    `previous` is the lock of before: a node that it exposes must still be of the same class.
    `needs` is what `all_needs` says of these values, where the caller knows it already.

    Raises, with the findings of all endpoints at once, WorkflowError for workflows that do not
    convert or whose contract is wrong, and LockError (`exposed-node-changed`) where only that is.
    """
    known, findings = needs or all_needs(spec, workflows, definitions)
    broken = [finding for finding in findings if finding.severity == "error"]
    changed = []
    for slug, need in known.items():
        moved = _changed_nodes(slug, spec.endpoints[slug], need.prompt, previous)
        changed.extend(moved)
        # A contract over a node of another class is wrong in many ways; the cause is enough.
        if not moved:
            broken.extend(finding for finding in need.findings if finding.severity == "error")
    if broken:
        raise WorkflowError(*broken, also=changed)
    if changed:
        raise LockError(*changed)
    text = _definitions_of(known.values(), definitions)
    models = {slug: {one.path for one in need.models} for slug, need in known.items()}
    resources = {slug: {one.path for one in need.resources} for slug, need in known.items()}
    packs = packs_by_endpoint(known, pins.nodes)
    return Lock(
        comfyui=pins.comfyui,
        runflow=runflow_pin(known.values(), definitions, previous),
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
            slug: endpoint_pin(slug, spec.endpoints[slug], need) for slug, need in known.items()
        },
    )


def companions(needs: AllNeeds, definitions: Definitions, pins: Pins) -> dict[str, str]:
    """The text of each file that the lock stands on, by its name beside the lock.

    A pylock of before that stays is not among them.
    """
    text = _definitions_of(needs[0].values(), definitions)
    return {**({DEFINITIONS_FILE: text} if text else {}), **pins.companions}


def runflow_pin(
    needs: Iterable[Needs], definitions: Definitions, previous: Lock | None
) -> str | None:
    """The release whose Runflow nodes the endpoints use: that of before, else this one.

    A release and no commit, because a lock cannot name the commit that it lies in. Every engine
    brings these nodes itself.
    """
    if not any(definitions.source(name) == "runflow" for need in needs for name in need.classes):
        return None
    return (previous.runflow if previous else None) or __version__


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
    classes = set().union(*(need.defined for need in needs))
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
    """Exposed nodes whose id or title now belongs to a node of another class, or to none.

    Re-saving a workflow can hand either to another node; the API would silently change its meaning.
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
        if pin is None or one.node is None or one.node not in (pin.node, pin.title):
            continue
        named = nodes_named(prompt, one.node)
        now = prompt[named[0]]["class_type"] if len(named) == 1 else None
        if now is None and one.node != pin.node:  # a title that is gone or shared: the contract's
            continue
        if now != pin.class_type:
            findings.append(_changed(slug, section, name, one.node, pin, now, prompt))
    return findings


def _changed(
    slug: str,
    section: str,
    name: str,
    ref: str,
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
    node = f"node {ref}" if ref == pin.node else f'the node "{ref}"'
    return Finding(
        "exposed-node-changed",
        f"{node}, which `{name}` of {slug} exposes, was {pin.class_type} and {became}",
        Where(SPEC_FILE, key=("endpoints", slug, section, name, "node")),
        also=((pin.class_type, "; ".join(heirs) or "no node of this class is left"),),
        fix=f"write the id of the node that is meant, or accept the change: "
        f"runflow lock --upgrade {slug}",
    )
