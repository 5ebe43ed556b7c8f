"""Packages that ComfyUI imports and does not ask for.

They used to come with other packages, until those stopped bringing them. A row is dropped from no
lock by age: it only says what to add while the requirements of that commit lack the package.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..lock.pylock import normal_name


@dataclass(frozen=True)
class Gap:
    """One package, and who imports it."""

    requirement: str
    reason: str


_GAPS = (
    # transformers 5 and huggingface_hub 1 went from requests to httpx; before, they brought it.
    Gap("requests", "app/frontend_management.py imports it, since 0.1; still so in 0.8.0"),
)


def gaps_of(names: set[str]) -> list[Gap]:
    """What to ask for beside requirements of those names (normalised)."""
    return [gap for gap in _GAPS if normal_name(gap.requirement) not in names]
