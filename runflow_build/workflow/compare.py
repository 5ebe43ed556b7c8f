"""Two prompts, node by node: do they ask for the same?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from ..findings import Finding, Where
from ..redact import redacted
from .model import Prompt

_FIRST = 5  # differences of a node that a finding names
_EXCERPT = 48  # characters of a value
_BEFORE = 16  # of these, as many before the first one that differs


class Absent:
    """Stands for what one of the prompts does not have."""


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Difference:
    """One place at which two prompts differ; a value is ABSENT where a prompt has none."""

    node: str
    field: str | None  # an input, or `class_type`; None: one of the prompts lacks the node
    ours: Any
    theirs: Any


def differences(ours: Prompt, theirs: Mapping[str, Any]) -> list[Difference]:
    """Where two prompts differ in the classes and inputs of their nodes, in the order of `ours`.

    Titles and everything else of a node do not count, nor does any order. `theirs` may be any JSON
    mapping; what is no node in it has neither class nor inputs.
    """
    found: list[Difference] = []
    for node, body in ours.items():
        if node in theirs:
            found += _in_node(node, _parts(body), _parts(theirs[node]))
        else:
            found.append(Difference(node, None, body["class_type"], ABSENT))
    found += [
        Difference(node, None, ABSENT, _parts(body).get("class_type", ABSENT))
        for node, body in theirs.items()
        if node not in ours
    ]
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 64.0 is 64, true is not 1, keys have no order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def explained(
    found: Iterable[Difference], ours: Prompt, theirs: Mapping[str, Any], name: str
) -> list[Finding]:
    """A finding `prompt-differs` for each node; `name` is what `theirs` is called."""
    return [
        _finding(list(group), ours, theirs, name)
        for _, group in groupby(found, lambda one: one.node)
    ]


def _parts(body: Any) -> dict[str, Any]:
    """Class and inputs of a node: field -> value."""
    if not isinstance(body, dict):
        return {}
    inputs = body.get("inputs")
    parts = {"class_type": body["class_type"]} if "class_type" in body else {}
    return parts | inputs if isinstance(inputs, dict) else parts


def _in_node(node: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    for field in ours | theirs:
        here, there = ours.get(field, ABSENT), theirs.get(field, ABSENT)
        if not same(here, there):
            yield Difference(node, field, here, there)


def _finding(
    group: list[Difference], ours: Prompt, theirs: Mapping[str, Any], name: str
) -> Finding:
    node = group[0].node
    where = _where(node, ours.get(node) or theirs[node])
    if group[0].field is None:
        lacks = group[0].theirs is ABSENT
        message = f"node {node} is not in {name}" if lacks else f"node {node} is in {name} alone"
        return Finding("prompt-differs", message, where)
    rows = [(str(one.field), _sides(one)) for one in group[:_FIRST]]
    if len(group) > _FIRST:
        rows.append(("…", f"and {len(group) - _FIRST} more"))
    return Finding("prompt-differs", f"node {node} differs from {name}", where, tuple(rows))


def _sides(one: Difference) -> str:
    """`20 here, 25 there`: the values as JSON; of long ones what stands around the difference."""
    here, there = _json(one.ours), _json(one.theirs)
    if here == there:
        return "a secret, which is not shown"
    pairs = enumerate(zip(here, there, strict=False))
    first = next((index for index, (a, b) in pairs if a != b), min(len(here), len(there)))
    text = f"{_excerpt(here, first)} here, {_excerpt(there, first)} there"
    return f"{text} (beyond 2^53 the editor rounds)" if _is_rounding(one) else text


def _json(value: Any) -> str:
    return "nothing" if value is ABSENT else redacted(json.dumps(value, ensure_ascii=False))


def _excerpt(text: str, first: int) -> str:
    if len(text) <= _EXCERPT:
        return text
    start = max(0, min(first - _BEFORE, len(text) - _EXCERPT))
    end = start + _EXCERPT
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _is_rounding(one: Difference) -> bool:
    numbers = [value for value in (one.ours, one.theirs) if isinstance(value, int | float)]
    large = [float(value) for value in numbers if 2**53 < abs(value) < 2**65]
    return len(large) == 2 and large[0] == large[1]


def _where(node: str, body: Any) -> Where:
    body = body if isinstance(body, dict) else {}
    meta = body.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    class_type = body.get("class_type")
    return Where(
        node=node,
        title=title if isinstance(title, str) else None,
        class_type=class_type if isinstance(class_type, str) else None,
    )
