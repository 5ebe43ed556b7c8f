"""The Local Playground: a page with a form for what was captured from the editor.

The page queues prompts itself, by ComfyUI's own routes: whatever password or address there is, it
has. Names that begin with _ are ours; no slug does.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import uuid
from contextlib import suppress
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .comfyui import input_folder, node_info, prompts_in_queue, state_folder, version
from .deploy import project_of
from .playground_runs import runs_of, settled, told
from .requests import RouteError, Table, graph, in_thread, text, texts

if TYPE_CHECKING:
    from ...runflow_build.playground.capture import Capture
    from ...runflow_build.playground.captures import Captures

MOST_GRAPH_BYTES = 32 << 20
MOST_VALUES_BYTES = 4 << 20
LONGEST_MARK = 200

PROCESS = secrets.token_hex(4)  # another ComfyUI knows nothing of our runs

_PACK = Path(__file__).resolve().parent.parent
_STATIC = {  # all that is served, and nothing else in these folders
    **{one.name: one for one in sorted((_PACK / "playground").glob("*.*"))},
    "elements.js": _PACK / "web" / "elements.js",
}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

# The 3D viewer has a decoder in WebAssembly, and one inline style; nobody else needs either.
_VIEWER_SCRIPTS = " 'wasm-unsafe-eval'"
_VIEWER_STYLES = " 'sha256-yhlpZVZMy2vXExwTGihUWVSrOxyhMuvj+Ygg7pyBWek='"

# Scripts and styles from here alone, no inline ones; previews and what a 3D file holds are blobs.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'{scripts}",
        "style-src 'self'{styles}",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY.format(scripts="", styles=""),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add(table: Table) -> None:
    base = "/runflow/playground"
    table.get(f"{base}/_static/{{file}}", _static)
    table.get(f"{base}/_captures", _list)
    table.post(f"{base}/_captures", _capture, MOST_GRAPH_BYTES)
    table.get(f"{base}/_viewer", _viewer)
    table.post(f"{base}/_viewer", _fetch_viewer)
    table.get(f"{base}/{{slug}}", _page)
    table.get(f"{base}/{{slug}}/capture", _form)
    table.post(f"{base}/{{slug}}/prompt", _prompt, MOST_VALUES_BYTES)
    table.post(f"{base}/{{slug}}/calls", _calls, MOST_VALUES_BYTES)
    table.get(f"{base}/{{slug}}/runs", _runs)
    table.get(f"{base}/{{slug}}/runs/{{run}}", _run)
    table.post(f"{base}/{{slug}}/runs/{{run}}", _end_run)


# -- the page


async def _page(request: Any) -> Any:
    slug = request.match_info["slug"]
    if await in_thread(_problem, slug):
        raise RouteError(404, "capture-unknown", "this is not the address of a playground")
    headers = {**_HEADERS, "Content-Type": "text/html; charset=utf-8"}
    if await in_thread(_has_viewer):
        policy = POLICY.format(scripts=_VIEWER_SCRIPTS, styles=_VIEWER_STYLES)
        headers["Content-Security-Policy"] = policy
    return web.FileResponse(_STATIC["index.html"], headers=headers)


async def _static(request: Any) -> Any:
    name = request.match_info["file"]
    if name == "model-viewer.js":
        return await _viewer_script()
    path = _STATIC.get(name)
    content_type = _TYPES.get(path.suffix) if path else None
    if path is None or content_type is None:
        raise RouteError(404, "not-found", "there is no such file")
    headers = {**_HEADERS, "Content-Type": f"{content_type}; charset=utf-8"}
    return web.FileResponse(path, headers=headers)


# -- captures


async def _capture(request: Any, body: dict[str, Any]) -> Any:
    """`{"name", "graph", "mark"}`: `{"slug", "findings", "runnable"}`."""
    drawn, name, mark = graph(body), text(body, "name"), text(body, "mark", "")
    if len(mark) > LONGEST_MARK:
        raise RouteError(400, "bad-body", "`mark` is too long")
    return await in_thread(_kept, name, drawn, mark)


def _kept(name: str, drawn: dict[str, Any], mark: str) -> dict[str, Any]:
    from ...runflow_build.playground.capture import captured

    capture = captured(name, drawn, node_info, version(), mark=mark, now=_now())
    captures().keep(capture)
    _tidy_uploads()
    return {
        "slug": capture.slug,
        "findings": capture.findings,
        "runnable": capture.runnable,
    }


def _tidy_uploads() -> None:
    """After a capture: it may have put an older one out, with the history that named its files."""
    from ...runflow_build.playground.uploads import Uploads

    naming = chain(captures().texts(), (json.dumps(one).encode() for one in prompts_in_queue()))
    with suppress(OSError):  # the next time
        Uploads(input_folder()).tidy(naming, time.time())


async def _list(request: Any) -> Any:
    return {"captures": await in_thread(lambda: captures().slugs())}


async def _form(request: Any) -> Any:
    """What the page shows of a capture."""
    return await in_thread(_form_of, request.match_info["slug"])


def _form_of(slug: str) -> dict[str, Any]:
    from ...runflow_build.playground.form import form_of

    capture = capture_of(slug)
    return {
        "slug": capture.slug,
        "name": capture.name,
        "mark": capture.mark,
        "captured_at": capture.captured_at,
        "findings": capture.findings,
        "runnable": capture.runnable,
        **form_of(capture),
    }


def captures() -> Captures:
    from ...runflow_build.playground.captures import Captures

    return Captures(state_folder() / "captures")


def capture_of(slug: str) -> Capture:
    """Raises RouteError."""
    capture = captures().get(slug)
    if capture is None:
        fix = "open the workflow in the editor, and Runflow > Open Local Playground"
        raise RouteError(404, "capture-unknown", "nothing was captured under this name", fix)
    return capture


def _problem(slug: str) -> str | None:
    from ...runflow_build.spec.slug import problem

    return problem(slug)


# -- runs


async def _prompt(request: Any, body: dict[str, Any]) -> Any:
    """`{"values", "wired"}`: `{"run", "prompt", "titles"}`, the prompt as JSON text.

    The page hands the text on as it is: it would lose the digits of large numbers.
    """
    slug, wired = request.match_info["slug"], texts(body, "wired")
    return await in_thread(_bound, slug, body.get("values", {}), wired)


def _bound(slug: str, values: Any, wired: list[str]) -> dict[str, Any]:
    from ...runflow_build.playground.binding import bound
    from ...runflow_build.playground.runs import RunNote
    from ...runflow_build.sources.files import below

    folder, run_id = input_folder(), str(uuid.uuid4())
    capture = capture_of(slug)

    def is_file(name: str) -> bool:
        path = below(folder, name)
        return path is not None and path.is_file()

    made = bound(capture, values, wired, is_file=is_file, seed=run_id, now=datetime.now())
    texts = {key: json.dumps(value) for key, value in made.values.items()}
    outputs = {key: row.node for key, row in capture.contract.outputs.items()}
    note = RunNote(
        id=run_id,
        process=PROCESS,
        started_at=_now(),
        values=texts,
        wired=[one for one in wired if one not in texts and one in capture.contract.inputs],
        titles=made.titles,
        outputs=outputs,
    )
    runs_of(captures(), slug).add(note)
    return {"run": run_id, "prompt": json.dumps(made.prompt), "titles": made.titles}


async def _runs(request: Any) -> Any:
    """The runs of a capture, the latest first."""
    slug = request.match_info["slug"]

    def read() -> dict[str, Any]:
        capture_of(slug)
        runs = runs_of(captures(), slug)
        notes = [settled(runs, one, PROCESS) for one in runs.all()]
        return {"runs": [told(one) for one in notes]}

    return await in_thread(read)


async def _run(request: Any) -> Any:
    """One run: how far it is, its files, or why there are none."""
    slug, run_id = request.match_info["slug"], request.match_info["run"]

    def read() -> dict[str, Any]:
        capture_of(slug)
        runs = runs_of(captures(), slug)
        note = runs.get(run_id)
        if note is None:
            raise RouteError(404, "run-unknown", "there is no such run of this workflow")
        return told(settled(runs, note, PROCESS))

    return await in_thread(read)


async def _end_run(request: Any, body: dict[str, Any]) -> Any:
    """`{"state": "cancelled" | "failed", "message"}`, of a run that never began."""
    slug, run_id = request.match_info["slug"], request.match_info["run"]
    state, message = body.get("state"), text(body, "message", "")[:4000]
    if state not in ("cancelled", "failed"):
        raise RouteError(400, "bad-body", "`state` is cancelled or failed")
    error = {"message": message, "node": "", "title": ""} if message else None

    def write() -> dict[str, Any]:
        capture_of(slug)
        runs = runs_of(captures(), slug)
        note = runs.change(run_id, lambda one: one.model_copy(update=changes))
        if note is None:
            raise RouteError(404, "run-unknown", "there is no such run of this workflow")
        return told(note)

    changes = {"state": state, "error": error}
    return await in_thread(write)


async def _calls(request: Any, body: dict[str, Any]) -> Any:
    """`{"values"}`: the call of the deployed endpoint, as `{"curl", "python", "javascript"}`.

    `is_deployed`: its `url` is the API's own word, and no owner has to be put in.
    """
    values = body.get("values", {})
    if not isinstance(values, dict):
        raise RouteError(400, "bad-body", "`values` is not an object")
    return await in_thread(_call_texts, request.match_info["slug"], values)


def _call_texts(slug: str, values: dict[str, Any]) -> dict[str, Any]:
    from ...runflow_build.playground.calls import OWNER, calls
    from ...runflow_build.publish.remote import runs_path
    from ...runflow_build.publish.settings import settled as settings
    from ...runflow_build.tasks.deploy import deployed_url

    contract, deployed = capture_of(slug).contract, deployed_url(project_of(slug))
    url = deployed or f"{settings().base_url}{runs_path(OWNER, slug)}"
    return {"url": url, "is_deployed": deployed is not None, **calls(url, contract, values)}


# -- the 3D viewer


async def _viewer(request: Any) -> Any:
    return await in_thread(_viewer_state)


async def _fetch_viewer(request: Any, body: dict[str, Any]) -> Any:
    """Fetch it into the user's cache; only ever when the user has pressed the button."""

    def fetch() -> dict[str, Any]:
        from ...runflow_build.playground.viewer import fetch_viewer

        fetch_viewer(os.environ)
        return _viewer_state()

    return await in_thread(fetch)


def _viewer_state() -> dict[str, Any]:
    from ...runflow_build.playground import viewer

    hosts = [one.split("/")[2] for one in viewer.URLS]
    told = {"version": viewer.VERSION, "size": viewer.SIZE, "hosts": hosts}
    return {"here": _has_viewer(), **told}


def _has_viewer() -> bool:
    return _viewer_bytes() is not None


def _viewer_bytes() -> bytes | None:
    from ...runflow_build.playground.viewer import viewer

    return viewer(os.environ)


async def _viewer_script() -> Any:
    data = await in_thread(_viewer_bytes)
    if data is None:
        raise RouteError(404, "viewer-missing", "the 3D viewer was not fetched yet")
    headers = {**_HEADERS, "Content-Type": "text/javascript; charset=utf-8"}
    return web.Response(body=data, headers=headers)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
