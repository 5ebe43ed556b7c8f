"""The served part of a prompt: what ComfyUI would refuse in it, and what it would not run."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .endpoint import Endpoint
from .prompt import prompt_findings


def findings(endpoint: Endpoint) -> Iterator[Finding]:
    """What there is to know about the conversion, then all that ComfyUI would say."""
    notes = list(_notes(endpoint))
    yield from notes
    told = {(note.code, note.where.node) for note in notes}
    served = {node: body for node, body in endpoint.prompt.items() if node in endpoint.served}
    for finding in prompt_findings(served, endpoint.definitions, _file_fields(endpoint)):
        if (finding.code, finding.where.node) not in told:  # an unknown class is a guess, too
            yield finding.in_file(endpoint.workflow.path)
    yield from _dropped(endpoint)


def _notes(endpoint: Endpoint) -> Iterator[Finding]:
    """What conversion guessed or lost, except in nodes that are not served."""
    for note in endpoint.needs.notes:
        if note.where.node in endpoint.served or note.where.node not in endpoint.prompt:
            yield note


def _dropped(endpoint: Endpoint) -> Iterator[Finding]:
    for node_id, node in endpoint.prompt.items():
        definition = endpoint.definitions.get(node["class_type"])
        if definition and definition.output_node and node_id not in endpoint.served:
            yield Finding(
                "output-dropped",
                f"node {node_id} does not run: no output of the endpoint needs it",
                endpoint.where(node_id),
                fix=f"nothing; or, to run it all the same, add its id to `keep` of {endpoint.slug}",
            )


def _file_fields(endpoint: Endpoint) -> set[tuple[str, str]]:
    """Fields that name models or input files: whether those exist is for the lock to say."""
    needs = endpoint.needs
    models = {(row.node, row.field) for row in needs.models}
    return models | {(row.node, row.field) for row in needs.resources}
