"""The values of one request, checked against a contract and put into a prompt.

The run-time half of rewriting: the server, the playground and `runflow run` all come through here,
so that a value means the same thing wherever it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from ..errors import BindError
from ..findings import Finding, Where
from ..workflow.contract_model import Contract, ContractInput
from ..workflow.drawing import drawn, drawn_fields, marked
from ..workflow.model import Prompt
from ..workflow.reach import link_of, sources
from ..workflow.values import MisfitError, coerced, kind_of, printable, shown, takes

_NAMED_KEYS = 20  # unknown keys that are named one by one
_COMPARED_CHARS = 60  # nearness is quadratic in the length of a key, which is the caller's choice


def coerce(contract: Contract, values: Any) -> dict[str, Any]:
    """The values as the prompt wants them, in the contract's order; what was left out stays out.

    `values` is any JSON value; an object from input name to value is what fits. An optional input
    that is null counts as left out. IMAGE and FILE values are file names below the engine's input
    folder. Which value fits which type: `workflow.values.coerced`.

    Raises BindError with one finding for each field, `where.field` naming it: `input-unknown`,
    `input-missing`, `input-wrong-type`, `input-out-of-range`.
    """
    if not isinstance(values, Mapping):
        message = f"the input must be an object from name to value, not {kind_of(values)}"
        raise BindError(Finding("input-wrong-type", message))
    fitting: dict[str, Any] = {}
    problems: list[Finding] = []
    for key, wanted in contract.inputs.items():
        given = values.get(key)
        if given is None:
            if wanted.required:
                problems.append(_missing(key, wanted))
            continue
        try:
            fitting[key] = coerced(wanted, given)
        except MisfitError as misfit:
            problems.append(_misfit(key, misfit, wanted))
    problems += _unknown(contract, [key for key in values if key not in contract.inputs])
    if problems:
        raise BindError(*problems)
    return fitting


def bind(prompt: Prompt, contract: Contract, values: Any, *, seed: str, now: datetime) -> Prompt:
    """The prompt that runs with these values; `prompt` itself stays as it is.

    Fields that are drawn at each run get their texts, and lose their marks: choices from `seed`
    (any text that names the run), dates from `now`, on whatever clock it is. The same seed and
    time give the same prompt. A value of the caller's is taken literally.

    An IMAGE becomes a LoadImage node `<node id>-image` in front of the field, except where the
    field itself is a loader's file name. What only made the default of a replaced value (its
    LoadImage, say) is left out; everything else stays, with its id.

    Raises BindError: as `coerce`, and `input-node-missing` when the contract is of another prompt.
    """
    fitting = coerce(contract, values)
    bound = {
        node_id: {**node, "inputs": dict(node.get("inputs", {}))}
        for node_id, node in prompt.items()
    }
    replaced: list[str] = []
    given: set[tuple[str, str]] = set()
    for key, value in fitting.items():
        wanted = contract.inputs[key]
        if wanted.node not in bound:
            raise BindError(_node_missing(key, wanted))
        inputs = bound[wanted.node]["inputs"]
        former = inputs.get(wanted.field)
        if wanted.type == "IMAGE" and not _is_file_name_field(wanted, former):
            value = [_add_loader(bound, wanted.node, value, wanted.display_name or key), 0]
        inputs[wanted.field] = value
        given.add((wanted.node, wanted.field))
        if link := link_of(former):
            replaced.append(link[0])
    _drop_unneeded(bound, replaced, keep=[output.node for output in contract.outputs.values()])
    for node_id, node in bound.items():
        bound[node_id] = _drawn(node, node_id, given, seed, now)
    return bound


def _drawn(
    node: dict[str, Any],
    node_id: str,
    given: Collection[tuple[str, str]],
    seed: str,
    now: datetime,
) -> dict[str, Any]:
    """The node with its marked texts drawn, except where the caller gave one."""
    fields = drawn_fields(node)
    for name, kind in fields.items():
        place = (node_id, name)
        text = node["inputs"].get(name)
        if place not in given and isinstance(text, str):
            node["inputs"][name] = drawn(text, kind, place, seed, now)
    return marked(node, {}) if fields else node


def _is_file_name_field(wanted: ContractInput, former: Any) -> bool:
    """Whether an IMAGE's field takes the file's name itself, as LoadImage's own field does."""
    return wanted.class_type != "RunflowInputImage" and isinstance(former, str)


def _add_loader(bound: Prompt, node_id: str, name: str, title: str) -> str:
    """Put a LoadImage in front of the node; returns its id."""
    loader = f"{node_id}-image"
    count = 1
    while loader in bound:
        count += 1
        loader = f"{node_id}-image-{count}"
    bound[loader] = {
        "class_type": "LoadImage",
        "inputs": {"image": name},
        "_meta": {"title": title},
    }
    return loader


def _drop_unneeded(bound: Prompt, origins: Iterable[str], keep: Iterable[str]) -> None:
    """Remove the origins of replaced links, and what fed only them, unless something uses them."""
    pending = list(origins)
    if not pending:
        return
    uses: dict[str, int] = dict.fromkeys(keep, 1)
    for node in bound.values():
        for origin in sources(node):
            uses[origin] = uses.get(origin, 0) + 1
    while pending:
        node_id = pending.pop()
        if uses.get(node_id) or node_id not in bound:
            continue
        for origin in sources(bound.pop(node_id)):
            uses[origin] -= 1
            pending.append(origin)


def _missing(key: str, wanted: ContractInput) -> Finding:
    return Finding(
        "input-missing",
        f"{shown(key)} is required",
        Where(field=printable(key)),
        fix=f"give {shown(key)} ({takes(wanted)})",
    )


def _misfit(key: str, misfit: MisfitError, wanted: ContractInput) -> Finding:
    return Finding(
        "input-out-of-range" if misfit.outside else "input-wrong-type",
        f"{shown(key)} {misfit.message}",
        Where(field=printable(key)),
        fix=f"give {takes(wanted)}",
    )


def _unknown(contract: Contract, keys: list[Any]) -> list[Finding]:
    problems = []
    for key in keys[:_NAMED_KEYS]:
        near = get_close_matches(str(key)[:_COMPARED_CHARS], contract.inputs, n=1)
        known = ", ".join(shown(name) for name in contract.inputs)
        message = f"there is no input {shown(key)}"
        problems.append(
            Finding(
                "input-unknown",
                f"{message}; did you mean {shown(near[0])}?" if near else message,
                Where(field=printable(key)),
                fix=f"use one of: {known}" if known else "give no input; this endpoint takes none",
            )
        )
    if len(keys) > _NAMED_KEYS:
        rest = len(keys) - _NAMED_KEYS
        problems.append(Finding("input-unknown", f"there are {rest} more unknown inputs"))
    return problems


def _node_missing(key: str, wanted: ContractInput) -> Finding:
    return Finding(
        "input-node-missing",
        f"{shown(key)} goes to node {wanted.node}, which the prompt does not have",
        Where(field=printable(key)),
        fix="publish the endpoint again, so that its inputs and its prompt fit together",
    )
