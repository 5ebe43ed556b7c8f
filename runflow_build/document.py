"""The base of every document that crosses a border: runflow.yaml, runflow.lock, bundles."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A strict, immutable value; unknown keys are errors, and no value is silently converted.

    Building a model's validator is put off until its first use, because importing the formats must
    cost next to nothing (every `doit` call does it).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        populate_by_name=True,
    )
