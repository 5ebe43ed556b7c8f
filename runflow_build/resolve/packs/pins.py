"""One node pack becomes a commit: of runflow.yaml, of an installation, or of its repository."""

from __future__ import annotations

from contextlib import suppress

from ...file_names import SPEC_FILE
from ...findings import Finding, Key, Where
from ...lock import repository
from ...lock.model import NodePackPin, RegistryPin
from ...redact import shown
from ...sources.install import InstalledPack
from ...sources.world import Unanswered, World
from ..clone import answer_of
from ..inquiry import CAPTURE, Inquiry, refuses_short_commit
from ..remote import LATER, commit_of_ref, has_commit, text_at
from .asks import Ask, former_pin, installed, state_said
from .files import PROJECT_FILE, State, is_folder, project_of
from .states import newest


def pin_of(inquiry: Inquiry, ask: Ask, key: str) -> NodePackPin | None:
    """The pin that answers an ask. What stands in its way is reported, and the former one kept."""
    former = former_pin(inquiry, ask)
    if ask.wish.repository and ask.url is None:
        inquiry.unresolved(
            ("nodes", key, "repository"),
            f"the repository of {key} is not a URL that others can reach",
            "write it as https://host/owner/name",
        )
        return None
    if ask.stays:
        return former
    ref = ask.wish.ref
    if (
        ref
        and not repository.is_full_commit(ref)
        and refuses_short_commit(inquiry, ("nodes", key, "ref"), ref)
    ):
        return former
    if ask.wished is None and not is_folder(key):
        inquiry.unresolved(
            ("nodes",),
            f"nodes name a pack `{shown(key)}`, which cannot be the name of a folder",
            "write the pack under nodes: in runflow.yaml, with its repository",
            ask.rows(),
        )
        return former
    try:
        return _found(inquiry, ask, key) or former
    except Unanswered as why:
        inquiry.unresolved(
            ("nodes", key),
            f"{key} could not be looked up: {why.reason}",
            why.fix or LATER,
            ask.rows(),
        )
        return former


def _found(inquiry: Inquiry, ask: Ask, key: str) -> NodePackPin | None:
    """What the wish itself, the installation, or the workflows say, in this order."""
    world, ref = inquiry.sources.world, ask.wish.ref
    found = installed(inquiry, ask, key)
    if ref and repository.is_full_commit(ref):
        return _of_full_commit(inquiry, ask, key, ref.lower(), found)
    if found and (found.repository or not (world and found.registry_id and found.version)):
        return _captured(inquiry, key, ask.url, ref, found)
    if world and ask.url:
        return _of_remote(inquiry, world, ask, key, ask.url, found)
    commits = {state.name for state in ask.states() if state.kind == "commit"}
    if ref is None and ask.url and len(commits) == 1:
        return NodePackPin(repository=ask.url, commit=commits.pop())
    _report_lack(inquiry, ask, key, len(commits))
    return None


def _of_full_commit(
    inquiry: Inquiry, ask: Ask, key: str, commit: str, found: InstalledPack | None
) -> NodePackPin | None:
    url = ask.url or (repository.canonical(found.remote or "") if found else None)
    where = ("nodes", key)
    if url is None:
        if ask.unanswered:
            raise ask.unanswered
        inquiry.unresolved(
            where,
            f"the repository of {key} is not known",
            f"write `repository: https://…` under {key}",
            tuple(ask.tried),
        )
        return None
    world = inquiry.sources.world
    fix = "write a commit that it has, or the repository that has this one"
    ref_key = (*where, "ref")
    if world and not has_commit(inquiry, world, ref_key, key, url, commit, fix, ask.rows()):
        return None
    return NodePackPin(
        repository=url, ref=ask.wish.ref, commit=commit, dirty=_is_changed(found, commit)
    )


def _captured(
    inquiry: Inquiry, key: str, url: str | None, ref: str | None, found: InstalledPack
) -> NodePackPin | None:
    where = ("nodes", key)
    clone, remote = found.repository, repository.canonical(found.remote or "")
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
    world, fix = inquiry.sources.world, "push the commit, or check out one that others can have"
    with suppress(Unanswered):  # then the clone's word has to do: a branch of its remote has it
        if world and not has_commit(inquiry, world, where, key, url or remote, answer.commit, fix):
            return None
    registry = None
    if found.registry_id and found.version and answer.commit == clone.head():
        registry = RegistryPin(id=found.registry_id, version=found.version)
    return NodePackPin(
        repository=url or remote,
        ref=ref,
        commit=answer.commit,
        dirty=bool(answer.changes),
        registry=registry,
    )


def _is_changed(found: InstalledPack | None, commit: str) -> bool:
    """Whether the commit is what is installed, with changes on top of it."""
    clone = found.repository if found else None
    return bool(clone and clone.head() == commit and clone.changes())


def _of_remote(
    inquiry: Inquiry, world: World, ask: Ask, key: str, url: str, found: InstalledPack | None
) -> NodePackPin | None:
    """The commit that the pack's repository has for what is asked of it."""
    where: Key = ("nodes", key)
    if ask.wish.ref:
        ref_key = (*where, "ref")
        commit = commit_of_ref(inquiry, world, ref_key, key, url, ask.wish.ref, ask.rows())
        return NodePackPin(repository=url, ref=ask.wish.ref, commit=commit) if commit else None
    states, said = ask.states(), state_said(found.version) if found else None
    if said:
        states = {said: {("installed", f"{key}, by the Comfy Registry")}}
    chosen = (
        newest(inquiry, world, ask, key, url, states)
        if states
        else _of_open(inquiry, world, ask, key, url)
    )
    if chosen is None:
        return None
    state, commit = chosen
    pin = NodePackPin(repository=url, commit=commit, registry=_registry_pin(ask, state, found))
    _compare_versions(inquiry, world, key, pin)
    return pin


def _of_open(
    inquiry: Inquiry, world: World, ask: Ask, key: str, url: str
) -> tuple[State | None, str] | None:
    """The newest release, or what the default branch has, where nothing says which state."""
    latest = ask.registry.latest if ask.registry else None
    if latest and not ask.is_nightly() and ask.wished is None:
        released = world.git.commit_of_version(url, latest)
        if released:
            _say_open(inquiry, ask, key, f"its newest release, {latest}, is pinned")
            return State("version", latest), released
    commit = commit_of_ref(inquiry, world, ("nodes", key), key, url, None, ask.rows())
    if commit and (ask.wished is None or ask.is_nightly()):
        _say_open(inquiry, ask, key, f"the end of its default branch, {commit[:12]}, is pinned")
    return (None, commit) if commit else None


def _say_open(inquiry: Inquiry, ask: Ask, key: str, what: str) -> None:
    inquiry.report(
        Finding(
            "pack-version-open",
            f"nothing says which release of {key} is meant; {what}",
            Where(SPEC_FILE, key=("nodes", key)),
            fix=f"to have another one, write its tag or commit as `ref` under nodes: {key}:",
        )
    )


def _registry_pin(ask: Ask, state: State | None, found: InstalledPack | None) -> RegistryPin | None:
    if state is None or state.kind != "version":
        return None
    if found and found.registry_id:
        return RegistryPin(id=found.registry_id, version=state.name)
    pack = ask.registry
    if pack is None or (pack.versions and state.name not in pack.versions):
        return None
    return RegistryPin(id=pack.id, version=state.name)


def _compare_versions(inquiry: Inquiry, world: World, key: str, pin: NodePackPin) -> None:
    """Report a commit that calls itself another version than the registry does."""
    if pin.registry is None:
        return
    try:
        _, version = project_of(text_at(world, pin.repository, pin.commit, PROJECT_FILE))
    except Unanswered:
        return
    if version and version.removeprefix("v") != pin.registry.version.removeprefix("v"):
        inquiry.report(
            Finding(
                "pack-version-differs",
                f"{key} is version {pin.registry.version} in the Comfy Registry, and "
                f"{shown(version)} in the {PROJECT_FILE} of its commit {pin.commit[:12]}",
                Where(SPEC_FILE, key=("nodes", key)),
                fix=f"make sure that this commit is meant, and write it under nodes: {key}: as "
                f"`ref: {pin.commit}`",
            )
        )


def _report_lack(inquiry: Inquiry, ask: Ask, key: str, commits: int) -> None:
    if ask.unanswered:
        raise ask.unanswered
    fix = f"write repository and full commit under nodes: {key}:, or {CAPTURE}"
    if commits > 1:
        message = f"nodes name the pack {key} with {commits} different commits"
    elif ask.wish.ref:
        message = f"`{ask.wish.ref}` of the node pack {key} could not be turned into a commit"
    elif inquiry.sources.world:
        message = f"nothing says where the node pack {key} is"
        fix = f"write `repository: https://…` under nodes: {key}:, or {CAPTURE}"
    else:
        message = f"nothing says which commit of the node pack {key} is meant"
    inquiry.unresolved(("nodes", key), message, fix, (*ask.tried, *ask.rows()))
