"""/v1/asset-uploads and /v1/assets: announce a file, put its bytes, confirm, use."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator
from starlette.concurrency import run_in_threadpool

from ..access import AssetCreator, AssetReader
from ..asset_store import Asset
from ..file_store import Incoming
from ..problem import Problem, invalid, not_found
from ..runs import media_type
from ..services import BaseUrl, Services, ServicesOf
from ..wire import Body, Reply, body_of, described

router = APIRouter(prefix="/v1", tags=["assets"])

MAX_ASSET = 50 * 1024 * 1024  # bytes

_MIME_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+( *; *[\w.+-]+=[\w.+-]+)*", re.ASCII)


class Upload(Body):
    """A file that is going to be put."""

    filename: str = Field(min_length=1, max_length=500)
    mime_type: str = Field(min_length=1, max_length=255)
    size_bytes: int = Field(ge=1, le=MAX_ASSET)

    @field_validator("mime_type")
    @classmethod
    def _known_shape(cls, value: str) -> str:
        if not _MIME_TYPE.fullmatch(value):
            raise ValueError("must be a MIME type like image/png")
        return value


class Confirmation(Body):
    """Where the asset goes; this server has no folders."""

    folder_id: None = None


@router.post("/asset-uploads", status_code=201, openapi_extra=described(Upload))
def announce(
    caller: AssetCreator,
    services: ServicesOf,
    base_url: BaseUrl,
    body: Annotated[Upload, Depends(body_of(Upload))],
) -> Reply:
    """Announce a file; its bytes go to `upload_url`, with no key."""
    name = re.split(r"[/\\]", body.filename)[-1] or "file"
    asset = services.assets.announce(
        caller.org_id, caller.key_id, name, body.mime_type, body.size_bytes
    )
    return Reply({"asset_id": asset.id, "upload_url": services.upload_url(base_url, asset.id)}, 201)


@router.put("/uploads/{asset_id}")
async def upload(
    asset_id: str, request: Request, services: ServicesOf, expires: str = "", signature: str = ""
) -> Response:
    """Take the bytes; may be repeated, and the last upload before the confirmation counts."""
    if not services.signer.allows("PUT", asset_id, expires, signature, services.settings.now()):
        raise Problem(403, "the upload link is not valid, or no longer")
    asset = await run_in_threadpool(services.assets.find, asset_id)
    if asset is None:
        raise not_found(f"asset {asset_id}")
    given = request.headers.get("content-type", "")
    if _normal(given) != _normal(asset.mime_type):
        message = f"must be {asset.mime_type}, as announced"
        raise invalid(("header", "Content-Type"), message)
    incoming = await run_in_threadpool(services.files.receive, asset.id)
    try:
        await _receive(request, asset, incoming)
        if not await run_in_threadpool(services.assets.accept, asset.id, incoming):
            raise Problem(409, "the asset was confirmed with other bytes")
    finally:
        await run_in_threadpool(incoming.discard)
    return Response(status_code=200)


@router.post(
    "/asset-uploads/{asset_id}/confirmations",
    status_code=201,
    openapi_extra=described(Confirmation, required=False),
)
def confirm(
    asset_id: str,
    caller: AssetCreator,
    services: ServicesOf,
    base_url: BaseUrl,
    _body: Annotated[Confirmation, Depends(body_of(Confirmation))],
) -> Reply:
    """Make the asset usable; once more gives the same answer."""
    asset = _asset(services, asset_id, caller.org_id)
    if asset.sha256 is None:
        raise Problem(409, "the bytes are not here yet; PUT them to `upload_url` first")
    services.assets.confirm(asset.id)
    confirmed = _asset(services, asset.id, caller.org_id)
    return Reply(_record(services, base_url, confirmed), 201)


@router.get("/assets/{asset_id}")
def get(asset_id: str, caller: AssetReader, services: ServicesOf, base_url: BaseUrl) -> Reply:
    """A confirmed asset, with a fresh link to its bytes."""
    asset = _asset(services, asset_id, caller.org_id)
    if asset.confirmed_at is None:
        raise not_found(f"asset {asset_id}")
    return Reply(_record(services, base_url, asset))


async def _receive(request: Request, asset: Asset, incoming: Incoming) -> None:
    async for chunk in request.stream():
        if incoming.size_bytes + len(chunk) > asset.size_bytes:
            raise invalid(("body",), f"is larger than the announced {asset.size_bytes} bytes")
        await run_in_threadpool(incoming.write, chunk)
    if incoming.size_bytes != asset.size_bytes:
        message = f"is {incoming.size_bytes} bytes, not the announced {asset.size_bytes}"
        raise invalid(("body",), message)


def _asset(services: Services, asset_id: str, org_id: str) -> Asset:
    asset = services.assets.get(asset_id.lower(), org_id)
    if asset is None:
        raise not_found(f"asset {asset_id}")
    return asset


def _record(services: Services, base_url: str, asset: Asset) -> dict[str, Any]:
    return {
        "id": asset.id,
        "org_id": asset.org_id,
        "folder_id": None,
        "name": asset.name,
        "url": services.file_url(base_url, asset.id, asset.name),
        "thumbnail_url": None,
        "mime_type": asset.mime_type,
        "size_bytes": asset.size_bytes,
        "sha256": asset.sha256,
        "asset_type": media_type(asset.mime_type),
        "created_by": asset.created_by,
        "created_at": asset.created_at,
        "updated_at": asset.updated_at,
        "deleted_at": None,
        "deleted_by": None,
    }


def _normal(mime_type: str) -> str:
    return mime_type.replace(" ", "").lower()
