"""Two branches that lock different things meet: `runflow lock` settles it, with real git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import LockError
from runflow_build.project.load import load
from runflow_build.tasks.fresh import staleness
from runflow_build.tasks.lock import relock

HASH = {name: letter * 64 for name, letter in (("base", "a"), ("ours", "b"), ("theirs", "c"))}


@pytest.fixture
def merging(new_project: Any, new_clone: Any) -> Path:
    """A project in the middle of a merge: each side has locked a model of its own."""
    project = new_project("poster")
    root: Path = project.root
    clone = new_clone(root)

    def lock_with(*names: str) -> str:
        models = "".join(f"  loras/{one}.safetensors: {{sha256: {HASH[one]}}}\n" for one in names)
        project.write_spec(["poster"], f"models:\n{models}")
        relock(root)
        files = {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
            for path in root.rglob("*")
            if path.is_file() and not {".git", ".runflow"} & set(path.parts)
        }
        return str(clone.commit(files))

    lock_with("base")
    clone.git("checkout", "--quiet", "-b", "theirs")
    lock_with("base", "theirs")
    clone.git("checkout", "--quiet", "main")
    lock_with("base", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        clone.git("merge", "theirs")
    assert "<<<<<<<" in (root / "runflow.lock").read_text(encoding="utf-8")
    names = ("base", "ours", "theirs")  # what the person makes of runflow.yaml
    models = "".join(f"  loras/{one}.safetensors: {{sha256: {HASH[one]}}}\n" for one in names)
    project.write_spec(["poster"], f"models:\n{models}")
    return root


def test_locking_settles_a_merge_and_says_what_it_took(merging: Path) -> None:
    done = relock(merging)

    assert {path: pin.sha256 for path, pin in done.lock.models.items()} == {
        f"loras/{name}.safetensors": digest for name, digest in HASH.items()
    }
    assert "lock-merged" in [finding.code for finding in done.findings]
    assert "<<<<<<<" not in (merging / "runflow.lock").read_text(encoding="utf-8")
    assert staleness(load(merging)) == []
    assert not relock(merging).written


def test_every_other_command_asks_for_that(merging: Path) -> None:
    with pytest.raises(LockError) as error:
        load(merging)
    (finding,) = error.value.findings
    assert finding.code == "lock-conflict"
    assert "runflow lock" in (finding.fix or "")


def test_a_merge_of_the_definitions_is_settled_too(merging: Path) -> None:
    file = merging / "runflow.definitions.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text(f"<<<<<<< HEAD\n{whole}=======\n{whole}>>>>>>> theirs\n", encoding="utf-8")

    relock(merging)

    assert file.read_text(encoding="utf-8") == whole
