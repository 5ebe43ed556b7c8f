"""What a Runflow API key looks like, and where in a document one stands."""

from __future__ import annotations

import json
import re
from typing import Any

from .findings import Key

# `rf_live_…`, `rf_svc_…` and `rfk_…` are the known kinds. Of a kind to come only the form can be
# guessed: `rf_`, words, and last a long random part. A word alone (`rf_inversion`) is no key.
_API_KEY = re.compile(
    r"(?<![A-Za-z0-9_])"
    r"(?:(?:rf_(?:live|svc|test)|rfk)_[A-Za-z0-9_]{8,}"
    r"|rf_(?:[A-Za-z0-9]+_)*(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{12,})"
)


def holds_api_key(text: str) -> bool:
    """Whether a Runflow API key stands anywhere in the text."""
    return "rf" in text and _API_KEY.search(text) is not None


def without_api_keys(text: str) -> str:
    """The text with every API key in it replaced by `rf_…`."""
    return _API_KEY.sub("rf_…", text) if "rf" in text else text


def keys_in(value: Any) -> list[Key]:
    """The places of all strings, and names of members, that hold an API key, in document order.

    `value` is any JSON value, nested as deeply as it likes. No place repeats a key: such a member
    is called `…`.
    """
    return _walk(value) if _may_hold(value) else []


def _may_hold(value: Any) -> bool:
    """A quick look that misses nothing: graphs of megabytes nearly always hold no key."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return True
    return "rf_" in text or "rfk_" in text


def _walk(value: Any) -> list[Key]:
    found: list[Key] = []
    waiting: list[tuple[Key, Any]] = [((), value)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, str):
            if holds_api_key(part):
                found.append(place)
        elif isinstance(part, dict):
            bad = {name for name in part if isinstance(name, str) and holds_api_key(name)}
            found.extend(place for _ in bad)
            waiting.extend(
                ((*place, "…" if name in bad else name), inner)
                for name, inner in reversed(part.items())
            )
        elif isinstance(part, list):
            waiting.extend(((*place, i), part[i]) for i in reversed(range(len(part))))
    return found
