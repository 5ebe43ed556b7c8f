"""Links that carry their own permission: one file, one method, until one instant."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Method = Literal["GET", "PUT"]


@dataclass(frozen=True)
class Signer:
    """Signs links to `/v1/files/<id>/<name>` and `/v1/uploads/<id>` with one secret of the server.

    The name is for the person who saves the file and not signed: the id alone chooses the bytes.
    """

    secret: bytes

    def download_path(self, file_id: str, name: str, expires: int) -> str:
        """Where a file can be fetched until `expires` (Unix time), with no key."""
        safe = quote(name.replace("/", "_"), safe="") or "file"
        return f"/v1/files/{file_id}/{safe}?{self._query('GET', file_id, expires)}"

    def upload_path(self, asset_id: str, expires: int) -> str:
        """Where an asset's bytes can be put until `expires` (Unix time), with no key."""
        return f"/v1/uploads/{asset_id}?{self._query('PUT', asset_id, expires)}"

    def allows(
        self, method: Method, file_id: str, expires: str, signature: str, now: float
    ) -> bool:
        """Whether the link's signature is ours and its time has not passed."""
        # Compared as bytes: the texts come from outside and need not be ASCII.
        wanted = self._signature(method, file_id, expires).encode()
        if not hmac.compare_digest(wanted, signature.encode("utf-8", "replace")):
            return False
        return now < int(expires)  # signed, so it is a number that we wrote

    def _query(self, method: Method, file_id: str, expires: int) -> str:
        return f"expires={expires}&signature={self._signature(method, file_id, str(expires))}"

    def _signature(self, method: Method, file_id: str, expires: str) -> str:
        text = f"{method}\n{file_id}\n{expires}".encode("utf-8", "replace")
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()
