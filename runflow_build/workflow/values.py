"""Which values an input takes, in which Python type, and how to say so when one does not fit."""

from __future__ import annotations

import math
import re
from typing import Any

from .. import redact
from .contract_model import ContractInput

_SHOWN_CHOICES = 20
_EXACT_BITS = 256  # numbers up to this size are shown with all their digits

# ComfyUI reads "x.png [output]" from its output folder (folder_paths.py at 3cd7b32f,
# annotated_filepath), where the files of other runs lie.
_ANNOTATED = re.compile(r"\[(input|output|temp)\]\s*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MisfitError(Exception):
    """A value that an input does not take; `message` goes on after the input's name."""

    def __init__(self, message: str, outside: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.outside = outside  # the type is right, the value beyond a limit


def coerced(wanted: ContractInput, given: Any) -> Any:
    """The value as the prompt wants it. Raises MisfitError.

    Text is never turned into a number nor a number into text; a number without a fraction is a
    whole number (7.0), 7.9 is not. `step` is not enforced: it is how far a form's arrows go,
    ComfyUI does not enforce it either, and multiples of 0.1 have no exact floating-point form.
    """
    if wanted.type == "BOOLEAN":
        if not isinstance(given, bool):
            raise _wrong_type("true or false", given)
        return given
    if wanted.type == "INT":
        return _in_limits(wanted, _whole(given), given)
    if wanted.type == "FLOAT":
        return _in_limits(wanted, _real(given), given)
    text = _text(given)
    if wanted.type in ("IMAGE", "FILE"):
        return _file_name(text)
    if wanted.choices is not None and text not in wanted.choices:
        raise MisfitError(f"is none of the choices: {shown(text)}", outside=True)
    return text


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _wrong_type("a whole number", given)
    if isinstance(given, int):
        return given
    if not math.isfinite(given) or not given.is_integer():
        raise MisfitError(f"must be a whole number, not {_number(given)}")
    return int(given)


def _real(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _wrong_type("a number", given)
    try:
        number = float(given)
    except OverflowError:
        raise MisfitError("is too large for a number", outside=True) from None
    if not math.isfinite(number):
        raise MisfitError(f"must be a finite number, not {_number(number)}")
    return number


def _in_limits(wanted: ContractInput, number: int | float, given: int | float) -> int | float:
    """The number; what is said of it says `given`, as the caller wrote it."""
    if wanted.minimum is not None and number < wanted.minimum:
        raise MisfitError(
            f"must be at least {_number(wanted.minimum)}, not {_number(given)}",
            outside=True,
        )
    if wanted.maximum is not None and number > wanted.maximum:
        raise MisfitError(
            f"must be at most {_number(wanted.maximum)}, not {_number(given)}",
            outside=True,
        )
    return number


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise _wrong_type("text", given)
    if not given.isascii() and any("\ud800" <= char <= "\udfff" for char in given):
        # JSON can spell half a surrogate pair; no file, database or tokenizer can hold it.
        raise MisfitError("must be Unicode text, not half a surrogate pair")
    return given


def _file_name(text: str) -> str:
    """A POSIX name below the input folder, on every system that the engine may run on."""
    parts = text.split("/")
    escapes = (
        any(part in ("", ".", "..") for part in parts)  # absolute names begin with an empty part
        or "\\" in text
        or ":" in text  # a drive, an alternate stream, or a URL
        or _CONTROL.search(text)
        or _ANNOTATED.search(text)
    )
    if not text.strip() or escapes:
        raise MisfitError(f"must name an input file, not {shown(text)}")
    return text


def takes(wanted: ContractInput) -> str:
    """What the input takes, for a `fix`: `a whole number from 1 to 100`."""
    words = {
        "STRING": "text",
        "INT": "a whole number",
        "FLOAT": "a finite number",
        "BOOLEAN": "true or false",
        "IMAGE": "the name of an image file below the input folder",
        "FILE": "the name of a file below the input folder",
        "COMBO": "one of its choices",
    }[wanted.type]
    if wanted.choices is not None and wanted.type in ("STRING", "COMBO"):
        named = ", ".join(shown(choice) for choice in wanted.choices[:_SHOWN_CHOICES])
        return f"one of: {named}{', …' if len(wanted.choices) > _SHOWN_CHOICES else ''}"
    if wanted.type in ("INT", "FLOAT"):
        if wanted.minimum is not None:
            words += f" from {_number(wanted.minimum)}"
        if wanted.maximum is not None:
            words += f" up to {_number(wanted.maximum)}"
    return words


def _wrong_type(wish: str, given: Any) -> MisfitError:
    return MisfitError(f"must be {wish}, not {kind_of(given)}")


def kind_of(value: Any) -> str:
    """What JSON calls the value; the value itself may be private or endless."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def _number(value: int | float) -> str:
    # Python refuses to print integers beyond 4300 digits.
    if isinstance(value, int) and value.bit_length() > _EXACT_BITS:
        return "a number of more than 77 digits"
    return str(value)


def shown(text: Any) -> str:
    """The text in backticks, shortened and without secrets."""
    return f"`{redact.shown(text)}`"


def printable(text: Any) -> str:
    """The caller's text as one line that any terminal, log or JSON encoder takes."""
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", redact.redacted(str(text)[:1000]))
    return line.encode("utf-8", "replace").decode("utf-8")
