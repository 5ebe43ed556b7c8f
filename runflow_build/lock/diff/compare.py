"""Two locks become the list of what differs. Pure: what has to be asked comes in as an argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..model import Lock, PythonPins
from .change import RISKS, SECTIONS, Change, LockDiff
from .code import Distances, code
from .contract import endpoints
from .files import bytes_moved, files
from .packages import python

if TYPE_CHECKING:
    from ...spec.model import Spec

_NOTHING: Distances = {}


def diff(
    before: Lock | None,
    after: Lock,
    specs: tuple[Spec, Spec] | None = None,
    distances: Distances = _NOTHING,
) -> LockDiff:
    """What changed from `before` (None: there was no lock) to `after`.

    `specs` are runflow.yaml then and now, of which the policy is compared; None: not known.
    `distances` says how far apart the commits of one repository are, as far as somebody counted.
    """
    old = before or Lock(python=PythonPins(version=""))  # an empty lock: every other has a Python
    changes = [
        *endpoints(old, after),
        *code(old, after, distances),
        *python(old.python, after.python),
        *files(old, after, before is None),
        *(_policy(*specs) if specs else ()),
    ]
    return LockDiff(tuple(sorted(changes, key=_order)), *bytes_moved(old, after))


def _policy(old: Spec, new: Spec) -> Iterator[Change]:
    from .policy import policy  # the format of runflow.yaml, which is not always needed

    return policy(old, new)


_SECTION: Mapping[str, int] = {name: place for place, name in enumerate(SECTIONS)}
_RISK: Mapping[str, int] = {name: place for place, name in enumerate(RISKS)}


def _order(change: Change) -> tuple[int, int, str]:
    return _SECTION[change.section], _RISK[change.risk], change.subject
