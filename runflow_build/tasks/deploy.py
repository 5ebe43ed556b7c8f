"""Deploy and save from ComfyUI's editor: its graph as files, and on them the stages of the build.

The stages are those of `doit publish`, on files that stay, so the button and CI give the same
bundle, byte for byte.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CheckError, ResolveError, RunflowError, SaveError
from ..file_names import LOCK_FILE, STATE_FOLDER
from ..findings import Finding, counts_text, has_errors
from ..project.paths import ProjectPaths
from ..project.save import save_files
from ..publish.client import Client
from ..publish.example_call import curl, example_values
from ..publish.push import Published
from ..publish.remote import find
from ..publish.settings import Connection
from ..sources.online import opened
from ..sources.stopping import Check, pausing
from ..sources.watched import watched
from .from_editor import Editor, Written, slug_named, write_project
from .lock import Relocked, relock
from .publish import built_bundle, publish_built
from .rewrite import build
from .validate import validate

DEPLOY_STEPS = ("connect", "capture", "lock", "validate", "rewrite", "publish")
SAVE_STEPS = ("capture", "lock", "validate")

Tell = Callable[..., None]  # of a step: step, status (running, done, failed), text, findings


@dataclass(frozen=True)
class Deployed:
    """An endpoint that answers."""

    published: Published
    curl: str | None  # a call of it, to be pasted
    findings: tuple[Finding, ...]  # warnings and notes of all steps

    def to_json(self) -> dict[str, Any]:
        done = self.published
        return {
            "slug": done.slug,
            "action": done.action,
            "url": done.url,
            "curl": self.curl,
            "changes": [change.to_json() for change in done.changes],
            "uploads": list(done.uploads),
            "findings": [one.to_json() for one in self.findings],
        }


@dataclass(frozen=True)
class Saved:
    """A project's folder, ready for git."""

    slug: str
    files: tuple[str, ...]  # that were written, relative to the folder
    findings: tuple[Finding, ...]  # errors too: the files are there to mend them in

    def to_json(self) -> dict[str, Any]:
        findings = [one.to_json() for one in self.findings]
        return {"slug": self.slug, "files": list(self.files), "findings": findings}


@dataclass(frozen=True)
class _Steps:
    """Tells of each step, and ends between two of them where the user wants it."""

    tell: Tell
    check: Check
    stop: threading.Event | None

    def run(self, step: str, work: Callable[[], Any]) -> Any:
        self.check()
        self.tell(step=step, status="running")
        try:
            return work()
        except RunflowError:
            self.tell(step=step, status="failed")
            raise

    def done(self, step: str, text: str, findings: tuple[Finding, ...] = ()) -> None:
        more = {"findings": [one.to_json() for one in findings]} if findings else {}
        self.tell(step=step, status="done", text=text, **more)


def deploy(
    root: Path,
    graph: Mapping[str, Any],
    name: str,
    editor: Editor,
    connection: Connection,
    *,
    tell: Tell,
    check: Check,
    stop: threading.Event | None = None,
    upgrade: bool = False,
    adopt: bool = False,
) -> Deployed:
    """Publish what stands in the editor as the endpoint `name`, by way of the project in `root`.

    The API is asked first, so that no key that it refuses lets anybody wait for a lock. `upgrade`
    resolves all pins anew, `adopt` takes over an endpoint that another project published, `stop`
    ends the programs that run for the lock.

    Raises RunflowError with the findings, and what `check` raises; the endpoint is then as it was.
    """
    steps, slug = _Steps(tell, check, stop), slug_named(name)
    with Client(connection.base_url, connection.api_key, pause=pausing(check)) as client:
        there = steps.run("connect", lambda: find(client, slug))
        what = "updates the endpoint that is there" if there else "a new endpoint"
        steps.done("connect", f"{client.host}: {what}")
        written, locked = _captured(
            steps, root, graph, name, editor, upgrade, key=connection.api_key
        )
        if not locked.is_whole:
            tell(step="lock", status="failed")
            raise ResolveError(*locked.findings)
        found = steps.run("validate", lambda: tuple(validate(root, [slug])))
        if has_errors(found):
            tell(step="validate", status="failed")
            raise CheckError(*found)
        steps.done("validate", _counted(found), found)
        steps.run("rewrite", lambda: build(root, [slug]))
        bundle = built_bundle(root, slug)
        steps.done("rewrite", f"bundle {bundle.digest[:12]}")
        published = steps.run("publish", lambda: publish_built(root, slug, client, adopt))
        steps.done("publish", published.action, published.findings)
    call = None
    if published.url:
        call = curl(published.url, example_values(bundle.contract))
        with suppress(SaveError):  # the endpoint answers all the same
            save_files({_url_file(root): published.url})
    findings = (*written.findings, *locked.findings, *found, *published.findings)
    return Deployed(published, call, findings)


def deployed_url(root: Path) -> str | None:
    """Where the endpoint is called since its last `deploy` from `root`; None: nobody has said."""
    try:
        return _url_file(root).read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def save(
    root: Path,
    graph: Mapping[str, Any],
    name: str,
    editor: Editor,
    *,
    tell: Tell,
    check: Check,
    stop: threading.Event | None = None,
    upgrade: bool = False,
) -> Saved:
    """Write what stands in the editor into the project in `root`, with its lock.

    Raises as `deploy`; what validation finds is in the result.
    """
    steps = _Steps(tell, check, stop)
    written, locked = _captured(steps, root, graph, name, editor, upgrade)
    found = steps.run("validate", lambda: tuple(validate(root, [written.slug])))
    steps.done("validate", _counted(found), found)
    files = [*written.files, *(path.relative_to(root).as_posix() for path in locked.written)]
    findings = (*written.findings, *locked.findings, *found)
    return Saved(written.slug, tuple(dict.fromkeys(files)), findings)


def project_folder(typed: str, editor: Editor, home: Path) -> Path:
    """The folder that a person typed: absolute, or relative to their home.

    Raises SaveError, `folder-unsuitable`: nothing typed, no folder, or one that ComfyUI reads by
    itself, where a project's files would be taken for models or for a node pack.
    """
    text = typed.strip()
    if not text or "\0" in text or not text.isprintable():
        raise _unsuitable("no folder is named")
    if text == "~" or text.startswith(("~/", "~\\")):
        text = text[2:] or "."
    elif text.startswith("~"):
        raise _unsuitable("another user's home is not yours to write in")
    folder = Path(os.path.realpath(home / text))  # an absolute path replaces the home
    if folder.exists() and not folder.is_dir():
        raise _unsuitable(f"{typed} is a file")
    if folder in (home.resolve(), Path(folder.anchor)):
        raise _unsuitable(f"{typed} is no folder of a project's own")
    base, code = editor.install.base, editor.install.code
    theirs = [*editor.install.folders("custom_nodes"), base / "models"]
    if code:
        theirs += [code / "custom_nodes", code / "models"]
    for one in theirs:
        inside = Path(os.path.realpath(one))
        if folder == inside or inside in folder.parents:
            raise _unsuitable(f"{typed} lies in ComfyUI's {one.name} folder")
    return folder


def _captured(
    steps: _Steps,
    root: Path,
    graph: Mapping[str, Any],
    name: str,
    editor: Editor,
    upgrade: bool,
    key: str = "",
) -> tuple[Written, Relocked]:
    write = lambda: write_project(root, graph, name, editor, steps.check, key)  # noqa: E731
    written: Written = steps.run("capture", write)
    steps.done("capture", _files(written.files), written.findings)

    def locking() -> Relocked:
        with opened(os.environ, check=steps.check, stop=steps.stop) as (world, digests):
            return relock(
                root,
                install=editor.install,
                running=written.definitions,
                upgrade=None if upgrade and ProjectPaths(root).lock.exists() else (),
                world=watched(world, lambda asked, answered: steps.check()),
                digests=digests,
            )

    locked: Relocked = steps.run("lock", locking)
    if locked.is_whole:
        names = [path.name for path in locked.written]
        text = f"{LOCK_FILE} is {'new' if locked.is_first else 'written'}"
        steps.done(
            "lock", text if LOCK_FILE in names else f"{LOCK_FILE} is up to date", locked.findings
        )
    return written, locked


def _url_file(root: Path) -> Path:
    return ProjectPaths(root).state / "url"


def _files(names: tuple[str, ...]) -> str:
    """Those that a person reads; what is below .runflow is ours."""
    theirs = [name for name in names if not name.startswith(f"{STATE_FOLDER}/")]
    return f"wrote {', '.join(theirs)}" if theirs else "nothing has changed"


def _counted(findings: tuple[Finding, ...]) -> str:
    return counts_text(findings) or "ok"


def _unsuitable(message: str) -> SaveError:
    fix = "type the path of a project's folder, such as ~/projects/poster; it is made if need be"
    return SaveError(Finding("folder-unsuitable", message, fix=fix))
