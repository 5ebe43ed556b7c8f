"""What one endpoint asks of the world: the models, inputs and packs of the part that is served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..errors import WorkflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..spec.model import EndpointWish, ModelWish, Spec
from ..workflow import runflow_nodes
from ..workflow.classes import classes_in_use
from ..workflow.contract import contract_of, nodes_named
from ..workflow.contract_model import Contract, ContractInput
from ..workflow.convert import convert
from ..workflow.declared import default_of
from ..workflow.definitions import Definitions
from ..workflow.embeddings import embedding_references
from ..workflow.input_files import ResourceReference, resource_references
from ..workflow.model import Prompt, Workflow, Workflows, node_classes, where_in
from ..workflow.model_files import ModelReference, model_references
from ..workflow.node_packs import PackReference, pack_references
from ..workflow.reach import reached
from ..workflow.values import MisfitError, coerced
from . import repository
from .model import NodePackPin


@dataclass(frozen=True)
class Needs:
    """One endpoint, read off its workflow.

    `prompt` is the author's; the other lists count only nodes that are served: what a declared
    output or `keep` needs once the test wiring of required inputs is gone.
    """

    prompt: Prompt
    contract: Contract
    keep: list[str]  # node ids, sorted
    served: set[str]  # ids of the nodes that run when the API is called
    classes: set[str]
    defined: set[str]  # the classes of the whole workflow: converting it reads their definitions
    foreign: set[str]  # those of `classes` that neither ComfyUI nor the engine brings
    models: list[ModelReference]
    resources: list[ResourceReference]
    packs: list[PackReference]
    findings: list[Finding]  # on the contract and on files, errors and warnings
    notes: tuple[Finding, ...]  # what conversion guessed or lost

    @property
    def homeless(self) -> set[str]:
        """The classes of which nothing says what node pack they are from."""
        return self.foreign - {one.class_type for one in self.packs}


# The needs of every endpoint that has them, by slug, and what is wrong with the others.
AllNeeds: TypeAlias = tuple[Mapping[str, Needs], list[Finding]]


def needs_of(slug: str, spec: Spec, workflow: Workflow, definitions: Definitions) -> Needs:
    """What the endpoint needs. Raises WorkflowError where the workflow does not convert."""
    wish = spec.endpoints[slug]
    conversion = convert(workflow, definitions)
    if conversion.errors:
        raise WorkflowError(*conversion.errors)
    prompt = conversion.prompt
    contract, findings = contract_of(prompt, wish, definitions, slug)
    keep, lost = _kept(prompt, wish, slug)
    served = _served(prompt, contract, keep)
    classes = node_classes(served)
    models, unplaced = model_references(served, definitions, workflow, spec.models)
    models += _embeddings(served, contract, definitions, spec)
    resources, unlocked = _files(prompt, served, contract, definitions, spec)
    # Runflow's own come with every engine, whatever pack their nodes say they are from.
    told = [
        one
        for one in pack_references(served, workflow, definitions)
        if definitions.source(one.class_type) != "runflow"
    ]
    packs = [one for one in told if not one.is_core]
    # ComfyUI's own that is not in the catalogue is of another version of ComfyUI, and of no pack.
    core = {one.class_type for one in told if one.is_core} - {one.class_type for one in packs}
    return Needs(
        prompt=prompt,
        contract=contract,
        keep=keep,
        served=set(served),
        classes=classes,
        defined=set(classes_in_use(workflow)),
        foreign={name for name in classes if not definitions.shipped(name)} - core,
        models=models,
        resources=resources,
        packs=packs,
        findings=[*findings, *lost, *unplaced, *unlocked],
        notes=conversion.notes,
    )


def all_needs(spec: Spec, workflows: Workflows, definitions: Definitions) -> AllNeeds:
    """Read every endpoint off its workflow. This converts them, which is what locking costs."""
    needs: dict[str, Needs] = {}
    findings: list[Finding] = []
    for slug, wish in sorted(spec.endpoints.items()):
        workflow = workflows.get(wish.workflow)
        if workflow is None:
            findings.append(workflow_missing(slug, wish))
            continue
        try:
            needs[slug] = needs_of(slug, spec, workflow, definitions)
        except WorkflowError as error:
            findings.extend(finding.in_file(workflow.path) for finding in error.findings)
    return needs, findings


def workflow_missing(slug: str, wish: EndpointWish) -> Finding:
    """The finding for an endpoint whose workflow is not among those that were read."""
    return Finding(
        "file-missing",
        f"the workflow {wish.workflow} is missing, or could not be read",
        Where(SPEC_FILE, key=("endpoints", slug, "workflow")),
        fix="name a workflow file that exists, relative to runflow.yaml",
    )


def model_wishes(spec: Spec, needs: Mapping[str, Needs]) -> dict[str, ModelWish]:
    """All that is said of each model, by path.

    runflow.yaml goes before the workflows, and these in the order of their slugs.
    """
    wishes = dict(spec.models)
    for _, need in sorted(needs.items()):
        for one in need.models:
            wish = wishes.get(one.path, ModelWish())
            said = {"url": wish.url or one.url, "sha256": wish.sha256 or one.sha256}
            wishes[one.path] = wish.model_copy(update=said)
    return wishes


def pack_names(key: str, url: str | None, registry: str | None = None) -> set[str]:
    """The names by which a node may mean a pack: folder, `owner/name`, registry id; lower case."""
    names = {key, registry or key}
    if url:
        names |= {repository.name(url), repository.name(url).rpartition("/")[2]}
    return {name.lower() for name in names}


def pack_of(reference: PackReference, packs: Mapping[str, set[str]]) -> str | None:
    """The key of the pack that a node is from; `packs` are `pack_names` by key.

    The most telling name decides: repositories of one name have many owners.
    """
    full, bare = reference.aux_id, (reference.aux_id or "").rpartition("/")[2]
    for name in filter(None, (full, reference.cnr_id, bare, reference.folder)):
        found = [key for key in sorted(packs) if name.lower() in packs[key]]
        if found:
            return found[0]
    return None


def homes_of(needs: Needs, packs: Mapping[str, NodePackPin]) -> dict[str, set[str]]:
    """The keys of the packs that bring the endpoint's foreign classes, by class.

    A node says its pack, or its definition does, or the lock holds what a look-up said; a class of
    which nothing of the kind is known is absent.
    """
    names = {
        key: pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
        for key, pin in packs.items()
    }
    homes: dict[str, set[str]] = {}
    for one in needs.packs:
        if key := pack_of(one, names):
            homes.setdefault(one.class_type, set()).add(key)
    for key, pin in packs.items():
        for class_type in needs.foreign.intersection(pin.classes):
            homes.setdefault(class_type, set()).add(key)
    return homes


def packs_by_endpoint(
    needs: Mapping[str, Needs], packs: Mapping[str, NodePackPin]
) -> dict[str, set[str]]:
    """The packs of each endpoint, by slug, with the packs that those need in turn.

    A class that says nothing of its pack (in a prompt file none does) and that no look-up knows may
    come from any pack that no node names, so all of those count: one too many is harmless, one too
    few breaks the endpoint.
    """
    homes = {slug: homes_of(need, packs) for slug, need in needs.items()}
    named = {key for home in homes.values() for keys in home.values() for key in keys}
    spare = set(packs) - named.union(*(pin.needs for pin in packs.values()))
    found = {}
    for slug, home in homes.items():
        homeless = needs[slug].foreign - set(home)
        keys = set().union(*home.values(), spare if homeless else ())
        found[slug] = _with_needed(keys, packs)
    return found


def _with_needed(keys: Iterable[str], packs: Mapping[str, NodePackPin]) -> set[str]:
    """The packs, those that they need, and so on."""
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in packs and key not in found:
            found.add(key)
            waiting += packs[key].needs
    return found


def _served(prompt: Prompt, contract: Contract, keep: Iterable[str]) -> Prompt:
    """The part of the prompt that the endpoint runs; all of it while no output is declared."""
    entered = {
        one.node
        for one in contract.inputs.values()
        if one.class_type in runflow_nodes.INPUTS and _is_replaced(prompt, one)
    }
    cut = {
        node: {
            **body,
            "inputs": {
                name: value
                for name, value in body["inputs"].items()
                if not (node in entered and name == "value")
            },
        }
        for node, body in prompt.items()
    }
    targets = {output.node for output in contract.outputs.values()} | set(keep)
    if not targets:
        return cut
    ids = reached(cut, targets)
    return {node: body for node, body in cut.items() if node in ids}


def _is_replaced(prompt: Prompt, one: ContractInput) -> bool:
    """Whether what the author gave the input is not served: a caller's value, or another default
    from runflow.yaml, takes its place."""
    return one.required or (one.default is not None and one.default != default_of(prompt, one))


def _embeddings(
    served: Prompt, contract: Contract, definitions: Definitions, spec: Spec
) -> list[ModelReference]:
    """The embeddings in the texts that are served: none in a text that every caller replaces."""
    entered = {(one.node, one.field) for one in contract.inputs.values() if one.required}
    found = embedding_references(served, definitions, spec.models)
    return [one for one in found if (one.node, one.field) not in entered]


def _files(
    prompt: Prompt, served: Prompt, contract: Contract, definitions: Definitions, spec: Spec
) -> tuple[list[ResourceReference], list[Finding]]:
    """The input files that are served: none that the author only tried a required input with, and
    the default pictures and files of optional inputs."""
    entered = {(one.node, one.field) for one in contract.inputs.values()}
    entered |= {(one.node, "file_name") for one in contract.inputs.values() if one.type == "FILE"}
    everything, findings = resource_references(served, definitions, spec.resources)
    found = [one for one in everything if (one.node, one.field) not in entered]
    for one in contract.inputs.values():
        if one.type not in ("IMAGE", "FILE") or one.required or not one.default:
            continue
        try:
            path = f"input/{coerced(one, one.default)}"
        except MisfitError:
            continue  # validation says so
        if path not in {other.path for other in found}:
            title = where_in(prompt, one.node).title
            found.append(ResourceReference(path, one.node, title, one.class_type, one.field))
    return found, findings


def _kept(prompt: Prompt, wish: EndpointWish, slug: str) -> tuple[list[str], list[Finding]]:
    """The node ids that `keep` means, by id or unique title."""
    ids, findings = set(), []
    for index, ref in enumerate(wish.keep):
        nodes = nodes_named(prompt, ref)
        if len(nodes) == 1:
            ids.add(nodes[0])
            continue
        findings.append(
            Finding(
                "node-ambiguous" if nodes else "node-missing",
                f"{len(nodes) or 'no'} nodes of the workflow have the id or title `{ref}`",
                Where(SPEC_FILE, key=("endpoints", slug, "keep", index)),
                fix="write the id of an output node of the workflow",
            )
        )
    return sorted(ids), findings
