"""`runflow diff`: the lock as it lies there against git's past, or a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.cli.main import main
from runflow_build.errors import RunflowError
from runflow_build.tasks.diff import lock_diff
from runflow_build.tasks.lock import relock


@pytest.fixture
def kept(new_project: Any, new_clone: Any) -> tuple[Any, Any]:
    """A locked project below the top of a repository, committed; project and repository."""
    project = new_project("poster", folder="repository/project")
    relock(project.root)
    clone = new_clone(project.root.parent)
    clone.git("add", "project")
    clone.git("commit", "--quiet", "--message", "first")
    return project, clone


def rename(project: Any) -> None:
    text = project.spec.read_text()
    project.spec.write_text(text.replace("{workflow: p", "{name: Poster, workflow: p"))
    relock(project.root)


def test_against_head_by_default(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    project, _ = kept
    assert main(["diff", "-C", str(project.root)]) == 0
    assert capsys.readouterr().out == "no changes\n"
    rename(project)
    assert main(["diff", "-C", str(project.root)]) == 0
    assert capsys.readouterr().out == "Endpoints\n  poster: name poster → Poster\n"


def test_in_the_form_that_is_asked_for(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    project, _ = kept
    rename(project)
    assert main(["diff", "-C", str(project.root), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["breaking"] is False
    assert main(["diff", "-C", str(project.root), "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("### Endpoints\n")


def test_against_a_file_or_an_older_revision(kept: Any, tmp_path: Path) -> None:
    project, clone = kept
    old = tmp_path / "old.lock"
    old.write_bytes(project.lock.read_bytes())
    clone.git("tag", "released")
    rename(project)
    clone.git("commit", "--quiet", "--all", "--message", "second")
    assert not lock_diff(project.root, "HEAD")
    assert lock_diff(project.root, "released") == lock_diff(project.root, str(old))
    assert len(lock_diff(project.root, "HEAD~1").changes) == 1


def test_where_the_base_has_no_lock_all_is_new(kept: Any) -> None:
    project, clone = kept
    clone.git("rm", "--quiet", "--cached", "project/runflow.lock")
    clone.git("commit", "--quiet", "--message", "without")
    changes = lock_diff(project.root, "HEAD").changes
    assert any(change.what.startswith("is new") for change in changes)


def test_in_a_repository_without_a_commit_all_is_new(new_project: Any, new_clone: Any) -> None:
    root = new_clone(new_project("poster").root).path
    relock(root)
    assert lock_diff(root, "HEAD")


@pytest.mark.parametrize("base", ["nothing", "--output=x", "a b"])
def test_an_unknown_revision_is_said(kept: Any, base: str) -> None:
    with pytest.raises(RunflowError, match="is neither a file nor a git revision"):
        lock_diff(kept[0].root, base)


def test_a_damaged_base_is_named(kept: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.lock"
    bad.write_text("lock: 1\n")
    with pytest.raises(RunflowError, match=r"bad\.lock: error lock-malformed"):
        lock_diff(kept[0].root, str(bad))


def test_without_a_lock_there_is_nothing_to_compare(new_project: Any) -> None:
    with pytest.raises(RunflowError, match="lock-missing"):
        lock_diff(new_project("poster").root, "HEAD")
