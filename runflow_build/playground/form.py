"""The form of a capture: a row per input and output, with what stands in it at first. Pure.

Values and limits are JSON *texts*: a page that parsed them would lose digits of large seeds.
"""

from __future__ import annotations

import json
from typing import Any

from ..workflow.contract_model import ContractInput
from ..workflow.declared import default_of
from .capture import Capture


def form_of(capture: Capture) -> dict[str, Any]:
    """`{"inputs": [row…], "outputs": [row…]}`, in the contract's order."""
    inputs = [_input(capture, name, row) for name, row in capture.contract.inputs.items()]
    outputs = [
        {"id": name, "label": row.display_name or name, "type": row.type, "help": row.description}
        for name, row in capture.contract.outputs.items()
    ]
    return {"inputs": inputs, "outputs": outputs}


def _input(capture: Capture, name: str, row: ContractInput) -> dict[str, Any]:
    """One input. `value`: what it is as long as nobody touches it; None: nothing that can be shown.

    What is wired to a required input goes with the graph and not with the API, so it is a value
    that the form sends like any other (`from`: workflow). The default of an optional one need not
    be sent (`from`: default).
    """
    own = row.default if row.default is not None else default_of(capture.prompt, row)
    if row.type in ("IMAGE", "FILE") and isinstance(own, str):
        own = own.removesuffix("[input]").rstrip().replace("\\", "/")
    return {
        "id": name,
        "label": row.display_name or name,
        "help": row.description,
        "type": row.type,
        "required": row.required,
        "multiline": name in capture.multiline,
        "choices": row.choices,
        "minimum": _text(row.minimum),
        "maximum": _text(row.maximum),
        "step": _text(row.step),
        "value": _text(own if own != "" or row.type == "STRING" else None),
        "from": "workflow" if row.required else "default",
        "wired": capture.is_wired(name),
    }


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
