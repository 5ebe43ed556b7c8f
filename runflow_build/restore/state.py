"""What restore remembers of a folder, in the folder: what it put there, and what may run.

The file is written before anything is done, with what is meant to be done beside what was done. So
after a kill, what is there is either told here or is not ours: a file is ours only while it has a
content that is written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..file_names import STATE_FOLDER
from ..project.save import save_files

FORMAT = 1
STATE_FILE = "restored.json"


@dataclass(frozen=True)
class Restored:
    """What was put into a folder, as far as its state file says."""

    target: str | None = None  # linux-cu128; None: nothing was restored here
    only: tuple[str, ...] = ()  # slugs; empty: the whole lock
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # `files`: place -> sha256 of what we put there; two while one gives way to another
    scripts: Mapping[str, str] = field(default_factory=dict)  # pack -> commit whose install.py ran
    trusted: tuple[str, ...] = ()  # repositories that somebody said yes to, as `trust.named` has it

    def with_(self, **changes: Any) -> Restored:
        return replace(self, **changes)


def state_file(folder: Path) -> Path:
    """Where it lies."""
    return folder / STATE_FOLDER / STATE_FILE


def read_state(folder: Path) -> Restored:
    """What is remembered; nothing where the file is missing or not what we write."""
    try:
        told = json.loads(state_file(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Restored()
    if not isinstance(told, dict) or told.get("version") != FORMAT:
        return Restored()
    return Restored(
        target=told["target"] if isinstance(told.get("target"), str) else None,
        only=_words(told.get("only")),
        files=_lists(told.get("files")),
        scripts=_pairs(told.get("scripts")),
        trusted=_words(told.get("trusted")),
    )


def write_state(folder: Path, state: Restored) -> None:
    """Remember it; whole or not at all. Raises SaveError: `file-not-written`."""
    shape = {
        "version": FORMAT,
        "target": state.target,
        "only": sorted(state.only),
        "files": {place: sorted(state.files[place]) for place in sorted(state.files)},
        "scripts": dict(sorted(state.scripts.items())),
        "trusted": sorted(state.trusted),
    }
    save_files({state_file(folder): json.dumps(shape, indent=1, ensure_ascii=False) + "\n"})


def _pairs(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: one for key, one in pairs if isinstance(key, str) and isinstance(one, str)}


def _lists(value: object) -> dict[str, tuple[str, ...]]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: _words(one) for key, one in pairs if isinstance(key, str)}


def _words(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
