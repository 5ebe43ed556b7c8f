"""The values of one call, checked against what the API says the endpoint takes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import BindError
from ..findings import Finding, Where
from ..rewrite.bind import coerce
from ..workflow.contract_model import Contract, ContractInput, InputType

Value = Any  # JSON, or a Path: the file itself goes up as an asset

_TYPES: Mapping[str, InputType] = {
    "string": "STRING",
    "integer": "INT",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "image": "IMAGE",
    "file": "FILE",
    "combo": "COMBO",
}
_FILES = ("IMAGE", "FILE")
_WHOLE = re.compile(r"[-+]?[0-9]{1,400}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def contract_of(record: Mapping[str, Any]) -> Contract | None:
    """What the record's `inputs[]` say; None when they are not there or not understood, and the
    API alone can judge."""
    rows = record.get("inputs")
    if not isinstance(rows, list) or not rows:
        return None
    try:
        return Contract(inputs={row["name"]: _input(row) for row in rows})
    except (KeyError, TypeError, AttributeError, ValidationError):
        return None


def from_texts(contract: Contract | None, texts: Mapping[str, str]) -> dict[str, Value]:
    """What a person typed as values: `@FILE` is a file, `@@` a leading @, the rest goes by type.

    Of an input that is not known, numbers and true or false are taken for what they look like.
    """
    known = contract.inputs if contract else {}
    return {name: _typed(known.get(name), text) for name, text in texts.items()}


def check(contract: Contract | None, values: Mapping[str, Value]) -> None:
    """Raise BindError with one finding for each value that does not fit; None: nothing is known."""
    if contract is None:
        return
    problems: list[Finding] = []
    shapes: dict[str, Any] = {}
    for name, value in values.items():
        wanted = contract.inputs.get(name)
        if isinstance(value, Path) and wanted and wanted.type not in _FILES:
            problems.append(_no_file(name, wanted))
            continue
        if wanted and wanted.type in _FILES and isinstance(value, str) and not _is_reference(value):
            problems.append(_no_reference(name, wanted))
            continue
        # The contract speaks of names in an engine's input folder; here files are on their way.
        is_file = wanted is not None and wanted.type in _FILES and isinstance(value, (str, Path))
        shapes[name] = "file" if is_file or isinstance(value, Path) else value
    refused = {finding.where.field for finding in problems}
    try:
        coerce(contract, shapes)
    except BindError as error:
        problems += [
            _for_a_caller(contract, finding)
            for finding in error.findings
            if finding.where.field not in refused
        ]
    if problems:
        raise BindError(*problems)


def _input(row: Mapping[str, Any]) -> ContractInput:
    limits = row.get("validator_attrs") or {}
    return ContractInput(
        type=_TYPES[row["variable_type_code"]],
        required=bool(row.get("is_required")),
        node=str(row.get("comfyui_node_id") or ""),
        class_type="",  # the API does not say, and nothing here asks
        field=str(row.get("comfyui_field_name") or ""),
        display_name=row.get("display_name"),
        minimum=limits.get("minimum"),
        maximum=limits.get("maximum"),
        choices=limits.get("choices"),
    )


def _typed(wanted: ContractInput | None, text: str) -> Value:
    if text.startswith("@@"):
        return text[1:]
    if text.startswith("@"):
        return Path(text[1:])
    if wanted is None:
        return _guessed(text)
    if wanted.type == "INT" and _WHOLE.fullmatch(text):
        return int(text)
    if wanted.type in ("INT", "FLOAT") and _NUMBER.fullmatch(text):
        return float(text)
    if wanted.type == "BOOLEAN":
        return _WORDS.get(text.lower(), text)
    return text


def _guessed(text: str) -> Value:
    if text in ("true", "false") or _NUMBER.fullmatch(text):
        try:
            return json.loads(text)
        except ValueError:  # 007, .5: no JSON, so it stays text
            return text
    return text


def _for_a_caller(contract: Contract, finding: Finding) -> Finding:
    """An engine wants the name of a file that is there; a caller has the file."""
    wanted = contract.inputs.get(finding.where.field or "")
    if wanted is None or wanted.type not in _FILES:
        return finding
    kind = "image" if wanted.type == "IMAGE" else "file"
    return replace(finding, fix=f"give the {kind}: {finding.where.field}=@FILE")


def _is_reference(text: str) -> bool:
    """An asset, an address, a data: URI; the name of a file means nothing to an API."""
    return "://" in text or text.startswith("data:")


def _no_reference(name: str, wanted: ContractInput) -> Finding:
    kind = "image" if wanted.type == "IMAGE" else "file"
    return Finding(
        "input-wrong-type",
        f"`{name}` takes a{'n' if kind == 'image' else ''} {kind}, not text",
        Where(field=name),
        fix=f"give the {kind}: {name}=@FILE",
    )


def _no_file(name: str, wanted: ContractInput) -> Finding:
    kind = {"STRING": "text", "BOOLEAN": "true or false", "COMBO": "one of its choices"}
    return Finding(
        "input-wrong-type",
        f"`{name}` takes {kind.get(wanted.type, 'a number')}, not a file",
        Where(field=name),
        fix="give the value itself; a text that begins with @ is written @@…",
    )
