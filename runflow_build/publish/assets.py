"""Files of the project in the API's storage: checked against the lock, sent once per content."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import digest
from ..bundle import Bundle
from ..content_type import content_type_of
from ..errors import ApiError, CheckError
from ..findings import Finding, Where
from ..lock.model import ResourcePin
from .client import Client, part
from .record import Record
from .refusals import Call, unexpected
from .wire import Asset

LARGEST = 50 * 1024 * 1024  # bytes, the API's limit


class Assets:
    """What was uploaded through one client, by content. Safe to use from several threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._sending: dict[str, threading.Lock] = {}
        self._known: dict[str, Asset] = {}

    def of(
        self, bundle: Bundle, files: Mapping[str, Path], remote: Record | None
    ) -> dict[str, Asset]:
        """An asset for each resource that travels, by sha256: reused where the record has it.

        Everything is read and checked before the first byte is sent. Raises CheckError:
        `resource-missing`, `resource-changed`, `resource-too-large`; ApiError.
        """
        reusable = assets_of(remote)
        found: dict[str, Asset] = {}
        waiting: dict[str, str] = {}  # sha256 -> resource
        for name, pin in travelling(bundle).items():
            if pin.sha256 in found or pin.sha256 in waiting:
                continue
            asset_id = reusable.get(pin.sha256)
            asset = self._still_there(asset_id) if asset_id else None
            if asset:
                found[pin.sha256] = asset
            else:
                waiting[pin.sha256] = name
        check(bundle, files, waiting.values())
        for sha256, name in waiting.items():
            found[sha256] = self._once(name, bundle.resources[name], files)
        return found

    def send(self, name: str, data: bytes) -> Asset:
        """Upload a file's bytes. Raises ApiError."""
        mime_type = content_type_of(name)
        kind = {"filename": name[-500:], "mime_type": mime_type, "size_bytes": len(data)}
        call = Call("POST", "/v1/asset-uploads", self._client.host)
        session = self._client.post(call.path, kind)
        asset_id, url = session.get("asset_id"), session.get("upload_url")
        if not isinstance(asset_id, str) or not isinstance(url, str):
            raise unexpected(call, "names no upload URL")
        self._client.upload(url, data, str(kind["mime_type"]))
        confirmation = f"/v1/asset-uploads/{part(asset_id)}/confirmations"
        return _asset(call, self._client.post(confirmation, {}))

    def _once(self, name: str, pin: ResourcePin, files: Mapping[str, Path]) -> Asset:
        with self._lock:
            sending = self._sending.setdefault(pin.sha256, threading.Lock())
        with sending:
            if pin.sha256 not in self._known:
                data = checked_bytes(name, pin, files)
                self._known[pin.sha256] = self.send(name.rpartition("/")[2], data)
            return self._known[pin.sha256]

    def _still_there(self, asset_id: str) -> Asset | None:
        """The asset with a fresh URL; None when somebody deleted it."""
        call = Call("GET", f"/v1/assets/{part(asset_id)}", self._client.host)
        try:
            return _asset(call, self._client.get(call.path))
        except ApiError as error:
            if error.status != 404:
                raise
            return None


def travelling(bundle: Bundle) -> dict[str, ResourcePin]:
    """The resources that no URL can be given for: they go up as assets."""
    return {name: pin for name, pin in sorted(bundle.resources.items()) if pin.url is None}


def assets_of(remote: Record | None) -> dict[str, str]:
    """sha256 -> asset id, as the record says."""
    rows = (remote or {}).get("resources")
    return {
        row["sha256"]: row["asset_id"]
        for row in (rows.values() if isinstance(rows, dict) else ())
        if isinstance(row, dict)
        and isinstance(row.get("sha256"), str)
        and isinstance(row.get("asset_id"), str)
    }


def to_send(bundle: Bundle, remote: Record | None) -> list[str]:
    """The resources whose content the record does not have yet, one name for each content."""
    known = assets_of(remote)
    by_content = {pin.sha256: name for name, pin in reversed(travelling(bundle).items())}
    return sorted(name for sha256, name in by_content.items() if sha256 not in known)


def check(bundle: Bundle, files: Mapping[str, Path], names: Iterable[str]) -> None:
    """Raise CheckError with all that is wrong with these resources."""
    problems = [finding for name in names for finding in _problems(bundle, files, name)]
    if problems:
        raise CheckError(*problems)


def _problems(bundle: Bundle, files: Mapping[str, Path], name: str) -> tuple[Finding, ...]:
    try:
        checked_bytes(name, bundle.resources[name], files)
    except CheckError as error:
        return error.findings
    return ()


def checked_bytes(name: str, pin: ResourcePin, files: Mapping[str, Path]) -> bytes:
    """The resource's content, which is what the lock holds. Raises CheckError."""
    data = read_file(name, files.get(name))
    if digest.of_bytes(data) != pin.sha256:
        raise CheckError(
            Finding(
                "resource-changed",
                f"{name} is not the file that runflow.lock holds",
                Where(name),
                also=(("locked", pin.sha256), ("found", digest.of_bytes(data))),
                fix="run `runflow lock`, and review the change",
            )
        )
    return data


def read_file(name: str, path: Path | None) -> bytes:
    """The file's bytes. Raises CheckError: `resource-missing`, `resource-too-large`."""
    try:
        if path is None:
            raise FileNotFoundError
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = f": {error.strerror}" if error.strerror else ""
        raise CheckError(
            Finding(
                "resource-missing",
                f"{name} cannot be read{reason}",
                Where(name),
                fix="put the file back, or run `runflow lock` when the workflow no longer needs it",
            )
        ) from None
    if len(data) > LARGEST:
        raise CheckError(
            Finding(
                "resource-too-large",
                f"{name} is larger than {LARGEST >> 20} MiB, the most that can be uploaded",
                Where(name),
                fix=f"store it where it can be downloaded, and name the place in runflow.yaml "
                f"under resources:  {name}: {{url: https://…}}",
            )
        )
    return data


def _asset(call: Call, row: dict[str, Any]) -> Asset:
    asset_id, url, mime_type = row.get("id"), row.get("url"), row.get("mime_type")
    size = row.get("size_bytes")
    if isinstance(asset_id, str) and isinstance(url, str) and isinstance(size, int):
        return Asset(asset_id, url, str(mime_type or "application/octet-stream"), size)
    raise unexpected(call, "is no asset")
