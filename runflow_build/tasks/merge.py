"""An unfinished merge in the lock or its companions is settled: both sides' pins in one lock."""

from __future__ import annotations

from pathlib import Path

from ..errors import LockError
from ..file_names import DEFINITIONS_FILE, LOCK_FILE
from ..findings import Finding
from ..lock.conflict import first_mark
from ..lock.merge import merged_definitions, merged_file, read_merged_lock
from ..lock.model import Lock
from ..lock.text import lock_text
from ..project.definitions import combined
from ..project.documents import load_spec
from ..project.files import read_file, text_of
from ..project.paths import ProjectPaths
from ..project.save import save_files
from ..workflow.definitions_text import definitions_text
from ..yaml_text import LARGEST
from .unmerged import unmerged


def settle_conflicts(paths: ProjectPaths) -> list[Finding]:
    """Write the lock and its companions without the marks of a merge; what was taken, as a note.

    What a companion's sides do not give is left as it is: locking makes it anew. Raises SpecError,
    LockError `lock-conflict` and what reading a lock says, SaveError.
    """
    text = _conflicting(paths.lock)
    if text is None:
        return []
    spec = load_spec(paths).spec
    lock, findings = read_merged_lock(text, spec, unmerged(paths.root, LOCK_FILE))
    # The lock last: while it has its marks, the next call begins anew.
    save_files({**_companions(paths, lock), paths.lock: lock_text(lock)})
    return findings


def _companions(paths: ProjectPaths, lock: Lock) -> dict[Path, str]:
    found: dict[Path, str] = {}
    if text := _conflicting(paths.definitions):
        version = lock.comfyui.version if lock.comfyui else None
        sides = unmerged(paths.root, DEFINITIONS_FILE)
        if both := merged_definitions(text, version, sides):
            found[paths.definitions] = definitions_text(combined(both, both.comfyui), both.nodes)
    for target in lock.python.targets.values():
        if target.pylock and (text := _conflicting(path := paths.root / target.pylock.file)):
            pin = target.pylock
            sides = unmerged(paths.root, pin.file)
            if (one := merged_file(text, pin.sha256, pin.file, sides)) is not None:
                found[path] = one
    return found


def _conflicting(path: Path) -> str | None:
    """The text of a file with marks of a merge in it; None: there is no such file, or no mark."""
    if not path.is_file():
        return None
    text = text_of(read_file(path, path.name, LARGEST, LockError), path.name, LockError)
    return text if first_mark(text) else None
