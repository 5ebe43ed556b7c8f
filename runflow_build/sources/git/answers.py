"""What git hosts said before, on the disk: one JSON file for each repository.

What is named by a commit never changes, so it is never asked again. Refs change; what they were is
only for when nobody can be asked.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..world import RemoteRefs

FORMAT = 1
_LARGEST_FILE = 256 << 10  # bytes; a larger one is read from the repository each time


@dataclass
class Answers:
    """The answers about one repository; change them by the methods, then `save`."""

    path: Path
    refs: RemoteRefs | None = None  # of the last time; None: never asked
    commits: set[str] = field(default_factory=set)  # that the host gave out
    files: dict[str, str | None] = field(default_factory=dict)  # commit:path -> base64; None: none
    links: dict[str, dict[str, str]] = field(default_factory=dict)  # commit -> submodule -> commit
    versions: dict[str, str | None] = field(default_factory=dict)  # head:version -> commit
    distances: dict[str, int | None] = field(default_factory=dict)  # before...after
    changed: bool = False
    read_at: tuple[int, int] = (0, 0)  # of the file: mtime_ns, size

    def knows_file(self, commit: str, path: str) -> bool:
        return f"{commit}:{path}" in self.files

    def file(self, commit: str, path: str) -> bytes | None:
        text = self.files[f"{commit}:{path}"]
        return None if text is None else base64.b64decode(text)

    def note_file(self, commit: str, path: str, content: bytes | None) -> None:
        if content is not None and len(content) > _LARGEST_FILE:
            return
        text = None if content is None else base64.b64encode(content).decode("ascii")
        self.files[f"{commit}:{path}"] = text
        self.changed = True

    def note_refs(self, refs: RemoteRefs) -> None:
        self.changed |= refs != self.refs
        self.refs = refs

    def note_commit(self, commit: str) -> None:
        self.changed |= commit not in self.commits
        self.commits.add(commit)

    def note(self, table: dict[str, Any], key: str, value: Any) -> None:
        table[key] = value
        self.changed = True

    def save(self) -> None:
        """Write the file, beside first, if something is new. A full disk costs only the memory."""
        if not self.changed:
            return
        refs = self.refs and {
            "head": self.refs.head,
            "tags": dict(self.refs.tags),
            "branches": dict(self.refs.branches),
        }
        shape = {
            "format": FORMAT,
            "refs": refs,
            "commits": sorted(self.commits),
            "files": self.files,
            "links": self.links,
            "versions": self.versions,
            "distances": self.distances,
        }
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(shape, ensure_ascii=True, sort_keys=True)
            beside.write_text(text, encoding="ascii", newline="\n")
            os.replace(beside, self.path)
            self.changed = False
            self.read_at = stamp_of(self.path)


def read_answers(path: Path) -> Answers:
    """The answers in a file; none where it is missing, damaged or of another format."""
    try:
        stamp = stamp_of(path)
        shape = json.loads(path.read_bytes())
        if shape["format"] != FORMAT:
            return Answers(path)
        for text in shape["files"].values():
            base64.b64decode(text or "", validate=True)
        return Answers(
            path,
            _refs(shape["refs"]),
            set(shape["commits"]),
            dict(shape["files"]),
            dict(shape["links"]),
            dict(shape["versions"]),
            dict(shape["distances"]),
            read_at=stamp,
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, binascii.Error):
        return Answers(path)


def stamp_of(path: Path) -> tuple[int, int]:
    """What tells a file from one that another process wrote since; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _refs(shape: Mapping[str, Any] | None) -> RemoteRefs | None:
    return shape and RemoteRefs(shape["head"], dict(shape["tags"]), dict(shape["branches"]))  # type: ignore[return-value]
