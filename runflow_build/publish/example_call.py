"""A call of an endpoint that can be pasted into a shell. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..workflow.contract_model import Contract, ContractInput
from .settings import KEY_VARIABLE

_EXAMPLES: Mapping[str, Any] = {"STRING": "…", "INT": 1, "FLOAT": 1.0, "BOOLEAN": True}
_FILES = {"IMAGE": ("image/png", "png"), "FILE": ("application/octet-stream", "bin")}


@dataclass(frozen=True)
class File:
    """A file that is read where the command runs."""

    name: str
    media_type: str


def curl_text(url: str, contract: Contract) -> str:
    """The command with every required input; files are read from the folder where it runs.

    The key is `$RUNFLOW_API_KEY`, never one that anybody has.
    """
    required = {name: one for name, one in contract.inputs.items() if one.required}
    return curl(url, {name: _value(name, one) for name, one in required.items()})


def curl(url: str, values: Mapping[str, str | File]) -> str:
    """The command that sends these values: JSON texts, and files by what they are."""
    rows = [f"{_heredoc(json.dumps(name))}: {_in_heredoc(one)}" for name, one in values.items()]
    return "\n".join(
        [
            f"curl -X POST {_quoted(url)} \\",
            f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\',
            "  -H 'Content-Type: application/json' -d @- <<JSON",
            f'{{"input": {{{", ".join(rows)}}}}}',
            "JSON",
        ]
    )


def _value(name: str, one: ContractInput) -> str | File:
    if one.type in _FILES:
        media_type, ending = _FILES[one.type]
        stem = "".join(char if char.isalnum() else "_" for char in name) or "file"
        return File(f"{stem}.{ending}", media_type)
    if one.choices:
        return json.dumps(one.choices[0])
    if one.default is not None:
        return json.dumps(one.default)
    least = one.minimum if one.type in ("INT", "FLOAT") else None
    return json.dumps(_EXAMPLES[one.type] if least is None else least, ensure_ascii=False)


def _in_heredoc(value: str | File) -> str:
    if isinstance(value, str):
        return _heredoc(value)
    # Within $(…) a heredoc replaces nothing, and a name is quoted as anywhere.
    name = _quoted(f"./{value.name}" if value.name.startswith("-") else value.name)
    return f"\"data:{value.media_type};base64,$(base64 < {name} | tr -d '\\n')\""


def _heredoc(text: str) -> str:
    """The text as an unquoted heredoc gives it back."""
    for char in "\\$`":
        text = text.replace(char, f"\\{char}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
