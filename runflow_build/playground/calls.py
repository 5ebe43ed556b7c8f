"""The call of the deployed endpoint with the values of a form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ..publish.example_call import File, curl, example_file, javascript, python
from ..workflow.contract_model import Contract, ContractInput

OWNER = "YOUR-ORGANIZATION"  # that of the key, which only the API knows


def calls(url: str, contract: Contract, values: Mapping[str, Any]) -> dict[str, str]:
    """`{"curl", "python", "javascript"}`.

    `values` are those of the form, files by their names; unknown ones are left out. A required
    input without a value stands there as null, so that nobody overlooks it.
    """
    given = {
        name: _value(name, row, values.get(name))
        for name, row in contract.inputs.items()
        if row.required or values.get(name) is not None
    }
    return {
        "curl": curl(url, given),
        "python": python(url, given),
        "javascript": javascript(url, given),
    }


def _value(name: str, row: ContractInput, value: Any) -> Any:
    if not (example := example_file(name, row)):
        return value
    chosen = PurePosixPath(value).name if isinstance(value, str) else ""
    return File(chosen) if chosen else example
