"""The values of one request, checked against a contract and put into a prompt.

The run-time half of rewriting: the server, the playground and `runflow run` all come through here,
so that a value means the same thing wherever it is given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ..errors import BindError
from ..findings import Finding, Where
from ..workflow.model import Contract, ContractInput, Prompt

_SHOWN_CHARS = 60  # of a caller's text in a message: enough to recognise it
_SHOWN_KEYS = 20  # unknown keys that are named one by one
_EXACT_BITS = 256  # numbers up to this size are shown with all their digits

# ComfyUI reads "x.png [output]" from its output folder (folder_paths.py at 3cd7b32f,
# annotated_filepath), where the files of other runs lie.
_ANNOTATED = re.compile(r"\[(input|output|temp)\]\s*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def coerce(contract: Contract, values: Any) -> dict[str, Any]:
    """The values as the prompt wants them, in the contract's order; what was left out stays out.

    `values` is any JSON value; an object from input name to value is what fits. An optional input
    that is null counts as left out. IMAGE and FILE values are file names below the engine's input
    folder. Text is never turned into a number nor a number into text; a number without a fraction
    is a whole number (7.0), 7.9 is not. `step` is not enforced: it is how far a form's arrows go,
    ComfyUI does not enforce it either, and multiples of 0.1 have no exact floating-point form.

    Raises BindError with one finding for each field, `where.field` naming it: `input-unknown`,
    `input-missing`, `input-wrong-type`, `input-out-of-range`.
    """
    if not isinstance(values, Mapping):
        message = f"the input must be an object from name to value, not {_kind(values)}"
        raise BindError(Finding("input-wrong-type", message))
    fitting: dict[str, Any] = {}
    problems: list[Finding] = []
    for key, wanted in contract.inputs.items():
        given = values.get(key)
        if given is None:
            if wanted.required:
                problems.append(_missing(key, wanted))
            continue
        try:
            fitting[key] = _coerced(wanted, given)
        except _MisfitError as misfit:
            problems.append(_misfit(key, misfit, wanted))
    problems += _unknown(contract, [key for key in values if key not in contract.inputs])
    if problems:
        raise BindError(*problems)
    return fitting


def bind(prompt: Prompt, contract: Contract, values: Any) -> Prompt:
    """The prompt that runs with these values; `prompt` itself stays as it is.

    An IMAGE becomes a LoadImage node `<node id>-image` in front of the field, except where the
    field itself is a loader's file name. What only made the default of a replaced value (its
    LoadImage, say) is left out; everything else stays, with its id.

    Raises BindError: as `coerce`, and `input-node-missing` when the contract is of another prompt.
    """
    fitting = coerce(contract, values)
    bound = {
        node_id: {**node, "inputs": dict(node.get("inputs", {}))}
        for node_id, node in prompt.items()
    }
    replaced: list[str] = []
    for key, value in fitting.items():
        wanted = contract.inputs[key]
        if wanted.node not in bound:
            raise BindError(_node_missing(key, wanted))
        inputs = bound[wanted.node]["inputs"]
        former = inputs.get(wanted.field)
        if wanted.type == "IMAGE" and not _is_file_name_field(wanted, former):
            value = [_add_loader(bound, wanted.node, value, wanted.display_name or key), 0]
        inputs[wanted.field] = value
        if _is_link(former):
            replaced.append(former[0])
    _drop_unneeded(bound, replaced, keep=[output.node for output in contract.outputs.values()])
    return bound


class _MisfitError(Exception):
    """A value that an input does not take: the finding's code, and what is wanted, in words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _coerced(wanted: ContractInput, given: Any) -> Any:
    if wanted.type == "BOOLEAN":
        if not isinstance(given, bool):
            raise _wrong_type("true or false", given)
        return given
    if wanted.type == "INT":
        return _in_limits(wanted, _whole(given))
    if wanted.type == "FLOAT":
        return _in_limits(wanted, _real(given))
    text = _text(given)
    if wanted.type in ("IMAGE", "FILE"):
        return _file_name(text)
    if wanted.choices is not None and text not in wanted.choices:
        raise _MisfitError("input-out-of-range", f"is none of the choices: {_shown(text)}")
    return text


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _wrong_type("a whole number", given)
    if isinstance(given, int):
        return given
    if not math.isfinite(given) or not given.is_integer():
        raise _MisfitError("input-wrong-type", f"must be a whole number, not {_number(given)}")
    return int(given)


def _real(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _wrong_type("a number", given)
    try:
        number = float(given)
    except OverflowError:
        raise _MisfitError("input-out-of-range", "is too large for a number") from None
    if not math.isfinite(number):
        raise _MisfitError("input-wrong-type", f"must be a finite number, not {_number(number)}")
    return number


def _in_limits(wanted: ContractInput, number: int | float) -> int | float:
    if wanted.minimum is not None and number < wanted.minimum:
        raise _MisfitError(
            "input-out-of-range",
            f"must be at least {_number(wanted.minimum)}, not {_number(number)}",
        )
    if wanted.maximum is not None and number > wanted.maximum:
        raise _MisfitError(
            "input-out-of-range",
            f"must be at most {_number(wanted.maximum)}, not {_number(number)}",
        )
    return number


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise _wrong_type("text", given)
    if not given.isascii() and any("\ud800" <= char <= "\udfff" for char in given):
        # JSON can spell half a surrogate pair; no file, database or tokenizer can hold it.
        raise _MisfitError("input-wrong-type", "must be Unicode text, not half a surrogate pair")
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
        raise _MisfitError("input-wrong-type", f"must name an input file, not {_shown(text)}")
    return text


def _is_file_name_field(wanted: ContractInput, former: Any) -> bool:
    """Whether an IMAGE's field takes the file's name itself, as LoadImage's own field does."""
    return wanted.class_type != "RunflowInputImage" and isinstance(former, str)


def _add_loader(bound: Prompt, node_id: str, name: str, title: str) -> str:
    """Put a LoadImage in front of the node; returns its id."""
    loader = f"{node_id}-image"
    count = 1
    while loader in bound:
        count += 1
        loader = f"{node_id}-image-{count}"
    bound[loader] = {
        "class_type": "LoadImage",
        "inputs": {"image": name},
        "_meta": {"title": title},
    }
    return loader


def _drop_unneeded(bound: Prompt, origins: Iterable[str], keep: Iterable[str]) -> None:
    """Remove the origins of replaced links, and what fed only them, unless something uses them."""
    pending = list(origins)
    if not pending:
        return
    uses: dict[str, int] = dict.fromkeys(keep, 1)
    for node in bound.values():
        for origin in _origins(node):
            uses[origin] = uses.get(origin, 0) + 1
    while pending:
        node_id = pending.pop()
        if uses.get(node_id) or node_id not in bound:
            continue
        for origin in _origins(bound.pop(node_id)):
            uses[origin] -= 1
            pending.append(origin)


def _origins(node: Mapping[str, Any]) -> list[str]:
    return [value[0] for value in node["inputs"].values() if _is_link(value)]


def _is_link(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _missing(key: str, wanted: ContractInput) -> Finding:
    return Finding(
        "input-missing",
        f"{_shown(key)} is required",
        Where(field=_printable(key)),
        fix=f"give {_shown(key)} ({_takes(wanted)})",
    )


def _misfit(key: str, misfit: _MisfitError, wanted: ContractInput) -> Finding:
    return Finding(
        misfit.code,
        f"{_shown(key)} {misfit.message}",
        Where(field=_printable(key)),
        fix=f"give {_takes(wanted)}",
    )


def _unknown(contract: Contract, keys: list[Any]) -> list[Finding]:
    problems = []
    for key in keys[:_SHOWN_KEYS]:
        # Nearness is quadratic in the length of the key, which is the caller's choice.
        near = get_close_matches(str(key)[:_SHOWN_CHARS], contract.inputs, n=1)
        known = ", ".join(_shown(name) for name in contract.inputs)
        message = f"there is no input {_shown(key)}"
        problems.append(
            Finding(
                "input-unknown",
                f"{message}; did you mean {_shown(near[0])}?" if near else message,
                Where(field=_printable(key)),
                fix=f"use one of: {known}" if known else "give no input; this endpoint takes none",
            )
        )
    if len(keys) > _SHOWN_KEYS:
        rest = len(keys) - _SHOWN_KEYS
        problems.append(Finding("input-unknown", f"there are {rest} more unknown inputs"))
    return problems


def _node_missing(key: str, wanted: ContractInput) -> Finding:
    return Finding(
        "input-node-missing",
        f"{_shown(key)} goes to node {wanted.node}, which the prompt does not have",
        Where(field=_printable(key)),
        fix="publish the endpoint again, so that its inputs and its prompt fit together",
    )


def _takes(wanted: ContractInput) -> str:
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
        shown = ", ".join(_shown(choice) for choice in wanted.choices[:_SHOWN_KEYS])
        return f"one of: {shown}{', …' if len(wanted.choices) > _SHOWN_KEYS else ''}"
    if wanted.type in ("INT", "FLOAT"):
        if wanted.minimum is not None:
            words += f" from {_number(wanted.minimum)}"
        if wanted.maximum is not None:
            words += f" up to {_number(wanted.maximum)}"
    return words


def _wrong_type(wish: str, given: Any) -> _MisfitError:
    return _MisfitError("input-wrong-type", f"must be {wish}, not {_kind(given)}")


def _kind(value: Any) -> str:
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


def _shown(text: Any) -> str:
    shown = _printable(text)
    return f"`{shown[:_SHOWN_CHARS]}{'…' if len(shown) > _SHOWN_CHARS else ''}`"


def _printable(text: Any) -> str:
    """The caller's text as one line that any terminal, log or JSON encoder takes."""
    line = _CONTROL.sub("�", str(text)[:1000])
    return line.encode("utf-8", "replace").decode("utf-8")
