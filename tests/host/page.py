"""What the page asks for besides prompts and files: itself, its extensions, what there is.

Source of the shapes: server.py and app/ at 3cd7b32f.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import folder_paths
from aiohttp import web
from comfyui_version import __version__
from core_nodes import node_info
from server import FEATURES, PromptServer

import nodes

LOCALE_PARTS = ("nodeDefs", "commands", "settings")
EXAMPLE_FOLDERS = ("example_workflows", "example", "examples", "workflow", "workflows")


def add(server: PromptServer) -> None:
    routes = server.routes

    @routes.get("/")
    async def index(request: web.Request) -> web.FileResponse:
        no_copy = {"Cache-Control": "no-cache"}
        return web.FileResponse(Path(server.web_root) / "index.html", headers=no_copy)

    @routes.get("/extensions")
    async def extensions(request: web.Request) -> web.Response:
        folders = {
            f"/extensions/{quote(name)}": one for name, one in nodes.EXTENSION_WEB_DIRS.items()
        }
        folders = {"/extensions": os.path.join(server.web_root, "extensions"), **folders}
        return web.json_response(
            [f"{url}/{path}" for url, folder in folders.items() for path in _scripts(Path(folder))]
        )

    @routes.get("/object_info")
    async def object_info(request: web.Request) -> web.Response:
        return web.json_response({name: node_info(name) for name in nodes.NODE_CLASS_MAPPINGS})

    @routes.get("/object_info/{name}")
    async def object_info_of(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        known = name in nodes.NODE_CLASS_MAPPINGS
        return web.json_response({name: node_info(name)} if known else {})

    @routes.get("/models")
    async def model_kinds(request: web.Request) -> web.Response:
        return web.json_response(list(folder_paths.folder_names_and_paths))

    @routes.get("/models/{kind}")
    async def models(request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if kind not in folder_paths.folder_names_and_paths:
            return web.Response(status=404)
        return web.json_response(folder_paths.get_filename_list(kind))

    @routes.get("/experiment/models")
    async def model_folders(request: web.Request) -> web.Response:
        known = folder_paths.folder_names_and_paths.items()
        return web.json_response(
            [
                {"name": kind, "folders": folders}
                for kind, (folders, _) in known
                if kind not in ("configs", "custom_nodes")
            ]
        )

    @routes.get("/embeddings")
    async def embeddings(request: web.Request) -> web.Response:
        names = folder_paths.get_filename_list("embeddings")
        return web.json_response([os.path.splitext(name)[0] for name in names])

    @routes.get("/i18n")
    async def translations(request: web.Request) -> web.Response:
        return web.json_response(_translations())

    @routes.get("/workflow_templates")
    async def templates_of_packs(request: web.Request) -> web.Response:
        found: dict[str, list[str]] = {}
        for pack in _packs():
            for path in (one for name in EXAMPLE_FOLDERS for one in pack.glob(f"{name}/*.json")):
                found.setdefault(pack.name, []).append(path.stem)
        return web.json_response(found)

    @routes.get("/templates/index.json")
    async def core_templates(request: web.Request) -> web.Response:
        return web.json_response([])  # those that come with ComfyUI are not needed in any test

    @routes.get("/global_subgraphs")
    async def subgraphs(request: web.Request) -> web.Response:
        return web.json_response({})

    @routes.get("/internal/logs")
    async def logs(request: web.Request) -> web.Response:
        return web.json_response("")  # for the page's report of an error

    @routes.get("/features")
    async def features(request: web.Request) -> web.Response:
        return web.json_response(FEATURES)

    @routes.get("/system_stats")
    async def system_stats(request: web.Request) -> web.Response:
        return web.json_response(_system_stats())


def _scripts(folder: Path) -> list[str]:
    return [one.relative_to(folder).as_posix() for one in sorted(folder.rglob("*.js"))]


def _packs() -> list[Path]:
    folders = folder_paths.get_folder_paths("custom_nodes")
    return [one for folder in folders for one in sorted(Path(folder).iterdir()) if one.is_dir()]


def _translations() -> dict[str, Any]:
    """Language -> what the packs' locales/ say: main.json, other files under their names."""
    found: dict[str, dict[str, Any]] = {}
    for folder in (one for pack in _packs() for one in pack.glob("locales/*/")):
        texts = found.setdefault(folder.name, {})
        if (main := folder / "main.json").exists():
            texts |= json.loads(main.read_bytes())
        for part in LOCALE_PARTS:
            if (path := folder / f"{part}.json").exists():
                texts[part] = {**texts.get(part, {}), **json.loads(path.read_bytes())}
    return found


def _system_stats() -> dict[str, Any]:
    memory = {"ram_total": 8 << 30, "ram_free": 4 << 30}
    video_memory = dict.fromkeys(
        ("vram_total", "vram_free", "torch_vram_total", "torch_vram_free"), memory["ram_total"]
    )
    return {
        "system": {
            "os": sys.platform,
            **memory,
            "comfyui_version": __version__,
            "required_frontend_version": importlib.metadata.version("comfyui_frontend_package"),
            "installed_templates_version": None,
            "required_templates_version": None,
            "python_version": sys.version,
            "pytorch_version": "2.13.0+cpu",
            "embedded_python": False,
            "argv": sys.argv,
        },
        "devices": [{"name": "cpu", "type": "cpu", "index": None, **video_memory}],
    }
