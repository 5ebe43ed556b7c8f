"""`runflow diff`: the lock as it lies there against git's past, or a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.cli.main import main
from runflow_build.errors import RunflowError
from runflow_build.sources.git.working_tree import NO_GIT, GitError
from runflow_build.sources.world import Unanswered
from runflow_build.tasks.diff import counted, lock_diff
from runflow_build.tasks.lock import relock
from tests.worlds.git_host import GitHost, git_host

__all__ = ["git_host"]


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
    assert capsys.readouterr().out == ("safe: 1 safe\nEndpoints\n  poster: name poster → Poster\n")


def test_in_the_form_that_is_asked_for(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    project, _ = kept
    rename(project)
    assert main(["diff", "-C", str(project.root), "--format", "json"]) == 0
    shape = json.loads(capsys.readouterr().out)
    assert (shape["risk"], shape["project"], shape["base"]) == ("safe", "project", "HEAD")
    assert main(["diff", "-C", str(project.root), "--format", "markdown"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "<!-- runflow-diff: project -->",
        "**runflow.lock in `project`: safe** — 1 safe since `HEAD`",
    ]


def test_at_the_top_of_the_repository_the_anchor_names_no_folder(
    new_project: Any, new_clone: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    root = new_clone(new_project("poster").root).path
    relock(root)
    assert main(["diff", "-C", str(root), "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("<!-- runflow-diff -->\n")


def test_the_exit_code_says_whether_there_are_changes_if_asked(kept: Any) -> None:
    project, _ = kept
    command = ["diff", "-C", str(project.root), "--exit-code"]
    assert main(command) == 0
    rename(project)
    assert main(command) == 1
    assert main(command[:-1]) == 0
    assert main([*command, "no-such-revision"]) == 2


def test_a_loosened_policy_is_told_though_the_lock_is_the_same(kept: Any) -> None:
    project, clone = kept
    text = project.spec.read_text()
    project.spec.write_text(text + "policy: {pickle_models: allow}\n")
    assert lock_diff(project.root, "HEAD").risk == "risky"
    clone.git("commit", "--quiet", "--all", "--message", "second")
    assert not lock_diff(project.root, "HEAD")
    assert lock_diff(project.root, "HEAD~1").changes[0].section == "Policy"
    project.spec.write_text("version: 1\nnonsense: true\n")  # is for `check` to say
    assert not lock_diff(project.root, "HEAD")


def test_in_a_hook_that_points_git_elsewhere(
    kept: Any, new_clone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_clone(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    rename(kept[0])
    assert len(lock_diff(kept[0].root, "HEAD").changes) == 1


# -- how far apart commits are


MOVE = ("https://example.org/o/pack", "a" * 40, "b" * 40)


class Hosts:
    """A git host that counts what it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def distance(self, url: str, before: str, after: str) -> int | None:
        self.asked += 1
        return self.answer(url)


@pytest.mark.parametrize("answer", [3, -1, None])
def test_commits_are_counted_by_the_hosts(answer: int | None) -> None:
    assert counted(Hosts(lambda url: answer), [MOVE]) == {MOVE: answer}


@pytest.mark.parametrize("error", [Unanswered("gone"), GitError(NO_GIT)])
def test_who_cannot_be_reached_is_silently_left_out(error: Exception) -> None:
    other = ("https://example.org/o/other", "a" * 40, "b" * 40)

    def answer(url: str) -> int:
        if url == MOVE[0]:
            raise error
        return 2

    assert counted(Hosts(answer), [MOVE, other]) == {other: 2}


def test_a_host_that_does_not_answer_in_time_is_not_waited_for() -> None:
    from threading import Event

    free = Event()
    hosts = Hosts(lambda url: free.wait(30) and 1)
    try:
        assert counted(hosts, [MOVE], longest_s=0.05) == {}
        assert not free.is_set()
    finally:
        free.set()


def with_a_pack(project: Any, url: str, commit: str) -> None:
    text = project.spec.read_text().split("nodes:")[0]
    pack = f"nodes:\n  pack: {{repository: {url}, ref: {commit}}}\n"
    project.spec.write_text(text + pack)
    relock(project.root)


def test_real_repositories_are_asked_unless_offline(
    git_host: GitHost, kept: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("RUNFLOW_CACHE_DIR", str(tmp_path / "cache"))
    pack = git_host.repository("o/pack")
    first, _, third = (pack.commit({"a.py": text}) for text in "123")
    project, clone = kept
    with_a_pack(project, pack.url, first)
    clone.git("commit", "--quiet", "--all", "--message", "second")
    with_a_pack(project, pack.url, third)
    command = ["diff", "-C", str(project.root)]
    assert main([*command, "--offline"]) == 0
    assert "2 commits" not in capsys.readouterr().out
    assert not (tmp_path / "cache").exists()
    assert main(command) == 0
    assert f"commit {first[:12]} → {third[:12]}, 2 commits" in capsys.readouterr().out


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
