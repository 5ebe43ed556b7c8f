"""github.com and its API: releases and their files, by the REST reference."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

from question import Question, any_file
from starlette.responses import JSONResponse, Response

GITHUB, GITHUB_API = "github.com", "api.github.com"
GITHUB_STORE = "release-assets.githubusercontent.com"


def github_api(question: Question) -> Response:
    parts = question.parts
    if parts[:1] != ["repos"] or parts[3:5] != ["releases", "tags"]:
        return _github_missing()
    name, tag = "/".join(parts[1:3]), "/".join(parts[5:])
    assets = question.place.releases.get(name, {}).get(tag)
    if assets is None:
        return _github_missing()
    page = f"https://{GITHUB}/{name}/releases"
    rows = [
        {
            **{"id": n, "name": asset, "size": file.size, "state": "uploaded"},
            **{"content_type": file.kind, "digest": f"sha256:{file.sha256}"},
            "browser_download_url": f"{page}/download/{tag}/{quote(asset)}",
        }
        for n, (asset, file) in enumerate(assets.items(), start=1)
    ]
    body = {"id": 1, "tag_name": tag, "html_url": f"{page}/tag/{tag}", "assets": rows}
    etag = f'W/"{hashlib.md5(json.dumps(body).encode()).hexdigest()}"'
    if question.request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"etag": etag})
    return JSONResponse(body, headers={"etag": etag, "x-ratelimit-remaining": "59"})


def _github_missing() -> Response:
    return JSONResponse({"message": "Not Found", "status": "404"}, 404)


def github(question: Question) -> Response:
    parts = question.parts
    if parts[2:4] != ["releases", "download"]:
        return any_file(question)
    tags = question.place.releases.get("/".join(parts[:2]), {})
    file = tags.get("/".join(parts[4:-1]), {}).get(parts[-1])
    if file is None:
        return Response("Not Found", 404)
    store = f"https://{GITHUB_STORE}/{file.sha256}"
    question.place.files[store] = file
    return Response(status_code=302, headers={"location": f"{question.local(store)}?sig=abc"})
