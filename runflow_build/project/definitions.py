"""Which node definitions a workflow is converted with: those of a file, then those that ship.

A file of definitions answers one ComfyUI, which it names. With another one, its definitions of
ComfyUI's own classes count only where no catalogue is nearer to what is asked for; those of node
packs always count, for nobody else has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ..errors import LockError, RunflowError, WorkflowError
from ..file_names import DEFINITIONS_FILE
from ..workflow.definitions import Definitions, pack_of
from ..workflow.definitions_text import DefinitionsFile, read_definitions, stripped
from .catalogue import nearest, shipped, versions
from .files import read_file, text_of
from .paths import ProjectPaths

LARGEST_DEFINITIONS = 64 * 1024 * 1024  # bytes

# The version in the text that the tool writes. To parse the lock costs more than a conversion does;
# that is done where this does not match, and tells what is wrong with it.
_LOCKED = re.compile(rb"^comfyui:\n(?:  [a-z].*\n)*?  version: (\d+\.\d+\.\d+)$", re.MULTILINE)


def project_definitions(paths: ProjectPaths, comfyui: str | None) -> Definitions:
    """The definitions of a project for a ComfyUI, by version or commit. Raises LockError."""
    return combined(load_definitions(paths), comfyui)


def combined(file: DefinitionsFile | None, comfyui: str | None) -> Definitions:
    """What the file says, then what ships for the ComfyUI, by version or commit; None: the newest.

    Of what a ComfyUI answered, names of its machine's files are left out: what is converted now is
    what is converted after the lock has written the file.
    """
    layer = _FileLayer(file, lambda: comfyui) if file else None
    return Definitions(layer, shipped(comfyui), comfyui)


def answered(classes: Mapping[str, Any], comfyui: str | None) -> DefinitionsFile:
    """Classes as /object_info of a running ComfyUI has them; `comfyui` is its version.

    Raises WorkflowError for an answer of another form.
    """
    if not classes:
        return DefinitionsFile({}, comfyui, as_answered=True)
    # Node packs put into their definitions what is no JSON.
    file = read_definitions(json.dumps(classes, default=str))
    return DefinitionsFile(file.nodes, comfyui, as_answered=True)


def load_definitions(paths: ProjectPaths) -> DefinitionsFile | None:
    """What runflow.definitions.json says; None without one. Raises LockError."""
    if not paths.definitions.exists():
        return None
    fix = "restore it with git, or delete it and run `runflow lock`"
    return _read(paths.definitions, DEFINITIONS_FILE, LockError, fix)


def definitions_for(
    folder: Path, root: Path, file: Path | None = None, comfyui: str | None = None
) -> Definitions:
    """The definitions for a workflow in `folder`, when nothing but the workflow is named.

    First those of `file` (in either form that `read_definitions` takes), all of them and as they
    are; else those of runflow.definitions.json in `folder`, else in the project `root`. Then what
    ships for ComfyUI `comfyui` ("0.8.0"), else for the one that the project locks or asks for, else
    the newest; which that is, is read when it matters.

    Raises WorkflowError for `file`, LockError for the others; SpecError and LockError also later.
    """
    version = cache(lambda: comfyui or _version_in(root))
    catalogue = _OnDemand(lambda: shipped(version()))
    if file is not None:
        fix = "save it anew: curl http://127.0.0.1:8188/object_info -o FILE"
        return Definitions(_read(file, file.as_posix(), WorkflowError, fix).nodes, catalogue)
    found = load_definitions(ProjectPaths(folder))
    if found is None and folder.resolve() != root.resolve():
        found = load_definitions(ProjectPaths(root))
    return Definitions(_FileLayer(found, version) if found else None, catalogue)


def _read(path: Path, name: str, error: type[RunflowError], fix: str) -> DefinitionsFile:
    data = read_file(path, name, LARGEST_DEFINITIONS, error)
    try:
        return read_definitions(text_of(data, name, error))
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
    from .documents import load_version

    return load_version(paths)


class _FileLayer(Mapping[str, Any]):
    """Those definitions of a file that count for one ComfyUI."""

    def __init__(self, file: DefinitionsFile, comfyui: Callable[[], str | None]) -> None:
        self._file = file
        self._comfyui = comfyui
        self._kept: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        if name not in self._kept:
            raw = self._file.nodes[name]
            self._kept[name] = stripped(raw, self._files(name)) if self._file.as_answered else raw
        return self._kept[name]

    def __contains__(self, name: object) -> bool:
        raw = self._file.nodes.get(name) if isinstance(name, str) else None
        if raw is None:
            return False
        return (
            self._file.comfyui is None
            or pack_of(raw.get("python_module")) is not None
            or self._fits
            or not any(name in shipped(version) for version in versions())
        )

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._file.nodes if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _fits(self) -> bool:
        """Whether the file is for this ComfyUI, or for one that is nearer to it than what ships."""
        own, wanted, known = self._file.comfyui, self._comfyui(), versions()
        if own is None or own == wanted:
            return True
        return own not in known and nearest(wanted, [own, *known]) == own

    def _files(self, name: str) -> Mapping[str, str]:
        return Definitions(None, shipped(self._comfyui())).files(name)


class _OnDemand(Mapping[str, Any]):
    """A mapping that is read when it is first looked at."""

    def __init__(self, read: Callable[[], Mapping[str, Any]]) -> None:
        self._whole = cache(read)

    def __getitem__(self, name: str) -> Any:
        return self._whole()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._whole()

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())
