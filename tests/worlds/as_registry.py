"""api.comfy.org, the Comfy Registry, by its OpenAPI description."""

from __future__ import annotations

from typing import Any

from place import Pack
from question import WHEN, Question
from starlette.responses import JSONResponse, Response

REGISTRY = "api.comfy.org"


def registry(question: Question) -> Response:
    parts, place, query = question.parts, question.place, question.request.query_params
    if parts[0] == "comfy-nodes" and parts[-1:] == ["node"]:
        found = [(id, one) for id, one in place.packs.items() if parts[1] in one.classes]
        found.sort(key=lambda row: -row[1].downloads)
        return JSONResponse(_pack_row(*found[0])) if found else _no_pack()
    if parts == ["comfy-nodes"]:
        rows = [
            {"comfy_node_name": name, "node_id": id, "node_version": one.versions[0]}
            for id, one in place.packs.items()
            for name in one.classes
            if query.get("comfy_node_name", name) == name and query.get("node_id", id) == id
        ]
        return JSONResponse(_page("comfy_nodes", rows, query, "pageSize", 100))
    if parts == ["nodes"]:
        ids = query.getlist("node_id")
        rows = [_pack_row(id, one) for id, one in place.packs.items() if not ids or id in ids]
        return JSONResponse(_page("nodes", rows, query, "limit", 10))
    pack = place.packs.get(parts[1]) if parts[0] == "nodes" else None
    if pack is None:
        return _no_pack()
    if len(parts) == 2:
        return JSONResponse(_pack_row(parts[1], pack))
    if parts[2:] == ["install"]:
        version = query.get("version", pack.versions[0])
        return _pack_version(parts[1], pack, version)
    if parts[2] != "versions":
        return _no_pack()
    if len(parts) == 3:
        return JSONResponse([_pack_version_row(parts[1], one) for one in pack.versions])
    if len(parts) == 4:
        return _pack_version(parts[1], pack, parts[3])
    rows = [{"comfy_node_name": name} for name in pack.classes]
    return JSONResponse(_page("comfy_nodes", rows, query, "limit", 10))


def _page(name: str, rows: list[Any], query: Any, size_name: str, size: int) -> dict[str, Any]:
    size, page = int(query.get(size_name, size)), int(query.get("page", 1))
    shown = rows[(page - 1) * size : page * size]
    pages = -(-len(rows) // size)
    count = {"total": len(rows), "page": page, size_name: size}
    return {name: shown, **count, "totalPages": pages, "totalNumberOfPages": pages}


def _no_pack() -> Response:
    return JSONResponse({"error": "", "message": "Node not found"}, 404)


def _pack_row(id: str, pack: Pack) -> dict[str, Any]:
    row = {"id": id, "name": pack.name or id, "repository": pack.repository or ""}
    more = {"status": pack.status, "downloads": pack.downloads, "description": "", "license": "{}"}
    return {**row, **more, "latest_version": _pack_version_row(id, pack.versions[0])}


def _pack_version(id: str, pack: Pack, version: str) -> Response:
    if version not in pack.versions:
        return JSONResponse({"error": "", "message": "Node version not found"}, 404)
    return JSONResponse(_pack_version_row(id, version))


def _pack_version_row(id: str, version: str) -> dict[str, Any]:
    return {
        **{"id": f"{id}-{version}", "node_id": id, "version": version, "createdAt": WHEN},
        **{"deprecated": False, "dependencies": [], "status": "NodeVersionStatusActive"},
        "downloadUrl": f"https://cdn.comfy.org/{id}/{version}/node.zip",
    }
