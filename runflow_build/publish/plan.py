"""What a publish has to do: our bundle against the API's record, field by field. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .. import digest
from ..bundle import Bundle
from ..findings import Finding, printable
from .provenance import Provenance
from .record import Record, published_from, resource_hashes
from .wire import DOCUMENTED, OPTIONAL, Body, body_of, optional_fields

Action = Literal["created", "updated", "unchanged", "refused"]

_SHOWN_CHARS = 60  # of a value in a change
_MOST_SHOWN = 12  # changes that a summary names


@dataclass(frozen=True)
class Change:
    """One value at the API that is not what it should be."""

    field: str  # dotted: workflow_json.6.inputs.text
    before: Any  # at the API; None: absent
    after: Any  # ours

    def __str__(self) -> str:
        if isinstance(self.before, dict | list) and isinstance(self.after, dict | list):
            return printable(f"{self.field}: changed")
        return printable(f"{self.field}: {_shown(self.before)} → {_shown(self.after)}")

    def to_json(self) -> dict[str, Any]:
        """A JSON object with both values in full."""
        return {"field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Plan:
    """What is to be done, and why."""

    action: Action
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()  # of `refused`: why; else: worth knowing

    @property
    def drifted(self) -> bool:
        """Whether somebody else changed the endpoint since we published it."""
        return any(finding.code == "endpoint-drifted" for finding in self.findings)


def plan(
    bundle: Bundle, provenance: Provenance, remote: Record | None, adopt: bool = False
) -> Plan:
    """Compare with the record, which must have all its fields; None: there is no such endpoint.

    Equal means equal after normalising: 1 is 1.0, absent is null, the order of keys and `_meta`
    mean nothing, and a resource is its sha256, whatever asset and URL it has at the moment.

    Raises ApiError, `gpu-none-fits`.
    """
    ours = body_of(bundle, provenance, {})
    if remote is None:
        return Plan("created", tuple(_from_nothing(ours)))
    known = published_from(remote)
    changes = list(_field_changes(bundle, ours, remote, known))
    same_owner = known is not None and known.get("project") == provenance.project
    if not same_owner and not adopt and (known is not None or changes):
        return Plan("refused", tuple(changes), (_not_ours(bundle.slug, provenance, known),))
    findings = [] if known is not None else [no_record(bundle.slug)]
    if known is not None and same_owner and known.get("bundle") == bundle.digest:
        drift = [change.field for change in changes if _is_drift(change, known, provenance)]
        findings += [_drifted(bundle.slug, drift)] if drift else []
    changes += _record_changes(bundle, provenance, known, adopt)
    return Plan("updated" if changes else "unchanged", tuple(changes), tuple(findings))


def summary(changes: tuple[Change, ...]) -> str:
    """The names of the changed fields, in one line."""
    names = [printable(change.field) for change in changes]
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more


def to_reset(bundle: Bundle, remote: Record) -> Body:
    """Optional fields that an earlier publish of ours set and the spec no longer does."""
    known = published_from(remote) or {}
    named = known.get("sets")
    ours = optional_fields(bundle)
    return {
        name: OPTIONAL[name]
        for name in (named if isinstance(named, list) else [])
        if isinstance(name, str) and name in OPTIONAL and name not in ours
    }


def no_record(slug: str) -> Finding:
    """The API does not hand `environment.runflow` back: two publishes of one thing look alike."""
    return Finding(
        "remote-no-record",
        f"the API does not say from what {slug} was published; it was compared field by field",
        fix="use an API that hands `environment.runflow` back, or publish changes with --adopt",
    )


# -- fields


def _field_changes(
    bundle: Bundle, ours: Body, remote: Record, known: Mapping[str, Any] | None
) -> Iterator[Change]:
    resets = to_reset(bundle, remote)
    for name in (*DOCUMENTED, *(name for name in OPTIONAL if name not in DOCUMENTED)):
        if name in ours or name in resets:
            wish = ours.get(name, resets.get(name))
            before, after = _comparable(name, remote.get(name), wish)
            yield from _differences(name, before, after)


def _comparable(name: str, theirs: Any, ours: Any) -> tuple[Any, Any]:
    """Both values reduced to what we own of the field, normalised."""
    if name == "environment":
        theirs, ours = _without_runflow(theirs), _without_runflow(ours)
    elif name == "resources":
        theirs, ours = resource_hashes(theirs), resource_hashes(ours)
    elif name == "workflow_json":
        theirs, ours = _without_meta(theirs), _without_meta(ours)
    elif name in ("inputs", "outputs"):
        theirs, ours = _own_rows(theirs, ours), _by_name(ours)
    elif name == "gpu_models":
        theirs, ours = _gpu_codes(theirs), _gpu_codes(ours)
    return normal(theirs), normal(ours)


def normal(value: Any) -> Any:
    """The value with absent, null and empty made alike, and numbers that are equal."""
    if isinstance(value, dict):
        kept = {str(key): normal(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner is not None} or None
    if isinstance(value, list):
        return [normal(inner) for inner in value] or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _without_runflow(environment: Any) -> Any:
    if not isinstance(environment, dict):
        return environment
    rest = {name: value for name, value in environment.items() if name != "runflow"}
    packages = rest.get("packages")
    if isinstance(packages, list) and all(isinstance(row, dict) for row in packages):
        rest["packages"] = {str(row.get("name")): row.get("version") for row in packages}
    return rest


def _without_meta(prompt: Any) -> Any:
    if not isinstance(prompt, dict):
        return prompt
    return {
        node_id: {name: value for name, value in node.items() if name != "_meta"}
        if isinstance(node, dict)
        else node
        for node_id, node in prompt.items()
    }


def _by_name(rows: Any) -> Any:
    if not isinstance(rows, list):
        return rows
    return {str(row.get("name")): row for row in rows if isinstance(row, dict)}


def _own_rows(theirs: Any, ours: Any) -> Any:
    """Of the API's rows those that we send, with the members that we send: it adds its own."""
    theirs, ours = _by_name(theirs), _by_name(ours)
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return theirs
    if not ours:  # a reset: rows of Runflow nodes stay, so nothing can be told from what is there
        return {}
    return {
        name: {member: theirs[name].get(member) for member in row}
        for name, row in ours.items()
        if name in theirs
    }


def _gpu_codes(models: Any) -> Any:
    """Both forms that an API may show: names, or rows with `gpu_model_code`."""
    if not isinstance(models, list):
        return models
    codes = [row.get("gpu_model_code") if isinstance(row, dict) else row for row in models]
    return [code.upper() if isinstance(code, str) else code for code in codes]


def _differences(field: str, before: Any, after: Any) -> Iterator[Change]:
    """The smallest values that differ; a graph is one value, because nobody reads its positions."""
    if isinstance(before, dict) and isinstance(after, dict) and field != "graph":
        for key in sorted({*before, *after}):
            yield from _differences(f"{field}.{key}", before.get(key), after.get(key))
    elif _bytes(before) != _bytes(after):
        yield Change(field, before, after)


def _bytes(value: Any) -> bytes:
    """What tells true from 1, which `==` does not."""
    return digest.canonical(value)


def _from_nothing(ours: Body) -> Iterator[Change]:
    for name, value in ours.items():
        kept = normal(resource_hashes(value) if name == "resources" else value)
        if kept is not None:
            yield Change(name, None, kept)


# -- who published it, and from what


def _record_changes(
    bundle: Bundle, provenance: Provenance, known: Mapping[str, Any] | None, adopt: bool
) -> Iterator[Change]:
    if known is None and not adopt:  # the API may not keep it at all: fields alone decide
        return
    now = {"bundle": bundle.digest, "project": provenance.project}
    for name, value in now.items():
        before = (known or {}).get(name)
        if before != value:
            yield Change(f"environment.runflow.{name}", before, value)


def _is_drift(change: Change, known: Mapping[str, Any], provenance: Provenance) -> bool:
    """Whether our side cannot have made the difference.

    The bundle's digest, which is the same, is not over the editor graph and places of download;
    the latter stand in the lock.
    """
    if change.field == "graph":
        return False
    located = change.field.endswith((".url", ".origin"))
    return not located or known.get("lock") == provenance.lock


def _drifted(slug: str, fields: list[str]) -> Finding:
    names = ", ".join(fields[:_MOST_SHOWN])
    return Finding(
        "endpoint-drifted",
        f"somebody changed {slug} at the API since it was published",
        also=(("fields", names),),
        fix="publishing takes the change back; to keep it, put it into runflow.yaml or the "
        "workflow",
    )


def _not_ours(slug: str, provenance: Provenance, known: Mapping[str, Any] | None) -> Finding:
    if known is None:
        message = f"the endpoint {slug} at the API was not published by a project"
    else:
        message = f"the endpoint {slug} at the API belongs to the project {known.get('project')}"
    return Finding(
        "endpoint-not-ours",
        f"{message}; this one is {provenance.project}",
        fix="choose another slug in runflow.yaml, or take it over with --adopt",
    )


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    text = json.dumps(value, ensure_ascii=False)
    return f"{text[:_SHOWN_CHARS]}…" if len(text) > _SHOWN_CHARS else text
