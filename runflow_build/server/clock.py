"""Instants as the API writes them, and ids that sort by the instant they were made."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from uuid import UUID


def iso(seconds: float) -> str:
    """ISO 8601 in UTC, always with six decimals and `+00:00`, so that texts sort as instants."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds")


def seconds(text: str) -> float:
    """The Unix time of what `iso` wrote."""
    return datetime.fromisoformat(text).timestamp()


def uuid7(now: float) -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, 12 bits of their fraction, then chance."""
    milliseconds, fraction = divmod(int(now * 1_000_000), 1000)
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76
    value |= (fraction << 12) // 1000 << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return str(UUID(int=value))
