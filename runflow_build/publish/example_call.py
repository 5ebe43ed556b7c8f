"""A call of an endpoint that can be pasted into a shell. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..workflow.contract_model import Contract, ContractInput

_EXAMPLES: Mapping[str, Any] = {"STRING": "…", "INT": 1, "FLOAT": 1.0, "BOOLEAN": True}
_FILES = {"IMAGE": ("image/png", "png"), "FILE": ("application/octet-stream", "bin")}


def curl_text(url: str, contract: Contract) -> str:
    """The command with every required input; files are read from the folder where it runs.

    The key is `$RUNFLOW_API_KEY`, never one that anybody has.
    """
    rows = [
        f"{_shell(json.dumps(name))}: {_value(name, one)}"
        for name, one in contract.inputs.items()
        if one.required
    ]
    body = f'{{"input": {{{", ".join(rows)}}}}}'
    return "\n".join(
        [
            f"curl -X POST {_quoted(url)} \\",
            '  -H "Authorization: Bearer $RUNFLOW_API_KEY" \\',
            "  -H 'Content-Type: application/json' -d @- <<JSON",
            body,
            "JSON",
        ]
    )


def _value(name: str, one: ContractInput) -> str:
    if one.type in _FILES:
        mime, ending = _FILES[one.type]
        file = "".join(char if char.isalnum() else "_" for char in name) or "file"
        return f"\"data:{mime};base64,$(base64 < {file}.{ending} | tr -d '\\n')\""
    if one.choices:
        return _shell(json.dumps(one.choices[0]))
    if one.default is not None:
        return _shell(json.dumps(one.default))
    least = one.minimum if one.type in ("INT", "FLOAT") else None
    return _shell(json.dumps(_EXAMPLES[one.type] if least is None else least, ensure_ascii=False))


def _shell(text: str) -> str:
    """The text as a heredoc gives it back."""
    for char in "\\$`":
        text = text.replace(char, f"\\{char}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
