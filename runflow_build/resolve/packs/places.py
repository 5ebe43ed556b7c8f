"""Where a node pack is: its repository, by what nodes and runflow.yaml call it."""

from __future__ import annotations

from ...file_names import SPEC_FILE
from ...findings import Finding, Where
from ...lock import repository
from ...lock.needs import pack_names
from ...redact import shown
from ...sources.world import RegistryPack, Unanswered, World
from ..inquiry import Inquiry, Row
from .asks import Ask, former_pin, installed
from .homes import claims_of
from .ranking import Claim, ranked


def locate(inquiry: Inquiry, ask: Ask) -> None:
    """Find the ask's repository; what did not lead to one is kept in `tried`.

    A pin that stays, runflow.yaml and an installation's clone need no look-up; then the Comfy
    Registry is asked, by id; then it is what nodes say; then what the sources say of the classes.
    """
    world, pin = inquiry.sources.world, former_pin(inquiry, ask)
    said = ask.url or ask.wish.repository
    ask.url = repository.canonical(said) if said else None
    if world is None:
        ask.url = ask.url if said else ask.aux()
        return
    if ask.stays and pin:
        ask.url = pin.repository
        return
    found = installed(inquiry, ask, ask.wished)
    if found and found.repository:
        ask.url = ask.url if said else ask.aux()
        return
    try:
        _look_up(inquiry, world, ask, bool(said))
    except Unanswered as why:
        ask.unanswered = why
        ask.url = ask.url or ask.aux()


def _look_up(inquiry: Inquiry, world: World, ask: Ask, is_said: bool) -> None:
    if is_said:
        # The registry's word is wanted only to know what it calls a version of this.
        if ask.url and any(state.kind == "version" for state in ask.states()):
            ask.registry = _of_ids(world, ask, ask.ids())
        return
    ids = ask.ids() if ask.wished is None else [*ask.ids(), ask.wished, ask.wished.lower()]
    ask.registry = _of_ids(world, ask, list(dict.fromkeys(ids)))
    if ask.registry:
        ask.url = ask.registry.repository
    elif url := ask.aux():
        ask.url = url
    else:
        if several := ask.aux_all():
            named = ", ".join(repository.name(one) for one in several)
            ask.tried.append(("named", f"nodes do not agree: {named}"))
        _by_classes(inquiry, world, ask)


def _of_ids(world: World, ask: Ask, ids: list[str]) -> RegistryPack | None:
    """The registry's pack of the first id that it knows a repository of."""
    for id in ids:
        pack = world.registry.pack(id)
        if pack and pack.repository and (not ask.url or repository.same(pack.repository, ask.url)):
            return pack
        lack = "names no repository of" if pack and not pack.repository else "has no pack"
        if pack is None or not pack.repository:
            ask.tried.append(("asked", f"the Comfy Registry {lack} `{shown(id)}`"))
    return None


def _by_classes(inquiry: Inquiry, world: World, ask: Ask) -> None:
    """Take the pack that brings most of the classes which nodes say are of one pack."""
    classes = sorted({one.class_type for one in ask.references} | ask.classes)
    if not classes:
        return
    claims: dict[str, Claim] = {}
    counts: dict[str, int] = {}
    for class_type in classes:
        found = claims_of(world, class_type)
        if found.unanswered:
            raise found.unanswered
        for claim in found.claims:
            claims.setdefault(claim.repository, claim)
            counts[claim.repository] = counts.get(claim.repository, 0) + 1
    named = {
        url
        for url, claim in claims.items()
        if pack_names(url.rpartition("/")[2], url, claim.registry) & ask.names()
    }
    eligible = [claims[url] for url in claims if url in named or not (named or ask.wished)]
    if not eligible:
        ask.tried.append(("asked", f"no source names a pack for {_listed(classes)}"))
        return
    order = {one.repository: n for n, one in enumerate(ranked(classes[0], eligible, _equal))}
    best = min(eligible, key=lambda one: (-counts[one.repository], order[one.repository]))
    ask.url = best.repository
    if best.registry:
        ask.registry = RegistryPack(best.registry, best.repository, best.latest)
    if best.repository not in named:
        _explain(inquiry, ask, best, classes)


def _equal(claim: Claim) -> int:
    return 2


def _explain(inquiry: Inquiry, ask: Ask, best: Claim, classes: list[str]) -> None:
    chosen: Row = ("chosen", f"{best.repository}, which brings {_listed(classes)}")
    inquiry.report(
        Finding(
            "pack-chosen",
            f"nothing knows the node pack {shown(ask.name())} that nodes name; "
            f"{repository.name(best.repository)} is taken",
            Where(SPEC_FILE, key=("nodes",)),
            also=(*ask.tried, chosen, *ask.rows()),
            fix="where that is wrong, write the right one under nodes: in runflow.yaml, with its "
            "repository",
        )
    )


def _listed(classes: list[str]) -> str:
    more = f" and {len(classes) - 3} more" if len(classes) > 3 else ""
    return f"{', '.join(classes[:3])}{more}"
