"""What a restore would do to a folder: planned as often as wanted, with nothing changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..findings import Finding
from ..lock.file_facts import size_text
from ..project.save import save_files
from ..restore.plan import Plan, Present, plan
from ..restore.present import look
from ..restore.store import SPARE, ModelStore
from ..restore.trust import is_trusted
from ..sources.digests import DigestCache
from .restorable import Job

if TYPE_CHECKING:
    from ..restore.apply import Progress

ASSUMED_RATE = 50_000_000.0  # bytes/s, until a restore was measured
_MEASURABLE = 20_000_000  # bytes; fewer say nothing about a network
_UNPACKED = 3  # bytes on the disk for one of a wheel, which is a zip


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


@dataclass(frozen=True)
class Planning:
    """What a plan is made of; it can be made again when things have changed."""

    job: Job
    digests: DigestCache
    store: ModelStore
    answers: list[str]  # repositories that somebody said to trust
    rate_file: Path

    def now(self) -> tuple[Present, Outcome]:
        """What there is and what is to be done; nothing is changed."""
        job = self.job
        present = look(
            job.folder, job.wanted, digests=self.digests, store=self.store, inputs=job.inputs
        )
        trusted = tuple(dict.fromkeys((*present.state.trusted, *self.answers)))
        present = replace(present, state=present.state.with_(trusted=trusted, only=job.only))
        found = plan(job.wanted, present, job.spec, lambda url: self.trusts(url, trusted))
        findings = (*found.findings, *_lack_of_room(found, job.folder, self.store.folder))
        packages, rate = job.wanted.packages, read_rate(self.rate_file)
        target = packages.target if packages else ""
        return present, Outcome(job.folder, target, found, rate, findings)

    def trusts(self, url: str, answers: Collection[str]) -> bool:
        """Whether the policy or an answer trusts a repository."""
        return is_trusted(url, self.job.spec.policy.trusted_repositories, answers)


# -- room and time


def _lack_of_room(plan: Plan, folder: Path, store: Path) -> list[Finding]:
    """A finding for each disk that is too full; two folders may lie on one."""
    unpacked = _UNPACKED * sum(step.size or 0 for step in plan.of("environment"))
    inputs = sum(step.size or 0 for step in plan.of("resource"))
    models = sum(step.size or 0 for step in plan.of("model"))  # in the folder are links to them
    needed: dict[int, tuple[Path, int]] = {}
    for path, size in ((folder, unpacked + inputs), (store, models)):
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
