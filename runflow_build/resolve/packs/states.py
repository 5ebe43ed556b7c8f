"""Of the states of a node pack that several ask for, the newest: one folder holds one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...file_names import SPEC_FILE
from ...findings import Finding, Where
from ...redact import shown
from ...sources.world import World
from ..inquiry import CAPTURE, Inquiry, Row
from ..remote import commit_of_ref, has_commit
from .asks import Ask
from .files import State, version_order


def newest(
    inquiry: Inquiry,
    world: World,
    ask: Ask,
    key: str,
    url: str,
    states: Mapping[State, Collection[Row]],
) -> tuple[State, str] | None:
    """The newest state, and its commit; what is not there, or not in one line, is reported.

    Raises Unanswered.
    """
    found: dict[State, str] = {}
    for state in _asked_for(states):
        commit = _commit(inquiry, world, ask, key, url, state, states[state])
        if commit is None:
            return None
        found[state] = commit
    last = _last(world, url, found)
    if last is None:
        inquiry.unresolved(
            ("nodes", key),
            f"nodes name the pack {key} with {len(set(found.values()))} different commits, of "
            "which none has all others in its past",
            f"write repository and full commit under nodes: {key}:, or {CAPTURE}",
            _users(states),
        )
        return None
    if len(states) > 1 and (len(found) == 1 or len(set(found.values())) > 1):
        _say_mixed(inquiry, key, last, states)
    return last, found[last]


def _asked_for(states: Mapping[State, object]) -> list[State]:
    """Those to look up: of several releases only the last one."""
    if all(state.kind == "version" for state in states):
        return [max(states, key=lambda state: version_order(state.name))]
    return sorted(states)


def _commit(
    inquiry: Inquiry,
    world: World,
    ask: Ask,
    key: str,
    url: str,
    state: State,
    users: Collection[Row],
) -> str | None:
    where = ("nodes", key)
    if state.kind == "ref":
        return commit_of_ref(inquiry, world, where, key, url, state.name, tuple(sorted(users)))
    if state.kind == "commit":
        fix = f"write a commit that it has as `ref` under nodes: {key}:, or the right repository"
        rows = tuple(sorted(users))
        found = has_commit(inquiry, world, where, key, url, state.name, fix, rows)
        return state.name if found else None
    commit = world.git.commit_of_version(url, state.name)
    if commit is None:
        versions = ask.registry.versions if ask.registry else ()
        lack = ("asked", f"the Comfy Registry has no version {shown(state.name)}")
        lacks = [lack] if versions and state.name not in versions else []
        inquiry.unresolved(
            where,
            f"no commit of {url} is version {shown(state.name)} of {key}: no tag is, and no "
            "pyproject.toml on its default branch was",
            f"write a tag or a full commit as `ref` under nodes: {key}:, or {CAPTURE}",
            (*lacks, *sorted(users)),
        )
    return commit


def _last(world: World, url: str, found: Mapping[State, str]) -> State | None:
    """The state whose commit has all others in its past."""
    for state, commit in sorted(found.items()):
        others = set(found.values()) - {commit}
        distances = [world.git.distance(url, other, commit) for other in sorted(others)]
        if all(distance is not None and distance >= 0 for distance in distances):
            return state
    return None


def _say_mixed(
    inquiry: Inquiry, key: str, last: State, states: Mapping[State, Collection[Row]]
) -> None:
    named = ", ".join(shown(state) for state in sorted(states))
    inquiry.report(
        Finding(
            "pack-version-open",
            f"{len(states)} states of {key} are asked for ({named}); the newest, {shown(last)}, "
            "is pinned",
            Where(SPEC_FILE, key=("nodes", key)),
            also=_users(states),
            fix=f"save the workflows with one version of {key}, or write its tag or commit as "
            f"`ref` under nodes: {key}:",
            level="warning",
        )
    )


def _users(states: Mapping[State, Collection[Row]]) -> tuple[Row, ...]:
    rows = (
        (label, f"{text}: {shown(state)}")
        for state in sorted(states)
        for label, text in sorted(states[state])
    )
    return tuple(dict.fromkeys(rows))
