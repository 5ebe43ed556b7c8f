"""The API's record of an endpoint: what of it says who published it, and whether it moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from .. import digest

Record: TypeAlias = dict[str, Any]


def published_from(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record's `environment.runflow`; None: not published by us, or not handed back."""
    environment = record.get("environment")
    known = environment.get("runflow") if isinstance(environment, dict) else None
    return known if isinstance(known, dict) else None


def resource_hashes(resources: Any) -> Any:
    """Resources by content alone: their assets and signed URLs change from read to read."""
    if not isinstance(resources, dict):
        return resources
    return {
        path: row.get("sha256") if isinstance(row, dict) else row for path, row in resources.items()
    }


def fingerprint(record: Mapping[str, Any]) -> str:
    """A digest of all that the record says, the same for as long as nobody changes it."""
    return digest.of({**record, "resources": resource_hashes(record.get("resources"))})
