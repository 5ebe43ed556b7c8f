"""Is the API that the endpoint offers one that a caller can use?"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding, Where
from ..workflow import runflow_nodes
from ..workflow.contract import PICTURE_SINKS
from ..workflow.contract_model import ContractInput
from ..workflow.reach import link_of
from ..workflow.values import MisfitError, coerced, shown, takes
from .endpoint import Endpoint

_LONGEST_NAME = 100


def findings(endpoint: Endpoint) -> Iterator[Finding]:
    """What is wrong with the contract as a whole, and with each input and output."""
    if not endpoint.contract.outputs:
        yield Finding(
            "contract-no-output",
            f"{endpoint.slug} gives nothing back: no output is declared",
            Where(key=("endpoints", endpoint.slug)),
            fix="add a Runflow Output node to the workflow, or name a node under outputs:",
        )
    for section, names in (
        ("inputs", endpoint.contract.inputs),
        ("outputs", endpoint.contract.outputs),
    ):
        for name in names:
            if problem := _name_problem(name):
                yield Finding(
                    "contract-name",
                    f"the name {shown(name)} {problem}",
                    Where(key=("endpoints", endpoint.slug, section, name)),
                    fix="choose a short name, as it will stand in every caller's code",
                )
    for key, row in endpoint.contract.inputs.items():
        yield from _limits(endpoint, key, row)
        yield from _default(endpoint, key, row)
        yield from _effect(endpoint, key, row)


def _name_problem(name: str) -> str | None:
    if name != name.strip():
        return "begins or ends with a space"
    if not name.isprintable():
        return "holds a character that cannot be seen"
    if len(name) > _LONGEST_NAME:
        return f"is longer than {_LONGEST_NAME} characters"
    return None


def _limits(endpoint: Endpoint, key: str, row: ContractInput) -> Iterator[Finding]:
    problem = None
    if row.minimum is not None and row.maximum is not None and row.minimum > row.maximum:
        problem = f"allows nothing: its minimum {row.minimum} is above its maximum {row.maximum}"
    elif row.choices is not None and not row.choices:
        problem = "allows nothing: its list of choices is empty"
    elif row.choices is not None and len(set(row.choices)) < len(row.choices):
        doubles = sorted({one for one in row.choices if row.choices.count(one) > 1})
        problem = f"lists a choice twice: {', '.join(shown(one) for one in doubles)}"
    if problem:
        yield Finding(
            "contract-limits",
            f"the input {shown(key)} {problem}",
            endpoint.where(row.node, row.field),
            fix="correct the limits on the node, or under inputs: in runflow.yaml",
        )


def _default(endpoint: Endpoint, key: str, row: ContractInput) -> Iterator[Finding]:
    if row.default is None:
        return
    try:
        coerced(row, row.default)
    except MisfitError as misfit:
        yield Finding(
            "contract-default",
            f"the default of {shown(key)} {misfit.message}",
            endpoint.where(row.node, row.field),
            fix=f"give it a default that a caller could give: {takes(row)}",
        )


def _effect(endpoint: Endpoint, key: str, row: ContractInput) -> Iterator[Finding]:
    """Inputs that change nothing, and inputs that may be left out but must not be."""
    if row.node not in endpoint.served:
        yield Finding(
            "input-unused",
            f"the input {shown(key)} changes nothing: no output needs node {row.node}",
            endpoint.where(row.node),
            fix="connect the node to what makes an output, or remove it",
        )
    elif _is_taken_over(endpoint, row):
        yield Finding(
            "input-unused",
            f"the input {shown(key)} changes nothing: a Runflow Output saves the picture instead",
            endpoint.where(row.node, row.field),
            fix=f'remove it from inputs:, or list node "{row.node}" under keep: as well',
        )
    elif not row.required and _is_empty(endpoint, row) and (user := _needing(endpoint, row)):
        yield Finding(
            "input-no-default",
            f"the input {shown(key)} may be left out, but nothing then takes its place",
            endpoint.where(row.node),
            also=(("needed by", endpoint.at(*user)),),
            fix="make it required, or wire a default into its `value`",
        )


def _is_taken_over(endpoint: Endpoint, row: ContractInput) -> bool:
    """Whether the input is a field of a node that an exposed output makes needless."""
    socket = PICTURE_SINKS.get(row.class_type)
    return (
        socket is not None
        and row.field != socket
        and row.node not in endpoint.needs.keep
        and any(output.node == row.node for output in endpoint.contract.outputs.values())
        and link_of(endpoint.prompt[row.node]["inputs"].get(socket)) is not None
    )


def _is_empty(endpoint: Endpoint, row: ContractInput) -> bool:
    return row.default is None and endpoint.prompt[row.node]["inputs"].get(row.field) is None


def _needing(endpoint: Endpoint, row: ContractInput) -> tuple[str, str] | None:
    """A served field that cannot do without what the input gives: (node id, field)."""
    if row.class_type not in runflow_nodes.INPUTS:
        return (row.node, row.field) if _is_required(endpoint, row.node, row.field) else None
    return next(
        (
            (node_id, field)
            for node_id in endpoint.prompt
            if node_id in endpoint.served
            for field, value in endpoint.prompt[node_id]["inputs"].items()
            if (link := link_of(value))
            and link[0] == row.node
            and _is_required(endpoint, node_id, field)
        ),
        None,
    )


def _is_required(endpoint: Endpoint, node_id: str, field: str) -> bool:
    definition = endpoint.definitions.get(endpoint.prompt[node_id]["class_type"])
    one = definition.input(field) if definition else None
    return one is not None and one.required
