"""From the author's workflow to what is published: one transform after the other."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from ..bundle import Bundle, bundle_digest
from ..errors import CheckError, LockError, StaleLockError
from ..file_names import LOCK_FILE
from ..findings import Finding, Where
from ..lock.model import EndpointPin, Lock
from ..secret_patterns import secrets_in
from ..workflow.contract_model import Contract
from ..workflow.convert import prompt_digest, prompt_of
from ..workflow.definitions import Definitions
from ..workflow.embeddings import embedding_references
from ..workflow.input_files import resource_references
from ..workflow.model import Prompt, Workflow
from ..workflow.model_files import model_references
from .expose import expose
from .graph import published_graph
from .paths import posix_embeddings, posix_paths
from .trim import cut_local_wiring, drop_unneeded


def rewrite(workflow: Workflow, definitions: Definitions, lock: Lock, slug: str) -> Bundle:
    """The bundle of one endpoint. Node ids stay, so that errors point at what the author sees.

    Rewriting a rewritten prompt changes nothing.

    Raises LockError (`endpoint-unknown`), StaleLockError (`lock-stale`) when the lock is of another
    version of the workflow, WorkflowError when that cannot be converted, and CheckError
    (`secret-in-workflow`) rather than publish a secret.
    """
    pin = _endpoint(lock, slug)
    author_prompt = prompt_of(workflow, definitions)
    if prompt_digest(author_prompt) != pin.prompt:
        raise _stale(workflow, slug)
    prompt, contract = _served(author_prompt, pin, definitions)
    prompt = _posix(prompt, workflow, definitions)
    bundle = Bundle(
        digest="",
        slug=slug,
        name=pin.name,
        description=pin.description,
        prompt=prompt,
        graph=_graph(workflow, pin, prompt, definitions),
        contract=contract,
        gpu=pin.gpu,
        comfyui=lock.comfyui,
        nodes={name: row for name, row in sorted(lock.nodes.items()) if slug in row.required_by},
        python=lock.python.version,
        packages=_packages(lock),
        models={path: row for path, row in sorted(lock.models.items()) if slug in row.used_by},
        resources={
            path: row for path, row in sorted(lock.resources.items()) if slug in row.used_by
        },
    )
    _refuse_secrets(bundle, workflow)
    return bundle.model_copy(update={"digest": bundle_digest(bundle)})


def _served(prompt: Prompt, pin: EndpointPin, definitions: Definitions) -> tuple[Prompt, Contract]:
    """The prompt that the API serves and its contract, from the author's prompt."""
    contract = _in_order_of(prompt, Contract(inputs=pin.inputs, outputs=pin.outputs))
    prompt = cut_local_wiring(prompt, contract)
    prompt, contract = expose(prompt, contract, definitions)
    return drop_unneeded(prompt, contract, pin.keep), contract


def _posix(prompt: Prompt, workflow: Workflow, definitions: Definitions) -> Prompt:
    """The prompt with slashes in the names of models, input files and embeddings."""
    models, _ = model_references(prompt, definitions, workflow)
    inputs, _ = resource_references(prompt, definitions)
    texts = embedding_references(prompt, definitions)
    files = [(row.node, row.field) for row in models]
    files += [(row.node, row.field) for row in inputs]
    prompt = posix_paths(prompt, files)
    return posix_embeddings(prompt, [(row.node, row.field) for row in texts])


def _endpoint(lock: Lock, slug: str) -> EndpointPin:
    if slug not in lock.endpoints:
        known = ", ".join(sorted(lock.endpoints)) or "none"
        raise LockError(
            Finding(
                "endpoint-unknown",
                f"runflow.lock has no endpoint `{slug}`",
                Where(LOCK_FILE, key=("endpoints",)),
                also=(("known", known),),
                fix="run `runflow lock`, or name an endpoint that runflow.yaml has",
            )
        )
    return lock.endpoints[slug]


def _stale(workflow: Workflow, slug: str) -> StaleLockError:
    return StaleLockError(
        Finding(
            "lock-stale",
            f"the workflow of {slug} computes something else than when it was locked",
            Where(workflow.path),
            fix="run `runflow lock`",
        )
    )


def _in_order_of(prompt: Prompt, contract: Contract) -> Contract:
    """The contract in the order of the prompt's nodes and their fields.

    The lock sorts by name, so its own order says nothing; the same lock must give the same bundle
    whether it was just compiled or read from its file.
    """
    place = {node_id: index for index, node_id in enumerate(prompt)}

    def of_field(node_id: str, field: str) -> tuple[int, int]:
        fields = list(prompt[node_id]["inputs"]) if node_id in prompt else []
        return place.get(node_id, -1), fields.index(field) if field in fields else len(fields)

    inputs = {(of_field(row.node, row.field), key): row for key, row in contract.inputs.items()}
    outputs = {(place.get(row.node, -1), key): row for key, row in contract.outputs.items()}
    return Contract(
        inputs={key: row for (_, key), row in sorted(inputs.items(), key=itemgetter(0))},
        outputs={key: row for (_, key), row in sorted(outputs.items(), key=itemgetter(0))},
    )


def _graph(
    workflow: Workflow, pin: EndpointPin, prompt: Prompt, definitions: Definitions
) -> dict[str, Any] | None:
    if workflow.format != "graph":
        return None
    contract = Contract(inputs=pin.inputs, outputs=pin.outputs)
    return published_graph(workflow.data, contract, prompt, definitions)


def _packages(lock: Lock) -> dict[str, str]:
    """What all targets share, and what the first target by name has beyond that."""
    packages = dict(lock.python.packages)
    for _, target in sorted(lock.python.targets.items()):
        packages = {**target.packages, **packages}
    return dict(sorted(packages.items()))


def _refuse_secrets(bundle: Bundle, workflow: Workflow) -> None:
    """The last gate: whatever the checks before said, no secret is published."""
    published: dict[str, Any] = {
        "prompt": bundle.prompt,
        "graph": bundle.graph,
        "name": bundle.name,
        "description": bundle.description,
        "contract": bundle.contract.model_dump(),
    }
    found = secrets_in(published)
    if found:
        raise CheckError(
            *(
                Finding(
                    "secret-in-workflow",
                    f"{kind} stands in what would be published",
                    Where(workflow.path, key=place),
                    fix="remove it from the workflow, and revoke it: it has been in a file",
                )
                for place, kind in found
            )
        )
