"""/v1/files: the bytes of an asset or an output, for whoever holds a signed link."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import FileResponse

from ..problem import Problem, not_found
from ..services import Services, ServicesOf

router = APIRouter(prefix="/v1/files", tags=["files"])

# A page or a drawing with scripts would run with this server's address; those are only saved.
_SHOWN_FAMILIES = ("image/", "video/", "audio/")
_SCRIPTABLE = ("image/svg",)


@router.get("/{file_id}/{name}")
@router.head("/{file_id}/{name}")
def download(
    file_id: str, name: str, services: ServicesOf, expires: str = "", signature: str = ""
) -> FileResponse:
    """The file; `name` in the link is for people, the id alone says which one."""
    if not services.signer.allows("GET", file_id, expires, signature, services.settings.now()):
        raise Problem(403, "the link is not valid, or no longer; read the run or asset again")
    name, content_type = _known(services, file_id)
    path = services.files.path(file_id)
    if not path.is_file():
        raise not_found(f"file {file_id}")
    shown = content_type.startswith(_SHOWN_FAMILIES) and not content_type.startswith(_SCRIPTABLE)
    return FileResponse(
        path,
        media_type=content_type,
        filename=name,
        content_disposition_type="inline" if shown else "attachment",
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": f"private, max-age={services.settings.url_lifetime_s}, immutable",
        },
    )


def _known(services: Services, file_id: str) -> tuple[str, str]:
    """(name, content type). Raises Problem 404."""
    if output := services.runs.file(file_id):
        return output.name, output.content_type
    asset = services.assets.find(file_id)
    if asset is None or asset.confirmed_at is None:
        raise not_found(f"file {file_id}")
    return asset.name, asset.mime_type.lower()
