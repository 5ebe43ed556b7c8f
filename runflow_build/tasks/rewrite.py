"""`rewrite` on a project's folder: the bundles of its endpoints, below .runflow/build."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..bundle import bundle_text
from ..errors import LockError, RunflowError
from ..lock.model import Lock
from ..project.load import Project, load
from ..project.save import save_files
from ..rewrite import rewrite
from .fresh import lock_missing
from .slugs import chosen


def build(root: Path, slugs: Collection[str] | None = None) -> list[Path]:
    """Write the bundles of these endpoints (None or none: of all), and return their paths.

    All of them or nothing is written; a bundle that is the same already is not touched.

    Raises SpecError, LockError, StaleLockError, WorkflowError, CheckError, SaveError, UsageError.
    """
    project = load(root, slugs or None)
    wanted = chosen(project.spec.endpoints, slugs)
    lock = _lock(project)
    texts = {project.paths.bundle(slug): _text(project, lock, slug) for slug in wanted}
    save_files(texts)
    return list(texts)


def _lock(project: Project) -> Lock:
    if project.lock is None:
        raise LockError(lock_missing())
    return project.lock


def _text(project: Project, lock: Lock, slug: str) -> str:
    path = project.spec.endpoints[slug].workflow
    if path in project.broken:
        raise project.broken[path]
    try:
        return bundle_text(rewrite(project.workflows[path], project.definitions, lock, slug))
    except RunflowError as error:
        raise type(error)(*(project.locate(one) for one in error.findings)) from None
