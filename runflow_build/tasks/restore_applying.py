"""The part of a restore that changes things: whose code may come, and then the steps."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import RestoreError
from ..file_names import STATE_FOLDER
from ..findings import Finding, has_errors
from ..restore.apply import Tools, apply, not_fetched
from ..restore.plan import Plan, Step
from ..restore.state import read_state
from ..restore.store import ModelStore, not_written
from ..restore.submodules import Submodule, submodules_of
from ..restore.trust import asked, questions, refusals
from ..restore.wanted import COMFYUI, WantedPackages
from ..sources.digests import DigestCache
from ..sources.file_hosts.online import tokens_of
from ..sources.git.hosts import GitCache
from ..sources.http.answers import AnswerCache
from ..sources.http.client import Http
from ..sources.mirrors import mirrors_of
from ..sources.user_cache import cache_folder
from ..sources.world import Unanswered
from .restore_planning import Manners, Outcome, Planning, write_rate

_BUSY_S = 10.0
_AT_ONCE = 8  # repositories that are asked for their submodules


def done(
    planning: Planning,
    outcome: Outcome,
    manners: Manners,
    offline: bool,
    environ: Mapping[str, str],
) -> Outcome:
    """Ask, then do what the outcome plans; a no leaves no trace. Raises RestoreError."""
    kept, inputs = (planning.store, planning.digests), planning.job.inputs
    with tools_of(*kept, inputs, environ, offline) as tools:
        planning = _trusting(planning, outcome.plan, tools.git, manners)
        manners.show(outcome)
        _agreed(manners)
        with alone(planning.job.folder):
            present, outcome = planning.now()  # another process may have done some of it
            if has_errors(outcome.findings):
                raise RestoreError(*outcome.findings)
            begin, job = time.monotonic(), planning.job
            notes = apply(outcome.plan, job.wanted, present, job.folder, tools, manners.progress)
            write_rate(planning.rate_file, outcome.plan.fetch, time.monotonic() - begin)
    return replace(outcome, is_done=True, findings=(*outcome.findings, *notes))


@contextmanager
def tools_of(
    store: ModelStore,
    digests: DigestCache,
    inputs: Path,
    environ: Mapping[str, str],
    offline: bool,
) -> Iterator[Tools]:
    """What the steps are done with. Raises UsageError `mirror-malformed`."""
    cache, mirrors = cache_folder(environ), mirrors_of(environ)
    with (
        closing(AnswerCache(cache / "answers.db")) as answers,
        closing(
            Http(mirrors=mirrors, cache=answers, offline=offline, tokens=tokens_of(environ))
        ) as http,
    ):
        yield Tools(
            git=GitCache(cache / "git", offline=offline),
            http=http,
            store=store,
            digests=digests,
            mirrors=mirrors,
            inputs=inputs,
            offline=offline,
        )


# -- whose code


def _trusting(planning: Planning, plan: Plan, git: GitCache, manners: Manners) -> Planning:
    """The same with the answers that somebody gives. Raises RestoreError `code-not-trusted`."""
    known = (*planning.answers, *read_state(planning.job.folder).trusted)
    uses = _uses(plan, planning.job.wanted.packages, git)
    open_ = questions(uses, lambda url: planning.trusts(url, known))
    yes, no = asked(open_, manners.ask) if manners.ask else ([], open_)
    if no:
        raise RestoreError(*refusals(no))
    return replace(planning, answers=[*planning.answers, *yes])


def _uses(plan: Plan, packages: WantedPackages | None, git: GitCache) -> list[tuple[str, str]]:
    """Each repository whose code would come, with what for; submodules included.

    Raises RestoreError where a repository does not say what submodules it has.
    """
    uses, lacks = [], []
    if plan.of("environment") and packages:
        uses += [(url, f"the Python package {name}") for url, name in packages.code]
    steps = plan.of("checkout")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda step: _submodules(step, git), steps))
    for step, found in zip(steps, answers, strict=True):
        if isinstance(found, Finding):
            lacks.append(found)
            continue
        what = _what(step)
        uses.append((step.url or "", what))
        uses += [(one.url, f"the submodule {one.path} of {what}") for one in found]
    if lacks:
        raise RestoreError(*lacks)
    return uses


def _submodules(step: Step, git: GitCache) -> list[Submodule] | Finding:
    try:
        return submodules_of(git, step.url or "", step.commit or "")
    except Unanswered as error:
        return not_fetched(step, error)


def _what(step: Step) -> str:
    pack = "" if step.place == COMFYUI else "the node pack "
    return f"{pack}{step.name} at {(step.commit or '')[:12]}"


def _agreed(manners: Manners) -> None:
    if not (manners.wants_yes and manners.ask):
        return
    if manners.ask("go on? [Y/n] ").strip().lower() in ("n", "no"):
        fix = "run it again and say yes"
        raise RestoreError(Finding("restore-not-done", "nothing was done", fix=fix))


# -- one at a time


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder for one restore at a time. Raises RestoreError `restore-busy`."""
    place = folder / STATE_FOLDER
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / "restore.lock")
        lock.acquire(timeout=_BUSY_S)
    except Timeout:
        fix = "wait until it is done, or end it"
        message = f"another runflow restores into {folder.name} just now"
        raise RestoreError(Finding("restore-busy", message, fix=fix)) from None
    except OSError as error:
        raise RestoreError(not_written(place, error)) from None
    try:
        yield
    finally:
        lock.release()
