"""What the files of a repository say of it: its version, and the node packs that it needs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...lock import repository

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT_FILE = "pyproject.toml"
NEEDS_FILE = "comfy-env-root.toml"

_FOLDER = re.compile(r"(?![-.\s])[^\x00-\x1f\x7f/\\:*?\"<>|]{1,100}(?<![.\s])")
_KINDS = {"commit": "commit", "tag": "ref", "branch": "ref", "version": "version"}


@dataclass(frozen=True, order=True)
class State:
    """Which state of a repository somebody names."""

    kind: str  # "commit", "version" (of the registry), "ref" (a tag or branch)
    name: str

    def __str__(self) -> str:
        return self.name[:12] if self.kind == "commit" else self.name


@dataclass(frozen=True)
class NeededPack:
    """A row of `[node_reqs]`: a pack that the pack of this file needs."""

    folder: str  # in custom_nodes/
    repository: str | None = None  # canonical URL
    registry: str | None = None  # its id in the Comfy Registry
    state: State | None = None

    def identity(self) -> str:
        """The same text for rows that mean one pack, as far as they say."""
        return (self.repository or self.registry or self.folder).lower()


def is_folder(name: str) -> bool:
    """Whether a name can be that of one folder, on every system, and of no other place."""
    return bool(_FOLDER.fullmatch(name)) and name.isprintable()


def github(owner_and_name: str) -> str | None:
    """The canonical URL of `owner/name` on GitHub, or of a whole URL; None for anything else."""
    text = owner_and_name.strip()
    if "://" in text:
        return repository.plain(text)
    return repository.plain(f"https://github.com/{text}") if text.count("/") == 1 else None


def version_order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """A version as a key to sort by: 1.10.0 after 1.9.0, 1.0.0 after 1.0.0-rc1."""
    numbers = re.match(r"v?(\d+(?:\.\d+)*)(.*)", version)
    if numbers is None:
        return (), False, version
    order = tuple(int(part[:9]) for part in numbers[1].split("."))
    return order, not numbers[2].startswith("-"), version


def project_of(text: str | None) -> tuple[str | None, str | None]:
    """Name and version of a pyproject.toml, as far as it says them."""
    project = _table(text, "project")
    name, version = project.get("name"), project.get("version")
    return _text(name), _text(version)


def comfyui_version(code: str | None, project: str | None) -> str | None:
    """ComfyUI's version by its comfyui_version.py, or else its pyproject.toml."""
    found = re.search(r"^__version__\s*=\s*[\"']([^\"'\n]+)[\"']", code or "", re.MULTILINE)
    version = found[1] if found else project_of(project)[1]
    return version if version and re.fullmatch(r"[0-9A-Za-z.+_-]{1,40}", version) else None


def needed_packs(text: str | None) -> tuple[list[NeededPack], list[str]]:
    """The rows of `[node_reqs]` by name, and the names of those that cannot be understood.

    A row is `Folder = "owner/name"` (or a URL), or a table of github (or repo) with tag, branch or
    commit, or of registry with version. Source: comfy-env 0.3.0, config/parser.py.
    """
    packs, odd = [], []
    for folder, row in sorted(_table(text, "node_reqs").items()):
        pack = _needed(folder, row) if is_folder(folder) else None
        if pack:
            packs.append(pack)
        else:
            odd.append(folder)
    return packs, odd


def state_of(commit: str) -> State:
    """A commit; where it is none in full, what a remote will not have, so that it is reported."""
    full = repository.is_full_commit(commit)
    return State("commit", commit.lower()) if full else State("ref", commit)


def _needed(folder: str, row: Any) -> NeededPack | None:
    if isinstance(row, str):
        url = github(row)
        return NeededPack(folder, url) if url else None
    if not isinstance(row, Mapping):
        return None
    place, id = _text(row.get("github")) or _text(row.get("repo")), _text(row.get("registry"))
    state = next(_states(row), None)
    if place:
        url = github(place)
        return NeededPack(folder, url, None, state) if url else None
    return NeededPack(folder, None, id, state) if id else None


def _states(row: Mapping[str, Any]) -> Iterator[State]:
    for key, kind in _KINDS.items():
        if name := _text(row.get(key)):
            yield state_of(name) if kind == "commit" else State(kind, name)


def _table(text: str | None, name: str) -> Mapping[str, Any]:
    """A table of a TOML text; empty where that is none, or has none."""
    try:
        table = tomllib.loads(text or "").get(name)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return table if isinstance(table, Mapping) else {}


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
