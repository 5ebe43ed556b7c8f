"""Results kept within the process, by what they were computed from.

The key of a node is a digest of its class, its values, the content of the files that it names, and
the keys of the nodes that feed it; ComfyUI keys its cache likewise (comfy_execution/caching.py).
Output nodes are never kept: each run has to write its own files.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from .memory import kept_bytes
from .planning import Step

Outputs: TypeAlias = Sequence[Sequence[Any]]  # per output slot, the items of its list


def keys(steps: Iterable[Step]) -> dict[str, str]:
    """Node -> its key, for the nodes whose result depends on nothing else; sources come first."""
    found: dict[str, str] = {}
    for step in steps:
        if step.output or not all(link.node in found for link in step.links.values()):
            continue
        if any(name in step.links for name in step.node_class.files):
            continue  # which file it reads turns out only while the run goes on
        parts = [step.class_type]
        parts += (f"{name}={value!r}" for name, value in sorted(step.literals.items()))
        parts += (
            f"{name}<{found[link.node]}:{link.slot}" for name, link in sorted(step.links.items())
        )
        parts += (f"{name}#{_sha256(path)}" for name, path in sorted(step.files.items()))
        found[step.node] = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return found


_CHUNK = 1 << 20


def _sha256(path: Path) -> str:
    try:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()
    except OSError:  # the node itself will say it, with its name
        return "unreadable"


class Cache:
    """Outputs by key, those used last, up to so many bytes of arrays. Safe between threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._entries: OrderedDict[str, tuple[Outputs, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Outputs | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def keep(self, key: str, outputs: Outputs) -> None:
        """Take the outputs; not those that are too large, or that refer to files of their run."""
        size = kept_bytes(outputs)
        if size is None or size > self._most_bytes:
            return
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = (outputs, size)
            self._held_bytes += size
            while self._held_bytes > self._most_bytes:
                _, (_, dropped) = self._entries.popitem(last=False)
                self._held_bytes -= dropped
