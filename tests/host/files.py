"""Files of the input, output and temporary folders: shown, and put there by the page.

Source: server.py view_image and image_upload at 3cd7b32f; what the mask editor asks is left out.
"""

from __future__ import annotations

import io
import itertools
import mimetypes
from pathlib import Path

import folder_paths
from aiohttp import web
from server import PromptServer

# Served as bytes, or the browser would run them under the editor's name.
ACTIVE_TYPES = {"text/html", "application/xhtml+xml", "text/javascript", "text/css"}


def inside(root: Path, name: str) -> Path | None:
    """`root/name`; None when that leads out of the root."""
    path = (root / name).resolve()
    return path if path.is_relative_to(root.resolve()) else None


def add(server: PromptServer) -> None:
    @server.routes.get("/view")
    async def view(request: web.Request) -> web.StreamResponse:
        name, folder = folder_paths.annotated_filepath(request.query.get("filename", ""))
        folder = folder or folder_paths.get_directory_by_type(request.query.get("type", "output"))
        if not name or name[0] == "/" or ".." in name or folder is None:
            return web.Response(status=400 if "filename" in request.query else 404)
        parent = inside(Path(folder), request.query.get("subfolder", ""))
        if parent is None:
            return web.Response(status=403)
        path = parent / Path(name).name
        if not path.is_file():
            return web.Response(status=404)
        if "preview" in request.query:
            return _preview(path, request.query["preview"])
        return web.FileResponse(path, headers=_headers(path.name, _content_type(path)))

    @server.routes.post("/upload/image")
    async def upload(request: web.Request) -> web.Response:
        form = await request.post()
        image, kind = form.get("image"), str(form.get("type", "input"))
        root = folder_paths.get_directory_by_type(kind)
        if not isinstance(image, web.FileField) or not image.filename or root is None:
            return web.Response(status=400)
        subfolder = str(form.get("subfolder", ""))
        path = inside(Path(root), f"{subfolder}/{image.filename}" if subfolder else image.filename)
        if path is None:
            return web.Response(status=400)
        data = image.file.read()
        if form.get("overwrite") not in ("true", "1"):
            path = _free(path, data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})

    @server.routes.get("/internal/files/{kind}")
    async def newest(request: web.Request) -> web.Response:
        folder = folder_paths.get_directory_by_type(request.match_info["kind"])
        if folder is None:
            return web.json_response({"error": "Invalid directory type"}, status=400)
        files = [one for one in Path(folder).iterdir() if one.is_file() and one.name[0] != "."]
        files.sort(key=lambda one: one.stat().st_mtime, reverse=True)
        return web.json_response([one.name for one in files])


def _free(path: Path, data: bytes) -> Path:
    """The path, or `name (1).png` and so on while a different file has that name."""
    for number in itertools.count(1):
        if not path.exists() or path.read_bytes() == data:
            break
        stem = path.stem if number == 1 else path.stem.rpartition(" (")[0]
        path = path.with_name(f"{stem} ({number}){path.suffix}")
    return path


def _content_type(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return "application/octet-stream" if kind in ACTIVE_TYPES else kind


def _headers(name: str, content_type: str) -> dict[str, str]:
    return {"Content-Disposition": f'filename="{name}"', "Content-Type": content_type}


def _preview(path: Path, wish: str) -> web.Response:
    """`webp;90`: the picture in that format and quality."""
    from PIL import Image

    form, _, quality = wish.partition(";")
    form = form if form in ("webp", "jpeg") else "webp"
    body = io.BytesIO()
    with Image.open(path) as picture:
        shown = picture.convert("RGB") if form == "jpeg" else picture
        shown.save(body, form, quality=int(quality) if quality.isdigit() else 90)
    return web.Response(body=body.getvalue(), headers=_headers(path.name, f"image/{form}"))
