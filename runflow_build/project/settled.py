"""Whether locking can only find what it found before, told from the outsides of files.

Locking again mostly changes nothing, and reading YAML and graphs costs more than all that such a
call does. So a lock that was found whole is remembered in .runflow/settled.json, with size, time
and inode of each file that it answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .. import __version__
from ..errors import SaveError
from .paths import ProjectPaths
from .save import save_files

_Outside = list[int] | None  # size, mtime_ns, inode; None: there is no such file


def is_settled(root: Path, source: str) -> bool:
    """Whether no file changed since `settle`, which was for the same `source` to capture from."""
    paths = ProjectPaths(root)
    try:
        kept = json.loads(paths.settled.read_bytes())
        return bool(kept["of"] == [__version__, source]) and all(
            _outside(root / name) == outside for name, outside in kept["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def settle(
    root: Path, source: str, read: Iterable[str], written: Iterable[str], since: int
) -> None:
    """Remember that these files, relative to `root`, give just the lock that lies there.

    `read` are what people write: one that changed at or after `since` (ns) may have been read
    before that, and then nothing is remembered. `written` are the lock and its companions.
    """
    paths = ProjectPaths(root)
    people = {name: _outside(root / name) for name in read}
    if any(outside and outside[1] >= since for outside in people.values()):
        return
    files = {**people, **{name: _outside(root / name) for name in written}}
    shape = {"of": [__version__, source], "files": files}
    with suppress(SaveError):  # kept for speed only
        save_files({paths.settled: json.dumps(shape)})


def _outside(path: Path) -> _Outside:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]
