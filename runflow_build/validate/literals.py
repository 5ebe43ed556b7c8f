"""A value that stands in a prompt against what its input takes: conversion, limits, choices.

Source: ComfyUI 0.8.0 at 3cd7b32f, execution.py `validate_inputs`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..redact import shown
from ..workflow.definitions import COMBO, UPLOADS, Definitions, InputDefinition

_UPLOADS = (*UPLOADS, "file_upload")
_FILE_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,11}$")
_LISTED = 12  # choices that a fix names


@dataclass(frozen=True)
class Misfit:
    """A value that ComfyUI refuses."""

    code: str
    message: str  # goes on after the input's name
    fix: str


def misfit(one: InputDefinition, value: Any, class_type: str, choices: bool) -> Misfit | None:
    """What is wrong with the value of an input, or None. `choices`: compare with its list, too.

    ComfyUI converts before it compares: "7" and 7.9 are 7 to an INT, any value is a text to a
    STRING. To a type that it does not know it compares the value as it is.
    """
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    if one.type in ("INT", "FLOAT"):
        try:
            value = int(value) if one.type == "INT" else float(value)
        except (TypeError, ValueError, OverflowError):
            return _no_number(one.type == "INT")
    try:
        limit = _broken_limit(one, value)
    except TypeError:
        return _no_number(False)
    if limit:
        return Misfit(
            "value-out-of-range",
            f"is {shown(value)}; {class_type} takes {limit}",
            f"set it to {limit}",
        )
    if choices and one.type == COMBO and value not in (one.choices or ()):
        return Misfit(
            "value-not-in-list",
            f"is `{shown(value)}`, which {class_type} does not offer",
            _choose(one, value),
        )
    return None


def has_own_choices(
    definitions: Definitions, class_type: str, one: InputDefinition, value: Any
) -> bool:
    """Whether the choices of a combo are the class's own, not the files of one machine.

    Of ComfyUI's own classes it is known which inputs name files; of others it shows in the names.
    """
    if not one.choices or one.options.get("remote"):
        return False
    if any(one.options.get(upload) for upload in _UPLOADS):
        return False
    if definitions.shipped(class_type):
        return definitions.file_folder(class_type, one.name) is None
    return not any(
        isinstance(text, str) and _FILE_NAME.search(text) for text in (value, *one.choices)
    )


def _broken_limit(one: InputDefinition, value: Any) -> str | None:
    """`at least 0`, or None. Raises TypeError for a value that no number compares with."""
    if one.type in ("STRING", "BOOLEAN"):
        return None
    low, high = one.options.get("min"), one.options.get("max")
    if isinstance(low, int | float) and value < low:
        return f"at least {low}"
    if isinstance(high, int | float) and value > high:
        return f"at most {high}"
    return None


def _no_number(whole: bool) -> Misfit:
    return Misfit(
        "value-wrong-type",
        f"must be a {'whole ' if whole else ''}number",
        "set the value again in ComfyUI, and save",
    )


def _choose(one: InputDefinition, value: Any) -> str:
    texts = [str(choice) for choice in one.choices or ()]
    near = get_close_matches(str(value)[:100], texts, n=1, cutoff=0.7)
    if near:
        return f"choose `{near[0]}`"
    listed = ", ".join(shown(text) for text in texts[:_LISTED])
    return f"choose one of: {listed}{', …' if len(texts) > _LISTED else ''}"
