"""The packages that requirements.txt names: which are not there, and what to do about it.

The pack loads without them. What needs one says so when it is used, and ComfyUI's log once.
"""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = "requirements.txt"
FOLDER = Path(__file__).absolute().parent.parent  # not resolved: what the user knows it as

# All that the file may hold, which a test sees to: `name[extra]>=1.2; python_version < "3.11"`
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(\[[a-z0-9, ]+\])?(>=(?P<least>\d+(\.\d+)*))?"
    r"(; *python_version *< *\"(?P<before>\d+\.\d+)\")?"
)


@dataclass(frozen=True)
class Requirement:
    name: str
    least: str | None  # lowest version

    def __str__(self) -> str:
        return self.name if self.least is None else f"{self.name}>={self.least}"


@dataclass(frozen=True)
class Lack:
    """A requirement that is not met. `found`: the version that is too old; None: there is none."""

    requirement: Requirement
    found: str | None

    def __str__(self) -> str:
        if self.found is None:
            return self.requirement.name
        return f"{self.requirement.name} (version {self.found}, {self.requirement.least} is needed)"


def lacking() -> list[Lack]:
    """What is not there now, which pip may have changed since ComfyUI started."""
    try:
        text = (FOLDER / REQUIREMENTS).read_text(encoding="utf-8")
    except OSError:  # somebody has taken away what asks for them
        return []
    return list(lacks(text, _installed, sys.version_info[:2]))


def lacks(
    text: str, installed: Callable[[str], str | None], python: tuple[int, int]
) -> Iterator[Lack]:
    """The requirements of `text` that are not met; `installed` gives the version of a package."""
    for one in requirements(text, python):
        found = installed(one.name)
        if found is None or (one.least and _release(found) < _release(one.least)):
            yield Lack(one, found)


def requirements(text: str, python: tuple[int, int]) -> Iterator[Requirement]:
    """Those that hold for this Python. Raises ValueError for a line of another form."""
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"requirements.txt: {line!r} is not understood")
        if match["before"] is None or python < _release(match["before"]):
            yield Requirement(match["name"], match["least"])


def explained(error: Exception) -> dict[str, str] | None:
    """The error for a page, if it is one of an import and packages are missing."""
    found = lacking() if isinstance(error, ImportError) else []
    return told(found) if found else None


def told(found: list[Lack]) -> dict[str, str]:
    """An error for a page, without paths of the machine."""
    file = f"custom_nodes/{FOLDER.name}/{REQUIREMENTS}"
    file = f'"{file}"' if " " in file else file  # as every shell understands it
    fix = f"with ComfyUI's own Python: python -m pip install -r {file}; then restart ComfyUI"
    return {"code": "packages-missing", "message": message(found), "fix": fix}


def message(found: list[Lack]) -> str:
    names = ", ".join(map(str, found))
    return f"what needs one of these Python packages does not work: {names}"


def command() -> str:
    """What installs them, ready to be pasted into a terminal of this machine."""
    words = [sys.executable, "-m", "pip", "install", "-r", str(FOLDER / REQUIREMENTS)]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    """1.10.0rc1 -> (1, 10); ends of zeros do not count."""
    numbers = [int(one) for one in re.match(r"[\d.]*", version)[0].split(".") if one]  # type: ignore[index]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
