"""What a clone says of itself: read with the real git from real repositories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runflow_build.sources.git.working_tree import (
    Repository,
    repository_at,
    repository_of,
)

ROOT = Path(__file__).parent.parent.parent.parent


def opened(path: Path) -> Repository:
    found = repository_at(path)
    assert found is not None
    return found


def test_commit_remote_and_a_clean_tree(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c", remote="https://github.com/o/r")
    commit = clone.commit({"a.py": "1"})
    repository = opened(clone.path)
    assert repository.head() == commit
    assert repository.remote() == "https://github.com/o/r"
    assert repository.changes() == []


def test_a_repository_without_a_commit_has_no_head(new_clone: Any, tmp_path: Path) -> None:
    assert opened(new_clone(tmp_path / "c").path).head() is None


def test_changed_files_and_unknown_code_count_as_changes(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c")
    clone.commit({"a.py": "1", "b.txt": "1", "c.txt": "1"})
    clone.write({"a.py": "2", "ü.py": "new", "notes.md": "not code", "out/picture.png": "x"})
    (clone.path / "b.txt").unlink()
    assert opened(clone.path).changes() == ["a.py", "b.txt", "ü.py"]


def test_a_worktree_is_a_working_tree_of_its_own(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c", remote="https://github.com/o/r")
    first = clone.commit({"a.py": "1"})
    clone.commit({"a.py": "2"})
    clone.git("worktree", "add", "--quiet", str(tmp_path / "w"), first)
    tree = opened(tmp_path / "w")
    assert (tree.head(), tree.remote(), tree.changes()) == (first, "https://github.com/o/r", [])


def test_a_folder_inside_another_repository_is_not_that_repository(
    new_clone: Any, tmp_path: Path
) -> None:
    clone = new_clone(tmp_path / "c")
    clone.commit({"custom_nodes/pack/a.py": "1"})
    assert repository_at(clone.path / "custom_nodes" / "pack") is None
    assert repository_of(clone.path / "custom_nodes") == Repository(clone.path)


def test_an_instead_of_rule_of_this_machine_does_not_show(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c", remote="https://github.com/o/r")
    clone.git("config", "url.https://mirror.local/.insteadOf", "https://github.com/")
    assert opened(clone.path).remote() == "https://github.com/o/r"


def test_the_variables_of_a_git_hook_do_not_mislead(
    new_clone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone, other = new_clone(tmp_path / "c"), new_clone(tmp_path / "other")
    commit = clone.commit({"a.py": "1"})
    other.commit({"a.py": "2"})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    assert opened(clone.path).head() == commit
    assert opened(clone.path).changes() == []


def test_revisions_and_older_files(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c")
    first = clone.commit({"sub/f": "one\r\n"})
    clone.git("tag", "--annotate", "--message", "t", "v1")
    clone.commit({"sub/f": "two"})
    repository = opened(clone.path)
    assert repository.commit_of("v1") == first
    assert repository.commit_of("nothing") is None
    assert repository.commit_of("--help") is None
    assert repository.file_at("v1", clone.path / "sub" / "f") == "one\r\n"
    assert repository.file_at("v1", clone.path / "sub" / "g") is None


def test_a_commit_that_no_remote_has_is_known(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c")
    pushed = clone.commit({"a": "1"})
    local = clone.commit({"a": "2"}, pushed=False)
    repository = opened(clone.path)
    assert repository.pushed(pushed)
    assert not repository.pushed(local)
    assert repository.has(pushed, "refs/remotes/origin/main")
    assert not repository.has(local, "refs/remotes/origin/main")


def test_without_remote_branches_nothing_speaks_against_a_commit(
    new_clone: Any, tmp_path: Path
) -> None:
    clone = new_clone(tmp_path / "c")
    assert opened(clone.path).pushed(clone.commit({"a": "1"}, pushed=False))


NO_GIT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runflow_build.errors import RunflowError
from runflow_build.sources.git.working_tree import repository_at
try:
    repository_at(Path(sys.argv[2])).head()
except RunflowError as error:
    print(error)
"""


def test_without_a_git_program_that_is_said(new_clone: Any, tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "c")
    clone.commit({"a": "1"})
    done = subprocess.run(
        [sys.executable, "-c", NO_GIT, str(ROOT), str(clone.path)],
        env={"PATH": str(tmp_path / "empty"), "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "error git-missing: the git program was not found\n"
        "  fix       install git, or put the folder that it is in on the PATH\n"
    )
