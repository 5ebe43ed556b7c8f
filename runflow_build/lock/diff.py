"""What a change of the lock means, for the person who reviews it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

from ..document import Document
from ..findings import printable
from ..workflow.contract_model import ContractInput, ContractOutput
from .model import EndpointPin, Lock, PythonPins

# In the order in which a reviewer should meet them.
Section = Literal["API", "Endpoints", "Models", "Node packs", "ComfyUI", "Packages", "Inputs"]
SECTIONS: tuple[Section, ...] = get_args(Section)

DiffFormat = Literal["text", "markdown", "json"]


@dataclass(frozen=True)
class Change:
    """One fact that is not as it was."""

    section: Section
    subject: str  # what changed: a slug, a model's path, a package
    what: str  # how, as the end of a sentence that begins with the subject
    breaking: bool = False  # a call that worked may fail, or mean something else
    before: Any = None  # JSON; None: was not there
    after: Any = None  # JSON; None: is not there any more
    field: str | None = None  # of the subject; None: the whole of it

    def to_json(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "subject": self.subject,
            "field": self.field,
            "what": self.what,
            "breaking": self.breaking,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True)
class LockDiff:
    """All changes in the order of SECTIONS, in each the breaking ones first, then by subject."""

    changes: tuple[Change, ...]

    @property
    def breaking(self) -> bool:
        return any(change.breaking for change in self.changes)

    def __bool__(self) -> bool:
        return bool(self.changes)


def diff(before: Lock | None, after: Lock) -> LockDiff:
    """What changed from `before` (None: there was no lock) to `after`."""
    old = before or Lock(python=PythonPins(version=""))  # an empty lock: every other has a Python
    changes = [
        *_endpoints(old, after),
        *_records("Models", old.models, after.models),
        *_records("Node packs", old.nodes, after.nodes),
        *_records("ComfyUI", _one(old.comfyui), _one(after.comfyui)),
        *_python(old.python, after.python),
        *_records("Inputs", old.resources, after.resources),
    ]
    if old.definitions != after.definitions:
        changes.append(_definitions(old, after))
    changes.sort(key=lambda one: (SECTIONS.index(one.section), not one.breaking, one.subject))
    return LockDiff(tuple(changes))


def differ(before: Any, after: Any) -> bool:
    """Whether two values of a lock are not the same: True == 1 for Python, and not for an API."""
    return bool(before != after) or isinstance(before, bool) is not isinstance(after, bool)


def render_diff(diff: LockDiff, format: DiffFormat) -> str:
    """The changes for a terminal, a review comment or a program, without a final newline."""
    renderers: dict[DiffFormat, Callable[[LockDiff], str]] = {
        "text": _text,
        "markdown": _markdown,
        "json": _json,
    }
    return renderers[format](diff)


# -- the API


def _endpoints(old: Lock, new: Lock) -> Iterator[Change]:
    for slug, before, after in _by_key(old.endpoints, new.endpoints):
        if before is None and after is not None:
            what = f"is new, {_counted(after)}"
            yield Change("API", slug, what, after=_json_value(after))
        elif after is None:
            yield Change("API", slug, "is gone", True, _json_value(before))
        elif before is not None:
            yield from _contract(slug, before, after)
            yield from _about(slug, before, after)


def _contract(slug: str, before: EndpointPin, after: EndpointPin) -> Iterator[Change]:
    for name, old_input, new_input in _by_key(before.inputs, after.inputs):
        yield from _input(f"{slug}, input {name}", old_input, new_input)
    for name, old_output, new_output in _by_key(before.outputs, after.outputs):
        yield from _output(f"{slug}, output {name}", old_output, new_output)


def _input(
    subject: str, before: ContractInput | None, after: ContractInput | None
) -> Iterator[Change]:
    if before is None and after is not None:
        what = "is new and required" if after.required else "is new and optional"
        yield Change("API", subject, what, after.required, after=_json_value(after))
    elif after is None:
        yield Change("API", subject, "is gone", True, _json_value(before))
    elif before is not None:
        for change in _fields("API", subject, before, after):
            yield replace(change, breaking=_narrows(change.field, before, after))


def _output(
    subject: str, before: ContractOutput | None, after: ContractOutput | None
) -> Iterator[Change]:
    if before is None:
        yield Change("API", subject, "is new", after=_json_value(after))
    elif after is None:
        yield Change("API", subject, "is gone", True, _json_value(before))
    else:
        for change in _fields("API", subject, before, after):
            yield replace(change, breaking=change.field == "type")


def _narrows(field: str | None, before: ContractInput, after: ContractInput) -> bool:
    """Whether the input refuses, after the field's change, a value that it took before."""
    if field == "type":
        return True
    if field == "required":
        return after.required
    if field == "choices":
        return after.choices is not None and (
            before.choices is None or not set(before.choices) <= set(after.choices)
        )
    if field == "minimum":
        return after.minimum is not None and (
            before.minimum is None or after.minimum > before.minimum
        )
    if field == "maximum":
        return after.maximum is not None and (
            before.maximum is None or after.maximum < before.maximum
        )
    return False  # a step guides a form and refuses nothing; texts and wiring are no values


def _about(slug: str, before: EndpointPin, after: EndpointPin) -> Iterator[Change]:
    """What is not part of the contract."""
    if before.prompt != after.prompt:
        what = "computes something else: its prompt changed"
        yield Change("Endpoints", slug, what, before=before.prompt, after=after.prompt)
    for name in ("name", "description", "workflow", "keep"):
        yield from _value("Endpoints", slug, name, getattr(before, name), getattr(after, name))
    yield from _fields("Endpoints", f"{slug}, gpu", before.gpu, after.gpu)


def _counted(pin: EndpointPin) -> str:
    def count(number: int, what: str) -> str:
        return f"{number} {what}" if number == 1 else f"{number} {what}s"

    return f"with {count(len(pin.inputs), 'input')} and {count(len(pin.outputs), 'output')}"


# -- what it stands on

Pin = TypeVar("Pin", bound=Document)


def _records(
    section: Section, before: Mapping[str, Pin], after: Mapping[str, Pin]
) -> Iterator[Change]:
    for key, old, new in _by_key(before, after):
        if old is None:
            yield Change(section, key, _summary("is new", new), after=_json_value(new))
        elif new is None:
            yield Change(section, key, _summary("is gone", old), before=_json_value(old))
        else:
            yield from _fields(section, key, old, new)


def _one(pin: Pin | None) -> dict[str, Pin]:
    return {} if pin is None else {"ComfyUI": pin}


def _python(before: PythonPins, after: PythonPins) -> Iterator[Change]:
    if before.version:
        yield from _value("Packages", "Python", "version", before.version, after.version)
        yield from _value(
            "Packages", "Python", "requirements", before.requirements, after.requirements
        )
    else:
        yield Change("Packages", "Python", f"is {after.version}", after=after.version)
    yield from _versions("", before.packages, after.packages)
    for target, old, new in _by_key(before.targets, after.targets):
        if old is None or new is None:
            what = "is a new target" if old is None else "is no target any more"
            yield Change("Packages", target, what)
        yield from _versions(
            f" ({target})", old.packages if old else {}, new.packages if new else {}
        )


def _versions(suffix: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name, old, new in _by_key(before, after):
        if old != new:
            what = f"{old or 'new'} → {new or 'gone'}"
            yield Change("Packages", f"{name}{suffix}", what, before=old, after=new)


def _definitions(old: Lock, new: Lock) -> Change:
    before = old.definitions.sha256 if old.definitions else None
    after = new.definitions.sha256 if new.definitions else None
    what = "changed" if before and after else "are new" if after else "are gone"
    return Change("ComfyUI", "node definitions", what, before=before, after=after)


Value = TypeVar("Value")


def _by_key(
    before: Mapping[str, Value], after: Mapping[str, Value]
) -> Iterator[tuple[str, Value | None, Value | None]]:
    """Every key of the two, sorted, with what it stood and stands for; None: it is not there."""
    for key in sorted({*before, *after}):
        yield key, before.get(key), after.get(key)


# -- one record


def _fields(section: Section, subject: str, before: Document, after: Document) -> Iterator[Change]:
    for name, field in type(before).model_fields.items():
        shown = field.alias or name
        yield from _value(section, subject, shown, getattr(before, name), getattr(after, name))


def _value(section: Section, subject: str, name: str, before: Any, after: Any) -> Iterator[Change]:
    if differ(before, after):
        what = f"{name} {_shown(name, before)} → {_shown(name, after)}"
        old, new = _json_value(before), _json_value(after)
        yield Change(section, subject, what, before=old, after=new, field=name)


def _summary(what: str, pin: Document | None) -> str:
    """The one fact that tells a pin: its commit or its content."""
    for name in ("commit", "sha256"):
        if value := getattr(pin, name, None):
            return f"{what} ({_shown(name, value)})"
    return what


def _shown(name: str, value: Any) -> str:
    if value is None or value == []:
        return "none"
    if name in ("commit", "sha256"):
        return str(value)[:12]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, Document):
        return " ".join(str(part) for part in value.model_dump(exclude_none=True).values())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:77]}…"


def _json_value(value: Any) -> Any:
    if isinstance(value, Document):
        return value.model_dump(by_alias=True, exclude_defaults=True)
    return value


# -- rendering


def _text(diff: LockDiff) -> str:
    lines: list[str] = []
    for section, changes in _grouped(diff):
        lines.append(section)
        lines += [
            printable(f"  {'BREAKING ' if one.breaking else ''}{one.subject}: {one.what}")
            for one in changes
        ]
    return "\n".join(lines) or "no changes"


def _markdown(diff: LockDiff) -> str:
    lines = []
    for section, changes in _grouped(diff):
        lines += ["", f"### {section}", ""]
        for one in changes:
            mark = "**breaking** " if one.breaking else ""
            lines.append(printable(f"- {mark}{_code(one.subject)}: {_plain(one.what)}"))
    return "\n".join(lines[1:]) or "No changes."


def _json(diff: LockDiff) -> str:
    changes = [change.to_json() for change in diff.changes]
    return json.dumps({"breaking": diff.breaking, "changes": changes}, indent=2)


def _grouped(diff: LockDiff) -> Iterator[tuple[Section, list[Change]]]:
    for section in SECTIONS:
        if changes := [one for one in diff.changes if one.section == section]:
            yield section, changes


def _code(text: str) -> str:
    """A code span; names come from workflows, and may hold backticks."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _plain(text: str) -> str:
    """Text that markdown and HTML leave alone."""
    for char in "\\`*_<>[]|":
        text = text.replace(char, f"\\{char}")
    return text
