"""Node packs become commits: those of runflow.yaml, those that nodes name or are of, and those that
other packs need."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..lock import repository
from ..lock.model import ComfyUIPin, NodePackPin
from ..lock.needs import pack_names, pack_of
from .at_once import each
from .inquiry import Inquiry
from .packs.asks import Ask, asks_of, key_for, remember
from .packs.classes import give_homes
from .packs.files import NeededPack
from .packs.needs import report_other_state, rows_kept, rows_read
from .packs.pins import pin_of
from .packs.places import locate


def node_pack_pins(inquiry: Inquiry, comfyui: ComfyUIPin | None = None) -> dict[str, NodePackPin]:
    """The pins by folder name; what has none is reported, once for each pack.

    `comfyui` is the pin of ComfyUI, which brings classes of its own.
    """
    asks = asks_of(inquiry)
    # Classes first: that a pack is known to bring one is a reason to keep its pin.
    homes = give_homes(inquiry, asks, comfyui)
    each(inquiry, locate, asks)
    homes.settle(asks)
    search = _Search(inquiry)
    keys = search.pin(_merged(inquiry, asks))
    homes.report()
    while keys:
        keys = search.pin_needed(keys)
    return search.pins()


@dataclass
class _Search:
    """The packs so far, by folder name."""

    inquiry: Inquiry
    asks: dict[str, Ask] = field(default_factory=dict)
    found: dict[str, NodePackPin] = field(default_factory=dict)
    rows: dict[str, list[NeededPack] | None] = field(default_factory=dict)  # None: pin was kept
    needs: dict[str, set[str]] = field(default_factory=dict)

    def pin(self, asks: list[Ask]) -> list[str]:
        """Pin what was located; the keys of the packs that are new here and have a pin."""
        keyed: list[tuple[str, Ask]] = []
        for ask in asks:
            key = key_for(self.inquiry, ask, self.asks)
            if key in self.asks:  # nothing tells the two apart
                self.asks[key].take(ask)
                continue
            self.asks[key] = ask
            keyed.append((key, ask))
        for (key, _), (pin, rows) in zip(keyed, each(self.inquiry, _answer, keyed), strict=True):
            if pin:
                self.found[key], self.rows[key] = pin, rows
        return [key for key, _ in keyed if key in self.found]

    def pin_needed(self, keys: list[str]) -> list[str]:
        """Pin what these packs need and no other pack is; the keys of what is new."""
        wanted: list[tuple[str, NeededPack]] = []
        for key in keys:
            rows = self.rows[key]
            if rows is None:
                rows = rows_kept(self.inquiry, key, self.found[key], set(self.asks))
            wanted += [(key, row) for row in rows]
        asks: dict[str, Ask] = {}
        for key, row in wanted:
            if not self._key_of(row.repository, row.folder, row.registry):
                ask = asks.setdefault(row.identity(), Ask(folder=row.folder, id=row.registry))
                ask.url = ask.url or row.repository
                ask.needers.add(key)
                if row.state:
                    ask.needed.setdefault(row.state, set()).add(key)
        new = [asks[name] for name in sorted(asks)]
        for ask in new:
            remember(self.inquiry, ask)
        each(self.inquiry, locate, new)
        new = [ask for ask in new if not self._key_of(ask.url)]
        fresh = self.pin(_merged(self.inquiry, new))
        for key, row in wanted:
            asked = asks.get(row.identity())
            home = self._key_of(asked.url if asked else row.repository, row.folder, row.registry)
            if home and home in self.found and home != key:
                self.needs.setdefault(key, set()).add(home)
                if home not in fresh and row.state:
                    report_other_state(self.inquiry, key, row.state, home, self.found[home])
        return fresh

    def _key_of(self, url: str | None, folder: str = "", id: str | None = None) -> str | None:
        """The pack so far that is at `url`, or has that folder or that id in the registry."""
        for key, ask in self.asks.items():
            pin = self.found.get(key)
            if url and repository.same(url, pin.repository if pin else ask.url):
                return key
        names = {folder.lower(), (id or folder).lower()} - {""}
        return next((key for key in self.asks if names & self._names(key)), None)

    def _names(self, key: str) -> set[str]:
        pin, registry = self.found.get(key), self.asks[key].registry
        known = pin.registry.id if pin and pin.registry else registry.id if registry else None
        return {key.lower(), *({known.lower()} if known else ())}

    def pins(self) -> dict[str, NodePackPin]:
        """All pins, each with the classes that only we know to be of it, and what it needs."""
        names = {
            key: pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
            for key, pin in self.found.items()
        }
        pins = {}
        for key, pin in sorted(self.found.items()):
            ask = self.asks[key]
            told = {one.class_type for one in ask.references if pack_of(one, names) != key}
            kept = pin.needs if self.rows[key] is None else ()
            needs = {*self.needs.get(key, ()), *(one for one in kept if one in self.found)}
            said = {"classes": sorted(told | ask.classes), "needs": sorted(needs)}
            pins[key] = pin.model_copy(update=said)
        return pins


def _answer(
    inquiry: Inquiry, row: tuple[str, Ask]
) -> tuple[NodePackPin | None, list[NeededPack] | None]:
    """The pin, and what packs it needs; None for those of a pin that was there before."""
    key, ask = row
    pin = pin_of(inquiry, ask, key)
    before = inquiry.previous.nodes if inquiry.previous else {}
    if pin is None or pin is before.get(ask.former or ""):
        return pin, None
    return rows_read(inquiry, ask, key, pin)


def _merged(inquiry: Inquiry, asks: list[Ask]) -> list[Ask]:
    """One ask for each repository: that of runflow.yaml, or of the lock of before, takes others."""
    if inquiry.sources.world is None:
        return asks
    homes: dict[str, Ask] = {}
    for ask in sorted(asks, key=lambda one: (one.wished is None, one.former is None)):
        home = homes.setdefault(ask.url.lower(), ask) if ask.url else ask
        if home is not ask and ask.wished is None:
            home.take(ask)
            ask.gone = True
    return [ask for ask in asks if not ask.gone]
