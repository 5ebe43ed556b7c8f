"""Which node definitions a workflow is converted with: those of a file, then those that ship."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import LockError, RunflowError, WorkflowError
from ..file_names import DEFINITIONS_FILE
from ..workflow.definitions import Definitions
from ..workflow.definitions_text import read_definitions
from .catalogue import shipped
from .files import read_file, text_of
from .paths import ProjectPaths

LARGEST_DEFINITIONS = 64 * 1024 * 1024  # bytes

# The version in the text that the tool writes. To parse the lock costs more than a conversion does;
# that is done where this does not match, and tells what is wrong with it.
_LOCKED = re.compile(rb"^comfyui:\n(?:  [a-z].*\n)*?  version: (\d+\.\d+\.\d+)$", re.MULTILINE)


def load_definitions(paths: ProjectPaths) -> Mapping[str, Any] | None:
    """The raw definitions of runflow.definitions.json; None without one. Raises LockError."""
    if not paths.definitions.exists():
        return None
    fix = "restore it with git, or delete it and run `runflow lock`"
    return _raw(paths.definitions, DEFINITIONS_FILE, LockError, fix)


def definitions_for(
    folder: Path, root: Path, file: Path | None = None, comfyui: str | None = None
) -> Definitions:
    """The definitions for a workflow in `folder`, when nothing but the workflow is named.

    First those of `file` (in either form that `read_definitions` takes), else those of
    runflow.definitions.json in `folder`, else in the project `root`. Then what ships for ComfyUI
    `comfyui` ("0.8.0"), else for the one that the project locks or asks for, else the newest; it is
    read when a class is asked for that the file does not have.

    Raises WorkflowError for `file`, LockError for the others; SpecError and LockError also later.
    """
    if file is not None:
        fix = "save it anew: curl http://127.0.0.1:8188/object_info -o FILE"
        raw: Mapping[str, Any] | None = _raw(file, file.as_posix(), WorkflowError, fix)
    else:
        raw = load_definitions(ProjectPaths(folder))
        if raw is None and folder.resolve() != root.resolve():
            raw = load_definitions(ProjectPaths(root))
    return Definitions(raw, _OnDemand(lambda: shipped(comfyui or _version_in(root))))


def _raw(path: Path, name: str, error: type[RunflowError], fix: str) -> Mapping[str, Any]:
    data = read_file(path, name, LARGEST_DEFINITIONS, error)
    try:
        return read_definitions(text_of(data, name, error)).nodes
    except WorkflowError as problem:
        findings = (replace(one.in_file(name), fix=fix) for one in problem.findings)
        raise error(*findings) from None


def _version_in(root: Path) -> str | None:
    """The ComfyUI version of the project in `root`; None where there is no project."""
    paths = ProjectPaths(root)
    if not paths.spec.exists():
        return None
    with suppress(OSError):
        if locked := _LOCKED.search(paths.lock.read_bytes()):
            return locked[1].decode()
    from .load import load_version

    return load_version(paths)


class _OnDemand(Mapping[str, Any]):
    """A mapping that is read when it is first looked at."""

    def __init__(self, read: Callable[[], Mapping[str, Any]]) -> None:
        self._whole = cache(read)

    def __getitem__(self, name: str) -> Any:
        return self._whole()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())
