"""civitai.com, by its REST reference."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from place import CivitaiVersion, File, Place
from question import WHEN, Question, any_file
from starlette.responses import JSONResponse, Response

CIVITAI, CIVITAI_STORE = "civitai.com", "b2.civitai.com"


def civitai(question: Question) -> Response:
    parts, place = question.parts, question.place
    if parts[:3] == ["api", "v1", "model-versions"] and parts[3:4] == ["by-hash"]:
        wanted = parts[4].lower()
        for number, version in place.civitai.items():
            if any(file.sha256.startswith(wanted) for file in version.files.values()):
                return JSONResponse(_version_row(number, version))
        return JSONResponse({"error": "Model not found"}, 404)
    if parts[:3] == ["api", "v1", "model-versions"]:
        found = place.civitai.get(int(parts[3])) if parts[3].isdecimal() else None
        if found is None:
            return JSONResponse({"error": f"No model version with id {parts[3]}"}, 404)
        return JSONResponse(_version_row(int(parts[3]), found))
    if parts[:3] == ["api", "v1", "models"] and len(parts) == 4:
        return _civitai_model(place, int(parts[3]))
    if parts[:3] == ["api", "download", "models"]:
        return _civitai_download(question, int(parts[3]))
    if parts[:1] == ["login"]:
        return any_file(question)
    return JSONResponse({"error": "Not found"}, 404)


def _civitai_model(place: Place, number: int) -> Response:
    rows = [_version_row(n, one) for n, one in place.civitai.items() if one.model == number]
    if not rows:
        return JSONResponse({"error": f"No model with id {number}"}, 404)
    return JSONResponse({"id": number, **rows[0]["model"], "modelVersions": rows[::-1]})


def _civitai_download(question: Question, number: int) -> Response:
    version = question.place.civitai.get(number)
    if version is None:
        return JSONResponse({"error": "Not found"}, 404)
    if version.needs_token and not question.knows_token():
        if "json" in question.request.headers.get("accept", ""):
            message = "The creator of this asset requires you to be logged in to download it"
            return JSONResponse({"error": "Unauthorized", "message": message}, 401)
        login = f"https://{CIVITAI}/login?returnUrl=/models&reason=download-auth"
        question.place.files[login.partition("?")[0]] = File(
            b"<!DOCTYPE html><title>Log in | Civitai</title>", kind="text/html; charset=utf-8"
        )
        return Response(status_code=307, headers={"location": question.local(login)})
    name, file = next(iter(version.files.items()))
    for other, one in version.files.items():
        if question.request.query_params.get("type") == _civitai_kind(other, version):
            name, file = other, one
    store = f"https://{CIVITAI_STORE}/file/{number}/{quote(name)}"
    question.place.files[store] = file
    signed = f"{question.local(store)}?X-Amz-Signature={file.sha256[:16]}"
    return Response(status_code=307, headers={"location": signed})


def _civitai_kind(name: str, version: CivitaiVersion) -> str:
    return "Config" if name.endswith((".yaml", ".json")) else "VAE" if "vae" in name else "Model"


def _version_row(number: int, version: CivitaiVersion) -> dict[str, Any]:
    url = f"https://{CIVITAI}/api/download/models/{number}"
    model = {"name": version.model_name, "type": version.type, "nsfw": False, "poi": False}
    files = [
        {
            **{"id": number * 10 + n, "sizeKB": file.size / 1024, "name": name},
            "type": _civitai_kind(name, version),
            "metadata": {"format": "SafeTensor", "size": "pruned", "fp": "fp16"},
            **{"pickleScanResult": "Success", "virusScanResult": "Success", "scannedAt": WHEN},
            "hashes": {"AutoV2": file.sha256[:10].upper(), "SHA256": file.sha256.upper()},
            "primary": n == 0,
            "downloadUrl": url if n == 0 else f"{url}?type={_civitai_kind(name, version)}",
        }
        for n, (name, file) in enumerate(version.files.items())
    ]
    row = {"id": number, "modelId": version.model, "name": version.name, "baseModel": "SDXL 1.0"}
    more = {"status": "Published", "availability": "Public", "createdAt": WHEN}
    return {**row, **more, "model": model, "files": files, "images": [], "downloadUrl": url}
