"""What the engine lacks for a workflow, said before anything is published or queued."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from ..engines.base import Engine, Lack, lacking_code, lacking_text
from ..workflow.contract_model import Contract
from ..workflow.model import Prompt
from .problem import FieldError, Location, Problem
from .workflow_store import Revision

_SHOWN_ERRORS = 50  # nodes that are named one by one; the message names every class


def require_engine(
    engine: Engine, revision: Revision, place: Location, values: Mapping[str, Any] | None = None
) -> None:
    """Raise Problem 422 with an entry for each node that the engine cannot execute.

    `values` are those of a request, not checked yet. None: of no request in particular, so that a
    field which every request may set refuses nothing. `place` is where the prompt stands.
    """
    prompt = _with_values(revision.workflow_json, revision.contract, values)
    lacks = engine.lacking(prompt)
    if not lacks:
        return
    found = ((node_id, engine.lacking({node_id: node})) for node_id, node in prompt.items())
    errors = (
        FieldError((*place, node_id), "; ".join(one.text(engine.name) for one in lacks))
        for node_id, lacks in found
        if lacks
    )
    raise Problem(
        422, lacking_text(engine.name, lacks), wire_code(lacks), islice(errors, _SHOWN_ERRORS)
    )


def wire_code(lacks: list[Lack]) -> str:
    """`ENGINE_CLASS_MISSING` or `ENGINE_EXTRA_MISSING`: the finding's code, as answers have it."""
    return lacking_code(lacks).upper().replace("-", "_")


def _with_values(prompt: Prompt, contract: Contract, values: Mapping[str, Any] | None) -> Prompt:
    """The prompt with the values in their fields; None takes those fields away.

    Not `bind`: that refuses values which do not fit, and this is asked before they are checked.
    """
    changed = dict(prompt)
    for key, row in contract.inputs.items():
        node = changed.get(row.node)
        if node is None:
            continue
        inputs = dict(node["inputs"])
        if values is None:
            inputs.pop(row.field, None)
        elif values.get(key) is not None:
            inputs[row.field] = values[key]
        changed[row.node] = {**node, "inputs": inputs}
    return changed
