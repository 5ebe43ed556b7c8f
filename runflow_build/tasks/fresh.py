"""The guard before every stage behind the lock: compares, and never writes."""

from __future__ import annotations

from pathlib import Path

from ..errors import LockError, StaleLockError
from ..findings import Finding, Where
from ..lock.freshness import disagreements
from ..project.load import load


def require_fresh(root: Path) -> None:
    """Return when the lock in `root` answers runflow.yaml and the workflows.

    Raises LockError (`lock-missing`) without a lock, StaleLockError with one finding for each
    disagreement. A workflow that cannot be read is its own endpoint's failure, not everybody's.
    """
    project = load(root)
    if project.lock is None:
        message = "there is no runflow.lock"
        raise LockError(
            Finding("lock-missing", message, Where(file="runflow.lock"), fix="run `doit lock`")
        )
    stale = disagreements(project.spec, project.workflows, project.definitions, project.lock)
    if stale:
        raise StaleLockError(*(project.locate(finding) for finding in stale))
