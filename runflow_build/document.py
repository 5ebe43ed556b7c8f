"""The base of every document that crosses a border: runflow.yaml, runflow.lock, bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from .findings import Finding, Key, Where
from .redact import shown


class Document(BaseModel):
    """A strict, immutable value; unknown keys are errors, and no value is silently converted.

    Building a model's validator is put off until its first use, because importing the formats must
    cost next to nothing (every `doit` call does it).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        populate_by_name=True,
    )


_EMPTY = '""'  # how an empty key shows


@dataclass(frozen=True)
class DocumentCodes:
    """The finding codes that one format uses for the four ways in which a document can be wrong."""

    unknown_key: str
    missing_key: str
    wrong_type: str
    wrong_value: str


def refusal(message: str, fix: str = "", code: str = "") -> PydanticCustomError:
    """What a validator raises: the sentence goes on after the value's name ("must not be empty").

    `code` replaces the format's code for wrong values.
    """
    return PydanticCustomError(
        "refused", "{message}", {"message": message, "fix": fix, "code": code}
    )


def explain(
    error: ValidationError,
    document: type[Document],
    value: Any,
    codes: DocumentCodes,
    written: Mapping[Key, str],
) -> list[Finding]:
    """Every problem that pydantic found in `value`, in a person's words, placed by key.

    `written` holds the text of scalars that YAML read as something else than text; without it a
    person does not see why `3.10` is no version.
    """
    findings: dict[tuple[Key, str], Finding] = {}
    for detail in error.errors(include_url=False):
        key = _key_in(value, detail)
        finding = _explained(detail, key, document, codes, written.get(key))
        # A union reports its wrong type once per member; the first says it.
        findings.setdefault((key, "" if detail["type"] in _EXPECTED else finding.message), finding)
    return list(findings.values())


def key_text(key: Key) -> str:
    """`endpoints.poster.keep[0]`: a key as a person writes it."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part or _EMPTY}" for part in key]
    return shown("".join(parts).removeprefix("."))


def kind_of(value: Any) -> str:
    """What a value of a document is, in a person's words: "a number", "a list"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return f"the number {shown(value)}"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


_EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of `key: value`",
    "model_type": "a mapping of `key: value`",
}
_LIMITS: Mapping[str, str] = {
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must have the form {pattern}",
    "too_short": "must not be empty",
    "finite_number": "must be a finite number",
}


def _key_in(value: Any, detail: ErrorDetails) -> Key:
    """The error's place as a key of the document, without the names that pydantic gives unions."""
    location = detail["loc"]
    key: list[str | int] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if (isinstance(value, dict) and part in value) or isinstance(value, list):
            value = value[part]  # type: ignore[index]
        elif not (last and detail["type"] == "missing"):
            continue
        key.append(part)
    return tuple(key)


def _explained(
    detail: ErrorDetails,
    key: Key,
    document: type[Document],
    codes: DocumentCodes,
    written: str | None,
) -> Finding:
    kind, name, where = detail["type"], key_text(key) or "the document", Where(key=key)
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(key, document, codes.unknown_key)
    if kind == "missing":
        parent = key_text(key[:-1])
        place = f"below `{parent}`" if parent else "at the top level"
        message = f"`{key[-1]}` is missing {place}"
        return Finding(codes.missing_key, message, where, fix=f"add `{key[-1]}: …` {place}")
    if kind == "refused":
        code = context["code"] or codes.wrong_value
        return Finding(code, f"`{name}` {context['message']}", where, fix=context["fix"] or None)
    if expected := _EXPECTED.get(kind):
        message = f"`{name}` must be {expected}; {_found(detail['input'], written)}"
        fix = _type_fix(detail["input"], kind, written)
        return Finding(codes.wrong_type, message, where, fix=fix)
    if kind == "literal_error":
        wanted = context["expected"].replace("'", "")
        message = f"`{name}` must be {wanted}; {_found(detail['input'], written)}"
        return Finding(codes.wrong_value, message, where, fix=f"write {wanted}")
    limit = _LIMITS.get(kind)
    message = limit.format(**context) if limit else detail["msg"]
    return Finding(codes.wrong_value, f"`{name}` {message}", where)


def _found(value: Any, written: str | None) -> str:
    if value is None:
        return "it has no value"
    if written is not None and written != str(value):
        return f"{shown(written)} is read as {kind_of(value)}"
    return f"found `{shown(value)}`" if isinstance(value, str) else f"found {kind_of(value)}"


def _type_fix(value: Any, kind: str, written: str | None) -> str:
    if value is None:
        return "give it a value, or remove the line"
    if kind == "string_type" and not isinstance(value, dict | list):
        return f'write it in quotes: "{shown(value if written is None else written)}"'
    if kind == "list_type" and isinstance(value, str):
        return f"write it as a list: [{shown(value)}]"
    if kind in ("dict_type", "model_type"):
        return "write its keys below it, each as `key: value`"
    return f"write {_EXPECTED[kind]}"


def _unknown_key(key: Key, document: type[Document], code: str) -> Finding:
    """An unknown key, with the nearest known one or else all of them."""
    unknown, known = str(key[-1]), _known_keys(document, key[:-1])
    place = f" below `{key_text(key[:-1])}`" if key[:-1] else ""
    message = f"unknown key `{shown(unknown)}`{place}"
    if near := get_close_matches(unknown, known, n=1):
        message += f"; did you mean `{near[0]}`?"
        return Finding(code, message, Where(key=key), fix=f"write `{near[0]}`")
    also = (("known", ", ".join(known)),)
    return Finding(code, message, Where(key=key), also, "remove it")


def _known_keys(document: type[Document], key: Key) -> list[str]:
    """The keys that the format knows in the document at this place."""
    annotation: Any = document
    for part in key:
        fields = _fields(annotation)
        annotation = fields[str(part)] if fields else get_args(annotation)[-1]
        while get_origin(annotation) in (Annotated, Union, UnionType):
            annotation = get_args(annotation)[0]  # `X | None`, `Annotated[X, …]`
    return list(_fields(annotation))


def _fields(annotation: Any) -> dict[str, Any]:
    """Name -> annotation of a document's fields; empty for any other type."""
    if get_origin(annotation) or not issubclass(annotation, Document):
        return {}
    fields = annotation.model_fields
    return {field.alias or name: field.annotation for name, field in fields.items()}
