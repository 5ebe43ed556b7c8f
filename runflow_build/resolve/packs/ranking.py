"""Which of several node packs is the home of a class: pure, and the same in every order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ...lock import repository

REGISTRY, LISTS = "the Comfy Registry", "ComfyUI-Manager's list"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
# Words that any pack's name may hold.
_COMMON = {"comfy", "comfyui", "custom", "node", "nodes", "ui"}


@dataclass(frozen=True)
class Claim:
    """A pack of which a source says that it brings a class."""

    repository: str  # canonical URL
    by: tuple[str, ...]  # REGISTRY, LISTS
    registry: str | None = None  # its id there
    latest: str | None = None  # its newest version there
    classes: int | None = None  # how many it brings in all; None: not known


def together(claims: Iterable[Claim]) -> list[Claim]:
    """One claim for each repository, whoever makes it, by URL."""
    found: dict[str, Claim] = {}
    for claim in sorted(claims, key=lambda one: (LISTS in one.by, one.repository)):
        before = found.get(claim.repository.lower())
        found[claim.repository.lower()] = _both(before, claim) if before else claim
    return [found[url] for url in sorted(found)]


def _both(one: Claim, other: Claim) -> Claim:
    return replace(
        one,
        by=tuple(sorted({*one.by, *other.by}, reverse=True)),
        registry=one.registry or other.registry,
        latest=one.latest or other.latest,
        classes=one.classes if one.classes is not None else other.classes,
    )


def ranked(
    class_type: str, claims: Iterable[Claim], standing: Callable[[Claim], int]
) -> list[Claim]:
    """The claims on a class, the likeliest first.

    By `standing` (0: a pack of runflow.yaml, 1: one that the project has anyway, 2: any other);
    then what the Comfy Registry names; then the repository whose name holds more words of the
    class's; then the pack with fewer classes, which is less likely to have copied this one; then
    the URL.
    """
    return sorted(
        claims,
        key=lambda one: (
            standing(one),
            REGISTRY not in one.by,
            -len(shared_words(class_type, one.repository)),
            one.classes if one.classes is not None else float("inf"),
            one.repository.lower(),
        ),
    )


def reasons(class_type: str, claim: Claim, standing: int) -> str:
    """What speaks for a claim, in a few words."""
    words = shared_words(class_type, claim.repository)
    said = [
        "in use in this project" if standing < 2 else "",
        f"named by {' and '.join(claim.by)}",
        f"its name holds {', '.join(words)}" if words else "",
        f"{claim.classes} class{'' if claim.classes == 1 else 'es'}" if claim.classes else "",
    ]
    return ", ".join(filter(None, said))


def shared_words(class_type: str, url: str) -> list[str]:
    """The words of a class's name that the repository's name holds: FaceDetailer -> face."""
    name = re.sub(r"[\W_]+", "", repository.name(url).rpartition("/")[2].lower())
    words = {word.lower() for word in _WORD.findall(class_type)} - _COMMON
    return sorted(word for word in words if len(word) > 1 and word in name)
