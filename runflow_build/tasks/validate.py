"""`validate` on a project's folder: load, check, compare with the lock."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..findings import Finding
from ..project.load import Project, load
from ..validate import check
from .fresh import staleness
from .slugs import chosen


def validate(root: Path, slugs: Collection[str] | None = None) -> list[Finding]:
    """All findings on the endpoints of the project in `root`, in the order of files and lines.

    `slugs` are the endpoints to look at; None or none: all. That the lock is missing or answers
    other wishes is a finding like any other.

    Raises SpecError, LockError, UsageError (`endpoint-unknown`).
    """
    project = load(root, slugs or None)
    wanted = chosen(project.spec.endpoints, slugs)
    whole = [slug for slug in wanted if project.spec.endpoints[slug].workflow not in project.broken]
    found = [one for error in project.broken.values() for one in error.findings]
    found += check(project.spec, project.workflows, project.definitions, project.lock, whole)
    found += _freshness(project, wanted)
    placed = (project.locate(finding) for finding in found)
    return sorted(placed, key=lambda one: (one.where.file or "", one.where.line or 0))


def _freshness(project: Project, wanted: Collection[str]) -> list[Finding]:
    return [one for one in staleness(project) if not _is_of_another(one, project, wanted)]


def _is_of_another(finding: Finding, project: Project, wanted: Collection[str]) -> bool:
    """Whether the finding is about an endpoint that nobody asked for."""
    key = finding.where.key
    return (
        key[:1] == ("endpoints",)
        and len(key) > 1
        and (key[1] in project.spec.endpoints and key[1] not in wanted)
    )
