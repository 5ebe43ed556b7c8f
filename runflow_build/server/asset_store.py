"""Assets in the database: announced, uploaded, then confirmed and usable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, insert, select, update

from .clock import iso, uuid7
from .database import Database
from .file_store import Incoming
from .tables import assets


@dataclass(frozen=True)
class Asset:
    """A file that somebody uploaded."""

    id: str
    org_id: str
    name: str
    mime_type: str
    size_bytes: int
    sha256: str | None  # None: the bytes are not here yet
    created_by: str
    created_at: str
    updated_at: str
    confirmed_at: str | None  # None: not usable yet


class AssetStore:
    """All that is ever written about assets."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def announce(
        self, org_id: str, key_id: str, name: str, mime_type: str, size_bytes: int
    ) -> Asset:
        """Make room for a file whose bytes come later."""
        now = self._now()
        asset = Asset(
            uuid7(now), org_id, name, mime_type, size_bytes, None, key_id, iso(now), iso(now), None
        )
        with self._database.write() as connection:
            connection.execute(insert(assets).values(vars(asset)))
        return asset

    def find(self, asset_id: str) -> Asset | None:
        """An asset by id alone; for links, which carry their own permission."""
        return self._one(assets.c.id == asset_id)

    def get(self, asset_id: str, org_id: str) -> Asset | None:
        """An organization's asset, confirmed or not."""
        return self._one(assets.c.id == asset_id, assets.c.org_id == org_id)

    def usable(self, asset_ids: Iterable[str], org_id: str) -> dict[str, Asset]:
        """Those of the assets that are the organization's and confirmed, by id."""
        wanted = select(assets).where(
            assets.c.id.in_(sorted(set(asset_ids))),
            assets.c.org_id == org_id,
            assets.c.confirmed_at.is_not(None),
        )
        with self._database.read() as connection:
            found = [_asset(row) for row in connection.execute(wanted).mappings()]
        return {asset.id: asset for asset in found}

    def accept(self, asset_id: str, incoming: Incoming) -> bool:
        """Keep the uploaded bytes; the last upload counts. False once other bytes are confirmed."""
        with self._database.write() as connection:  # one upload at a time: file and digest agree
            known = select(assets.c.confirmed_at, assets.c.sha256).where(assets.c.id == asset_id)
            confirmed_at, sha256 = connection.execute(known).one()
            if confirmed_at is not None:
                return bool(sha256 == incoming.stored().sha256)
            values = {"sha256": incoming.keep().sha256, "updated_at": iso(self._now())}
            connection.execute(update(assets).where(assets.c.id == asset_id).values(values))
            return True

    def confirm(self, asset_id: str) -> None:
        """The asset may be used. Once more changes nothing."""
        now = iso(self._now())
        unconfirmed = and_(assets.c.id == asset_id, assets.c.confirmed_at.is_(None))
        with self._database.write() as connection:
            values = {"confirmed_at": now, "updated_at": now}
            connection.execute(update(assets).where(unconfirmed).values(values))

    def _one(self, *conditions: Any) -> Asset | None:
        with self._database.read() as connection:
            row = connection.execute(select(assets).where(*conditions)).mappings().one_or_none()
        return None if row is None else _asset(row)


def _asset(row: Any) -> Asset:
    return Asset(**row)
