"""`restore` on a project's folder: plan, ask whose code may be installed, and do it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import RestoreError
from ..findings import Finding, has_errors
from ..restore.trust import answers_of
from ..sources.online import is_offline
from ..sources.user_cache import cache_folder
from .restorable import caches_of, job_of
from .restore_planning import Manners, Outcome, Planning


def restore(
    root: Path,
    folder: Path,
    manners: Manners,
    *,
    target: str | None = None,
    only: Collection[str] = (),
    trust: Sequence[str] = (),
    offline: bool = False,
    dry_run: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Outcome:
    """Make the folder what the project's lock says; what is true already is left alone.

    Nothing is done when anything speaks against it. `trust` names repositories whose code may be
    installed, in addition to the policy. Raises RestoreError and what `job_of` raises.
    """
    answers, offline = answers_of(trust), offline or is_offline(environ)
    folder = Path(os.path.abspath(folder.expanduser()))
    if folder.exists() and not folder.is_dir():
        message, fix = f"{folder} is a file", "name another folder"
        raise RestoreError(Finding("restore-in-the-way", message, fix=fix))
    job = job_of(root, folder, target, only)
    with caches_of(environ) as (digests, store):
        planning = Planning(job, digests, store, answers, cache_folder(environ) / "rate.json")
        _, outcome = planning.now()
        if dry_run:
            return outcome
        if has_errors(outcome.findings):
            raise RestoreError(*outcome.findings)
        if not outcome.plan.steps:
            return replace(outcome, is_done=True)
        from .restore_applying import done  # and all that fetches

        return done(planning, outcome, manners, offline, environ)
