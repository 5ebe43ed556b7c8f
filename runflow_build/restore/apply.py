"""Do the steps of a plan, side by side where they do not need each other.

Whatever is made is made beside its place and then renamed, so that a kill leaves nothing half done;
what was meant to be done stands in the folder's state file before the first step begins.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import RestoreError, RunflowError
from ..findings import Finding
from ..sources.files import Content, below
from ..sources.git.without import git_is_there
from ..sources.world import Unanswered
from . import scripts
from .archive import unpack
from .checkout import checkout
from .download import MOST_CONNECTIONS, download
from .environment import sync
from .interpreter import Interpreter, install
from .plan import Plan, Present, Step, in_the_way
from .state import Restored, write_state
from .store import not_written
from .wanted import COMFYUI, ENVIRONMENT, Wanted, WantedFile

if TYPE_CHECKING:
    from ..sources.digests import DigestCache
    from ..sources.git.hosts import GitCache
    from ..sources.http.client import Http
    from ..sources.mirrors import Mirrors
    from .store import ModelStore

_AT_ONCE = 8  # steps; a download has connections of its own


class Progress(Protocol):
    """Who is told how it goes; from several threads."""

    def begun(self, step: Step) -> None: ...

    def received(self, step: Step, count: int) -> None:
        """Bytes that came; those at hand are told at first, negative ones were of no use."""
        ...

    def ended(self, step: Step, error: bool, why: Sequence[Finding] = ()) -> None:
        """`why`: what was in its way; of an error without it, that it was stopped."""
        ...

    def said(self, step: Step, line: str) -> None:
        """A line of a program that works on the step."""
        ...


@dataclass(frozen=True)
class Tools:
    """What the steps are done with."""

    git: GitCache
    http: Http
    store: ModelStore
    digests: DigestCache
    mirrors: Mirrors
    inputs: Path  # the project's folder of input files
    offline: bool = False
    interpreter: Interpreter | None = None  # that of a ComfyUI which runs in the folder
    stop: threading.Event = field(default_factory=threading.Event)  # set: what goes on ends


class _Stopped(Exception):
    """Ctrl-C, or a step failed that this one stands on: nothing to say about it."""


def apply(
    plan: Plan, wanted: Wanted, present: Present, folder: Path, tools: Tools, progress: Progress
) -> list[Finding]:
    """Do all steps; what is worth knowing afterwards.

    A step that fails stops only those that stand on it. Raises RestoreError with a finding for
    each failure; the state file then tells what is there.
    """
    run = _Run(plan, wanted, present, folder, tools, progress, meant(plan, wanted, present.state))
    write_state(folder, run.state)
    try:
        run.all()
    finally:
        write_state(folder, run.state)
    if run.findings:
        raise RestoreError(*run.findings)
    return run.notes


def meant(plan: Plan, wanted: Wanted, state: Restored) -> Restored:
    """The state as it will be, except for what must not be believed before it is done.

    A file counts as ours by its content, so it may be told before it is there.
    """
    contents = {file.place: file.sha256 for file in wanted.files if file.sha256}
    places = [step.place for step in plan.of("model", "resource") if step.place in contents]
    ours = {one: (*state.files.get(one, ()), contents[one]) for one in places}
    rerun = {step.name for step in plan.of("script")}
    return state.with_(
        target=wanted.packages.target if wanted.packages else state.target,
        files={**state.files, **ours},
        scripts={pack: ran for pack, ran in state.scripts.items() if pack not in rerun},
    )


@dataclass
class _Run:
    plan: Plan
    wanted: Wanted
    present: Present
    folder: Path
    tools: Tools
    progress: Progress
    state: Restored
    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    _slots: threading.Semaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_CONNECTIONS)
    )
    _failed: set[str] = field(default_factory=set)  # packs
    _packages: threading.Lock = field(default_factory=threading.Lock)
    _code: Future[None] | None = None  # the checkout of ComfyUI, which holds all the others

    def all(self) -> None:
        """First ComfyUI: packs, models and inputs lie in its tree. Last what runs in all of it."""
        doings: Mapping[str, Callable[[Step], None]] = {
            "checkout": self._checkout,
            "environment": self._environment,
            "model": self._file,
            "resource": self._file,
        }
        steps = [step for step in self.plan.steps if step.kind in doings]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            running: dict[Future[None], Step] = {}
            for step in steps:
                future = pool.submit(self._done, doings[step.kind], step)
                running[future] = step
                if step.place == COMFYUI:
                    self._code = future
            try:
                for future in as_completed(running):
                    self._take(future, running[future])
            except BaseException:
                self.tools.stop.set()
                for future in running:
                    future.cancel()
                raise
        for step in self.plan.of("script"):
            if self._may_run(step):
                self._script(step)
        self._tell_of_scripts()

    def _done(self, do: Callable[[Step], None], step: Step) -> None:
        if self.tools.stop.is_set():
            self.progress.ended(step, True)
            raise _Stopped
        if step.kind == "checkout" and step.place != COMFYUI:
            self._wait_for_code()
        self.progress.begun(step)
        try:
            do(step)
        except BaseException as error:
            self.progress.ended(step, True, self._why(step, error))
            raise
        self.progress.ended(step, False)

    def _why(self, step: Step, error: BaseException) -> tuple[Finding, ...]:
        """What to say of a failure; nothing of one that was wanted, or that is a defect."""
        if self.tools.stop.is_set():
            return ()
        if isinstance(error, RunflowError):
            return error.findings
        if isinstance(error, Unanswered):
            return (not_fetched(step, error),)
        if isinstance(error, OSError):
            return (not_written(self.folder / step.place, error),)
        return ()

    def _take(self, future: Future[None], step: Step) -> None:
        """The outcome of a step, in the thread that holds the state."""
        try:
            future.result()
        except (_Stopped, RunflowError, Unanswered, OSError) as error:
            self.findings += self._why(step, error)
            self._failed.add(step.name)
        else:
            if step.kind in ("model", "resource"):
                self._settle(step)

    def _settle(self, step: Step) -> None:
        """What lay at the place before is no longer ours, should it come back."""
        if step.place not in self.state.files:  # nobody said what it holds
            return
        last = self.state.files[step.place][-1]
        self.state = self.state.with_(files={**self.state.files, step.place: (last,)})

    # -- what the steps do

    def _checkout(self, step: Step) -> None:
        self._requirements(step)
        if self.tools.interpreter and not git_is_there():
            unpack(
                self.tools.http,
                step.url or "",
                step.commit or "",
                self.folder / step.place,
                log=lambda line: self.progress.said(step, line),
                stop=self.tools.stop,
            )
            return
        checkout(
            step.url or "",
            step.commit or "",
            self.folder / step.place,
            offline=self.tools.offline,
            log=lambda line: self.progress.said(step, line),
            stop=self.tools.stop,
        )

    def _requirements(self, step: Step) -> None:
        """Install what a pack asks of the running Python, before its code is there to miss it."""
        needed, interpreter = self.wanted.requirements.get(step.name), self.tools.interpreter
        if not needed or interpreter is None:
            return
        with self._packages:
            install(
                interpreter,
                needed,
                by=step.name,
                mirrors=self.tools.mirrors,
                offline=self.tools.offline,
                log=lambda line: self.progress.said(step, line),
                stop=self.tools.stop,
            )

    def _environment(self, step: Step) -> None:
        packages = self.wanted.packages
        assert packages  # or there is no such step
        sync(
            packages.pylock,
            self.folder / ENVIRONMENT,
            packages.python,
            mirrors=self.tools.mirrors,
            offline=self.tools.offline,
            log=lambda line: self.progress.said(step, line),
        )

    def _file(self, step: Step) -> None:
        file = next(one for one in self.wanted.files if one.place == step.place)
        target = self.folder / file.place
        store = self.tools.store
        if file.is_model:
            sha256 = self._stored(step, file).name
            self._wait_for_code()
            self._give_way(file, sha256)
            store.place(sha256, target)
            if self.tools.interpreter:  # the folder is the user's, and no one's but theirs
                store.hand_over(sha256, target)
        else:
            source, sha256 = self._input(step, file)
            self._wait_for_code()
            self._give_way(file, sha256)
            copied(source, target)
        self.tools.digests.note(target, Content(sha256, target.stat().st_size))

    def _stored(self, step: Step, file: WantedFile) -> Path:
        """Where the content is in the store, by its hash; it is fetched unless it is there."""
        if file.sha256 and (known := self.tools.store.path(file.sha256)):
            return known
        return download(
            self.tools.http,
            file.url or "",
            self.tools.store,
            file.sha256,
            file.size,
            progress=lambda count: self.progress.received(step, count),
            name=file.name,
            slots=self._slots,
            stop=self.tools.stop,
        )

    def _input(self, step: Step, file: WantedFile) -> tuple[Path, str]:
        """Where an input file comes from, and its hash: the project's folder, or else the store."""
        own = below(self.tools.inputs, file.name.removeprefix("input/"))
        if own and own.is_file() and self.tools.digests.content_of(own).sha256 == file.sha256:
            return own, file.sha256
        stored = self._stored(step, file)
        return stored, stored.name

    def _give_way(self, file: WantedFile, sha256: str) -> None:
        """Take away what an earlier restore put there, if that is still what lies there."""
        target, planned = self.folder / file.place, self.present.files.get(file.place)
        if not os.path.lexists(target):
            return
        now = self.tools.digests.content_of(target) if target.is_file() else None
        if now and now.sha256 == sha256:
            return
        if now is None or not isinstance(planned, Content) or planned.sha256 != now.sha256:
            raise RestoreError(in_the_way(file.place, "another file than when we looked"))
        target.unlink()

    def _script(self, step: Step) -> None:
        self.progress.begun(step)
        try:
            said = lambda line: self.progress.said(step, line)  # noqa: E731
            scripts.run(self._home(), step.name, said, self.tools.stop)
        except (RunflowError, OSError) as error:
            why = self._why(step, error)
            self.findings += why
            self.progress.ended(step, True, why)
            return
        self.state = self.state.with_(scripts={**self.state.scripts, step.name: step.commit or ""})
        self.progress.ended(step, False)

    def _tell_of_scripts(self) -> None:
        allowed = {step.name for step in self.plan.of("script")} | set(self.state.scripts)
        anew = {step.name for step in self.plan.of("checkout") if step.place != COMFYUI}
        self.notes += scripts.not_run(self._home(), sorted(anew - allowed))

    def _may_run(self, step: Step) -> bool:
        """A script needs its pack; in a restored folder also all that it may look for."""
        if self.tools.stop.is_set():
            return False
        if self.tools.interpreter:
            return step.name not in self._failed
        return not self.findings

    def _home(self) -> scripts.Home:
        """Where scripts run."""
        one = self.tools.interpreter
        return one.home(self.folder) if one else scripts.restored(self.folder)

    def _wait_for_code(self) -> None:
        if self._code is None:
            return
        try:
            self._code.result()
        except BaseException:  # told by the step itself
            raise _Stopped from None


def not_fetched(step: Step, error: Unanswered) -> Finding:
    """The finding for a step whose source gives no answer."""
    message = f"{step.name} cannot be fetched: {error.reason}"
    return Finding("restore-not-fetched", message, fix=error.fix or "run it again later")


def copied(source: Path, target: Path) -> None:
    """Copy a file to its place, whole or not at all: people edit their input files in place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name[:100]}.runflow.tmp")
    shutil.copyfile(source, beside)
    os.replace(beside, target)
