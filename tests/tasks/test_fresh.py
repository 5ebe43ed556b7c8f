"""The guard before every stage behind the lock: it and the files beside it are of one make."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import StaleLockError
from runflow_build.lock.model import FilePin, TargetPins
from runflow_build.lock.text import lock_text, read_lock
from runflow_build.project.load import load
from runflow_build.tasks.fresh import require_fresh, staleness

PYLOCK = "pylock.linux-cpu.toml"


def with_a_pylock(path: Path, content: bytes) -> None:
    """Let the lock name a companion of this content."""
    pin = TargetPins(pylock=FilePin(file=PYLOCK, sha256=sha256(content).hexdigest()))
    lock = read_lock(path.read_text(encoding="utf-8"))
    python = lock.python.model_copy(update={"targets": {"linux-cpu": pin}})
    text = lock_text(lock.model_copy(update={"python": python}))
    path.write_text(text, encoding="utf-8", newline="\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"right", []),
        (b"wrong", [f"the lock's companion {PYLOCK} is another one than the lock names"]),
        (None, [f"the lock's companion {PYLOCK} is missing"]),
    ],
)
def test_the_package_files_beside_the_lock_are_those_it_names(
    locked_project: Any, content: bytes | None, said: list[str]
) -> None:
    project = locked_project("poster")
    with_a_pylock(project.lock, b"right")
    if content is not None:
        (project.root / PYLOCK).write_bytes(content)
    found = [one for one in staleness(load(project.root)) if one.code == "lock-companion"]
    assert [one.message for one in found] == said
    assert [one.where.file for one in found] == [PYLOCK] * len(said)


def test_without_a_lock_that_is_all_there_is_to_say(new_project: Any) -> None:
    with pytest.raises(StaleLockError) as error:
        require_fresh(new_project("poster").root)
    assert [(one.code, one.fix) for one in error.value.findings] == [
        ("lock-missing", "run `runflow lock`")
    ]
