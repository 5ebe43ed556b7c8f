"""The node packs that a node pack needs: `[node_reqs]` of its comfy-env-root.toml."""

from __future__ import annotations

from collections.abc import Collection

from ...file_names import SPEC_FILE
from ...findings import Finding, Where
from ...lock.model import NodePackPin
from ...redact import shown
from ...sources.world import Unanswered
from ..inquiry import Inquiry
from ..remote import LATER, text_at
from .asks import Ask, former_pin, installed
from .files import NEEDS_FILE, NeededPack, State, needed_packs

Rows = list[NeededPack]


def rows_read(
    inquiry: Inquiry, ask: Ask, key: str, pin: NodePackPin
) -> tuple[NodePackPin | None, Rows | None]:
    """The pin and what its commit says that it needs; the former pin where that cannot be read.

    What nobody could read would never be asked again, once the pin stands in the lock.
    """
    try:
        text = _text(inquiry, ask, key, pin)
    except Unanswered as why:
        inquiry.unresolved(
            ("nodes", key),
            f"what {key} needs could not be read from its repository: {why.reason}",
            why.fix or LATER,
        )
        return former_pin(inquiry, ask), None
    rows, odd = needed_packs(text)
    for folder in odd:
        if folder not in inquiry.spec.nodes:
            inquiry.unresolved(
                ("nodes",),
                f"{NEEDS_FILE} of {key} needs the pack {shown(folder)}, and does not say where "
                "it is",
                f"write {shown(folder)} under nodes: in runflow.yaml, with its repository",
            )
    return pin, [*rows, *(NeededPack(name) for name in odd if name in inquiry.spec.nodes)]


def _text(inquiry: Inquiry, ask: Ask, key: str, pin: NodePackPin) -> str | None:
    found = installed(inquiry, ask, key)
    clone = found.repository if found else None
    if clone and clone.head() == pin.commit:
        return clone.file_at(pin.commit, clone.top / NEEDS_FILE)
    world = inquiry.sources.world
    return text_at(world, pin.repository, pin.commit, NEEDS_FILE) if world else None


def rows_kept(inquiry: Inquiry, key: str, pin: NodePackPin, known: Collection[str]) -> Rows:
    """What a pin of the lock of before needs, as the lock says, or its repository where one of
    those packs is to be renewed."""
    before = inquiry.previous.nodes if inquiry.previous else {}
    stays = all(
        one in known or (one in before and before[one].ref is None and not inquiry.renews(one))
        for one in pin.needs
    )
    world = inquiry.sources.world
    if not stays and world:
        try:
            return needed_packs(text_at(world, pin.repository, pin.commit, NEEDS_FILE))[0]
        except Unanswered as why:
            inquiry.unresolved(
                ("nodes", key),
                f"what {key} needs could not be read from its repository: {why.reason}",
                why.fix or LATER,
            )
    return [NeededPack(one) for one in pin.needs]


def report_other_state(
    inquiry: Inquiry, key: str, state: State, needed: str, pin: NodePackPin
) -> None:
    """Report that a pack is pinned at another state than one that needs it asks for."""
    world = inquiry.sources.world
    if world is None:
        return
    try:
        if state.kind == "commit":
            commit: str | None = state.name
        elif state.kind == "version":
            commit = world.git.commit_of_version(pin.repository, state.name)
        else:
            refs = world.git.refs(pin.repository)
            tags, branches = (refs.tags, refs.branches) if refs else ({}, {})
            commit = tags.get(state.name) or branches.get(state.name)
    except Unanswered:
        return
    if commit and commit != pin.commit:
        inquiry.report(
            Finding(
                "pack-version-open",
                f"{key} needs {needed} at {shown(state)}, and {pin.commit[:12]} is pinned",
                Where(SPEC_FILE, key=("nodes", needed)),
                fix=f"make sure that they work together, or write `ref: {shown(state)}` under "
                f"nodes: {needed}:",
                level="warning",
            )
        )
