"""The `input` of a dispatch: checked against the contract, its files turned into assets.

What a run keeps names files as `runflow://assets/<id>`; what the prompt gets names them as
`<id>.<suffix>` in the run's input folder.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from ..errors import BindError
from ..rewrite.bind import coerce
from ..workflow.contract_model import Contract, ContractInput
from .asset_store import Asset, AssetStore
from .file_store import FileStore
from .keys import Caller
from .problem import FieldError, invalid_fields, of_finding

_SCHEME = "runflow://assets/"
_REFERENCE = re.compile(rf"{_SCHEME}([0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}})")
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[\w.+-]+)*)(;base64)?,", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


class InputFiles:
    """Where the files of dispatches come from."""

    def __init__(self, assets: AssetStore, files: FileStore) -> None:
        self._assets = assets
        self._files = files

    def accept(self, contract: Contract, given: Any, caller: Caller) -> dict[str, Any]:
        """The input as the run keeps it. Raises Problem 422 with an entry for each wrong field."""
        media = _media(contract, given)
        wishes = {key: _wish(item, given[key]) for key, item in media.items()}
        ids = [wish.asset_id for wish in wishes.values() if isinstance(wish, _Reference)]
        known = self._assets.usable(ids, caller.org_id)
        errors: dict[str, FieldError] = {}
        for key, wish in wishes.items():
            said = wish if isinstance(wish, str) else _misfit(media[key], wish, known)
            if said:
                errors[key] = FieldError(("body", "input", key), said)
        # The contract sees the shape of a file name here; the name itself comes with the run.
        values = {**given, **dict.fromkeys(media, "file")} if media else given
        try:
            fitting = coerce(contract, values)
        except BindError as error:
            found = [of_finding(finding, _place(finding.where.field)) for finding in error.findings]
            raise invalid_fields([*errors.values(), *found]) from None
        if errors:
            raise invalid_fields(list(errors.values()))
        for key, wish in wishes.items():
            if not isinstance(wish, str):
                fitting[key] = _SCHEME + self._asset_id(key, wish, caller)
        return fitting

    def _asset_id(self, key: str, wish: _Reference | _Inline, caller: Caller) -> str:
        if isinstance(wish, _Reference):
            return wish.asset_id
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", key) or "file"
        name += mimetypes.guess_extension(wish.mime_type) or ""
        size = len(wish.content)
        asset = self._assets.announce(caller.org_id, caller.key_id, name, wish.mime_type, size)
        incoming = self._files.receive(asset.id)
        try:
            incoming.write(wish.content)
            self._assets.accept(asset.id, incoming)
        finally:
            incoming.discard()
        self._assets.confirm(asset.id)
        return asset.id


def assets_in(contract: Contract, kept: Mapping[str, Any]) -> dict[str, str]:
    """The asset id of each file input that the run was given."""
    return {
        key: found.group(1).lower()
        for key in _media(contract, kept)
        if (found := _REFERENCE.fullmatch(kept[key]))
    }


def file_name(asset: Asset) -> str:
    """What the asset is called in a run's input folder: unique, and with a suffix to tell by."""
    found = re.search(r"\.[^.]*$", asset.name)
    if found and _SUFFIX.fullmatch(found.group()):
        return asset.id + found.group().lower()
    return asset.id + (mimetypes.guess_extension(asset.mime_type) or "")


@dataclass(frozen=True)
class _Reference:
    asset_id: str


@dataclass(frozen=True)
class _Inline:
    mime_type: str
    content: bytes


def _media(contract: Contract, given: Any) -> dict[str, ContractInput]:
    """The IMAGE and FILE inputs that were given a text; `coerce` judges anything else."""
    if not isinstance(given, Mapping):
        return {}
    return {
        key: item
        for key, item in contract.inputs.items()
        if item.type in ("IMAGE", "FILE") and isinstance(given.get(key), str)
    }


def _wish(item: ContractInput, text: str) -> _Reference | _Inline | str:
    """Which file is meant, or what is wrong."""
    if found := _REFERENCE.fullmatch(text):
        return _Reference(found.group(1).lower())
    if text.startswith("data:"):
        return _inline(text)
    kind = "an image" if item.type == "IMAGE" else "a file"
    way = f"upload it as an asset and give {_SCHEME}<asset_id>, or a data: URI"
    if text.lower().startswith(("http://", "https://")):
        return f"this server fetches nothing from other hosts; {way}"
    return f"must be {kind}; {way}"


def _inline(text: str) -> _Inline | str:
    found = _DATA.match(text)
    if not found:
        return "is no valid data: URI"
    body = text[found.end() :]
    try:
        content = (
            base64.b64decode(body, validate=True) if found.group(3) else unquote_to_bytes(body)
        )
    except (binascii.Error, ValueError):
        return "is no valid base64 after `;base64,`"
    if not content:
        return "is an empty data: URI"
    return _Inline((found.group(1) or "text/plain").lower(), content)


def _misfit(
    item: ContractInput, wish: _Reference | _Inline, known: Mapping[str, Asset]
) -> str | None:
    if isinstance(wish, _Inline):
        mime_type = wish.mime_type
    elif asset := known.get(wish.asset_id):
        mime_type = asset.mime_type
    else:
        return f"there is no asset {_SCHEME}{wish.asset_id}; upload and confirm it first"
    if item.type == "IMAGE" and not mime_type.lower().startswith("image/"):
        return f"must be an image, not {mime_type}"
    return None


def _place(field: str | None) -> tuple[str, ...]:
    return ("body", "input") if field is None else ("body", "input", field)
