"""Deploy and Save as files: the graph that the page sends, and a job that brings it there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..jobs import JOBS, Job
from .comfyui import input_folder, install, node_info, state_folder, version
from .requests import MOST_GRAPH_BYTES, RouteError, Table, graph, in_thread, text

if TYPE_CHECKING:
    from ...runflow_build.publish.settings import Connection
    from ...runflow_build.tasks.from_editor import Editor

KINDS = ("deploy", "save")  # they write the same projects: one at a time


def add(table: Table) -> None:
    table.get("/runflow/deploy", _latest)
    table.post("/runflow/deploy/shown", _shown)
    table.post("/runflow/deploy", _deploy, MOST_GRAPH_BYTES)
    table.post("/runflow/save", _save, MOST_GRAPH_BYTES)


async def _latest(request: Any) -> Any:
    """`{"job", "kind", "name", "slug", "folder"}` of the one that is running, else of the last one
    whose end no page has shown; `{}`: there is none. For a page that was reloaded."""
    job = JOBS.latest(*KINDS)
    return {} if job is None or job.shown else {"job": job.id, "kind": job.kind, **job.about}


async def _shown(request: Any, body: dict[str, Any]) -> Any:
    """`{"job"}`: a page has shown how it ended."""
    job = JOBS.get(text(body, "job"))
    if job and job.kind in KINDS and job.state != "running":
        job.shown = True
    return {}


async def _deploy(request: Any, body: dict[str, Any]) -> Any:
    """`{"graph", "name"}` and, as wished, `host` (of the node), `allow_host` (the host that the
    user said yes to), `key` (used once, kept nowhere), `upgrade`, `adopt`: `{"job", "slug",
    "folder"}`, where its project is kept."""
    drawn, name = graph(body), text(body, "name")
    where = await in_thread(
        connection_of, text(body, "host", ""), text(body, "allow_host", ""), text(body, "key", "")
    )
    upgrade, adopt = body.get("upgrade") is True, body.get("adopt") is True
    slug = await in_thread(_slug, name)
    folder = await in_thread(project_of, slug)

    def work(job: Job) -> dict[str, Any]:
        from ...runflow_build.tasks.deploy import deploy

        done = deploy(
            folder,
            drawn,
            name,
            editor(),
            where,
            tell=job.tell,
            check=job.check,
            stop=job.stop,
            upgrade=upgrade,
            adopt=adopt,
        )
        return done.to_json()

    return _started("deploy", work, name, slug, folder)


async def _save(request: Any, body: dict[str, Any]) -> Any:
    """`{"graph", "name", "folder"}` and, as wished, `upgrade`: `{"job", "slug", "folder"}`."""
    drawn, name, typed = graph(body), text(body, "name"), text(body, "folder")
    upgrade = body.get("upgrade") is True
    slug = await in_thread(_slug, name)
    folder = await in_thread(_folder, typed)

    def work(job: Job) -> dict[str, Any]:
        from ...runflow_build.tasks.deploy import save

        done = save(
            folder,
            drawn,
            name,
            editor(),
            tell=job.tell,
            check=job.check,
            stop=job.stop,
            upgrade=upgrade,
        )
        return {**done.to_json(), "folder": str(folder)}

    return _started("save", work, name, slug, folder)


def connection_of(host: str, allowed: str, key: str) -> Connection:
    """Where to, with which key.

    A workflow comes from anywhere: the host that its node names gets a key only where it is the
    settings' own, or where the user has said yes to just this host. The key is that host's own, or
    the one that was typed for it. Raises RouteError, ApiError.
    """
    from ...runflow_build.publish.settings import (
        Connection,
        address,
        checked_key,
        checked_url,
        connection_to,
        host_of,
        settled,
    )

    own = settled()
    url = checked_url(address(host)) if host.strip() else own.base_url
    name = host_of(url)
    if name not in (own.host, allowed.strip()):
        message = f"the workflow names the host {name}; the settings name {own.host}"
        fix = f"say yes to {name}, or empty `host` in the Runflow Deploy node"
        raise RouteError(409, "host-not-confirmed", message, fix)
    if key.strip():
        return Connection(url, checked_key(key.strip()))
    return connection_to(url)


def project_of(slug: str) -> Path:
    """Where the button keeps an endpoint's project, so that pins stay from deploy to deploy."""
    return state_folder() / "projects" / slug


def editor() -> Editor:
    """This ComfyUI, as what a project is captured from."""
    from ...runflow_build.tasks.from_editor import Editor

    return Editor(install(), input_folder(), version(), node_info)


def _slug(name: str) -> str:
    from ...runflow_build.tasks.from_editor import slug_named

    return slug_named(name)


def _folder(typed: str) -> Path:
    from ...runflow_build.tasks.deploy import project_folder

    return project_folder(typed, editor(), Path.home())


def _started(kind: str, work: Any, name: str, slug: str, folder: Path) -> dict[str, Any]:
    if any(JOBS.running(one) for one in KINDS):
        message = "another deploy is running; wait for its end, or cancel it"
        raise RouteError(409, "deploy-running", message)
    about = {"slug": slug, "folder": str(folder)}
    return {"job": JOBS.start(kind, work, {"name": name, **about}).id, **about}
