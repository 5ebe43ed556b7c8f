"""The node definitions and version numbers of ComfyUI that ship with this release."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent / "catalogue"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def shipped(version: str | None) -> Mapping[str, Any]:
    """Raw definitions of the core node classes, by class, in the shape of /object_info.

    They are those of the catalogue that is `nearest` to `version` ("0.8.0"). No choice names a file
    of some machine; `files` says in which folder each input looks for its files.
    """
    return _read(nearest(version, versions()))


def nearest(version: str | None, candidates: Iterable[str]) -> str:
    """Of versions the newest that is not newer than `version`, else the oldest.

    Without a version, or with one that is not known as a number, the newest.
    """
    ordered = sorted(candidates, key=lambda one: _number(one) or ())
    wanted = _number(version)
    older = [one for one in ordered if wanted is None or (_number(one) or ()) <= wanted]
    return older[-1] if older else ordered[0]


def versions() -> list[str]:
    """The ComfyUI versions that have a catalogue here, oldest first."""
    found = [path.stem.partition("-")[2] for path in _FOLDER.glob("nodes-*.json")]
    return sorted(found, key=lambda one: _number(one) or ())


def newest() -> str:
    """The ComfyUI version of the newest catalogue ("0.8.0")."""
    return versions()[-1]


def version_of(commit: str) -> str | None:
    """The ComfyUI release of this full commit ("0.8.0"), or None for any other commit."""
    return _releases().get(commit.lower())


def commit_of(version: str) -> str | None:
    """The full commit of a ComfyUI release ("v0.8.0" or "0.8.0"), or None when it is not known."""
    wanted = version.removeprefix("v")
    return next((commit for commit, name in _releases().items() if name == wanted), None)


def _number(version: str | None) -> tuple[int, ...] | None:
    match = _VERSION.match(version or "")
    return tuple(int(part) for part in match.groups()) if match else None


class _Catalogue(Mapping[str, Any]):
    """A catalogue's file: each line holds one class, and is parsed when that is asked for.

    A workflow needs a dozen of the hundreds.
    """

    def __init__(self, version: str) -> None:
        self._path = _FOLDER / f"nodes-{version}.json"
        self._parsed: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._parsed:
            found = json.loads(self._lines[name])
            files = _file_fields().get(name)
            self._parsed[name] = {**found, "files": files} if files else found
        return self._parsed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    @cached_property
    def _lines(self) -> dict[str, str]:
        """The text of each definition by class; names of core classes need no escapes in JSON."""
        _, *lines, _, _ = self._path.read_bytes().decode("utf-8").split("\n")
        rows = (line.rstrip(",\r").partition('": ') for line in lines)
        return {name[1:]: text for name, _, text in rows}


@lru_cache
def _read(version: str) -> _Catalogue:
    return _Catalogue(version)


@lru_cache
def _file_fields() -> Mapping[str, Any]:
    """Class -> input -> folder."""
    fields: dict[str, Any] = json.loads((_FOLDER / "file_fields.json").read_bytes())["classes"]
    return fields


@lru_cache
def _releases() -> Mapping[str, str]:
    """Commit -> version."""
    releases = json.loads((_FOLDER / "versions.json").read_bytes())
    return {commit: version for version, commit in releases.items()}
