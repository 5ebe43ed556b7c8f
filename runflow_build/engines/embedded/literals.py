"""Values that stand in a prompt, converted and held to their limits as ComfyUI does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ...workflow.definitions import COMBO, InputDefinition

_SHOWN = 60  # characters of a value in a message

_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "INT": int,  # 7.9 becomes 7, as in ComfyUI; requests are held to their types before (`bind`)
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
}
_WORDS = {"INT": "a whole number", "FLOAT": "a number"}


class LiteralError(Exception):
    """A value does not suit its input; `kind` is ComfyUI's name for that."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def literal(one: InputDefinition, value: Any) -> Any:
    """The value in the type of its input.

    Raises LiteralError of the kinds `invalid_input_type`, `value_smaller_than_min`,
    `value_bigger_than_max`, `value_not_in_list`.
    """
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    if one.type == COMBO:
        return _chosen(one, value)
    if one.type not in _CONVERSIONS:
        message = f"{one.name} takes {one.type} from another node, and is {_shown(value)}"
        raise LiteralError("invalid_input_type", message)
    converted = _converted(one, value)
    if one.type in _WORDS:
        _check_limits(one, converted)
    return converted


def _chosen(one: InputDefinition, value: Any) -> Any:
    if one.choices is not None and value not in one.choices:
        choices = ", ".join(str(choice) for choice in one.choices[:20])
        more = " …" if len(one.choices) > 20 else ""
        message = f"{one.name} is {_shown(value)}, and not one of {choices}{more}"
        raise LiteralError("value_not_in_list", message)
    return value


def _converted(one: InputDefinition, value: Any) -> Any:
    try:
        converted = _CONVERSIONS[one.type](value)
        if one.type != "FLOAT" or math.isfinite(converted):
            return converted
    except (TypeError, ValueError, OverflowError):
        pass
    message = f"{one.name} is {_shown(value)}, and not {_WORDS[one.type]}"
    raise LiteralError("invalid_input_type", message)


def _check_limits(one: InputDefinition, value: float) -> None:
    least, most = one.options.get("min"), one.options.get("max")
    if least is not None and value < least:
        message = f"{one.name} is {value}, smaller than its minimum of {least}"
        raise LiteralError("value_smaller_than_min", message)
    if most is not None and value > most:
        message = f"{one.name} is {value}, bigger than its maximum of {most}"
        raise LiteralError("value_bigger_than_max", message)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
