"""A workflow file, the prompt it stands for, and the contract that a prompt offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import Field

from ..document import Document
from ..findings import Where

Format = Literal["graph", "prompt"]

Prompt: TypeAlias = dict[str, dict[str, Any]]
"""``{id: {"class_type": str, "inputs": {name: value | [id, slot]}, "_meta": {"title": str}}}``.

A two-item list ``[str, int]`` is a link; a list that is a value is ``{"__value__": [...]}``.
`_meta` is optional, carries the title that a person knows the node by, and is in no digest.
"""


def where_in(prompt: Prompt, node: str, field: str | None = None) -> Where:
    """The place of a node of the prompt, with the title that its author knows it by."""
    body = prompt[node]
    title = body.get("_meta", {}).get("title")
    return Where(node=node, title=title, class_type=body["class_type"], field=field)


@dataclass(frozen=True)
class Workflow:
    """One workflow file, parsed and known to be of one of the two formats."""

    path: str  # POSIX, relative to runflow.yaml
    format: Format
    data: dict[str, Any]  # the parsed JSON, never changed in place


Workflows: TypeAlias = Mapping[str, Workflow]  # by path, as runflow.yaml writes it

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
