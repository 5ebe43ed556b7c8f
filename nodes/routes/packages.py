"""What the pack lacks, for the page that would offer what cannot work."""

from __future__ import annotations

from typing import Any

from .. import packages
from .requests import Table, in_thread


def add(table: Table) -> None:
    table.get("/runflow/packages", _state)


async def _state(request: Any) -> dict[str, Any]:
    """`{"lacking": null}`, or `{"lacking": {"code", "message", "fix"}}`."""
    found = await in_thread(packages.lacking)
    return {"lacking": packages.told(found) if found else None}
