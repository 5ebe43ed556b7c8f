"""All rules over all endpoints: what is wrong before anything is published."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..errors import WorkflowError
from ..file_names import SPEC_FILE
from ..findings import Finding
from ..lock.model import Lock
from ..lock.needs import needs_of, workflow_missing
from ..spec.model import Spec
from ..workflow.definitions import Definitions
from ..workflow.model import Workflow, Workflows
from . import contract, coverage, graph, policy, secrets
from .endpoint import Endpoint


def check(
    spec: Spec,
    workflows: Workflows,
    definitions: Definitions,
    lock: Lock | None,
    only: Collection[str] | None = None,
) -> list[Finding]:
    """Everything that is wrong with the endpoints, or worth knowing, in a stable order.

    `only` are the slugs to look at; None: all. Without a lock its coverage and the policy are not
    looked at. A place in runflow.yaml is a key; who knows its lines can put them in.
    """
    found: list[Finding] = []
    endpoints: list[Endpoint] = []
    wishes = {slug: wish for slug, wish in spec.endpoints.items() if only is None or slug in only}
    for slug, wish in sorted(wishes.items()):
        workflow = workflows.get(wish.workflow)
        if workflow is None:
            found.append(workflow_missing(slug, wish))
            continue
        try:
            endpoint = _endpoint(slug, spec, workflow, definitions)
        except WorkflowError as error:
            found += (finding.in_file(workflow.path) for finding in error.findings)
            continue
        endpoints.append(endpoint)
        found += _of_endpoint(endpoint)
    if lock is not None:
        found += coverage.findings(endpoints, lock)
        found += policy.findings(spec, endpoints, lock)
    paths = dict.fromkeys(wish.workflow for _, wish in sorted(wishes.items()))
    found += secrets.findings(spec, [workflows[path] for path in paths if path in workflows])
    return _sorted(found)


def _endpoint(slug: str, spec: Spec, workflow: Workflow, definitions: Definitions) -> Endpoint:
    needs = needs_of(slug, spec, workflow, definitions)
    return Endpoint(slug, spec.endpoints[slug], workflow, definitions, needs)


def _of_endpoint(endpoint: Endpoint) -> Iterator[Finding]:
    for finding in endpoint.needs.findings:
        # A key is a place in runflow.yaml, a node one in the workflow.
        yield finding.in_file(SPEC_FILE if finding.where.key else endpoint.workflow.path)
    yield from graph.findings(endpoint)
    yield from contract.findings(endpoint)


def _sorted(found: list[Finding]) -> list[Finding]:
    """Each finding once (two endpoints may share a workflow), by place."""
    placed = (
        finding.in_file(SPEC_FILE) if finding.where.key else finding
        for finding in dict.fromkeys(found)
    )
    return sorted(dict.fromkeys(placed), key=_order)


def _order(finding: Finding) -> tuple[object, ...]:
    where = finding.where
    node = where.node or ""
    return (
        where.file or "",
        where.line or 0,
        [str(part) for part in where.key] if where.node is None else [],
        (len(node), node) if node.isdigit() else (99, node),
        where.field or "",
        finding.code,
        finding.message,
    )
