"""`lock` on a project's folder: load, resolve, compile, and write what changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CheckError, LockError, ResolveError, UsageError, WorkflowError
from ..file_names import DEFINITIONS_FILE, LOCK_FILE, SPEC_FILE
from ..findings import Finding, did_you_mean, has_errors, render
from ..lock.compile import companions, compile_lock
from ..lock.diff import LockDiff, diff, render_diff
from ..lock.model import Lock, Pins
from ..lock.needs import AllNeeds, all_needs
from ..lock.text import lock_text
from ..project.definitions import combined, load_definitions, project_definitions
from ..project.documents import comfyui_of
from ..project.files import spec_bytes
from ..project.load import Project, load
from ..project.paths import ProjectPaths
from ..project.save import exclusive, save_files
from ..project.settled import settle
from ..resolve import resolve, resolve_comfyui
from ..sources import Sources
from ..sources.install import Install, find_install
from ..validate import secrets
from ..workflow.definitions_text import DefinitionsFile
from .fresh import companions_lost
from .merge import settle_conflicts

if TYPE_CHECKING:
    from ..sources.digests import DigestCache
    from ..sources.world import World

UNRESOLVED = "not-resolved"
MOST_LINES = 40  # of a summary; `runflow diff` shows the rest


@dataclass(frozen=True)
class Relocked:
    """What locking did."""

    lock: Lock
    changes: LockDiff  # since the lock of before
    is_first: bool
    findings: tuple[Finding, ...]  # placed in their files; the only errors are `not-resolved`
    written: tuple[Path, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every wish has its pin, as far as the policy asks for that."""
        return not has_errors(self.findings)

    def settle(self, root: Path, source: str, since: int) -> None:
        """Remember that locking again finds just this, if that is so: see `project.settled`."""
        lock = self.lock
        dirty = any(pin and pin.dirty for pin in (lock.comfyui, *lock.nodes.values()))
        if self.findings or dirty:  # looked at again, or said again, by the next call
            return
        workflows = [pin.workflow for pin in lock.endpoints.values()]
        inputs = [path for path, pin in lock.resources.items() if pin.url is None]
        companions = [one.pylock.file for one in lock.python.targets.values() if one.pylock]
        read = [SPEC_FILE, *workflows, *inputs]
        settle(root, source, read, [LOCK_FILE, DEFINITIONS_FILE, *companions], since)

    def summary(self) -> str:
        """What changed and what is worth knowing, for a person."""
        return "\n".join(filter(None, (render(self.findings), self._changes())))

    def _changes(self) -> str:
        if not self.written:
            return "runflow.lock is up to date"
        if self.is_first:
            counts = (
                ("endpoint", len(self.lock.endpoints)),
                ("model", len(self.lock.models)),
                ("node pack", len(self.lock.nodes)),
                ("input file", len(self.lock.resources)),
            )
            known = [f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts if n]
            return f"runflow.lock is new: {', '.join(known) or 'nothing in it'}"
        if LOCK_FILE not in (names := [path.name for path in self.written]):
            return f"runflow.lock is up to date; its companion {names[0]} is written anew"
        lines = render_diff(self.changes, "text").splitlines()
        if len(lines) > MOST_LINES:
            more = len(lines) - MOST_LINES
            lines[MOST_LINES:] = [f"… and {more} more lines: runflow diff"]
        return "\n".join(["runflow.lock is written", *(f"  {line}" for line in lines)])


def relock(
    root: Path,
    *,
    install: Path | Install | None = None,
    running: str | DefinitionsFile | None = None,
    upgrade: Collection[str] | None = (),
    world: World | None = None,
    digests: DigestCache | None = None,
    read_files: bool = False,
) -> Relocked:
    """Bring the lock of the project in `root` up to date; files that need no change stay untouched.

    `install` is a ComfyUI installation to capture from, `running` the address of a ComfyUI to take
    the definitions of node classes from, or what it said; without it none is asked. `world` is what
    lies outside of this machine; None: nothing there is asked. `digests` remembers what files hold.
    `read_files`: files whose host does not say their hash are read once to know it.

    `upgrade` names what to resolve anew (`comfyui`, `python`, `runflow`, packs, packages, models,
    inputs; an endpoint's slug accepts its exposed nodes as they are now); None: everything.

    What could be pinned is written even where something else could not: that is a finding
    `not-resolved`, as severe as `policy.unresolved` says, and the next call asks for it again. Any
    other error is raised, and then nothing is written. An unfinished merge in the lock is settled
    first: the lock then has the pins of both sides.

    Raises SpecError, WorkflowError, CheckError (an API key in a file), LockError, ResolveError,
    UsageError, GitError, SaveError.
    """
    paths = ProjectPaths(root)
    spec_bytes(paths)  # no folder of ours where there is no project
    with exclusive(paths):
        findings = settle_conflicts(paths)
        project = load(root)
        if project.broken:
            raise WorkflowError(*_all_wrong(project))
        _refuse_unknown(upgrade, project)
        # A lock goes into git, and titles and descriptions go into the lock.
        if keys := list(secrets.findings(project.spec, project.workflows.values())):
            raise CheckError(*(project.locate(one) for one in keys))
        found = find_install(install) if isinstance(install, Path) else install
        sources = Sources(project.paths.inputs, found, world, digests, read_files)
        said: list[Finding] = []
        pin = resolve_comfyui(project.spec, sources, project.lock, said.append, upgrade)
        comfyui = comfyui_of(project.spec, pin)
        if running:
            project, noted = _as_running(project, comfyui, running)
            findings += noted
        elif comfyui != project.definitions.comfyui:
            project = replace(project, definitions=project_definitions(paths, comfyui))
        told = (project.spec, project.workflows, project.definitions)
        needs = all_needs(*told)
        findings += said if pin else ()  # without a pin it is asked again, and said then
        pins = resolve(
            *told,
            sources,
            _with_its_files(project),
            findings.append,
            upgrade,
            needs,
            pin,
        )
        placed = tuple(project.locate(finding) for finding in findings)
        if has_errors(one for one in placed if one.code != UNRESOLVED):
            raise ResolveError(*placed)
        lock, texts = _compiled(project, pins, needs, _accepted(project.lock, upgrade))
        written = save_files(texts)
    return Relocked(lock, diff(project.lock, lock), project.lock is None, placed, tuple(written))


def _compiled(
    project: Project, pins: Pins, needs: AllNeeds, previous: Lock | None
) -> tuple[Lock, dict[Path, str]]:
    """The lock with these pins, and the texts to write: its companions, and last itself."""
    told = (project.spec, project.workflows, project.definitions)
    try:
        lock = compile_lock(*told, pins, previous, needs)
        beside = companions(needs, project.definitions, pins)
        text = lock_text(lock)
    except (WorkflowError, LockError) as error:
        raise type(error)(*(project.locate(one) for one in error.findings)) from None
    texts = {project.paths.root / name: content for name, content in beside.items()}
    return lock, {**texts, project.paths.lock: text}


def _with_its_files(project: Project) -> Lock | None:
    """The lock of before, less the pylock files that are not beside it any more."""
    lock = project.lock
    if lock is None:
        return None
    lost = {one.where.file for one in companions_lost(project, lock)}
    targets = {
        name: pins.model_copy(update={"pylock": None})
        if pins.pylock and pins.pylock.file in lost
        else pins
        for name, pins in lock.python.targets.items()
    }
    python = lock.python.model_copy(update={"targets": targets})
    return lock.model_copy(update={"python": python})


def _as_running(
    project: Project, comfyui: str | None, running: str | DefinitionsFile
) -> tuple[Project, list[Finding]]:
    """The project with the definitions of a running ComfyUI, and what to know about them.

    What that does not know stays as the project's file has it.
    """
    from .record import answer_of, version_findings  # asks over HTTP

    answer = answer_of(running) if isinstance(running, str) else running
    before = load_definitions(project.paths)
    nodes = {**(before.nodes if before else {}), **answer.nodes}
    definitions = combined(replace(answer, nodes=nodes), comfyui)
    return replace(project, definitions=definitions), version_findings(answer, comfyui)


def _all_wrong(project: Project) -> list[Finding]:
    """What is wrong with the workflows that cannot be read, and with all others."""
    findings = [one for error in project.broken.values() for one in error.findings]
    endpoints = {
        slug: wish
        for slug, wish in project.spec.endpoints.items()
        if wish.workflow not in project.broken
    }
    readable = project.spec.model_copy(update={"endpoints": endpoints})
    try:
        compile_lock(readable, project.workflows, project.definitions, Pins(), project.lock)
    except (WorkflowError, LockError) as error:
        findings.extend(project.locate(one) for one in error.findings)
    return findings


def _accepted(previous: Lock | None, upgrade: Collection[str] | None) -> Lock | None:
    """The lock of before, less what may be another one now: the endpoints whose exposed nodes may
    have changed their class, the release of Runflow's nodes."""
    if previous is None or upgrade is None:
        return None
    kept = {slug: pin for slug, pin in previous.endpoints.items() if slug not in upgrade}
    runflow = None if "runflow" in upgrade else previous.runflow
    return previous.model_copy(update={"endpoints": kept, "runflow": runflow})


def _refuse_unknown(upgrade: Collection[str] | None, project: Project) -> None:
    """Raise UsageError for names that are neither in the lock nor in runflow.yaml."""
    spec, lock = project.spec, project.lock
    known = {
        "comfyui",
        "python",
        "runflow",
        *spec.nodes,
        *spec.models,
        *spec.resources,
        *spec.endpoints,
    }
    if lock:
        known |= {*lock.nodes, *lock.models, *lock.resources, *lock.python.packages}
        known |= {name for target in lock.python.targets.values() for name in target.packages}
    unknown = sorted(set(upgrade or ()) - known)
    if unknown:
        raise UsageError(*(_unknown(name, known) for name in unknown))


def _unknown(name: str, known: Collection[str]) -> Finding:
    return Finding(
        "upgrade-unknown",
        f"nothing in the lock is called `{name}`{did_you_mean(name, sorted(known))}",
        fix="name `comfyui`, `python`, `runflow`, a node pack, a package, a model, an "
        "input file or an endpoint, as runflow.lock writes it",
    )
