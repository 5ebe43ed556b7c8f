"""Canonical JSON, and the sha256 of values and of bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value: sorted keys, no spaces, UTF-8, integers exact.

    Raises ValueError for NaN and Infinity, which JSON does not have.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    # A lone surrogate (legal in a JSON string) has no UTF-8 form; keep it distinguishable.
    return text.encode("utf-8", "surrogatepass")


def of(value: Any) -> str:
    """sha256 of a JSON value in its canonical form, as lower-case hex.

    Give it a shape written out at the call, never the dump of a model: a field added tomorrow must
    not change yesterday's digests.
    """
    return hashlib.sha256(canonical(value)).hexdigest()


def of_bytes(data: bytes) -> str:
    """sha256 of the bytes, as lower-case hex."""
    return hashlib.sha256(data).hexdigest()
