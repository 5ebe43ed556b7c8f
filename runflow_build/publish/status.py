"""How each endpoint stands: is its lock fresh, is it published, did somebody change it there?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..bundle import Bundle
from ..errors import RunflowError
from ..findings import Finding, Where
from ..lock.freshness import disagreements
from ..project.load import Project
from ..rewrite import rewrite
from .client import Client
from .plan import Change, plan
from .provenance import provenance_of
from .record import Record, published_from
from .remote import look_up, published_by

LockState = Literal["fresh", "stale", "missing", "broken", "gone"]
RemoteState = Literal[
    "published",  # as the lock says; where that is not fresh: published by us
    "outdated",  # published from another lock
    "drifted",  # published from this lock, and changed by somebody since
    "unpublished",
    "foreign",  # another project's
    "orphaned",  # ours, and no longer in runflow.yaml
    "unknown",
]


@dataclass(frozen=True)
class EndpointStatus:
    """One endpoint, here and at the API."""

    slug: str
    lock: LockState  # broken: its workflow cannot be read or built; gone: not in runflow.yaml
    remote: RemoteState
    changes: tuple[Change, ...] = ()  # what publishing would change
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object for programs."""
        return {
            "slug": self.slug,
            "lock": self.lock,
            "remote": self.remote,
            "changes": [change.to_json() for change in self.changes],
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class Status:
    """All endpoints of a project, those at the API that left it last."""

    endpoints: tuple[EndpointStatus, ...]
    remote: tuple[Finding, ...]  # why the API could not be asked; empty when it could

    def to_json(self) -> dict[str, Any]:
        """A JSON object for programs."""
        return {
            "endpoints": [endpoint.to_json() for endpoint in self.endpoints],
            "remote": [finding.to_json() for finding in self.remote],
        }


def status(project: Project, connect: Callable[[], Client]) -> Status:
    """Look at every endpoint; `connect` may raise RunflowError, and the local part still works."""
    slugs = list(project.spec.endpoints)
    here = {slug: _local(project, slug, stale) for slug, stale in _stale(project).items()}
    try:
        client = connect()
        client.act_for(project.spec.organization)
        ours = published_by(client, project.name)
        records = look_up(client, slugs)
    except RunflowError as error:
        unknown = [EndpointStatus(slug, here[slug][0], "unknown") for slug in slugs]
        return Status(tuple(unknown), error.findings)
    orphans = [row for row in ours if row.get("slug") not in slugs]
    known = [_remote(project, slug, *here[slug], records[slug]) for slug in slugs]
    return Status((*known, *(_orphan(row) for row in orphans)), ())


def _stale(project: Project) -> dict[str, bool]:
    """Whether anything that an endpoint builds on left the lock behind, for each endpoint."""
    slugs = list(project.spec.endpoints)
    if project.lock is None:
        return dict.fromkeys(slugs, True)
    places = [
        finding.where
        for finding in disagreements(
            project.spec, project.workflows, project.definitions, project.lock
        )
    ]
    return {slug: any(_concerns(project, slug, place) for place in places) for slug in slugs}


def _concerns(project: Project, slug: str, place: Where) -> bool:
    """Whether a disagreement is the endpoint's: its own, its workflow's, or one of all."""
    if place.key[:1] == ("endpoints",):
        return place.key[1:2] == (slug,)
    workflows = {endpoint.workflow for endpoint in project.spec.endpoints.values()}
    if place.file in workflows:
        return place.file == project.spec.endpoints[slug].workflow
    return True


def _local(project: Project, slug: str, stale: bool) -> tuple[LockState, Bundle | None]:
    """The lock's state, and the bundle that it stands for where there is one."""
    workflow = project.workflows.get(project.spec.endpoints[slug].workflow)
    if workflow is None:
        return "broken", None
    if project.lock is None:
        return "missing", None
    if stale:
        return "stale", None
    try:
        return "fresh", rewrite(workflow, project.definitions, project.lock, slug)
    except RunflowError:
        return "broken", None


def _remote(
    project: Project,
    slug: str,
    lock: LockState,
    bundle: Bundle | None,
    record: Record | RunflowError | None,
) -> EndpointStatus:
    here = EndpointStatus(slug, lock, "unknown")
    if isinstance(record, RunflowError):
        return replace(here, findings=record.findings)
    if record is None:
        return replace(here, remote="unpublished")
    if bundle is None:
        owner = (published_from(record) or {}).get("project")
        return replace(here, remote="published" if owner == project.name else "foreign")
    try:
        step = plan(bundle, provenance_of(project.paths, project.spec), record)
    except RunflowError as error:
        return replace(here, findings=error.findings)
    here = replace(here, changes=step.changes, findings=step.findings)
    if step.action == "refused":
        return replace(here, remote="foreign")
    if step.action == "unchanged":
        return replace(here, remote="published")
    return replace(here, remote="drifted" if step.drifted else "outdated")


def _orphan(record: Record) -> EndpointStatus:
    slug = str(record.get("slug"))
    finding = Finding(
        "endpoint-orphaned",
        f"{slug} is published, and runflow.yaml no longer has it",
        fix=f"runflow publish --prune deletes all such endpoints, runflow delete {slug} this one",
    )
    return EndpointStatus(slug, "gone", "orphaned", findings=(finding,))
