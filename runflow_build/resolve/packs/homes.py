"""Which node pack brings a class that says nothing of its pack: the sources are asked by class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ...file_names import SPEC_FILE
from ...findings import Finding, Where
from ...lock import repository
from ...sources.world import Unanswered, World
from ...spec.model import UPSTREAM_COMFYUI
from ...workflow.node_packs import CORE_PACK
from ..at_once import each
from ..inquiry import Inquiry, Row
from .ranking import LISTS, REGISTRY, Claim, ranked, reasons, together

MOST_NAMED = 4  # classes, and rivals, that one finding names


@dataclass(frozen=True)
class Claims:
    """Who says to bring a class."""

    claims: tuple[Claim, ...] = ()
    is_core: bool = False  # ComfyUI itself does, in some version of it
    unanswered: Unanswered | None = None


def claims_of(world: World, class_type: str) -> Claims:
    """All claims on a class. Where the registry names a pack, the lists may be out of reach."""
    try:
        named = world.registry.packs_of_class(class_type)
    except Unanswered as why:
        return Claims(unanswered=why)
    claims = [
        Claim(one.repository, (REGISTRY,), one.id, one.latest)
        for one in named
        if one.repository and one.id != CORE_PACK
    ]
    is_core = any(one.id == CORE_PACK for one in named)
    try:
        listed = world.lists.packs_of_class(class_type)
        claims += [Claim(one.repository, (LISTS,), classes=one.classes) for one in listed]
    except Unanswered as why:
        if not claims and not is_core:
            return Claims(unanswered=why)
    others = [one for one in claims if not repository.same(one.repository, UPSTREAM_COMFYUI)]
    return Claims(tuple(together(others)), is_core or len(others) < len(claims))


def all_claims(inquiry: Inquiry, world: World, classes: Collection[str]) -> dict[str, Claims]:
    """The claims on each class, by class."""
    names = sorted(classes)
    found = each(inquiry, lambda _, class_type: claims_of(world, class_type), names)
    return dict(zip(names, found, strict=True))


@dataclass(frozen=True)
class Choice:
    """The pack that a class is taken from, and who else claims to bring it."""

    class_type: str
    claims: tuple[Claim, ...]  # the one that is taken first
    standings: tuple[int, ...]  # of each; see `ranked`

    @property
    def claim(self) -> Claim:
        return self.claims[0]


def choices(claims: Mapping[str, Claims], standing: Callable[[Claim], int]) -> dict[str, Choice]:
    """The pack of each class that anything claims; for one of ComfyUI's own, only a wished one.

    Where one pack alone brings a class it is needed for sure, and goes before others elsewhere.
    """
    open_ = {
        name: tuple(one for one in found.claims if not found.is_core or standing(one) == 0)
        for name, found in claims.items()
    }
    sure = {found[0].repository for found in open_.values() if len(found) == 1}

    def standing_now(claim: Claim) -> int:
        return min(standing(claim), 1 if claim.repository in sure else 2)

    chosen = {}
    for class_type, found in open_.items():
        if order := ranked(class_type, found, standing_now):
            standings = tuple(standing_now(one) for one in order)
            chosen[class_type] = Choice(class_type, tuple(order), standings)
    return chosen


def report_choices(inquiry: Inquiry, chosen: Collection[Choice], users: Mapping[str, Row]) -> None:
    """Explain each choice between packs, once for all classes of the same packs."""
    groups: dict[tuple[str, ...], list[Choice]] = {}
    for one in sorted(chosen, key=lambda one: one.class_type):
        if len(one.claims) > 1:
            groups.setdefault(tuple(claim.repository for claim in one.claims), []).append(one)
    for _, group in sorted(groups.items()):
        inquiry.report(_explained(group, users))


def _explained(group: list[Choice], users: Mapping[str, Row]) -> Finding:
    first, names = group[0], [one.class_type for one in group]
    rest = len(names) - MOST_NAMED
    more = f" and {rest} more class{'' if rest == 1 else 'es'}" if rest > 0 else ""
    pairs = list(zip(first.claims, first.standings, strict=True))[: MOST_NAMED + 1]
    rows = [
        (
            "or" if number else "chosen",
            f"{repository.name(one.repository)}: {reasons(first.class_type, one, standing)}",
        )
        for number, (one, standing) in enumerate(pairs)
    ]
    if len(first.claims) > len(pairs):
        rows.append(("", f"and {len(first.claims) - len(pairs)} more"))
    rival = first.claims[1].repository
    return Finding(
        "pack-chosen",
        f"{len(first.claims)} node packs claim to bring {', '.join(names[:MOST_NAMED])}{more}; "
        f"{repository.name(first.claim.repository)} is taken",
        Where(SPEC_FILE, key=("nodes",)),
        also=(*rows, *dict.fromkeys(users[name] for name in names[:MOST_NAMED])),
        fix="where that is wrong, write the right one under nodes: in runflow.yaml:  "
        f"{rival.rpartition('/')[2]}: {{repository: {rival}}}",
        level="note" if first.standings[0] < 2 else None,
    )
