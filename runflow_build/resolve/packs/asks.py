"""What is said of each node pack: by runflow.yaml, by nodes, by the lock of before, by packs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...findings import Where
from ...lock import repository
from ...lock.model import NodePackPin
from ...lock.needs import pack_names, pack_of
from ...sources.install import InstalledPack
from ...sources.world import RegistryPack, Unanswered
from ...spec.model import NodePackWish
from ...workflow.node_packs import PackReference
from ..inquiry import Inquiry, Row
from .files import State, github, is_folder

# What Manager writes as the version of a pack that is no release.
_NO_VERSION = {"nightly", "unknown", "latest"}


@dataclass
class Ask:
    """All that is said of one pack."""

    wished: str | None = None  # its key in runflow.yaml
    wish: NodePackWish = field(default_factory=NodePackWish)
    references: list[PackReference] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)  # that only a look-up gives to it
    folder: str | None = None  # what a pack that needs it calls its folder
    id: str | None = None  # in the Comfy Registry, as a pack that needs it says
    needers: set[str] = field(default_factory=set)  # packs that need it
    needed: dict[State, set[str]] = field(default_factory=dict)  # state -> packs that ask for it
    former: str | None = None  # key of the pin that answered the same wish before
    stays: bool = False  # that pin is the answer
    # what the sources say
    url: str | None = None  # canonical URL of its repository
    registry: RegistryPack | None = None
    tried: list[Row] = field(default_factory=list)  # what did not lead to it
    unanswered: Unanswered | None = None
    gone: bool = False  # another ask has taken what is said here

    def rows(self) -> tuple[Row, ...]:
        """For a finding: who wants it."""
        return (*dict.fromkeys(self.users), *(("needed by", key) for key in sorted(self.needers)))

    def aux(self) -> str | None:
        """The repository that nodes name: `owner/name` on GitHub; None where they do not agree."""
        urls = self.aux_all()
        return urls[0] if len({url.lower() for url in urls}) == 1 else None

    def aux_all(self) -> list[str]:
        """All repositories that nodes name."""
        urls = (github(one.aux_id) for one in self.references if one.aux_id)
        return sorted({url for url in urls if url})

    def ids(self) -> list[str]:
        """What nodes call the pack in the Comfy Registry."""
        said = {one.cnr_id for one in self.references if one.cnr_id}
        return sorted(said | ({self.id} if self.id else set()))

    def name(self) -> str:
        """What to call it while nothing but nodes and packs speak of it."""
        return self.folder or (name_of(self.references[0]) if self.references else "") or "?"

    def names(self) -> set[str]:
        """All names that it goes by, lower case."""
        said = [self.wished, self.folder, *(name_of(one) for one in self.references), *self.ids()]
        return {name.lower() for name in said if name}

    def states(self) -> dict[State, set[Row]]:
        """The commits and versions that nodes and other packs name, and who names each."""
        found: dict[State, set[Row]] = {}
        for reference, user in zip(self.references, self.users, strict=True):
            if state := state_said(reference.version):
                found.setdefault(state, set()).add(user)
        for state, packs in self.needed.items():
            found.setdefault(state, set()).update(("needed by", key) for key in packs)
        return found

    def is_nightly(self) -> bool:
        """Whether a node says that it is of no release."""
        return any((one.version or "").lower() in _NO_VERSION for one in self.references)

    def take(self, other: Ask) -> None:
        """Count what is said of `other` as said of this one: they are one pack."""
        self.references += other.references
        self.users += other.users
        self.classes |= other.classes
        self.folder = self.folder or other.folder
        self.registry = self.registry or other.registry
        self.needers |= other.needers
        for state, packs in other.needed.items():
            self.needed.setdefault(state, set()).update(packs)


def state_said(version: str | None) -> State | None:
    """What a node's `ver` means; None for none, and for what names no state."""
    if version is None or version.lower() in _NO_VERSION:
        return None
    if repository.is_full_commit(version):
        return State("commit", version.lower())
    return State("version", version)


def name_of(reference: PackReference) -> str:
    name = reference.aux_id or reference.cnr_id or reference.folder or ""
    return name.rpartition("/")[2].removesuffix(".git")


def asks_of(inquiry: Inquiry) -> list[Ask]:
    """An ask for each pack of runflow.yaml, in its order, and then each that nodes name."""
    wishes = inquiry.spec.nodes
    wished_names = {key: pack_names(key, wish.repository) for key, wish in wishes.items()}
    wished = {key: Ask(key, wish) for key, wish in wishes.items()}
    named: dict[str, Ask] = {}
    for slug, needs in sorted(inquiry.needs.items()):
        for reference in needs.packs:
            key = pack_of(reference, wished_names)
            name = name_of(reference).lower()
            ask = wished[key] if key is not None else named.setdefault(name, Ask())
            ask.references.append(reference)
            ask.users.append(inquiry.used_by(slug, reference))
    asks = [*wished.values(), *(named[name] for name in sorted(named))]
    for ask in asks:
        remember(inquiry, ask)
    return asks


def remember(inquiry: Inquiry, ask: Ask) -> None:
    """Find the pin that the lock of before has for the same wish, and whether it stays."""
    ask.former = _former(inquiry, ask)
    pin = former_pin(inquiry, ask)
    ask.stays = bool(pin and ask.former and not inquiry.renews(ask.former, pin.dirty))


def former_pin(inquiry: Inquiry, ask: Ask) -> NodePackPin | None:
    return inquiry.previous.nodes[ask.former] if inquiry.previous and ask.former else None


def _former(inquiry: Inquiry, ask: Ask) -> str | None:
    before = inquiry.previous.nodes if inquiry.previous else {}
    if ask.wished is not None:
        pin, url = before.get(ask.wished), ask.wish.repository or ask.aux()
        public = repository.canonical(url) if url else None
        same = pin and (
            pin.ref == ask.wish.ref
            and repository.answers(pin.commit, ask.wish.ref)
            and (public is None or repository.same(pin.repository, public))
        )
        return ask.wished if same else None
    names = {
        key: pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
        for key, pin in before.items()
        if pin.ref is None
    }
    if ask.folder in names:
        return ask.folder
    by_class = {name: key for key in sorted(names) for name in before[key].classes}
    return first_pack(ask, names) or next(
        (by_class[one.class_type] for one in ask.references if one.class_type in by_class), None
    )


def first_pack(ask: Ask, packs: Mapping[str, set[str]]) -> str | None:
    """The first of the packs that a node of the ask means."""
    return next((key for one in ask.references if (key := pack_of(one, packs))), None)


def installed_key(inquiry: Inquiry, ask: Ask) -> str | None:
    """The folder of the installation that holds the pack."""
    packs = inquiry.sources.install.packs if inquiry.sources.install else {}
    names = {key: pack_names(key, pack.remote, pack.registry_id) for key, pack in packs.items()}
    if key := first_pack(ask, names):
        return key
    rows = ((key, pack.remote) for key, pack in packs.items() if pack.remote)
    return next((key for key, remote in rows if ask.url and repository.same(remote, ask.url)), None)


def installed(inquiry: Inquiry, ask: Ask, key: str | None) -> InstalledPack | None:
    """What the installation has of the pack."""
    packs = inquiry.sources.install.packs if inquiry.sources.install else {}
    return packs.get(key or "") or packs.get(installed_key(inquiry, ask) or "")


def key_for(inquiry: Inquiry, ask: Ask, taken: Mapping[str, Ask]) -> str:
    """The folder of the pack, the key of its pin; where two packs share it, one is marked."""
    key = ask.wished or ask.former or installed_key(inquiry, ask) or _own_name(inquiry, ask)
    others = {one.lower() for one in taken}
    if inquiry.sources.world is None or not ask.url or key.lower() not in others:
        return key
    return f"{key}-{repository.name(ask.url).partition('/')[0]}"


def _own_name(inquiry: Inquiry, ask: Ask) -> str:
    if ask.folder:
        return ask.folder
    if inquiry.sources.world and ask.url:
        name = ask.url.rpartition("/")[2]
        return name if is_folder(name) else ask.name()
    return ask.name()


def homeless_of(inquiry: Inquiry) -> dict[str, Row]:
    """The classes of which nothing says what pack they are from, each with a node of it."""
    found: dict[str, Row] = {}
    for slug, needs in sorted(inquiry.needs.items()):
        for class_type in sorted(needs.homeless - set(found)):
            node = next(
                node
                for node, body in needs.prompt.items()
                if body["class_type"] == class_type and node in needs.served
            )
            title = (needs.prompt[node].get("_meta") or {}).get("title")
            where = Where(node=node, title=title, class_type=class_type)
            workflow = inquiry.spec.endpoints[slug].workflow
            found[class_type] = ("used by", f"{workflow}, {where.node_text()}")
    return dict(sorted(found.items()))
