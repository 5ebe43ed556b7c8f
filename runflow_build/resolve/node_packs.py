"""Node packs become commits: those that runflow.yaml wishes for, and those that nodes name."""

from __future__ import annotations

from collections.abc import Iterable

from ..lock import repository
from ..lock.model import NodePackPin, RegistryPin
from ..lock.needs import pack_names, pack_of
from ..sources.install import InstalledPack
from ..spec.model import NodePackWish
from ..workflow.references import PackReference
from .clone import answer_of
from .inquiry import CAPTURE, Inquiry, is_full_commit, refuses_short_commit


def node_pack_pins(inquiry: Inquiry) -> dict[str, NodePackPin]:
    """The pins by folder name; what has none is reported, once for each pack."""
    wishes = inquiry.spec.nodes
    wished_names = {key: pack_names(key, wish.repository) for key, wish in wishes.items()}
    named: dict[str, list[PackReference]] = {}  # by what the nodes call the pack
    told: dict[str, list[PackReference]] = {key: [] for key in wishes}
    for _, needs in sorted(inquiry.needs.items()):
        for reference in needs.packs:
            key = pack_of(reference, wished_names)
            if key is not None:
                told[key].append(reference)
            elif name := reference.aux_id or reference.cnr_id:
                named.setdefault(name.lower(), []).append(reference)
    pins = {key: _wished(inquiry, key, wish, told[key]) for key, wish in wishes.items()}
    for name in sorted(named):
        key, pin = _unwished(inquiry, named[name])
        pins.setdefault(key, pin)
    _report_homeless(inquiry, bool(wishes))
    return {key: pin for key, pin in sorted(pins.items()) if pin}


def _wished(
    inquiry: Inquiry, key: str, wish: NodePackWish, references: list[PackReference]
) -> NodePackPin | None:
    where = ("nodes", key)
    url = wish.repository or _repository_of(references)
    public = repository.canonical(url) if url else None
    if url and public is None:
        inquiry.unresolved(
            (*where, "repository"),
            f"the repository of {key} is not a URL that others can reach",
            "write it as https://host/owner/name",
        )
        return None
    former = inquiry.previous.nodes.get(key) if inquiry.previous else None
    if former and (
        former.ref != wish.ref or (public and not repository.same(former.repository, public))
    ):
        former = None
    if former and not inquiry.renews(key):
        return former
    if (
        wish.ref
        and not is_full_commit(wish.ref)
        and refuses_short_commit(inquiry, (*where, "ref"), wish.ref)
    ):
        return former
    return _found(inquiry, key, public, wish.ref, references) or former


def _unwished(inquiry: Inquiry, references: list[PackReference]) -> tuple[str, NodePackPin | None]:
    """The pack that nodes name and runflow.yaml does not, with the key that it gets."""
    before = inquiry.previous.nodes if inquiry.previous else {}
    former_names = {
        key: pack_names(key, pin.repository, pin.registry.id if pin.registry else None)
        for key, pin in before.items()
        if pin.ref is None
    }
    former = pack_of(references[0], former_names)
    if former and not inquiry.renews(former):
        return former, before[former]
    key = former or _installed_key(inquiry, references) or _name_of(references)
    found = _found(inquiry, key, _repository_of(references), None, references)
    return key, found or (before[former] if former else None)


def _found(
    inquiry: Inquiry,
    key: str,
    url: str | None,
    ref: str | None,
    references: list[PackReference],
) -> NodePackPin | None:
    """What the wish itself, the installation, or the workflows say, in this order."""
    packs = inquiry.sources.install.packs if inquiry.sources.install else {}
    installed = packs.get(key) or packs.get(_installed_key(inquiry, references) or "")
    if ref and is_full_commit(ref):
        url = url or (repository.canonical(installed.remote or "") if installed else None)
        if url is None:
            inquiry.unresolved(
                ("nodes", key), f"the repository of {key} is not known",
                f"write `repository: https://…` under {key}",
            )  # fmt: skip
            return None
        return NodePackPin(repository=url, ref=ref, commit=ref.lower(),
                           dirty=_is_changed(installed, ref.lower()))  # fmt: skip
    if installed:
        return _captured(inquiry, key, url, ref, installed)
    commits = {one.version.lower() for one in references if is_full_commit(one.version)}
    if ref is None and url and len(commits) == 1:
        return NodePackPin(repository=url, commit=commits.pop())
    _report_lack(inquiry, key, ref, commits, references)
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


def _installed_key(inquiry: Inquiry, references: Iterable[PackReference]) -> str | None:
    packs = inquiry.sources.install.packs if inquiry.sources.install else {}
    names = {key: pack_names(key, pack.remote, pack.registry_id) for key, pack in packs.items()}
    return next((key for one in references if (key := pack_of(one, names))), None)


def _repository_of(references: list[PackReference]) -> str | None:
    """Where the nodes say that their pack comes from: `aux_id` is owner/name on GitHub."""
    names = {one.aux_id for one in references if one.aux_id and one.aux_id.count("/") == 1}
    return f"https://github.com/{min(names)}" if len(names) == 1 else None


def _name_of(references: list[PackReference]) -> str:
    first = references[0]
    return (first.aux_id or first.cnr_id or "").rpartition("/")[2]


def _report_lack(
    inquiry: Inquiry,
    key: str,
    ref: str | None,
    commits: set[str],
    references: list[PackReference],
) -> None:
    why = "has no commit yet" if not ref else f"`{ref}` could not be turned into a commit"
    if len(commits) > 1:
        why = f"is named with {len(commits)} commits by different nodes"
    inquiry.unresolved(
        ("nodes", key),
        f"the node pack {key} {why}" if not ref else f"of the node pack {key}, {why}",
        f"write repository and the full commit under nodes: {key}:, or {CAPTURE}",
        _users(references),
    )


def _report_homeless(inquiry: Inquiry, has_wishes: bool) -> None:
    """Classes that say nothing of their pack; where packs are wished for, one of those is it."""
    if has_wishes:
        return
    homeless = {
        name
        for needs in inquiry.needs.values()
        for name in needs.foreign
        - {one.class_type for one in needs.packs if one.aux_id or one.cnr_id}
    }
    for name in sorted(homeless):
        inquiry.unresolved(
            ("nodes",),
            f"nothing says which node pack brings the class {name}",
            "write the pack under nodes: in runflow.yaml, with repository and full commit",
        )


def _users(references: list[PackReference]) -> tuple[tuple[str, str], ...]:
    rows = [("used by", f"node {one.node} ({one.class_type})") for one in references]
    return tuple(dict.fromkeys(rows))
