"""Strict YAML: text to plain values, with the line and column of every key.

Scalars follow the core schema of YAML 1.2, so `57:8`, `on`, `no` and `2024-01-01` stay text and
`0123456` is a decimal number. Whatever makes a file mean something else than it seems to say is an
error: duplicate keys, anchors, aliases, merge keys, tags, keys that are no text, further documents.

The values are built from the parser's events without recursion, so deep nesting costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeAlias

import yaml

from .errors import RunflowError
from .findings import Finding, Key, Where
from .redact import shown

Place: TypeAlias = tuple[int, int]  # line and column, both 1-based

DEEPEST = 100  # nested collections
LARGEST = 16 * 1024 * 1024  # bytes of UTF-8
LONGEST_NUMBER = 1000  # characters; Python itself refuses to print integers from 4300 on
MOST_FINDINGS = 50  # a hostile file must not flood the terminal

_TOO_DEEP = f"the values nest deeper than {DEEPEST} levels"
_FLATTER = "write it flatter"

_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)"
    r"|0o(?P<octal>[0-7]+)"
    r"|0x(?P<hex>[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<special>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


class YamlError(RunflowError):
    """The text is not the YAML that we read; findings with line and column, and no file yet."""


@dataclass(frozen=True)
class YamlText:
    """A YAML document as plain values: dict, list, str, int, float, bool, None."""

    value: Any
    marks: Mapping[Key, Place]  # where each key, and each item of a list, begins
    written: Mapping[Key, str]  # the text of each plain scalar that was read as something else


def placed(finding: Finding, marks: Mapping[Key, Place], file: str) -> Finding:
    """The finding in `file`, with line and column of the nearest key that `marks` knows."""
    finding = finding.in_file(file)
    key = finding.where.key
    if finding.where.file != file or finding.where.line is not None:
        return finding
    while key and key not in marks:
        key = key[:-1]
    if not key:
        return finding  # about the file as a whole
    line, column = marks[key]
    return replace(finding, where=replace(finding.where, line=line, column=column))


def read_yaml(text: str) -> YamlText:
    """Parse one YAML document; an empty one is None.

    Raises YamlError with all that is wrong, up to the point from which nothing can be made out:
    `yaml-syntax`, `yaml-conflict`, `yaml-duplicate-key`, `yaml-anchor`, `yaml-key`,
    `yaml-too-deep`, `file-too-large`, `file-not-text`.
    """
    text = text.removeprefix("\ufeff")
    _refuse_odd_text(text)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise YamlError(*builder.findings, _syntax(error, text)) from None
    if builder.findings:
        raise YamlError(*builder.findings)
    return YamlText(builder.root, builder.marks, builder.written)


def scalar(text: str) -> str | int | float | bool | None:
    """What a plain (unquoted) scalar means in the core schema of YAML 1.2.

    Raises ValueError for a number of more than LONGEST_NUMBER characters.
    """
    if text in _WORDS:
        return _WORDS[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} characters")
    if match.lastgroup == "int":
        return int(text)
    if match.lastgroup == "octal":
        return int(match["octal"], 8)
    if match.lastgroup == "hex":
        return int(match["hex"], 16)
    return float(text.replace(".", "") if match.lastgroup == "special" else text)


def _refuse_odd_text(text: str) -> None:
    """Raise YamlError for text that no YAML parser should see."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        raise YamlError(
            Finding(
                "file-too-large",
                f"the file has {size / 2**20:.0f} MiB; {LARGEST // 2**20} MiB are allowed",
                fix="keep data out of this file",
            )
        )
    if odd := _FORBIDDEN.search(text):
        before = text[: odd.start()]
        line = before.count("\n") + 1
        column = odd.start() - (before.rfind("\n") + 1) + 1
        raise YamlError(
            Finding(
                "file-not-text",
                f"the character U+{ord(odd[0]):04X} has no place in YAML text",
                Where(line=line, column=column),
                fix="delete it, or write it as an escape in double quotes",
            )
        )


@dataclass
class _Open:
    """A collection whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    path: Key
    key: str | None = None  # of a mapping: read, and waiting for its value

    @property
    def awaits_key(self) -> bool:
        return self.key is None and isinstance(self.value, dict)


class _Builder:
    """Takes the parser's events one by one; root, marks, written and findings grow with them."""

    def __init__(self) -> None:
        self.root: Any = None
        self.marks: dict[Key, Place] = {}
        self.written: dict[Key, str] = {}
        self.findings: list[Finding] = []
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Add one event; raises YamlError where going on makes no sense."""
        if isinstance(event, yaml.NodeEvent):
            self._take_node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop("yaml-syntax", "a second document begins here", event, "remove the ---")

    def _take_node(self, event: yaml.NodeEvent) -> None:
        as_key = bool(self._open) and self._open[-1].awaits_key
        if isinstance(event, yaml.AliasEvent):
            message = f"*{shown(event.anchor)} stands for a value from elsewhere"
            self._refuse("yaml-anchor", message, event, "write the value itself here")
        elif event.anchor is not None:
            message = f"&{shown(event.anchor)} names a value for use elsewhere"
            self._refuse("yaml-anchor", message, event, "remove it, and write each value out")
        if getattr(event, "tag", None) is not None:
            self._refuse("yaml-anchor", "a value has a tag (!…)", event, "remove the tag")
        if not as_key:
            self._take_value(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._take_key(event)
        else:
            fix = "write a word as the key; put text that begins with { or [ in quotes"
            self._stop("yaml-key", "a key of a mapping is itself a collection", event, fix)

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        """Note the key of the next entry; a twin is reported, and the first value stays."""
        mapping = self._open[-1]
        key = event.value
        if event.implicit[0]:
            if key == "<<":
                fix = "remove it, and write the keys out"
                self._refuse("yaml-anchor", "<< merges another mapping into this one", event, fix)
            elif not isinstance(value := self._scalar(event), str):
                kind = {bool: "true or false", type(None): "nothing"}.get(type(value), "a number")
                message = f"the key `{shown(key)}` is read as {kind}, not as text"
                self._refuse("yaml-key", message, event, f'write it in quotes: "{shown(key)}"')
        mapping.key = key
        path = (*mapping.path, key)
        if key in mapping.value:
            self._refuse(
                "yaml-duplicate-key",
                f"the key `{shown(key)}` stands twice in one mapping",
                event,
                "remove one of the two",
                ("first", f"line {self.marks[path][0]}"),
            )
        else:
            self.marks[path] = _place(event)

    def _take_value(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            path = self._put(value, event)
            if len(self._open) == DEEPEST:
                self._stop("yaml-too-deep", _TOO_DEEP, event, _FLATTER)
            self._open.append(_Open(value, path))
        elif isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event) if event.implicit[0] else event.value
            path = self._put(value, event)
            if not isinstance(value, str):
                self.written[path] = event.value
        else:
            self._put(None, event)

    def _put(self, value: Any, event: yaml.Event) -> Key:
        """Place a value where the next one belongs; returns its path."""
        if not self._open:
            self.root = value
            self.marks[()] = _place(event)
            return ()
        parent = self._open[-1]
        if isinstance(parent.value, list):
            path = (*parent.path, len(parent.value))
            parent.value.append(value)
            self.marks[path] = _place(event)
            return path
        assert parent.key is not None
        path = (*parent.path, parent.key)
        parent.value.setdefault(parent.key, value)
        parent.key = None
        return path

    def _scalar(self, event: yaml.ScalarEvent) -> str | int | float | bool | None:
        try:
            return scalar(event.value)
        except ValueError as error:
            self._refuse("yaml-syntax", f"{error} is no number for us", event, "put it in quotes")
            return None

    def _refuse(
        self, code: str, message: str, event: yaml.Event, fix: str, *also: tuple[str, str]
    ) -> None:
        line, column = _place(event)
        self.findings.append(Finding(code, message, Where(line=line, column=column), also, fix))
        if len(self.findings) == MOST_FINDINGS:
            raise YamlError(*self.findings)

    def _stop(self, code: str, message: str, event: yaml.Event, fix: str) -> NoReturn:
        self._refuse(code, message, event, fix)
        raise YamlError(*self.findings)


def _place(event: yaml.Event) -> Place:
    assert event.start_mark is not None  # parsers set it; only events made for an emitter lack it
    return event.start_mark.line + 1, event.start_mark.column + 1


_SYNTAX: Mapping[
    str, tuple[str, str]
] = {  # what the parser says -> what a person reads, and the fix
    "mapping values are not allowed": (
        "`key: value` is not possible here",
        "indent the key like its neighbours; put a value that holds `: ` in quotes",
    ),
    "could not find expected ':'": ("a key without `:`", "write `key: value`"),
    "found unexpected end of stream": ("a quote is never closed", "close the quote"),
    "did not find expected ',' or": (
        "a bracket is never closed, or a comma is missing",
        "close it",
    ),
    "did not find expected '-' indicator": (
        "a list goes on with something that is no item",
        "begin each item with `- `, or indent the line like what it belongs to",
    ),
    "did not find expected key": (
        "a mapping goes on with something that is no key",
        "indent the line like its neighbours, and check the brackets and quotes above it",
    ),
}


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Finding:
    """The parser's complaint in plain words; marks of an unfinished merge go before all else."""
    if conflict := _CONFLICT.search(text):
        return Finding(
            "yaml-conflict",
            "the file holds the marks of an unfinished merge",
            Where(line=text.count("\n", 0, conflict.start()) + 1, column=1),
            fix="finish the merge, and delete the lines of <<<<<<<, ======= and >>>>>>>",
        )
    problem = error.problem or "the text is no YAML"
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if "maximum nesting depth" in problem:  # newer parsers have a limit of their own
        return Finding("yaml-too-deep", _TOO_DEEP, Where(line=line, column=column), fix=_FLATTER)
    also = []
    if error.context_mark and error.context_mark.line + 1 != line:
        also.append(("begun", f"line {error.context_mark.line + 1}"))
    message, fix = problem, "check the brackets, quotes and indentation near this line"
    for said, plain in _SYNTAX.items():
        if problem.startswith(said):
            message, fix = plain
    if "cannot start any token" in problem or "a tab character" in problem:
        message, fix = _bad_start(text, line, column)
    return Finding("yaml-syntax", message, Where(line=line, column=column), tuple(also), fix)


def _bad_start(text: str, line: int, column: int) -> tuple[str, str]:
    """Message and fix for a character that cannot begin a value."""
    lines = text.splitlines()
    character = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
    if character == "\t":
        return "a tab stands where YAML wants spaces", "indent with spaces"
    return f"a value cannot begin with {character}", "put the value in quotes"
