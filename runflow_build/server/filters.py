"""The filter language of `q`, turned into SQL.

    slug.eq:'poster'      status_code:succeeded AND created_at>2026-04-01
    NOT (client_ref.in:('a','b') OR failure_code.isnull:true)

A comparison is `field.op:value` with op one of eq ne gt gte lt lte in like isnull, or
`field:value`, also with `= != < <= > >=`. Text may stand in single quotes ('' is one quote) and
must where it holds spaces, parentheses or commas. AND binds closer than OR. Text is compared
case-sensitively; a bare `null` means no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, not_, or_

MAX_CHARS = 4096
_MAX_DEPTH = 40
_MAX_INTEGER = 2**63 - 1

Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "like", "isnull"]
_SIGNS: Mapping[str, Operator] = {
    ":": "eq", "=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte",
}  # fmt: skip
_COMPARE: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGN = re.compile(r">=|<=|!=|[:=<>]")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_BARE = re.compile(r"[^\s()',]+")


@dataclass(frozen=True)
class Field:
    """A field that may be filtered by; times are kept as the text that `clock.iso` writes."""

    column: ColumnElement[Any]
    kind: Literal["text", "time", "integer", "boolean"] = "text"


class FilterError(ValueError):
    """Why `q` cannot be understood, with the place."""


def clause(q: str, fields: Mapping[str, Field]) -> ColumnElement[bool]:
    """The condition that `q` stands for. Raises FilterError."""
    if len(q) > MAX_CHARS:
        raise FilterError(f"the filter is longer than {MAX_CHARS} characters")
    reader = _Reader(q, fields)
    condition = reader.either(0)
    if reader.rest():
        raise reader.error("AND, OR or the end")
    return condition


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self.text = text
        self.fields = fields
        self.position = 0

    def either(self, depth: int) -> ColumnElement[bool]:
        """`both (OR both)*`"""
        if depth > _MAX_DEPTH:
            raise FilterError(f"the filter nests deeper than {_MAX_DEPTH} levels")
        parts = [self.both(depth)]
        while self.word("OR"):
            parts.append(self.both(depth))
        return or_(*parts)

    def both(self, depth: int) -> ColumnElement[bool]:
        """`single (AND single)*`"""
        parts = [self.single(depth)]
        while self.word("AND"):
            parts.append(self.single(depth))
        return and_(*parts)

    def single(self, depth: int) -> ColumnElement[bool]:
        """A comparison, a negation or a group."""
        if depth > _MAX_DEPTH:
            raise FilterError(f"the filter nests deeper than {_MAX_DEPTH} levels")
        if self.word("NOT"):
            return not_(self.single(depth + 1))
        if self.mark("("):
            condition = self.either(depth + 1)
            if not self.mark(")"):
                raise self.error("`)`")
            return condition
        return self.comparison()

    def comparison(self) -> ColumnElement[bool]:
        name = self.match(_NAME, "a field name")
        field = self.fields.get(name)
        if field is None:
            known = ", ".join(sorted(self.fields))
            raise FilterError(f"there is no field `{name[:60]}` to filter by; known: {known}")
        operator = self.operator()
        if operator == "in":
            return self.membership(field)
        literal, quoted = self.literal()
        if operator == "isnull":
            absent = _converted(Field(field.column, "boolean"), literal)
            return field.column.is_(None) if absent else field.column.is_not(None)
        if literal == "null" and not quoted and operator in ("eq", "ne"):
            return field.column.is_(None) if operator == "eq" else field.column.is_not(None)
        if operator == "like":
            if field.kind != "text":
                raise FilterError(f"`{name}` is no text, so `like` makes no sense")
            return field.column.like(literal)
        if field.kind == "boolean" and operator not in ("eq", "ne"):
            raise FilterError(f"`{name}` is true or false and has no order")
        return _COMPARE[operator](field.column, _converted(field, literal))

    def operator(self) -> str:
        if self.mark("."):
            operator = self.match(_NAME, "an operator").lower()
            if operator not in (*_COMPARE, "in", "like", "isnull"):
                known = ", ".join((*_COMPARE, "in", "like", "isnull"))
                raise FilterError(f"there is no operator `{operator[:60]}`; known: {known}")
            if not self.mark(":"):
                raise self.error("`:`")
            return operator
        return _SIGNS[self.match(_SIGN, "`:` or a comparison sign")]

    def membership(self, field: Field) -> ColumnElement[bool]:
        if not self.mark("("):
            raise self.error("`(`")
        values = [_converted(field, self.literal()[0])]
        while self.mark(","):
            values.append(_converted(field, self.literal()[0]))
        if not self.mark(")"):
            raise self.error("`)`")
        return field.column.in_(values)

    def literal(self) -> tuple[str, bool]:
        """The value, and whether it stood in quotes."""
        self.skip()
        if found := _QUOTED.match(self.text, self.position):
            self.position = found.end()
            return found.group(1).replace("''", "'"), True
        return self.match(_BARE, "a value"), False

    def match(self, pattern: re.Pattern[str], wanted: str) -> str:
        self.skip()
        found = pattern.match(self.text, self.position)
        if not found:
            raise self.error(wanted)
        self.position = found.end()
        return found.group()

    def mark(self, char: str) -> bool:
        self.skip()
        if not self.text.startswith(char, self.position):
            return False
        self.position += len(char)
        return True

    def word(self, word: str) -> bool:
        """Take a keyword, in any case, when it stands here as a whole word."""
        self.skip()
        found = _NAME.match(self.text, self.position)
        if not found or found.group().upper() != word:
            return False
        self.position = found.end()
        return True

    def rest(self) -> str:
        self.skip()
        return self.text[self.position :]

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def error(self, wanted: str) -> FilterError:
        found = f"`{self.rest()[:30]}`" if self.rest() else "the end"
        return FilterError(f"expected {wanted} at character {self.position + 1}, found {found}")


def _converted(field: Field, literal: str) -> str | int | bool:
    if field.kind == "boolean":
        if literal.lower() not in ("true", "false"):
            raise FilterError(f"expected true or false, found `{literal[:60]}`")
        return literal.lower() == "true"
    if field.kind == "integer":
        if not re.fullmatch(r"-?[0-9]{1,19}", literal) or abs(int(literal)) > _MAX_INTEGER:
            raise FilterError(f"expected a whole number, found `{literal[:60]}`")
        return int(literal)
    if field.kind == "time":
        return _instant(literal)
    return literal


def _instant(literal: str) -> str:
    text = literal[:-1] + "+00:00" if literal[-1:] in ("Z", "z") else literal
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        return found.astimezone(timezone.utc).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        raise FilterError(f"expected an ISO 8601 time, found `{literal[:60]}`") from None
