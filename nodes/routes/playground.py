"""What was captured from the editor for the Local Playground: its form, and the call of it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime, timezone
from itertools import chain
from typing import TYPE_CHECKING, Any

from .comfyui import input_folder, node_info, prompts_in_queue, state_folder, version
from .deploy import project_of
from .requests import RouteError, Table, graph, in_thread, text

if TYPE_CHECKING:
    from ...runflow_build.playground.capture import Capture
    from ...runflow_build.playground.captures import Captures

MOST_GRAPH_BYTES = 32 << 20
MOST_VALUES_BYTES = 4 << 20
LONGEST_MARK = 200


def add(table: Table) -> None:
    base = "/runflow/playground"
    table.get(f"{base}/_captures", _list)
    table.post(f"{base}/_captures", _capture, MOST_GRAPH_BYTES)
    table.get(f"{base}/{{slug}}/capture", _form)
    table.post(f"{base}/{{slug}}/calls", _calls, MOST_VALUES_BYTES)


async def _capture(request: Any, body: dict[str, Any]) -> Any:
    """`{"name", "graph", "mark"}`: `{"slug", "findings", "runnable"}`."""
    drawn, name, mark = graph(body), text(body, "name"), text(body, "mark", "")
    if len(mark) > LONGEST_MARK:
        raise RouteError(400, "bad-body", "`mark` is too long")
    return await in_thread(_kept, name, drawn, mark)


def _kept(name: str, drawn: dict[str, Any], mark: str) -> dict[str, Any]:
    from ...runflow_build.playground.capture import captured

    capture = captured(name, drawn, node_info, version(), mark=mark, now=now())
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


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
