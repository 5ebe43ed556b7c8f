"""What the editor does to texts when it makes a prompt: dynamic prompts and file name patterns.

Source: ComfyUI frontend 1.35.9, the extensions Comfy.DynamicPrompts and Comfy.SaveImageExtraOutput.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_COMMENT = re.compile(r"/\*[\s\S]*?\*/|//.*")
_PLAIN = re.compile(r"[^{}|\\]+")
_ESCAPED = re.compile(r"\\([{}|])")
_PATTERN = re.compile(r"%([^%]+)%")
_NO_FILE_NAME = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')


def dynamic_prompt(text: str) -> tuple[str, bool]:
    """The text without comments, each `{a|b}` replaced by its first choice; and whether it chose.

    The editor draws a choice anew each time; a locked prompt cannot, and the first is one that the
    editor may draw. `{`, `}` and `|` behind a backslash stay, without the backslash.
    """
    chose = False
    open_texts = [_Reader(_COMMENT.sub("", text))]
    while True:
        reader = open_texts[-1]
        block = reader.read_to_block()
        if block is not None:
            # A choice is a text of its own: it is read to its end before the outer one goes on.
            chose = chose or len(set(block)) > 1
            open_texts.append(_Reader(_COMMENT.sub("", block[0])))
            continue
        open_texts.pop()
        result = _ESCAPED.sub(r"\1", reader.result)
        if not open_texts:
            return result, chose
        open_texts[-1].result += result


class _Reader:
    """One text on its way from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = 0
        self.result = ""

    def read_to_block(self) -> list[str] | None:
        """Read on behind the next `{…}` and return its choices; None at the end of the text."""
        while self._index < len(self._text):
            piece = self._next()
            if piece == "{":
                return self._choices()
            self.result += piece
        return None

    def _choices(self) -> list[str]:
        """The choices of a block whose `{` was just read; it may lack its `}`."""
        choices, depth = [""], 0
        while self._index < len(self._text):
            piece = self._next()
            if piece == "}" and not depth:
                break
            if piece == "|" and not depth:
                choices.append("")
                continue
            depth += (piece == "{") - (piece == "}")
            choices[-1] += piece
        return choices

    def _next(self) -> str:
        """The next run of plain text, a mark, or a backslash with what it escapes."""
        if plain := _PLAIN.match(self._text, self._index):
            self._index = plain.end()
            return plain[0]
        char = self._text[self._index]
        self._index += 1
        if char != "\\":
            return char
        self._index += 1
        # The editor reads past the end of the text, and JavaScript calls that `undefined`.
        return char + (self._text[self._index - 1 : self._index] or "undefined")


def filled_prefix(text: str, value_of: Callable[[str, str], Any]) -> str:
    """A file name prefix with each `%Node.widget%` replaced by that widget's value.

    `value_of(node name, widget name)` raises KeyError where there is none; such a pattern stays, as
    do all others (`%date:…%` too, which needs a clock).
    """

    def replaced(match: re.Match[str]) -> str:
        parts = match[1].split(".")
        if len(parts) != 2:
            return match[0]
        try:
            value = value_of(parts[0], parts[1])
        except KeyError:
            return match[0]
        return _NO_FILE_NAME.sub("_", as_text(value))

    return _PATTERN.sub(replaced, text)


def has_date(text: str) -> bool:
    """Whether the editor would write the time of queueing into this prefix."""
    return any(match[1].startswith("date:") for match in _PATTERN.finditer(text))


def as_text(value: Any) -> str:
    """A JSON value as JavaScript turns it into text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
