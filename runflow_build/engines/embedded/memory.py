"""The arrays inside the values that nodes hand on, and the memory that they keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np

_ENTRY = 512  # bytes for what a kept value costs besides its arrays


def owners(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays that own the memory of `value`: a view keeps the whole of its base alive."""
    for part in _parts(value):
        if isinstance(part, np.ndarray):
            while isinstance(part.base, np.ndarray):
                part = part.base
            yield part


def kept_bytes(value: Any) -> int | None:
    """What keeping the value costs; None when it refers to a file, which may be gone later."""
    total = _ENTRY
    for part in _parts(value):
        if isinstance(part, str):
            total += len(part)
        elif part is not None and not isinstance(part, _PLAIN):
            return None
    return total + sum(one.nbytes for one in owners(value))


_PLAIN = (bool, int, float, Fraction, np.ndarray)


def _parts(value: Any) -> Iterator[Any]:
    """The values of which lists, tuples, mappings and dataclasses are made, all the way down."""
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _parts(one)
    elif isinstance(value, Mapping):
        yield from _parts(list(value.values()))
    elif dataclasses.is_dataclass(value) and not isinstance(value, PurePath):
        for one in dataclasses.fields(value):
            yield from _parts(getattr(value, one.name))
    else:
        yield value
