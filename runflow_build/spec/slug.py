"""The slug of an endpoint: its place in the URL. The hosted API and nodes/web/slug.js agree."""

from __future__ import annotations

import re

_PORTS = tuple(f"{port}{number}" for port in ("com", "lpt") for number in range(10))
_DEVICES = frozenset(("con", "prn", "aux", "nul", *_PORTS))

RESERVED = frozenset(("inputs", "outputs", "runs", "gpu-models", "workflows")) | _DEVICES
"""Words that are routes of the API, or that Windows refuses as the name of a file."""

# What JavaScript calls white space; Python's \s differs (it has U+001C to U+001F, and no U+FEFF).
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SPACES = re.compile(f"[{_SPACE}]+")
_OUTER_SPACE = re.compile(f"^[{_SPACE}]+|[{_SPACE}]+$")


def slug_of(name: str) -> str:
    """The slug that a name gets: `Background Removal v2.1` -> `background-removal-v21`.

    Lower-case, trim, white space to `-`, drop all but `a-z0-9_-`, collapse `-`, strip `-` and `_`.
    Empty when nothing is left.
    """
    text = _SPACES.sub("-", _OUTER_SPACE.sub("", name.lower()))
    text = re.sub(r"[^a-z0-9_-]", "", text)
    return re.sub(r"-+", "-", text).strip("-_")


def problem(slug: str) -> str | None:
    """Why this text cannot be an endpoint's slug; None when it can."""
    if not slug_of(slug):
        return "nothing is left of it as a slug"
    if slug != slug_of(slug):
        return f"as a slug it would be {slug_of(slug)}"
    if slug in _DEVICES:
        return "Windows keeps this name for a device"
    if slug in RESERVED:
        return "the API keeps this word for itself"
    return None
