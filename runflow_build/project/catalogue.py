"""The node definitions and version numbers of ComfyUI that ship with this release."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent / "catalogue"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def shipped(version: str | None) -> Mapping[str, Any]:
    """Raw definitions of the core node classes, by class, in the shape of /object_info.

    Of the catalogues that ship, the newest that is not newer than `version` ("0.8.0"), else the
    oldest; without a version the newest. Choices that depend on an installation's files are empty;
    `files` says in which folder each such input looks.
    """
    catalogues = _catalogues()
    wanted = _number(version)
    older = [number for number in catalogues if wanted is None or number <= wanted]
    return _read(catalogues[max(older) if older else min(catalogues)])


def newest() -> str:
    """The ComfyUI version of the newest catalogue ("0.8.0")."""
    return ".".join(str(part) for part in max(_catalogues()))


def version_of(commit: str) -> str | None:
    """The ComfyUI release of this full commit ("0.8.0"), or None for any other commit."""
    return _versions().get(commit.lower())


def commit_of(version: str) -> str | None:
    """The full commit of a ComfyUI release ("v0.8.0" or "0.8.0"), or None when it is not known."""
    wanted = version.removeprefix("v")
    return next((commit for commit, name in _versions().items() if name == wanted), None)


def _catalogues() -> dict[tuple[int, ...], Path]:
    found = {_number(path.stem.partition("-")[2]): path for path in _FOLDER.glob("nodes-*.json")}
    return {number: path for number, path in found.items() if number is not None}


def _number(version: str | None) -> tuple[int, ...] | None:
    match = _VERSION.match(version or "")
    return tuple(int(part) for part in match.groups()) if match else None


@lru_cache
def _read(path: Path) -> Mapping[str, Any]:
    nodes = json.loads(path.read_bytes())["nodes"]
    fields = json.loads((_FOLDER / "file_fields.json").read_bytes())["classes"]
    return {
        name: {**node, "files": fields[name]} if name in fields else node
        for name, node in nodes.items()
    }


@lru_cache
def _versions() -> Mapping[str, str]:
    """Commit -> version."""
    versions = json.loads((_FOLDER / "versions.json").read_bytes())
    return {commit: version for version, commit in versions.items()}
