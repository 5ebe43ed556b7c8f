"""JSON values as the editor's language sees them: numbers, texts, the order of keys."""

from __future__ import annotations

import math
import re
from typing import Any

_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LARGEST_BITS = 1023  # of a whole number that a double can hold at all
_WHOLE = 1e21  # from here on JavaScript writes a whole number with an exponent


def plain(value: Any) -> Any:
    """A value with whole floats as integers: `64.0` and `-0.0` are 64 and 0 in a prompt.

    Integers are exact at any size, where JavaScript rounds beyond 2^53.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < _WHOLE else value
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value


def text_of(value: Any) -> str:
    """`String(value)`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return ",".join("" if one is None else text_of(one) for one in value)
    if isinstance(value, dict):
        return "[object Object]"
    return str(value)


def number_of(value: Any) -> int | float:
    """`Number(value)`; NaN for what is none, infinite beyond a double's range."""
    if value is None:
        return 0
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        return math.inf if value > 0 else -math.inf
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return _parsed(value.strip())
    return math.nan


def key_order(name: str) -> tuple[bool, int]:
    """Sorts names as an object holds its keys: numbers by size, then all others as they came."""
    is_index = name.isascii() and name.isdigit() and (name == "0" or name[0] != "0")
    is_index = is_index and len(name) <= 10 and int(name) < 2**32 - 1
    return not is_index, int(name) if is_index else 0


def _number(value: float) -> str:
    whole = plain(value)
    if isinstance(whole, int):
        return str(whole)
    if whole is None:
        return "Infinity" if value > 0 else "-Infinity" if value < 0 else "NaN"
    text = repr(value)
    mantissa, found, exponent = text.partition("e")
    if not found:
        return text
    power = int(exponent)
    if -7 < power < 0:  # Python turns to exponents earlier
        return f"{value:.{len(mantissa.replace('-', '').replace('.', '')) - 1 - power}f}"
    return f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"


def _parsed(text: str) -> int | float:
    if not text:
        return 0
    number = float(text) if _NUMERAL.fullmatch(text) else math.nan
    exact = number.is_integer() and text.lstrip("+-").isdigit()
    return int(text) if exact else number
