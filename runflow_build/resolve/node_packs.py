"""Node packs become commits: those that runflow.yaml wishes for, and those that nodes name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..lock import repository
from ..lock.model import NodePackPin, RegistryPin
from ..lock.needs import pack_names, pack_of
from ..sources.install import InstalledPack
from ..spec.model import NodePackWish
from ..workflow.node_packs import PackReference
from .clone import answer_of
from .inquiry import CAPTURE, Inquiry, Row, refuses_short_commit


@dataclass
class _Told:
    """What nodes say of one pack."""

    references: list[PackReference] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)

    def repository(self) -> str | None:
        """`aux_id` is owner/name on GitHub; None where nodes do not agree."""
        names = {one.aux_id for one in self.references if one.aux_id and one.aux_id.count("/") == 1}
        return f"https://github.com/{min(names)}" if len(names) == 1 else None

    def commits(self) -> set[str]:
        return {
            one.version.lower()
            for one in self.references
            if one.version and repository.is_full_commit(one.version)
        }


def node_pack_pins(inquiry: Inquiry) -> dict[str, NodePackPin]:
    """The pins by folder name; what has none is reported, once for each pack."""
    wishes = inquiry.spec.nodes
    wished_names = {key: pack_names(key, wish.repository) for key, wish in wishes.items()}
    wished = {key: _Told() for key in wishes}
    named: dict[str, _Told] = {}  # by what the nodes call the pack
    for slug, needs in sorted(inquiry.needs.items()):
        for reference in needs.packs:
            key = pack_of(reference, wished_names)
            name = _name_of(reference).lower()
            told = wished[key] if key is not None else named.setdefault(name, _Told())
            told.references.append(reference)
            told.users.append(inquiry.used_by(slug, reference))
    pins = {key: _wished(inquiry, key, wish, wished[key]) for key, wish in wishes.items()}
    for name in sorted(named):
        key, pin = _unwished(inquiry, named[name])
        pins[key] = pins.get(key) or pin
    _report_homeless(inquiry)
    return {key: pin for key, pin in sorted(pins.items()) if pin}


def _wished(inquiry: Inquiry, key: str, wish: NodePackWish, told: _Told) -> NodePackPin | None:
    where = ("nodes", key)
    url = wish.repository or told.repository()
    public = repository.canonical(url) if url else None
    if url and public is None:
        inquiry.unresolved(
            (*where, "repository"),
            f"the repository of {key} is not a URL that others can reach",
            "write it as https://host/owner/name",
        )
        return None
    former = inquiry.previous.nodes.get(key) if inquiry.previous else None
    if former and not (
        former.ref == wish.ref
        and repository.answers(former.commit, wish.ref)
        and (public is None or repository.same(former.repository, public))
    ):
        former = None
    if former and not inquiry.renews(key, former.dirty):
        return former
    if (
        wish.ref
        and not repository.is_full_commit(wish.ref)
        and refuses_short_commit(inquiry, (*where, "ref"), wish.ref)
    ):
        return former
    return _found(inquiry, key, public, wish.ref, told) or former


def _unwished(inquiry: Inquiry, told: _Told) -> tuple[str, NodePackPin | None]:
    """The pack that nodes name and runflow.yaml does not, with the key that it gets."""
    before = inquiry.previous.nodes if inquiry.previous else {}
    former_names = {
        key: pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
        for key, pin in before.items()
        if pin.ref is None
    }
    former = _first_pack(told, former_names)
    if former and not inquiry.renews(former, before[former].dirty):
        return former, before[former]
    key = former or _installed_key(inquiry, told) or _name_of(told.references[0])
    found = _found(inquiry, key, told.repository(), None, told)
    return key, found or (before[former] if former else None)


def _found(
    inquiry: Inquiry,
    key: str,
    url: str | None,
    ref: str | None,
    told: _Told,
) -> NodePackPin | None:
    """What the wish itself, the installation, or the workflows say, in this order."""
    packs = inquiry.sources.install.packs if inquiry.sources.install else {}
    installed = packs.get(key) or packs.get(_installed_key(inquiry, told) or "")
    if ref and repository.is_full_commit(ref):
        url = url or (repository.canonical(installed.remote or "") if installed else None)
        if url is None:
            inquiry.unresolved(
                ("nodes", key),
                f"the repository of {key} is not known",
                f"write `repository: https://…` under {key}",
            )
            return None
        return NodePackPin(
            repository=url, ref=ref, commit=ref.lower(), dirty=_is_changed(installed, ref.lower())
        )
    if installed:
        return _captured(inquiry, key, url, ref, installed)
    if ref is None and url and len(told.commits()) == 1:
        return NodePackPin(repository=url, commit=told.commits().pop())
    _report_lack(inquiry, key, ref, told)
    return None


def _captured(
    inquiry: Inquiry, key: str, url: str | None, ref: str | None, installed: InstalledPack
) -> NodePackPin | None:
    where = ("nodes", key)
    clone, remote = installed.repository, repository.canonical(installed.remote or "")
    if clone is None or remote is None:
        inquiry.unresolved(
            where,
            f"{key} of the installation is no clone of a public git repository",
            f"write repository and ref under nodes: {key}:",
        )
        return None
    if url and not repository.same(remote, url):
        inquiry.unresolved(
            where,
            f"{key} of the installation is a clone of {remote}, not of {url}",
            f"write `repository: {remote}` under nodes: {key}:, or install the other one",
        )
        return None
    answer = answer_of(inquiry, (*where, "ref"), key, clone, ref)
    if answer is None:
        return None
    registry = None
    if installed.registry_id and installed.version and answer.commit == clone.head():
        registry = RegistryPin(id=installed.registry_id, version=installed.version)
    return NodePackPin(
        repository=url or remote,
        ref=ref,
        commit=answer.commit,
        dirty=bool(answer.changes),
        registry=registry,
    )


def _is_changed(installed: InstalledPack | None, commit: str) -> bool:
    """Whether the commit is what is installed, with changes on top of it."""
    clone = installed.repository if installed else None
    return bool(clone and clone.head() == commit and clone.changes())


def _installed_key(inquiry: Inquiry, told: _Told) -> str | None:
    packs = inquiry.sources.install.packs if inquiry.sources.install else {}
    names = {key: pack_names(key, pack.remote, pack.registry_id) for key, pack in packs.items()}
    return _first_pack(told, names)


def _first_pack(told: _Told, packs: Mapping[str, set[str]]) -> str | None:
    return next((key for one in told.references if (key := pack_of(one, packs))), None)


def _name_of(reference: PackReference) -> str:
    name = reference.aux_id or reference.cnr_id or reference.folder or ""
    return name.rpartition("/")[2]


def _report_lack(inquiry: Inquiry, key: str, ref: str | None, told: _Told) -> None:
    if len(told.commits()) > 1:
        message = f"nodes name the pack {key} with {len(told.commits())} different commits"
    elif ref:
        message = f"`{ref}` of the node pack {key} could not be turned into a commit"
    else:
        message = f"nothing says which commit of the node pack {key} is meant"
    inquiry.unresolved(
        ("nodes", key),
        message,
        f"write repository and full commit under nodes: {key}:, or {CAPTURE}",
        tuple(dict.fromkeys(told.users)),
    )


def _report_homeless(inquiry: Inquiry) -> None:
    """Classes that say nothing of their pack; where packs are wished for, one of those is it."""
    if inquiry.spec.nodes:
        return
    homeless = {name for needs in inquiry.needs.values() for name in needs.homeless}
    for name in sorted(homeless):
        inquiry.unresolved(
            ("nodes",),
            f"nothing says which node pack brings the class {name}",
            "write the pack under nodes: in runflow.yaml, with repository and full commit",
        )
