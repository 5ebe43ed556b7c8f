"""Which endpoints a command or task is to work on."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..errors import UsageError
from ..findings import Finding, did_you_mean


def chosen(known: Iterable[str], slugs: Collection[str] | None) -> list[str]:
    """The slugs of `known` that are asked for, in its order; None or none asked for: all.

    Raises UsageError, `endpoint-unknown`, for each that runflow.yaml does not have.
    """
    known = list(known)
    if unknown := sorted(set(slugs or ()).difference(known)):
        raise UsageError(*(_unknown(slug, known) for slug in unknown))
    return [slug for slug in known if not slugs or slug in slugs]


def _unknown(slug: str, known: list[str]) -> Finding:
    return Finding(
        "endpoint-unknown",
        f"runflow.yaml has no endpoint `{slug}`{did_you_mean(slug, known)}",
        also=(("known", ", ".join(known) or "none"),),
        fix="name one of these, or none for all of them",
    )
