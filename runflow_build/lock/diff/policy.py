"""What a lock may hold, by runflow.yaml: who loosens that has to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

from ...spec.model import Choice, Spec
from .change import Change, members, value

_STRICTNESS = get_args(Choice)  # deny, warn, allow


def policy(old: Spec, new: Spec) -> Iterator[Change]:
    """The changes of `policy`, and of the models whose pickle is allowed one by one."""
    for name in type(old.policy).model_fields:
        before, after = getattr(old.policy, name), getattr(new.policy, name)
        if isinstance(before, list):  # their order means nothing
            before, after = sorted(set(before)), sorted(set(after))
        for change in value("Policy", name, name, before, after):
            yield _judged(change, before, after)
    for path in sorted({*old.models, *new.models}):
        was, now = (path in spec.models and spec.models[path].pickle for spec in (old, new))
        for change in value("Policy", path, "pickle", was or None, now or None):
            yield replace(change, risk="risky" if now else "safe")


def _judged(change: Change, before: Any, after: Any) -> Change:
    if isinstance(before, list):  # each of them allows something
        told = members(change, "allows {} too", "allows {} no more")
        return replace(change, what=told, risk="risky" if set(after) - set(before) else "safe")
    loosened = _STRICTNESS.index(after) > _STRICTNESS.index(before)
    what = f"{before} → {after}"
    return replace(change, what=what, risk="risky" if loosened else "safe")
