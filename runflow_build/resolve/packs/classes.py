"""Node classes that say nothing of their pack get a home: as the lock of before says, or the
sources that are asked by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...lock import repository
from ...lock.model import ComfyUIPin
from ...lock.needs import pack_names
from ...project.catalogue import newest, versions
from ...sources.world import RegistryPack
from ..inquiry import Inquiry, Row
from ..remote import LATER
from .asks import Ask, former_pin, homeless_of
from .files import version_order
from .homes import Choice, Claims, all_claims, choices, report_choices
from .ranking import Claim


def give_homes(inquiry: Inquiry, asks: list[Ask], comfyui: ComfyUIPin | None) -> Homes:
    """Give each homeless class to the pack that the lock of before has for it; ask for the others.

    Adds to `asks` the packs that only a class speaks for.
    """
    world = inquiry.sources.world
    before = inquiry.previous.nodes if inquiry.previous else {}
    # A pack that is wished for anew may be there to bring a class.
    is_open = bool(set(inquiry.spec.nodes) - set(before))
    homes = Homes(inquiry, comfyui, homeless_of(inquiry))
    searched = set()
    for class_type in homes.users:
        former = next(
            (
                key
                for key in sorted(before)
                if class_type in before[key].classes
                and (key in inquiry.spec.nodes or before[key].ref is None)
            ),
            None,
        )
        if former:
            _ask_of_former(inquiry, asks, former).classes.add(class_type)
        if former is None or is_open or inquiry.renews(former):
            searched.add(class_type)
    if world:
        homes.claims = all_claims(inquiry, world, searched)
    return homes


def _ask_of_former(inquiry: Inquiry, asks: list[Ask], key: str) -> Ask:
    found = next((ask for ask in asks if key in (ask.wished, ask.former)), None)
    if found is None:
        found = Ask(former=key)
        if pin := former_pin(inquiry, found):
            found.url, found.stays = pin.repository, not inquiry.renews(key, pin.dirty)
        asks.append(found)
    return found


@dataclass
class Homes:
    """The homeless classes, each with a node of it, and what the sources say of them."""

    inquiry: Inquiry
    comfyui: ComfyUIPin | None
    users: Mapping[str, Row]
    claims: Mapping[str, Claims] = field(default_factory=dict)
    chosen: list[Choice] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def settle(self, asks: list[Ask]) -> None:
        """Give each class to the pack that it is taken from, now that it is known where packs are.

        Changes `asks`: packs come that bring a class, and packs go that nothing needs any more.
        """
        wished = [ask for ask in asks if ask.wished is not None]
        before = self.inquiry.previous.nodes if self.inquiry.previous else {}
        known = {ask.url.lower() for ask in asks if ask.url}
        known |= {pin.repository.lower() for pin in before.values()}

        def standing(claim: Claim) -> int:
            if _wished_for(claim, wished):
                return 0
            return 1 if claim.repository.lower() in known else 2

        for class_type, choice in choices(self.claims, standing).items():
            home = _wished_for(choice.claim, wished) or _ask_at(asks, choice.claim)
            for ask in asks:
                ask.classes.discard(class_type)
            home.classes.add(class_type)
            if home.wished is None:
                home.registry = home.registry or _as_registered(choice.claim)
                self.chosen.append(choice)
        for class_type in self.users:
            if not any(class_type in ask.classes for ask in asks):
                self._lose(class_type, wished)
        asks[:] = [ask for ask in asks if ask.wished is not None or ask.references or ask.classes]

    def _lose(self, class_type: str, wished: list[Ask]) -> None:
        """Nothing knows the class; where packs are wished for, one of those is it."""
        found = self.claims.get(class_type, Claims())
        if found.unanswered:
            self.lost.append(class_type)
        elif found.is_core:
            # Another version may have it; of these we know that they have not.
            if self.comfyui and self.comfyui.version in versions():
                self.lost.append(class_type)
        elif not wished:
            self.lost.append(class_type)
        elif len(wished) == 1 and class_type in self.claims:
            wished[0].classes.add(class_type)

    def report(self) -> None:
        """Explain the choices, and name the classes that have no home."""
        report_choices(self.inquiry, self.chosen, self.users)
        for name in self.lost:
            self._report_lost(name, self.claims.get(name))

    def _report_lost(self, name: str, found: Claims | None) -> None:
        message = f"nothing says which node pack brings the class {name}"
        fix = "write the pack under nodes: in runflow.yaml, with repository and full commit"
        rows: tuple[Row, ...] = (self.users[name],) if found else ()
        if found and found.unanswered:
            message = f"which node pack brings the class {name} could not be looked up"
            message += f": {found.unanswered.reason}"
            fix = found.unanswered.fix or LATER
        elif found and found.is_core:
            version = self.comfyui.version if self.comfyui else None
            message = f"the class {name} is one of ComfyUI's own, and {version} does not have it"
            fix = "wish for the ComfyUI that has it: `ref` under comfyui: in runflow.yaml"
        elif found:
            rows = (*self._asked(), *rows)
        self.inquiry.unresolved(("nodes",), message, fix, rows)

    def _asked(self) -> list[Row]:
        rows = [("asked", "neither the Comfy Registry nor ComfyUI-Manager's list knows it")]
        version = self.comfyui.version if self.comfyui else None
        if version and version_order(version) > version_order(newest()):
            rows.append(
                (
                    "perhaps",
                    f"it is one of ComfyUI's own: {version} is newer than {newest()}, the newest "
                    "that this release knows; `runflow record --from URL` asks a running one",
                )
            )
        return rows


def _wished_for(claim: Claim, wished: list[Ask]) -> Ask | None:
    """The pack of runflow.yaml that a claim means: it, or a fork that takes its folder."""
    for ask in wished:
        if ask.url and repository.same(ask.url, claim.repository):
            return ask
    folder = claim.repository.rpartition("/")[2].lower()
    rows = ((ask, pack_names(ask.wished or "", ask.url or ask.wish.repository)) for ask in wished)
    return next((ask for ask, names in rows if folder in names), None)


def _ask_at(asks: list[Ask], claim: Claim) -> Ask:
    """The ask for the pack of a claim; a new one where there is none yet."""
    for ask in asks:
        if ask.url and repository.same(ask.url, claim.repository):
            return ask
    asks.append(Ask(url=claim.repository))
    return asks[-1]


def _as_registered(claim: Claim) -> RegistryPack | None:
    """The pack as far as the registry's answer about a class describes it."""
    if claim.registry is None:
        return None
    return RegistryPack(claim.registry, claim.repository, claim.latest)
