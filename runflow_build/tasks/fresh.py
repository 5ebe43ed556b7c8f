"""The guard before every stage behind the lock: compares, and never writes."""

from __future__ import annotations

from pathlib import Path

from .. import digest
from ..errors import StaleLockError
from ..file_names import LOCK_FILE
from ..findings import Finding, Where
from ..lock.freshness import disagreements
from ..lock.model import Lock
from ..project.load import Project, load


def require_fresh(root: Path) -> None:
    """Return when the lock in `root` answers runflow.yaml and the workflows.

    Raises StaleLockError, with one finding for each disagreement. A workflow that cannot be read
    is its own endpoint's failure, not everybody's.
    """
    project = load(root)
    if stale := staleness(project):
        raise StaleLockError(*(project.locate(finding) for finding in stale))


def staleness(project: Project) -> list[Finding]:
    """Why the lock cannot be worked with: `lock-missing`, `lock-companion`, `lock-stale`."""
    if project.lock is None:
        return [lock_missing()]
    return [
        *companions_lost(project, project.lock),
        *disagreements(project.spec, project.workflows, project.definitions, project.lock),
    ]


def lock_missing() -> Finding:
    """The finding of whatever needs a lock where there is none."""
    message = f"there is no {LOCK_FILE}"
    return Finding("lock-missing", message, Where(LOCK_FILE), fix="run `runflow lock`")


def companions_lost(project: Project, lock: Lock) -> list[Finding]:
    """The files beside the lock, by content: what the lock was written with is what is used."""
    pins = [lock.definitions, *(target.pylock for target in lock.python.targets.values())]
    found = []
    for pin in filter(None, pins):
        path = project.paths.root / pin.file
        if path.is_file() and digest.of_bytes(path.read_bytes()) == pin.sha256:
            continue
        what = "is another one than the lock names" if path.exists() else "is missing"
        found.append(
            Finding(
                "lock-companion",
                f"the lock's companion {pin.file} {what}",
                Where(pin.file),
                fix="take lock and companion from one commit, or run `runflow lock`",
            )
        )
    return found
