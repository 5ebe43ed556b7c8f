"""The Comfy Registry: which repository a node pack has, its versions, and who brings a class.

Its answers are data of strangers: what is not of the expected form counts as not said.
Source of the shapes: Comfy-Org/registry-backend, openapi.yml at 06845c5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..lock import repository
from .world import RegistryPack

if TYPE_CHECKING:
    from .http.client import Http

HOST = "https://api.comfy.org"

# A longer name is no class of a person; a dot alone would mean a folder of the address.
_LONGEST = 200
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_GONE = ("NodeStatusBanned", "NodeStatusDeleted")
_UNUSABLE = ("NodeVersionStatusBanned", "NodeVersionStatusDeleted")


class ComfyRegistry:
    """The registry at api.comfy.org, over the client that all sources share."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def pack(self, id: str) -> RegistryPack | None:
        """The pack of that id, with its versions; None: none, or one that was banned or deleted.

        Raises Unanswered.
        """
        if not _ID.fullmatch(id):
            return None
        place = f"{HOST}/nodes/{quote(id, safe='')}"
        found = _pack(self._http.json(place))
        if found is None or found.id.lower() != id.lower():
            return None
        versions = _versions(self._http.json(f"{place}/versions"))
        return RegistryPack(found.id, found.repository, found.latest, versions)

    def packs_of_class(self, class_type: str) -> Sequence[RegistryPack]:
        """The one pack that the registry names for a node class, without its versions, or none.

        Raises Unanswered.
        """
        if not class_type.strip(". ") or len(class_type) > _LONGEST:
            return []
        found = _pack(
            self._http.json(
                f"{HOST}/comfy-nodes/{quote(class_type, safe='', errors='replace')}/node"
            )
        )
        return [found] if found else []


def _pack(answer: Any) -> RegistryPack | None:
    row = answer if isinstance(answer, Mapping) else {}
    id, latest, url = row.get("id"), row.get("latest_version"), row.get("repository")
    if not (isinstance(id, str) and _ID.fullmatch(id)) or row.get("status") in _GONE:
        return None
    named = _version(latest) if isinstance(latest, Mapping) else None
    return RegistryPack(id, repository.plain(url) if isinstance(url, str) else None, named)


def _versions(answer: Any) -> list[str]:
    """The versions that can be had, in the registry's order, which is newest first."""
    rows = answer if isinstance(answer, list) else []
    return [found for row in rows if isinstance(row, Mapping) and (found := _version(row))]


def _version(row: Mapping[str, Any]) -> str | None:
    version = row.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        return None
    return None if row.get("status") in _UNUSABLE else version
