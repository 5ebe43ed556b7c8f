"""The values of a form in the prompt, as a server would put them there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import BindError, UsageError
from ..findings import Finding, Where
from ..rewrite.bind import bind, coerce
from ..rewrite.trim import cut_local_wiring, drop_unneeded
from ..workflow.contract_model import Contract
from ..workflow.model import Prompt
from ..workflow.values import printable, shown
from .capture import Capture

_FILES = ("IMAGE", "FILE")


@dataclass(frozen=True)
class Bound:
    """What ComfyUI is to run."""

    prompt: Prompt
    titles: dict[str, str]  # node id -> what a person calls it
    values: dict[str, Any]  # those that were given, as the prompt has them


def bound(
    capture: Capture,
    values: Any,
    wired: Collection[str],
    *,
    is_file: Callable[[str], bool],
    seed: str,
    now: datetime,
) -> Bound:
    """The prompt that runs with these values.

    As on a server, a required input loses its local wiring, except for those in `wired`, of which
    the caller wants to see what stands in the graph. `is_file` says whether a name is that of a
    file below the input folder. `seed` and `now`: as `rewrite.bind.bind`.

    Raises BindError with one finding for each field: as `bind`, and `input-file-missing`;
    UsageError for a capture that cannot run.
    """
    if not capture.runnable:
        raise UsageError(_not_runnable(capture))
    contract = _with_wired(capture, values, wired)
    fitting = coerce(contract, values)
    missing = [
        _file_missing(name, value)
        for name, value in fitting.items()
        if contract.inputs[name].type in _FILES and not is_file(value)
    ]
    if missing:
        raise BindError(*missing)
    served = drop_unneeded(cut_local_wiring(capture.prompt, contract), contract, keep=[])
    prompt = bind(served, contract, fitting, seed=seed, now=now)
    titles = capture.node_titles()
    for node, body in prompt.items():
        titles.setdefault(node, str(body.get("_meta", {}).get("title") or body["class_type"]))
    return Bound(prompt, {node: titles[node] for node in prompt}, fitting)


def _with_wired(capture: Capture, values: Any, wired: Collection[str]) -> Contract:
    """The contract in which what is wired and not given may be left out."""
    given = values if isinstance(values, Mapping) else {}
    inputs = {
        name: row.model_copy(update={"required": False})
        if name in wired and given.get(name) is None and capture.is_wired(name)
        else row
        for name, row in capture.contract.inputs.items()
    }
    return capture.contract.model_copy(update={"inputs": inputs})


def _file_missing(name: str, value: str) -> Finding:
    return Finding(
        "input-file-missing",
        f"there is no file {shown(value)} in ComfyUI's input folder",
        Where(field=printable(name)),
        fix="choose the file again",
    )


def _not_runnable(capture: Capture) -> Finding:
    errors = [one for one in capture.findings if one["severity"] == "error"]
    first = errors[0] if errors else {"code": "contract-no-output", "message": "nothing can run"}
    return Finding(
        first["code"], first["message"], fix=first.get("fix", "mend the workflow, capture again")
    )
