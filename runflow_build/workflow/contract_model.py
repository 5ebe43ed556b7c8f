"""The contract that a prompt offers: what callers give, and what they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..document import Document

InputType = Literal["STRING", "INT", "FLOAT", "BOOLEAN", "IMAGE", "FILE", "COMBO"]
OutputType = Literal["IMAGE", "FILE"]

TYPE_CODES: Mapping[InputType, str] = {
    "STRING": "string",
    "INT": "integer",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    "IMAGE": "image",
    "FILE": "file",
    "COMBO": "string",
}
"""What the API calls the types, `variable_type_code`; a COMBO is a text that has `choices`."""


class ContractInput(Document):
    """One value that a caller gives; the key is the name it goes by in a request's `input`."""

    type: InputType  # COMBO: one of `choices`; IMAGE and FILE: an asset
    required: bool
    node: str
    class_type: str = Field(alias="class")
    title: str | None = None  # what the author calls the node, when not the class
    field: str  # the node's input that the value goes into
    display_name: str | None = None
    description: str | None = None
    default: Any = None  # used when the caller leaves an optional input out; None: there is none
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    choices: list[str] | None = None


class ContractOutput(Document):
    """Files that a run gives back; the key is the output's id in the response."""

    type: OutputType
    node: str
    class_type: str = Field(alias="class")
    title: str | None = None
    display_name: str | None = None
    description: str | None = None


class Contract(Document):
    """What an endpoint takes and gives; each mapping in the order in which a form shows it."""

    inputs: dict[str, ContractInput] = {}
    outputs: dict[str, ContractOutput] = {}
