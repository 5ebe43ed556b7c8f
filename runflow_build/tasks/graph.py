"""The doit task graph: which stage of which endpoint runs when.

    lock                          writes the lock; no other task ever runs it
    fresh ── validate:<slug> ── rewrite:<slug> ── publish:<slug>
    call:<slug>, diff, status, restore, serve, demo        for people

Building the graph reads nothing but the outline of each runflow.yaml, and the stages are imported
when they run: most calls of doit find that there is nothing to do, and that must cost nothing.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidDodoFile, TaskFailed

from .. import __version__
from ..errors import RunflowError
from ..file_names import STATE_FOLDER
from ..findings import counts_text, render
from ..project.outline import Outline, outline
from ..project.paths import ProjectPaths
from .reporter import Reporter
from .state import state_file

if TYPE_CHECKING:
    from ..publish.remote import Lookups

Task = dict[str, Any]


# What `doit list` says of the names that stand for many tasks: stages that have one for each
# endpoint, and those that have one for each of several projects.
_OF_ENDPOINTS = {
    "validate": "findings on every endpoint",
    "rewrite": "the bundle of every endpoint",
    "publish": "create or update every endpoint",
    "call": "call an endpoint: doit call:SLUG --input=KEY=VALUE",
}
_OF_PROJECTS = {
    "lock": "resolve every project into its runflow.lock",
    "fresh": "fail when a runflow.lock does not answer its runflow.yaml and workflows",
    "diff": "what the change of each lock since HEAD means",
    "restore": "a ComfyUI as a lock says: doit restore:PROJECT --into=DIR",
    "status": "every endpoint of every project: lock fresh? published? drifted?",
}

DOIT_CONFIG: dict[str, Any] = {
    "default_tasks": ["validate"],
    "continue": True,
    "backend": "sqlite3",
    "dep_file": f"{STATE_FOLDER}/doit.db",
    "reporter": Reporter,
    "par_type": "thread",
}


def projects(*patterns: str) -> Graph:
    """The graph of every folder that matches a pattern and holds a runflow.yaml.

    Patterns are relative to dodo.py. Makes the folder of doit's own state, which doit opens before
    it asks for the first task.
    """
    try:
        state_file(Path())
    except RunflowError as error:
        raise InvalidDodoFile(_one_line(error, Path())) from None
    roots = sorted(
        {path for pattern in patterns for path in map(Path, glob(pattern)) if _is_project(path)}
    )
    if not roots:
        wanted = " ".join(patterns)
        raise InvalidDodoFile(
            f"no runflow.yaml in {wanted}: `runflow init WORKFLOW` writes one from a workflow"
        )
    return Graph(roots)


def _is_project(path: Path) -> bool:
    return ProjectPaths(path).spec.is_file()


@dataclass(frozen=True)
class Graph:
    """What doit finds in dodo.py and asks for tasks."""

    roots: list[Path]

    def create_doit_tasks(self) -> Iterator[Task]:
        """Every task of every project. Raises InvalidDodoFile, in one line, for a broken spec."""
        several = len(self.roots) > 1
        for stage, doc in {**_OF_ENDPOINTS, **(_OF_PROJECTS if several else {})}.items():
            yield {"basename": stage, "name": None, "doc": doc}
        for root in self.roots:
            prefix = f"{root.name}:" if several else ""
            try:
                yield from ProjectTasks(root, prefix, outline(root)).all()
            except RunflowError as error:
                raise InvalidDodoFile(_one_line(error, root)) from None
        yield _for_people("demo", doc="the whole way on embedded defaults, in seconds")
        yield _for_people("serve", doc="the self-hosted server, until Ctrl-C")


@dataclass
class ProjectTasks:
    """The tasks of one project; `prefix` is its folder where the graph has several."""

    root: Path
    prefix: str
    outline: Outline
    _lookups: Lookups | None = field(default=None, init=False)

    def all(self) -> Iterator[Task]:
        yield self._lock()
        yield self._fresh()
        for slug in self.outline.endpoints:
            yield self._validate(slug)
            yield self._rewrite(slug)
            yield self._publish(slug)
            yield self._call(slug)
        yield self._for_people("diff", "what the lock's change since HEAD means")
        yield self._for_people("status", "each endpoint: lock fresh? published? drifted?")
        yield self._restore()

    # -- the build

    def _lock(self) -> Task:
        return self._project_task(
            "lock",
            doc="resolve runflow.yaml and the workflows into runflow.lock",
            actions=[_action(self._run_lock)],
            file_dep=self._sources(),
            uptodate=[_same_tool, self._lock_as_left],
            values={"lock": self._lock_state},
        )

    def _fresh(self) -> Task:
        return self._project_task(
            "fresh",
            doc="fail when runflow.lock does not answer runflow.yaml and the workflows",
            actions=[_action(self._run_fresh)],
            file_dep=self._sources() + self._existing(self.paths.lock),
            uptodate=[_same_tool],
        )

    def _validate(self, slug: str) -> Task:
        return self._endpoint_task(
            "validate",
            slug,
            doc=f"findings on {slug}",
            actions=[_action(self._run_validate, slug)],
            file_dep=self._inputs_of(slug),
            task_dep=[self._name("fresh")],
            uptodate=[_same_tool],
        )

    def _rewrite(self, slug: str) -> Task:
        return self._endpoint_task(
            "rewrite",
            slug,
            doc=f"the bundle of {slug}",
            actions=[_action(self._run_rewrite, slug)],
            file_dep=self._inputs_of(slug),
            task_dep=[self._name("validate", slug)],
            targets=[str(self.paths.bundle(slug))],
            uptodate=[_same_tool],
            clean=True,
        )

    def _publish(self, slug: str) -> Task:
        return self._endpoint_task(
            "publish",
            slug,
            doc=f"create or update the endpoint {slug}",
            actions=[_action(self._run_publish, slug)],
            file_dep=[str(self.paths.bundle(slug))],
            uptodate=[lambda: self._published(slug)],
        )

    def _call(self, slug: str) -> Task:
        return self._endpoint_task(
            "call",
            slug,
            doc=f"call {slug}, with --input=KEY=VALUE or --input=KEY=@FILE for each input",
            actions=[_action(self._run_call, slug)],
            params=[{"name": "input", "long": "input", "type": list, "default": []}],
            uptodate=[False],
        )

    def _restore(self) -> Task:
        return self._project_task(
            "restore",
            doc="a ComfyUI with all that the lock holds, in a folder: --into=DIR",
            actions=[_action(self._run_restore)],
            params=[{"name": "into", "long": "into", "type": str, "default": ""}],
            uptodate=[False],
        )

    # -- what the actions run; each imports its stage when it is needed

    def _run_lock(self) -> str:
        from ..errors import ResolveError
        from ..sources.online import opened
        from .lock import relock

        with opened(os.environ) as (world, digests):
            done = relock(self.root, world=world, digests=digests)
        if not done.is_whole:
            raise ResolveError(*done.findings)
        return done.summary()

    def _run_fresh(self) -> str:
        from .fresh import require_fresh

        require_fresh(self.root)
        return "the lock answers runflow.yaml and the workflows"

    def _run_validate(self, slug: str) -> str:
        from ..errors import CheckError
        from ..findings import has_errors
        from .validate import validate

        findings = validate(self.root, [slug])
        if has_errors(findings):
            raise CheckError(*findings)
        return "\n".join(filter(None, (counts_text(findings) or "ok", render(findings))))

    def _run_rewrite(self, slug: str) -> str:
        from .rewrite import build

        (path,) = build(self.root, [slug])
        return str(path)

    def _run_publish(self, slug: str) -> str:
        from .publish import publish_built

        return publish_built(self.root, slug).summary()

    def _run_call(self, slug: str, input: list[str]) -> TaskFailed | None:
        return _command("run", slug, "--directory", self.root, *(f"--input={one}" for one in input))

    def _run_restore(self, into: str) -> TaskFailed | None:
        if not into:
            return TaskFailed("name a folder: --into=DIR")
        return _command("restore", "--into", into, "--directory", self.root)

    # -- what counts as up to date

    def _published(self, slug: str) -> bool:
        """Whether the remote has exactly this bundle. Never raises: the action reports failures.

        The first endpoint that is asked starts the look-ups of all.
        """
        from .published import is_published, lookups

        if self._lookups is None:
            self._lookups = lookups(list(self.outline.endpoints), self.outline.organization)
        return is_published(self.root, slug, self._lookups)

    def _lock_as_left(self, task: Any, values: dict[str, Any]) -> bool:
        return bool(values.get("lock") == self._lock_state() != "")

    def _lock_state(self) -> str:
        """The lock and its companions by content; empty when there is no lock."""
        from .. import digest

        if not self.paths.lock.is_file():
            return ""
        files = [self.paths.lock, self.paths.definitions, *sorted(self.root.glob("pylock.*.toml"))]
        return digest.of([digest.of_bytes(path.read_bytes()) for path in files if path.is_file()])

    # -- names and files

    @property
    def paths(self) -> ProjectPaths:
        return ProjectPaths(self.root)

    def _sources(self) -> list[str]:
        """What a person edits: a task that depends on it runs again after an edit."""
        workflows = [self.paths.workflow(path) for path in set(self.outline.endpoints.values())]
        inputs = [path for path in self.paths.inputs.rglob("*") if path.is_file()]
        return self._existing(self.paths.spec, *workflows, *inputs)

    def _inputs_of(self, slug: str) -> list[str]:
        workflow = self.paths.workflow(self.outline.endpoints[slug])
        return self._existing(self.paths.spec, workflow, self.paths.lock, self.paths.definitions)

    @staticmethod
    def _existing(*paths: Path) -> list[str]:
        """A missing file is the stage's to report, with a fix; doit would only name it."""
        return sorted({str(path) for path in paths if path.is_file()})

    def _name(self, stage: str, slug: str = "") -> str:
        return f"{stage}:{self.prefix}{slug}".rstrip(":")

    def _project_task(self, stage: str, **task: Any) -> Task:
        """One task for a project: `lock`, or `lock:<folder>` where there are several."""
        if self.prefix:
            task["name"] = self.prefix.rstrip(":")
        return _task(basename=stage, **task)

    def _endpoint_task(self, stage: str, slug: str, **task: Any) -> Task:
        return _task(basename=stage, name=f"{self.prefix}{slug}", **task)

    def _for_people(self, name: str, doc: str) -> Task:
        task = _for_people(name, "--directory", self.root, doc=doc)
        return {**task, "name": self.prefix.rstrip(":")} if self.prefix else task


def _task(values: dict[str, Callable[[], Any]] | None = None, **task: Any) -> Task:
    """A doit task that remembers by which release of ours it was done, and `values` after it."""
    savers = {"tool": lambda: __version__, **(values or {})}

    def remember(task: Any) -> None:
        task.value_savers.append(lambda: {name: value() for name, value in savers.items()})

    return {**task, "uptodate": [*task["uptodate"], remember], "verbosity": 2}


def _same_tool(task: Any, values: dict[str, Any]) -> bool:
    """Another release may see or write other things: everything is looked at once more."""
    return bool(values.get("tool") == __version__)


def _for_people(name: str, *argv: object, doc: str) -> Task:
    return {
        "basename": name,
        "doc": doc,
        "actions": [(_command, [name, *argv])],
        "uptodate": [False],
        "verbosity": 2,
    }


def _action(stage: Callable[..., Any], *args: Any) -> tuple[Callable[..., Any], list[Any]]:
    """A doit action: the returned text is what the reporter shows, findings become a failure."""

    def run(*args: Any, **options: Any) -> Any:
        try:
            return stage(*args, **options)
        except RunflowError as error:
            return TaskFailed(render(error.findings))

    # doit looks at the signature to find out which of a task's options the action takes.
    return functools.wraps(stage)(run), list(args)


def _command(*argv: object) -> TaskFailed | None:
    """Run a command of ours that talks to people: in a process of its own, on their terminal."""
    import subprocess

    shown = [str(arg) for arg in argv]
    code = subprocess.call([sys.executable, "-m", __package__.split(".")[0], *shown])
    return TaskFailed(f"`runflow {' '.join(shown)}` ended with exit code {code}") if code else None


def _one_line(error: RunflowError, root: Path) -> str:
    first, *rest = error.findings
    more = f" (and {len(rest)} more: `runflow check`)" if rest else ""
    fix = f"; {first.fix}" if first.fix else ""
    where = f"{root}/{first.where}" if root != Path(".") else str(first.where)
    return f"{where}: {first.code}: {first.message}{fix}{more}"
