"""Two locks become one: pins of both sides by key, and where they differ, by wish, then by change.

A lock is only an answer: whatever is taken here, locking keeps a pin only where it answers the
merged runflow.yaml, and finds the rest anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from .. import digest
from ..document import Document
from ..errors import LockError, WorkflowError
from ..file_names import DEFINITIONS_FILE, LOCK_FILE
from ..findings import Finding, Where
from ..redact import shown
from ..spec.model import Spec
from ..workflow.definitions_text import DefinitionsFile, read_definitions
from . import repository
from .compile import python_pins
from .conflict import Sides, first_mark, split_conflict, unreadable
from .model import ComfyUIPin, Lock, ModelPin, NodePackPin, PythonPins, ResourcePin, TargetPins
from .text import read_lock

Side = Literal["ours", "theirs", "mixed"]
MOST_NAMES = 8  # of pins that a finding names

_COMPUTED = ("required_by", "used_by")  # locking fills them in; no fact of the pin
_Pin = TypeVar("_Pin", bound=Document)
_Answers = Callable[[Any], bool]


@dataclass
class Merged:
    """The lock of both sides, and of each pin that they do not share whose it is."""

    lock: Lock
    taken: list[tuple[str, Side]] = field(default_factory=list)  # (what a person calls it, whose)


def read_merged_lock(
    text: str, spec: Spec | None = None, sides: Sides | None = None
) -> tuple[Lock, list[Finding]]:
    """The lock of a text, which may hold the marks of a merge; then also a note `lock-merged`.

    `spec` is the merged runflow.yaml, by which the pin that answers it is taken. `sides` are the
    texts that the merge started from, where git's index still has them: better than what can be
    made out from the marks. A side that is no lock of ours is passed over, if the other is one.

    Raises LockError: `lock-conflict` where no side can be read, `lock-newer`, and for a text
    without marks whatever `read_lock` says.
    """
    mark = first_mark(text)
    if mark is None:
        return read_lock(text), []
    marked = split_conflict(text, LOCK_FILE)
    found = sides or marked
    ours, theirs = _side(found.ours), _side(found.theirs)
    base = _side(found.base) if found.base is not None else None
    names = _name("ours", marked.our_name), _name("theirs", marked.their_name)
    if ours and theirs:
        merged = merge_locks(ours, theirs, base, spec)
        return merged.lock, [_note(merged.taken, names, mark[1])]
    if only := ours or theirs:
        kept, left = names if ours else reversed(names)
        message = f"a merge conflict is resolved: {kept} is taken, since {left} cannot be read"
        return only, [Finding("lock-merged", message, Where(LOCK_FILE, mark[1], 1))]
    raise unreadable(LOCK_FILE, mark[1], "a merge conflict has no side that is a lock")


def merge_locks(
    ours: Lock, theirs: Lock, base: Lock | None = None, spec: Spec | None = None
) -> Merged:
    """The pins of both; of two that differ the one that answers `spec`, else the one that is not
    the base's, else ours. What one side deleted and the other did not touch stays deleted.

    Python packages are one answer to all that the code asks for, so they are taken as a whole, and
    only from a side that has just the code that was taken. Otherwise they stay as versions to
    prefer, without their files, which makes locking resolve them anew.
    """
    choice = _Choice(spec)
    empty = Lock(python=ours.python)
    before = base or empty
    comfyui = choice.records(
        {"": ours.comfyui}, {"": theirs.comfyui}, {"": before.comfyui}, lambda key: "ComfyUI"
    ).get("")
    nodes = choice.records(ours.nodes, theirs.nodes, before.nodes, lambda key: f"pack {key}")
    python = choice.python(ours, theirs, base, (comfyui, nodes))
    release = choice.value(ours.runflow, theirs.runflow, before.runflow)
    definitions = choice.value(ours.definitions, theirs.definitions, before.definitions)
    lock = Lock(
        comfyui=comfyui,
        runflow=release,
        nodes=nodes,
        python=python,
        definitions=definitions,
        models=choice.records(ours.models, theirs.models, before.models, str),
        resources=choice.records(ours.resources, theirs.resources, before.resources, str),
        endpoints=choice.records(
            ours.endpoints, theirs.endpoints, before.endpoints, lambda key: f"endpoint {key}"
        ),
    )
    return Merged(lock, choice.taken)


# -- companions


def merged_file(text: str, sha256: str, name: str, sides: Sides | None = None) -> str | None:
    """The text of a companion that the lock names by this digest, out of one with marks in it.

    None: no side has it, and the file is to be made anew.
    """
    if first_mark(text) is None:
        candidates: Iterable[str] = (text,)
    else:
        found = [sides] if sides else []
        with suppress(LockError):
            found.append(split_conflict(text, name))
        candidates = (one for each in found for one in (each.ours, each.theirs))
    return next((one for one in candidates if _digest(one) == sha256), None)


def _digest(text: str) -> str:
    return digest.of_bytes(text.encode("utf-8", "surrogateescape"))


def merged_definitions(
    text: str, comfyui: str | None = None, sides: Sides | None = None
) -> DefinitionsFile | None:
    """The node definitions of both sides, by class; of two that differ the one that is for
    `comfyui` (version or commit), else ours. None: no side can be read."""
    try:
        both = sides or split_conflict(text, DEFINITIONS_FILE)
    except LockError:
        return None
    found = []
    for side in (both.ours, both.theirs):
        with suppress(WorkflowError):
            found.append(read_definitions(side))
    if not found:
        return None
    first, *rest = sorted(found, key=lambda one: one.comfyui != comfyui)  # stable: ours before
    nodes = dict(first.nodes)
    for other in rest:
        nodes = {**other.nodes, **nodes}
    return DefinitionsFile(nodes, first.comfyui)


# -- choosing


class _Choice:
    """One merge; `taken` grows with each pin that the sides do not share."""

    def __init__(self, spec: Spec | None) -> None:
        self._spec = spec
        self.taken: list[tuple[str, Side]] = []

    def records(
        self,
        ours: Mapping[str, _Pin | None],
        theirs: Mapping[str, _Pin | None],
        base: Mapping[str, _Pin | None],
        called: Callable[[str], str],
    ) -> dict[str, _Pin]:
        kept: dict[str, _Pin] = {}
        for key in sorted({*ours, *theirs}):
            one, other, before = ours.get(key), theirs.get(key), base.get(key)
            side = self._side(key, one, other, before)
            pin = other if side == "theirs" else one
            if pin is not None:
                kept[key] = pin
            if not _same(one, other):
                self.taken.append((called(key), side))
        return kept

    def value(self, ours: Any, theirs: Any, base: Any) -> Any:
        return theirs if ours == base else ours

    def python(
        self,
        ours: Lock,
        theirs: Lock,
        base: Lock | None,
        code: tuple[ComfyUIPin | None, Mapping[str, NodePackPin]],
    ) -> PythonPins:
        if ours.python == theirs.python:
            return ours.python
        side = self._side("", ours.python, theirs.python, base.python if base else None)
        fitting = [
            name
            for name, lock in (("ours", ours), ("theirs", theirs))
            if _commits(lock.comfyui, lock.nodes) == _commits(*code)
        ]
        chosen, other = (
            (ours.python, theirs.python) if side == "ours" else (theirs.python, ours.python)
        )
        if side in fitting or not chosen.targets:
            self.taken.append(("Python packages", side))
            return chosen
        self.taken.append(("Python packages", "mixed"))
        return _to_prefer(chosen, other)

    def _side(
        self, key: str, ours: Document | None, theirs: Document | None, base: Document | None
    ) -> Literal["ours", "theirs"]:
        if _same(ours, theirs):
            return "ours"
        if ours is None or theirs is None:
            there, side = (ours, "ours") if theirs is None else (theirs, "theirs")
            if base is not None and _same(there, base):  # the other side deleted it
                return "theirs" if side == "ours" else "ours"
            return "ours" if side == "ours" else "theirs"
        if self._spec:
            fits = _answers(self._spec, key, ours), _answers(self._spec, key, theirs)
            if fits[0] != fits[1]:
                return "ours" if fits[0] else "theirs"
        return "theirs" if base is not None and _same(ours, base) else "ours"


def _answers(spec: Spec, key: str, pin: Document) -> bool:
    """Whether a pin answers the wish of runflow.yaml; where that has none, no pin does not."""
    if isinstance(pin, ComfyUIPin):
        wish = spec.comfyui
        return pin.ref == wish.ref and repository.same(pin.repository, wish.repository)
    if isinstance(pin, NodePackPin):
        pack = spec.nodes.get(key)
        if pack is None:
            return pin.ref is None
        is_there = pack.repository is None or repository.same(pin.repository, pack.repository)
        return pin.ref == pack.ref and is_there
    if isinstance(pin, ModelPin | ResourcePin):
        file = (spec.models if isinstance(pin, ModelPin) else spec.resources).get(key)
        if file is None:
            return True
        is_there = file.url is None or file.url == (pin.wanted or pin.url)
        return is_there and (file.sha256 is None or file.sha256.lower() == pin.sha256)
    if isinstance(pin, PythonPins):
        want = python_pins(spec.python)
        told = (pin.version, pin.requirements, sorted(pin.targets))
        return told == (want.version, want.requirements, sorted(want.targets))
    return True


def _same(one: Document | None, other: Document | None) -> bool:
    if one is None or other is None:
        return one is other
    return _facts(one) == _facts(other)


def _facts(pin: Document) -> Document:
    computed: dict[str, list[str]] = {
        name: [] for name in _COMPUTED if name in type(pin).model_fields
    }
    return pin.model_copy(update=computed) if computed else pin


def _commits(comfyui: ComfyUIPin | None, nodes: Mapping[str, NodePackPin]) -> Any:
    return comfyui and comfyui.commit, {key: pin.commit for key, pin in nodes.items()}


def _to_prefer(chosen: PythonPins, other: PythonPins) -> PythonPins:
    """The versions of both, the chosen first, as wishes for the next resolution: no pylock."""
    targets = {
        name: TargetPins(
            packages={
                **(other.targets[name].packages if name in other.targets else {}),
                **pins.packages,
            }
        )
        for name, pins in chosen.targets.items()
    }
    packages = {**other.packages, **chosen.packages}
    return chosen.model_copy(update={"packages": packages, "targets": targets})


# -- reading and telling


def _side(text: str) -> Lock | None:
    """A side's lock; None for what is no lock of ours. One of a newer format is an error: its pins
    must not be lost."""
    try:
        return read_lock(text)
    except LockError as error:
        if any(one.code == "lock-newer" for one in error.findings):
            raise
        return None


def _name(side: str, label: str) -> str:
    return f"{side} ({shown(label)})" if label else side


def _note(taken: list[tuple[str, Side]], names: tuple[str, str], line: int) -> Finding:
    message = "a merge conflict is resolved: pins of both sides are kept"
    rows = []
    for side, name in (("ours", names[0]), ("theirs", names[1]), ("mixed", "anew")):
        if found := [what for what, whose in taken if whose == side]:
            more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
            rows.append((name, ", ".join(shown(one) for one in found[:MOST_NAMES]) + more))
    return Finding(
        "lock-merged",
        message,
        Where(LOCK_FILE, line, 1),
        tuple(rows),
        "read what it brought: runflow diff" if rows else None,
    )
