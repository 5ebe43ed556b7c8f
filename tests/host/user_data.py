"""What the page keeps on the server: settings (in clear, as ComfyUI does) and the user's files.

Source: app/app_settings.py and app/user_manager.py at 3cd7b32f.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import folder_paths
from aiohttp import web
from files import inside
from server import PromptServer


def add(server: PromptServer) -> None:
    routes = server.routes
    root = Path(folder_paths.get_user_directory()) / "default"
    settings_file = root / "comfy.settings.json"

    def settings() -> dict[str, Any]:
        return json.loads(settings_file.read_bytes()) if settings_file.exists() else {}

    def save(changed: dict[str, Any]) -> web.Response:
        root.mkdir(parents=True, exist_ok=True)
        settings_file.write_text(json.dumps({**settings(), **changed}, indent=4), "utf-8")
        return web.Response()

    @routes.get("/settings")
    async def all_settings(request: web.Request) -> web.Response:
        return web.json_response(settings())

    @routes.get("/settings/{id}")
    async def one_setting(request: web.Request) -> web.Response:
        return web.json_response(settings().get(request.match_info["id"]))

    @routes.post("/settings")
    async def save_settings(request: web.Request) -> web.Response:
        return save(await request.json())

    @routes.post("/settings/{id}")
    async def save_setting(request: web.Request) -> web.Response:
        return save({request.match_info["id"]: await request.json()})

    @routes.get("/users")
    async def users(request: web.Request) -> web.Response:
        return web.json_response({"storage": "server", "migrated": root.exists()})

    @routes.get("/userdata")
    async def listing(request: web.Request) -> web.Response:
        folder = inside(root, request.query.get("dir", ""))
        if folder is None or folder == root:
            return web.Response(status=400 if folder else 403)
        if not folder.is_dir():
            return web.Response(status=404)
        wanted = folder.rglob("*") if _is_on(request, "recurse") else folder.glob("*")
        told = _facts if _is_on(request, "full_info") else _name
        return web.json_response([told(one, folder) for one in sorted(wanted) if one.is_file()])

    def path_of(request: web.Request, part: str = "file") -> Path:
        path = inside(root, unquote(request.match_info[part]))
        if path is None:
            raise web.HTTPForbidden
        return path

    def existing(request: web.Request) -> Path:
        path = path_of(request)
        if not path.exists():
            raise web.HTTPNotFound
        return path

    def written(request: web.Request, path: Path) -> web.Response:
        told = _facts if _is_on(request, "full_info") else _name
        return web.json_response(told(path, root))

    def refuse_overwriting(request: web.Request, path: Path) -> None:
        if request.query.get("overwrite") == "false" and path.exists():
            raise web.HTTPConflict
        path.parent.mkdir(parents=True, exist_ok=True)

    @routes.get("/userdata/{file}")
    async def read(request: web.Request) -> web.FileResponse:
        return web.FileResponse(existing(request))

    @routes.post("/userdata/{file}")
    async def write(request: web.Request) -> web.Response:
        path = path_of(request)
        refuse_overwriting(request, path)
        path.write_bytes(await request.read())
        return written(request, path)

    @routes.delete("/userdata/{file}")
    async def remove(request: web.Request) -> web.Response:
        existing(request).unlink()
        return web.Response(status=204)

    @routes.post("/userdata/{file}/move/{dest}")
    async def move(request: web.Request) -> web.Response:
        source, target = existing(request), path_of(request, "dest")
        refuse_overwriting(request, target)
        shutil.move(source, target)
        return written(request, target)


def _is_on(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() == "true"


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _facts(path: Path, root: Path) -> dict[str, Any]:
    facts = path.stat()
    return {
        "path": _name(path, root),
        "size": facts.st_size,
        "modified": facts.st_mtime,
        "created": facts.st_ctime,
    }
