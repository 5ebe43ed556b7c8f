"""Packages of node packs in the Python that ComfyUI is running on.

What ComfyUI stands on stays as it is: the versions of PyTorch, numpy and of everything that its own
requirements bring are constraints for whatever a node pack asks for. A pack that cannot live with
them is refused, with the resolver's words.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import RestoreError
from ..file_names import STATE_FOLDER
from ..findings import Finding
from ..lock.pylock import normal_name
from ..sources.indexes import pypi_of
from ..sources.mirrors import Mirrors
from ..sources.uv import Answer, call_uv
from ..sources.world import Unanswered
from .scripts import Home

# What ComfyUI is nothing without, whatever its requirements say of it.
ALWAYS = ("torch", "torchvision", "torchaudio", "numpy", "requests")
CONSTRAINTS = "constraints.txt"
_LOOK_S, _INSTALL_S = 900.0, 6 * 3600.0
_CHANGE = re.compile(r"^ ([+~-]) ([A-Za-z0-9][A-Za-z0-9._-]*)(?:==(\S+)| @ (\S+))")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.!+_-]*")
_UNBUILT = re.compile(r"--no-build|no usable wheels|[Bb]uilding source distributions? .*disabled")
_MOST_LINES = 6  # of an explanation

Log = Callable[[str], None]


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the ComfyUI that runs on it."""

    python: Path
    prefix: Path  # its environment's folder
    paths: tuple[str, ...]  # where it looks for packages: its sys.path
    code: Path  # of ComfyUI, which says what it needs in requirements.txt

    def home(self, base: Path) -> Home:
        """Where install.py scripts run, with the constraints in their environment."""
        records = base / STATE_FOLDER
        records.mkdir(parents=True, exist_ok=True)
        limits = records / CONSTRAINTS
        limits.write_text(constraints(self), encoding="utf-8")
        packs = base / "custom_nodes"
        return Home(packs, self.python, self.prefix, self.code, base, records, limits)


@dataclass(frozen=True)
class Change:
    """What an installation does to one package."""

    name: str
    before: str | None  # version; None: it is new
    after: str | None  # version or URL; None: it goes


def constraints(interpreter: Interpreter) -> str:
    """The text of a constraints file: `name==version` of each package that stays, sorted."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(kept(interpreter).items()))


def kept(interpreter: Interpreter) -> dict[str, str]:
    """The installed packages that ComfyUI needs, and what those need in turn: name -> version."""
    installed = _installed(interpreter.paths)
    found: dict[str, str] = {}
    waiting = [*ALWAYS, *_asked(interpreter.code)]
    while waiting:
        name = normal_name(waiting.pop())
        one = installed.get(name)
        if one is None or name in found:
            continue
        found[name] = one.version
        waiting += _needs(one)
    return {name: version for name, version in found.items() if _VERSION.fullmatch(version)}


def changes(
    interpreter: Interpreter,
    requirements: Sequence[str],
    *,
    by: str,
    mirrors: Mirrors,
    offline: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> list[Change] | None:
    """What `install` would do; nothing is changed, and no code of a package runs.

    None where only building a package would tell. Raises as `install`.
    """
    options = ["--dry-run", "--no-build"]
    answer = _call(
        interpreter, requirements, options, mirrors, offline, environ, _LOOK_S, None, None
    )
    if answer.code and _UNBUILT.search(answer.problem):
        return None
    if answer.code:
        raise _refusal(answer, by, mirrors)
    return changes_in(answer.complaint)


def install(
    interpreter: Interpreter,
    requirements: Sequence[str],
    *,
    by: str,
    mirrors: Mirrors,
    offline: bool = False,
    log: Log | None = None,
    stop: threading.Event | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Install what the node pack `by` asks for: PEP 508 lines, in its words.

    Raises RestoreError `packages-conflict`, `packages-not-installed`; Unanswered where uv is
    missing or an index gives no answer.
    """
    ends = BeforeFiles(stop)

    def heard(line: str) -> None:
        ends.hear(line)
        if log:
            log(line)

    answer = _call(
        interpreter, requirements, [], mirrors, offline, environ, _INSTALL_S, heard, ends
    )
    if answer.code:
        raise _refusal(answer, by, mirrors)


class BeforeFiles(threading.Event):
    """Set with another event, until files of the environment change: that has to be gone through,
    or a package would be left in parts."""

    def __init__(self, stop: threading.Event | None) -> None:
        super().__init__()
        self._stop, self._is_late = stop, False

    def hear(self, line: str) -> None:
        """A line of uv, which says when everything is downloaded and built."""
        late = line.startswith(("Prepared ", "Uninstalled ", "Installed "))
        self._is_late = self._is_late or late

    def is_set(self) -> bool:
        return not self._is_late and self._stop is not None and self._stop.is_set()


def changes_in(said: str) -> list[Change]:
    """The packages that uv says it would change, by name."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for line in said.splitlines():
        if found := _CHANGE.match(line):
            to = before if found[1] == "-" else after
            to[normal_name(found[2])] = found[3] or found[4]
    return [Change(name, before.get(name), after.get(name)) for name in sorted({*before, *after})]


# -- what is installed


def _installed(paths: Sequence[str]) -> dict[str, Distribution]:
    """By normalised name; of two the one that Python finds first."""
    found: dict[str, Distribution] = {}
    for one in distributions(path=list(paths)):
        with suppress(Exception):  # metadata that somebody damaged is no reason to stop
            if name := one.metadata["Name"]:
                found.setdefault(normal_name(name), one)
    return found


def _asked(code: Path) -> list[str]:
    """The names in ComfyUI's requirements.txt."""
    try:
        text = (code / "requirements.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [found[1] for line in text.splitlines() if (found := _NAME.match(line))]


def _needs(one: Distribution) -> Iterator[str]:
    """The names of what a package needs here, without its extras."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in one.requires or ():
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield wanted.name


# -- uv


def _call(
    interpreter: Interpreter,
    requirements: Sequence[str],
    options: Sequence[str],
    mirrors: Mirrors,
    offline: bool,
    environ: Mapping[str, str],
    limit_s: float,
    log: Log | None,
    stop: threading.Event | None,
) -> Answer:
    with _written(requirements, constraints(interpreter)) as folder:
        arguments = ["pip", "install", *options, "--python", str(interpreter.python)]
        arguments += ["-r", "requirements.txt", "-c", CONSTRAINTS]
        arguments += ["--default-index", pypi_of(mirrors, environ)]
        arguments += ["--offline"] if offline else []
        return call_uv(arguments, environ, folder, limit_s, log, stop=stop)


@contextmanager
def _written(requirements: Sequence[str], limits: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="runflow-") as name:
        folder = Path(name)
        text = "".join(f"{line}\n" for line in requirements)
        (folder / "requirements.txt").write_text(text, encoding="utf-8")
        (folder / CONSTRAINTS).write_text(limits, encoding="utf-8")
        yield folder


def _refusal(answer: Answer, by: str, mirrors: Mirrors) -> Exception:
    problem = mirrors.public_text(answer.problem)
    lines = problem.splitlines()[:_MOST_LINES] or ["uv failed and did not say why"]
    if re.search(r"network (connectivity )?(was|is) disabled", problem, re.IGNORECASE):
        return Unanswered("offline, and not every package file is in uv's cache")
    if re.search(r"Failed to fetch|error sending request|Request failed|HTTP status", problem):
        return Unanswered(f"a package index or file gives no answer: {lines[0]}")
    if "No solution found" in problem:
        return RestoreError(
            Finding(
                "packages-conflict",
                f"{by} asks for Python packages that cannot live with what ComfyUI runs on",
                also=(("resolver", "\n".join(lines)),),
                fix="ask its author for requirements that fit, or run it in a ComfyUI of its own",
            )
        )
    return RestoreError(
        Finding(
            "packages-not-installed",
            f"the Python packages of {by} could not be installed: {lines[0]}",
            also=(("resolver", "\n".join(lines)),),
            fix="mend what it says, and try again",
        )
    )
