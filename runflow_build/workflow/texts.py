"""What the editor does to texts when it makes a prompt: dynamic prompts and file name patterns.

What it draws or reads off a clock is left for the run: `settled_text` and `filled_prefix` are for
making a prompt, `drawn_text` and `dated_prefix` for running it.
Source: ComfyUI frontend 1.35.9, formatUtil.ts `processDynamicPrompt` and `formatDate`,
searchAndReplace.ts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

_COMMENT = re.compile(r"/\*[\s\S]*?\*/|//[^\n\r\u2028\u2029]*")
_PIECE = re.compile(r"\\.?|[{}|]|[^\\{}|]+", re.DOTALL)
_TO_BLOCK = re.compile(r"(?:[^\\{]+|\\.)*", re.DOTALL)
_ESCAPED = re.compile(r"\\([{}|])")

_PATTERN = re.compile(r"%([^%]+)%")
# One dot makes it `%Node.widget%`; of a format with more dots, what stands before the first counts.
_DATE = re.compile(r"%date:([^%.]*)(?:\.[^%.]*\.[^%]*)?%")
_DATE_PART = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyy?y?")
_NO_FILE_NAME = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')


# -- dynamic prompts


def settled_text(text: str, depth: int = 6) -> str | None:
    """What the editor sends for the text; None where that is drawn anew each time.

    It takes comments away, the backslash before `{`, `}` and `|`, and the braces around a choice
    that is none (`{only}`, `{same|same}`, also when its options only come to be the same). Choices
    inside more than `depth` others are not compared so closely.
    """
    draws = False

    def first(source: str, bounds: list[int]) -> int:
        nonlocal draws
        if draws or len(bounds) == 2:  # the second only saves time: it copies no text
            return 0
        options = {source[start + 1 : end] for start, end in pairwise(bounds)}
        if len(options) > 1:
            settled = {settled_text(one, depth - 1) for one in options} if depth else {None}
            draws = len(settled) > 1 or None in settled
        return 0

    settled = _walked(text, first)
    return None if draws else settled


def drawn_text(text: str, choose: Callable[[int], int]) -> str:
    """A text that the editor may draw: `choose(count)` gives the index of each choice in turn."""
    return _walked(text, lambda _, bounds: choose(len(bounds) - 1))


@dataclass(frozen=True)
class _Source:
    """A text without comments, and where its choices stand."""

    text: str
    bounds: dict[int, list[int]]  # place of a `{` -> its own, those of its `|`s, that of its `}`
    clean: bool  # taking comments away once more changes nothing, in no part of it either

    @classmethod
    def of(cls, written: str) -> _Source:
        text = _COMMENT.sub("", written)
        bounds: dict[int, list[int]] = {}
        unclosed: list[int] = []
        piece = None
        for piece in _PIECE.finditer(text):
            mark, place = piece[0], piece.start()
            if mark == "{":
                unclosed.append(place)
                bounds[place] = [place]
            elif mark == "|" and unclosed:
                bounds[unclosed[-1]].append(place)
            elif mark == "}" and unclosed:
                bounds[unclosed.pop()].append(place)
        if piece and piece[0] == "\\":
            # The editor reads past the end of the text, and JavaScript calls that `undefined`.
            text += "undefined"
        for place in unclosed:
            bounds[place].append(len(text))
        return cls(text, bounds, not _COMMENT.search(text))


@dataclass
class _Reading:
    """A part of a source on its way from left to right."""

    source: _Source
    place: int
    end: int
    result: str = ""


def _walked(written: str, pick: Callable[[str, list[int]], int]) -> str:
    """The text with each choice replaced by the option that `pick(text, its bounds)` names.

    An option is a text of its own: it is read to its end before the outer one goes on.
    """
    source = _Source.of(written)
    readings = [_Reading(source, 0, len(source.text))]
    while True:
        reading = readings[-1]
        source = reading.source
        plain = _TO_BLOCK.match(source.text, reading.place, reading.end)
        if plain:
            reading.result += plain[0]
            reading.place = plain.end()
        if reading.place < reading.end:
            bounds = source.bounds[reading.place]
            reading.place = min(bounds[-1] + 1, reading.end)
            option = pick(source.text, bounds)
            readings.append(_part(source, bounds[option] + 1, bounds[option + 1]))
            continue
        readings.pop()
        result = _ESCAPED.sub(r"\1", reading.result) if "\\" in reading.result else reading.result
        if not readings:
            return result
        readings[-1].result += result


def _part(source: _Source, start: int, end: int) -> _Reading:
    if source.clean:
        return _Reading(source, start, end)
    part = _Source.of(source.text[start:end])
    return _Reading(part, 0, len(part.text))


# -- file name patterns


def filled_prefix(text: str, value_of: Callable[[str, str], str]) -> str:
    """A file name prefix with each `%Node.widget%` replaced by that widget's value.

    `value_of(node name, widget name)` gives the value as JavaScript writes it, and raises KeyError
    where there is none; such a pattern stays, as all others do. What `dated_prefix` makes of the
    result is what the editor makes of the text.
    """
    literals, dates, end = [""], [], 0
    for pattern in _PATTERN.finditer(text):
        literals[-1] += text[end : pattern.start()]
        end = pattern.end()
        if _DATE.fullmatch(pattern[0]):
            dates.append(pattern[0])
            literals.append("")
        else:
            literals[-1] += _value(pattern, value_of)
    literals[-1] += text[end:]
    filled = _joined(literals, dates)
    if _DATE.split(filled)[::2] != literals:
        # A stray percent sign pairs otherwise than in the editor's one pass. A date with an empty
        # format, which gives nothing, keeps apart what must not be read as a date.
        literals = [literal.replace("%date:", "%%date:%date:") for literal in literals]
        filled = _joined(literals, dates)
    return filled


def has_date(prefix: str) -> bool:
    """Whether the editor writes the time of queueing into what `filled_prefix` gave."""
    return _DATE.search(prefix) is not None


def dated_prefix(prefix: str, now: datetime) -> str:
    """What `filled_prefix` gave, with each `%date:…%` replaced by the time, on the clock of `now`.

    The format knows d dd M MM yy yyyy h hh m mm s ss, hours from 0 to 23; the rest stands for
    itself.
    """
    return _DATE.sub(lambda date: formatted(now, date[1]), prefix)


def formatted(now: datetime, pattern: str) -> str:
    """The time in the editor's date format: `yyyy-MM-dd`."""
    numbers = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def written(part: re.Match[str]) -> str:
        letters = part[0]
        if letters[0] in numbers:
            return str(numbers[letters[0]]).zfill(len(letters))
        if letters == "yyy":
            return letters
        return str(now.year) if letters == "yyyy" else str(now.year)[2:]

    return _DATE_PART.sub(written, pattern)


def _value(pattern: re.Match[str], value_of: Callable[[str, str], str]) -> str:
    names = pattern[1].split(".")
    if len(names) != 2:
        return pattern[0]
    try:
        return _NO_FILE_NAME.sub("_", value_of(*names))
    except KeyError:
        return pattern[0]


def _joined(literals: list[str], dates: list[str]) -> str:
    return literals[0] + "".join(map(str.__add__, dates, literals[1:]))
