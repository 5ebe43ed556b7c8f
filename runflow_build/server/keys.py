"""API keys: made, listed, revoked and recognised. Only a digest of a key is ever stored.

A key has 165 bits of chance, so a plain sha256 of it cannot be searched; salt and slow hashing
are for passwords, which people choose.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, or_, select, update

from .. import digest
from ..errors import UsageError
from ..findings import Finding, did_you_mean
from ..spec.slug import problem
from .clock import iso, uuid7
from .database import DATABASE_FILE, Database, open_database
from .tables import api_keys, organizations

SCOPES = (
    "comfyui-workflows:read",
    "comfyui-workflows:create",
    "comfyui-workflows:edit",
    "comfyui-workflows:delete",
    "runs:create",
    "runs:read",
    "assets:create",
    "assets:read",
)
DEFAULT_ORGANIZATION = "local"

_PREFIX = "rf_live_"
_ALPHABET = string.ascii_lowercase + string.digits
_LENGTH = 32
_SHOWN = len(_PREFIX) + 4


@dataclass(frozen=True)
class Caller:
    """Who a request comes from."""

    key_id: str
    org_id: str
    organization: str  # slug
    label: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class KeyRow:
    """What can be told about a key."""

    id: str
    prefix: str  # its first characters
    label: str
    organization: str
    scopes: tuple[str, ...]
    created_at: str
    revoked_at: str | None


def create_key(
    data_dir: Path,
    scopes: Iterable[str] = SCOPES,
    organization: str = DEFAULT_ORGANIZATION,
    label: str = "",
) -> str:
    """Make a key for the server on that data folder, running or not; this is its only sight.

    Raises UsageError: `key-scope-unknown`, `slug-invalid` for the organization.
    """
    wanted = _checked(scopes, organization)
    with _opened(data_dir) as database, database.write() as connection:
        return _insert(connection, wanted, organization, label)


def renew_key(data_dir: Path, label: str, organization: str = DEFAULT_ORGANIZATION) -> str:
    """Make a key with all scopes, and revoke the former ones of that label."""
    wanted = _checked(SCOPES, organization)
    with _opened(data_dir) as database, database.write() as connection:
        connection.execute(
            update(api_keys)
            .where(api_keys.c.label == label, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=iso(time.time()))
        )
        return _insert(connection, wanted, organization, label)


def list_keys(data_dir: Path) -> list[KeyRow]:
    """All keys, oldest first, revoked ones too."""
    statement = (
        select(api_keys, organizations.c.slug)
        .join(organizations)
        .order_by(api_keys.c.created_at, api_keys.c.id)
    )
    with _opened(data_dir) as database, database.read() as connection:
        return [
            KeyRow(
                id=row.id,
                prefix=row.prefix,
                label=row.label,
                organization=row.slug,
                scopes=tuple(row.scopes),
                created_at=row.created_at,
                revoked_at=row.revoked_at,
            )
            for row in connection.execute(statement)
        ]


def revoke_key(data_dir: Path, name: str) -> None:
    """Revoke the keys of that id, label or shown prefix, from the next request on.

    Raises UsageError `key-unknown`.
    """
    named = or_(
        *(column == name for column in (api_keys.c.id, api_keys.c.label, api_keys.c.prefix))
    )
    valid = api_keys.c.revoked_at.is_(None)
    changed = 0
    if name:  # most keys have an empty label
        with _opened(data_dir) as database, database.write() as connection:
            revoked = update(api_keys).where(named, valid).values(revoked_at=iso(time.time()))
            changed = connection.execute(revoked).rowcount
    if not changed:
        raise UsageError(
            Finding(
                "key-unknown",
                f"there is no valid key called `{name}`",
                fix="look it up with `runflow keys list`: its id, label or prefix",
            )
        )


def has_key(database: Database) -> bool:
    """Whether anybody could be let in."""
    with database.read() as connection:
        valid = select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None)).limit(1)
        return connection.scalar(valid) is not None


def caller_of(database: Database, key: str) -> Caller | None:
    """Who holds that key; None when nobody does, or it was revoked."""
    statement = (
        select(api_keys, organizations.c.slug)
        .join(organizations)
        .where(api_keys.c.digest == _digest(key), api_keys.c.revoked_at.is_(None))
    )
    with database.read() as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return Caller(row.id, row.org_id, row.slug, row.label, frozenset(row.scopes))


@contextmanager
def _opened(data_dir: Path) -> Iterator[Database]:
    """The data folder's database for the length of one block."""
    database = open_database(data_dir / DATABASE_FILE)
    try:
        yield database
    finally:
        database.close()


def _checked(scopes: Iterable[str], organization: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    findings = [_unknown_scope(scope) for scope in unknown]
    if not wanted:
        findings.append(Finding("key-scope-unknown", "a key needs at least one scope"))
    if said := problem(organization):
        findings.append(Finding("slug-invalid", f"organization `{organization}`: {said}"))
    if findings:
        raise UsageError(*findings)
    return wanted


def _unknown_scope(scope: str) -> Finding:
    return Finding(
        "key-scope-unknown",
        f"there is no scope `{scope[:100]}`{did_you_mean(scope, SCOPES)}",
        fix=f"use some of: {' '.join(SCOPES)}",
    )


def _insert(connection: Connection, scopes: Collection[str], organization: str, label: str) -> str:
    now = time.time()
    key = _PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    connection.execute(
        insert(api_keys).values(
            id=uuid7(now),
            org_id=_organization(connection, organization, now),
            digest=_digest(key),
            prefix=key[:_SHOWN],
            label=label,
            scopes=list(scopes),
            created_at=iso(now),
        )
    )
    return key


def _organization(connection: Connection, slug: str, now: float) -> str:
    """The organization's id; made with its first key."""
    found = connection.scalar(select(organizations.c.id).where(organizations.c.slug == slug))
    if found is None:
        found = uuid7(now)
        row = {"id": found, "slug": slug, "created_at": iso(now)}
        connection.execute(insert(organizations).values(row))
    return str(found)


def _digest(key: str) -> str:
    return digest.of_bytes(key.encode("utf-8", "replace"))
