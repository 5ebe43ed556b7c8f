"""runflow.yaml with more in it, and everything else as its author wrote it.

Lines are added and none is rewritten. Whether the result says what was meant is not believed but
read: of the ways to add an entry the first counts whose text holds just what it should.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import SpecError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..yaml_text import Place, YamlError, YamlText, read_yaml
from .yaml_words import word

Facts = Mapping[str, str]  # url, sha256

_BEHIND = ("resources", "policy", "endpoints")  # sections that a new `models:` goes in front of

# In double quotes, in single ones, or plain; then the colon.
_KEY = re.compile(
    r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:](?:[^:#]|:(?!\s)|(?<!\s)#)*)\s*:"""
)


def with_models(text: str, entries: Mapping[str, Facts]) -> str:
    """The text with these facts under `models:`, by path; comments, order and layout stay.

    Raises SpecError: `spec-not-edited`, where that cannot be done without rewriting what is there,
    or where an entry has other facts already; YamlError for a text that is no YAML.
    """
    document = read_yaml(text)
    models = document.value.get("models") if isinstance(document.value, dict) else None
    present = models if isinstance(models, dict) else {}
    new = {path: facts for path, facts in sorted(entries.items()) if path not in present}
    for path, facts in sorted(entries.items()):
        if path in present:
            text = _first_true(text, {path: facts}, _extended)
    return _first_true(text, new, _added) if new else text


def with_endpoint(text: str, slug: str, lines: Sequence[str]) -> str:
    """The text with one endpoint more: `lines` are its entry, two spaces to the right of the key
    `endpoints`. Comments, order and layout stay.

    Raises SpecError: `spec-not-edited`; YamlError for a text that is no YAML.
    """
    document = read_yaml(text)
    (entry,) = read_yaml("\n".join(["endpoints:", *lines])).value.values()
    meant = copy.deepcopy(document.value) if isinstance(document.value, dict) else {}
    meant["endpoints"] = {**(meant.get("endpoints") or {}), **entry}
    for candidate in _with_entry(_Lines(text), document, [line[2:] for line in lines]):
        if _says(candidate, meant):
            return candidate
    raise SpecError(
        Finding(
            "spec-not-edited",
            f"{SPEC_FILE} is laid out in a way in which nothing can be added under endpoints:",
            Where(SPEC_FILE, key=("endpoints",)),
            (("entry", "\n".join(line[2:] for line in lines)),),
            f"add the endpoint {slug} by hand",
        )
    )


def _with_entry(lines: _Lines, document: YamlText, entry: list[str]) -> Iterator[str]:
    """The ways to write a block at the end of the endpoints."""
    places = _places(document, "endpoints")
    if places:
        indent = " " * (places[0][1] - 1)
        block = ["", *(f"{indent}{line}" for line in entry)]
        yield lines.with_lines(_behind(lines, document, len(indent), "endpoints"), block)
        return
    yield lines.with_lines(len(lines.lines) + 1, ["", "endpoints:", *(f"  {one}" for one in entry)])


def _first_true(text: str, entries: Mapping[str, Facts], ways: Any) -> str:
    before = read_yaml(text)
    meant = _meant(before.value, entries)
    for candidate in ways(_Lines(text), before, entries):
        if _says(candidate, meant):
            return str(candidate)
    rows = tuple(("entry", _entry(path, facts)) for path, facts in entries.items())
    raise SpecError(
        Finding(
            "spec-not-edited",
            f"{SPEC_FILE} is laid out in a way in which nothing can be added under models:",
            Where(SPEC_FILE, key=("models",)),
            rows,
            "add these entries by hand",
        )
    )


def _says(text: str, meant: Any) -> bool:
    try:
        return bool(read_yaml(text).value == meant)
    except YamlError:
        return False


def _meant(value: Any, entries: Mapping[str, Facts]) -> Any:
    """The document with the entries; what stands there is not replaced."""
    after = copy.deepcopy(value) if isinstance(value, dict) else {}
    models = after.setdefault("models", {})
    if not isinstance(models, dict):
        return None  # no text gives it
    for path, facts in entries.items():
        present = models.get(path) or {}
        models[path] = {**facts, **present} if isinstance(present, dict) else None
    return after


class _Lines:
    """A text by its lines, with its own kind of line ends."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines(keepends=True)
        self.end = "\r\n" if "\r\n" in text else "\n"
        if self.lines and not self.lines[-1].endswith("\n"):
            self.lines[-1] += self.end

    def line(self, number: int) -> str:
        """By its number, from 1."""
        return self.lines[number - 1]

    def with_lines(self, before: int, more: list[str]) -> str:
        """The text with more lines in front of line `before`."""
        at = before - 1
        return "".join([*self.lines[:at], *(f"{one}{self.end}" for one in more), *self.lines[at:]])

    def with_words(self, number: int, column: int, words: str) -> str:
        """The text with words put into a line, at a column from 0."""
        line = self.line(number)
        lines = [*self.lines]
        lines[number - 1] = f"{line[:column]}{words}{line[column:]}"
        return "".join(lines)

    def above(self, number: int) -> int:
        """The line at which the comment begins that stands right above a line."""
        while number > 1 and self.line(number - 1).startswith("#"):
            number -= 1
        return number


def _added(lines: _Lines, document: YamlText, entries: Mapping[str, Facts]) -> Iterator[str]:
    """The ways to write entries that are not there yet."""
    models = document.value.get("models") if isinstance(document.value, dict) else None
    block = [f"  {_entry(*one)}" for one in entries.items()]
    if models is None:
        tops = {key[0]: place[0] for key, place in document.marks.items() if len(key) == 1}
        behind = [tops[name] for name in _BEHIND if name in tops]
        if behind:
            yield lines.with_lines(lines.above(min(behind)), ["models:", *block, ""])
        yield lines.with_lines(len(lines.lines) + 1, ["", "models:", *block])
        return
    number, column = document.marks["models",]
    rest = _after_key(lines.line(number), column - 1)
    if not models:
        line = lines.line(number)
        if rest is not None and (empty := re.match(r"\s*\{\s*\}", line[rest:])):
            lines.lines[number - 1] = line[:rest] + line[rest + empty.end() :]
            yield lines.with_lines(number + 1, block)
        return
    places = _places(document, "models")
    if not places:
        return
    first, indent = places[0][0], places[0][1] - 1
    if first == number:  # {a: …, b: …}
        if rest is not None and (brace := lines.line(number).find("{", rest)) >= 0:
            words = "".join(f"{_entry(*one)}, " for one in entries.items())
            yield lines.with_words(number, brace + 1, words)
        return
    block = [f"{' ' * indent}{_entry(*one)}" for one in entries.items()]
    yield lines.with_lines(_behind(lines, document, indent, "models"), block)
    yield lines.with_lines(number + 1, block)


def _extended(lines: _Lines, document: YamlText, entries: Mapping[str, Facts]) -> Iterator[str]:
    """The ways to write more facts into the entry that is there."""
    ((path, facts),) = entries.items()
    present = document.value["models"][path] or {}
    more = [f"{name}: {word(value)}" for name, value in facts.items() if name not in present]
    if not more:
        yield "".join(lines.lines)
    number, column = document.marks["models", path]
    rest = _after_key(lines.line(number), column - 1)
    if rest is None:
        return
    brace = re.match(r"\s*\{", lines.line(number)[rest:])
    if brace:
        words = ", ".join(more) + (", " if present else "")
        yield lines.with_words(number, rest + brace.end(), words)
    elif present and (places := _places(document, "models", path)):
        first, below = places[0]
        yield lines.with_lines(first, [f"{' ' * (below - 1)}{one}" for one in more])


def _places(document: YamlText, *path: str) -> list[Place]:
    """Where the keys stand that a mapping has itself, in their order."""
    found = document.marks.items()
    return sorted(place for key, place in found if key[:-1] == path and len(key) > len(path))


def _behind(lines: _Lines, document: YamlText, indent: int, section: str) -> int:
    """The line behind the last entry of a section."""
    last = max(place[0] for key, place in document.marks.items() if key[:1] == (section,))
    while last < len(lines.lines):
        after = lines.line(last + 1)
        if not after.strip() or not after.startswith(" " * (indent + 1)):
            break
        last += 1
    return last + 1


def _after_key(line: str, column: int) -> int | None:
    """Where the value may begin, behind the colon of the key at that column, both from 0."""
    key = re.compile(
        r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:](?:[^:#]|:(?!\s)|(?<!\s)#)*)\s*:"""
    )
    found = key.match(line, column)
    return found.end() if found else None


def _entry(path: str, facts: Facts) -> str:
    said = ", ".join(f"{name}: {word(value)}" for name, value in facts.items())
    return f"{word(path)}: {{{said}}}"
