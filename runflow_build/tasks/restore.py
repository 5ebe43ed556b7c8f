"""`restore` on a project's folder: plan, ask whose code may be installed, and do it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import RestoreError
from ..file_names import STATE_FOLDER
from ..findings import Finding, has_errors
from ..project.save import save_files
from ..restore.apply import Progress, Tools, apply, not_fetched, room_needed
from ..restore.plan import Plan, Present, Step, plan
from ..restore.present import look
from ..restore.store import SPARE, not_written
from ..restore.submodules import Submodule, submodules_of
from ..restore.trust import answers_of, asked, is_trusted, questions, refusals
from ..sources.user_cache import cache_folder
from ..sources.world import Unanswered
from .restorable import Job, job_of, tools_of

ASSUMED_RATE = 50_000_000.0  # bytes/s, until a restore was measured
_MEASURABLE = 20_000_000  # bytes; fewer say nothing about a network
_BUSY_S = 10.0
_AT_ONCE = 8  # repositories that are asked for their submodules


@dataclass(frozen=True)
class Rate:
    """How fast things are fetched."""

    per_s: float = ASSUMED_RATE  # bytes
    is_measured: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a restore found and did."""

    folder: Path
    target: str
    plan: Plan
    rate: Rate
    findings: tuple[Finding, ...] = ()  # of the plan, and what is worth knowing afterwards
    is_done: bool = False  # all steps; False: they were only shown

    @property
    def seconds(self) -> float:
        """How long the fetching takes, as far as the bytes are known."""
        return self.plan.fetch / self.rate.per_s

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "target": self.target,
            "done": self.is_done,
            "steps": [step.to_json() for step in self.plan.steps],
            "fetch": {
                "bytes": self.plan.fetch,
                "steps_of_unknown_size": self.plan.unsized,
                "seconds": round(self.seconds, 1),
                "bytes_per_s": round(self.rate.per_s),
                "rate": "measured" if self.rate.is_measured else "assumed",
            },
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class Manners:
    """How whoever restores is talked to."""

    progress: Progress
    show: Callable[[Outcome], None]  # the plan, before it is done
    ask: Callable[[str], str] | None = None  # None: nobody is there to be asked
    wants_yes: bool = False  # the plan as well is asked about


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
    answers = answers_of(trust)
    folder = Path(os.path.abspath(folder.expanduser()))
    if folder.exists() and not folder.is_dir():
        message, fix = f"{folder} is a file", "name another folder"
        raise RestoreError(Finding("restore-in-the-way", message, fix=fix))
    job = job_of(root, folder, target, only)
    with tools_of(environ, job.inputs, offline) as tools:
        work = _Work(job, tools, answers, rate_file=cache_folder(environ) / "rate.json")
        present, outcome = work.planned()
        if dry_run or not outcome.plan.steps:
            if not dry_run and has_errors(outcome.findings):
                raise RestoreError(*outcome.findings)
            return replace(outcome, is_done=not dry_run)
        with _alone(folder):
            present, outcome = work.planned()  # whoever was here before may have done it
            if has_errors(outcome.findings):
                raise RestoreError(*outcome.findings)
            present = work.trusting(present, outcome.plan, manners)
            manners.show(outcome)
            _agreed(manners)
            return work.done(present, outcome, manners.progress)


@dataclass
class _Work:
    job: Job
    tools: Tools
    answers: list[str]
    rate_file: Path

    def planned(self) -> tuple[Present, Outcome]:
        """What there is and what is to be done; nothing is changed."""
        job, tools = self.job, self.tools
        present = look(
            job.folder, job.wanted, digests=tools.digests, store=tools.store, inputs=job.inputs
        )
        trusted = tuple(dict.fromkeys((*present.state.trusted, *self.answers)))
        present = replace(present, state=present.state.with_(trusted=trusted, only=job.only))
        found = plan(job.wanted, present, job.spec, lambda url: self.trusts(url, trusted))
        findings = (*found.findings, *_lack_of_room(found, job.folder, tools.store.folder))
        packages = job.wanted.packages
        return present, Outcome(
            job.folder, packages.target, found, read_rate(self.rate_file), findings
        )

    def trusts(self, url: str, answers: Collection[str]) -> bool:
        return is_trusted(url, self.job.spec.policy.trusted_repositories, answers)

    def trusting(self, present: Present, plan: Plan, manners: Manners) -> Present:
        """The same with the answers that somebody gave. Raises RestoreError `code-not-trusted`."""
        trusted = present.state.trusted
        open_ = questions(self._uses(plan), lambda url: self.trusts(url, trusted))
        yes, no = asked(open_, manners.ask) if manners.ask else ([], open_)
        if no:
            raise RestoreError(*refusals(no))
        return replace(present, state=present.state.with_(trusted=(*trusted, *yes)))

    def _uses(self, plan: Plan) -> list[tuple[str, str]]:
        """Each repository whose code would come, with what for; submodules included.

        Raises RestoreError where a repository does not say what submodules it has.
        """
        uses, lacks = [], []
        if plan.of("environment"):
            code = self.job.wanted.packages.code
            uses += [(url, f"the Python package {name}") for url, name in code]
        steps = plan.of("checkout")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(pool.map(self._submodules, steps))
        for step, found in zip(steps, answers, strict=True):
            if isinstance(found, Finding):
                lacks.append(found)
            else:
                what = _what(step)
                uses.append((step.url or "", what))
                uses += [(one.url, f"the submodule {one.path} of {what}") for one in found]
        if lacks:
            raise RestoreError(*lacks)
        return uses

    def _submodules(self, step: Step) -> list[Submodule] | Finding:
        try:
            return submodules_of(self.tools.git, step.url or "", step.commit or "")
        except Unanswered as error:
            return not_fetched(step, error)

    def done(self, present: Present, outcome: Outcome, progress: Progress) -> Outcome:
        """Do the steps, and remember how fast it went."""
        begin = time.monotonic()
        notes = apply(outcome.plan, self.job.wanted, present, self.job.folder, self.tools, progress)
        write_rate(self.rate_file, outcome.plan.fetch, time.monotonic() - begin)
        return replace(outcome, is_done=True, findings=(*outcome.findings, *notes))


def _agreed(manners: Manners) -> None:
    if (
        manners.wants_yes
        and manners.ask
        and manners.ask("go on? [Y/n] ").strip().lower()
        in (
            "n",
            "no",
        )
    ):
        raise RestoreError(
            Finding("restore-not-done", "nothing was done", fix="run it again and say yes")
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder for one restore at a time. Raises RestoreError `restore-busy`."""
    from filelock import FileLock, Timeout

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


def _what(step: Step) -> str:
    commit = (step.commit or "")[:12]
    return (
        f"{step.name} at {commit}"
        if step.place == step.name
        else (f"the node pack {step.name} at {commit}")
    )


# -- room and time


def _lack_of_room(plan: Plan, folder: Path, store: Path) -> list[Finding]:
    """A finding for each disk that is too full; two folders may lie on one."""
    needed: dict[int, tuple[Path, int]] = {}
    for path, size in room_needed(plan, folder, store):
        there = next(one for one in (path, *path.parents) if one.exists())
        device = there.stat().st_dev
        needed[device] = (there, needed.get(device, (there, 0))[1] + size)
    findings = []
    for there, size in needed.values():
        free = shutil.disk_usage(there).free
        if size and free < size + SPARE:
            findings.append(
                Finding(
                    "restore-no-room",
                    f"{size_text(size)} are needed on the disk of {there}, {size_text(free)} "
                    "are free",
                    fix="make room, restore elsewhere, or set RUNFLOW_CACHE_DIR to a larger disk",
                )
            )
    return findings


def size_text(size: int) -> str:
    """`1.5 GB`; decimal units, as disks and networks are sold."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.1f} {unit}"


def read_rate(file: Path) -> Rate:
    """What the last restore of this user measured, or what is assumed."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))["bytes_per_s"]
    except (OSError, ValueError, TypeError, KeyError):
        return Rate()
    return Rate(float(told), True) if isinstance(told, (int, float)) and told > 0 else Rate()


def write_rate(file: Path, size: int, seconds: float) -> None:
    """Remember how fast it went, unless it was too little to tell."""
    if size >= _MEASURABLE and seconds > 0:
        save_files({file: json.dumps({"bytes_per_s": round(size / seconds)}) + "\n"})
