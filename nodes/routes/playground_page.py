"""The playground's page, the files that it is made of, and the 3D viewer that it can do without.

Names below /runflow/playground that begin with _ are ours; no slug does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aiohttp import web

from .requests import RouteError, Table, in_thread

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
    table.get(f"{base}/_viewer", _viewer)
    table.post(f"{base}/_viewer", _fetch_viewer)
    table.get(f"{base}/{{slug}}", _page)


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


def _problem(slug: str) -> str | None:
    from ...runflow_build.spec.slug import problem

    return problem(slug)


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
