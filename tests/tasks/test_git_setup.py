"""`runflow git-setup`: real git shows what a change of the lock means, and patches stay patches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.cli.main import main
from runflow_build.errors import RunflowError
from runflow_build.lock.model import EndpointPin, Lock, ModelPin, PythonPins
from runflow_build.lock.text import lock_text
from runflow_build.tasks import git_setup as module
from runflow_build.tasks.git_driver import diff_text, plain_text
from runflow_build.tasks.git_setup import ATTRIBUTE, git_setup, undo_git_setup
from runflow_build.workflow.contract_model import ContractInput

RENDERED = "breaking: 1 breaking\nAPI\n  BREAKING poster, input prompt: required false → true\n"


def lock(required: bool = False, **fields: Any) -> str:
    one = ContractInput.model_validate(
        {"type": "STRING", "required": required, "node": "6", "class": "K", "field": "text"}
    )
    endpoint = EndpointPin(name="P", workflow="w.json", prompt="1" * 64, inputs={"prompt": one})
    pins = PythonPins(version="3.12")
    return lock_text(Lock(python=pins, endpoints={"poster": endpoint}, **fields))


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of the machine's user, and git's words in English."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    # An installed `runflow` stands beside its Python; here a checkout may be all there is.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    program = tmp_path / "bin" / "runflow"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from runflow_build.cli.main import main\n"
        "sys.exit(main())\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(module, "_runflow", lambda: program.as_posix())


class Work:
    """A repository with a lock in it, changed and not yet committed."""

    def __init__(self, clone: Any, folder: str) -> None:
        self.clone, self.top = clone, clone.path
        self.lock = clone.path / folder / "runflow.lock"
        clone.write({f"{folder}/runflow.lock": lock(), "other.txt": "a\n"})
        clone.git("add", "--all")
        clone.git("commit", "--quiet", "--message", "first")
        self.lock.write_text(lock(required=True), newline="\n")

    def git(self, *words: str, folder: Path | None = None, **environment: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *words],
            cwd=folder or self.top,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        assert "fatal" not in done.stderr
        return done.stdout


@pytest.fixture
def work(new_clone: Callable[..., Any], tmp_path: Path) -> Work:
    return Work(new_clone(tmp_path / "work"), "project")


def test_git_diff_says_what_a_change_means(work: Work) -> None:
    assert git_setup(work.lock.parent)  # from a folder of the repository
    shown = work.git("diff", "project/runflow.lock")
    assert shown == f"diff --runflow project/runflow.lock\n{RENDERED}"
    assert work.git("diff", folder=work.lock.parent) == shown
    assert work.git("diff", "HEAD") == shown
    work.git("add", "project")
    assert work.git("diff", "--cached") == shown


def test_other_files_are_shown_as_ever(work: Work) -> None:
    git_setup(work.top)
    (work.top / "other.txt").write_text("b\n")
    assert "-a\n+b\n" in work.git("diff")


def test_old_commits_are_shown_in_lines_that_say_whose_they_are(work: Work) -> None:
    git_setup(work.top)
    work.git("commit", "--quiet", "--all", "--message", "second")
    for words in (("log", "-p", "-1"), ("show",), ("log", "-p", "-1", "--", "project")):
        shown = work.git(*words)
        assert "-API poster, input prompt: type STRING, required false" in shown
        assert "+API poster, input prompt: type STRING, required true" in shown
    assert RENDERED in work.git("log", "-p", "-1", "--ext-diff")
    assert RENDERED in work.git("diff", "HEAD~1", "HEAD")


def test_what_is_sent_and_applied_stays_a_patch(work: Work, tmp_path: Path) -> None:
    git_setup(work.top)
    raw = work.git("diff", "--no-ext-diff", "--no-textconv")
    assert "-        required: false\n+        required: true\n" in raw
    work.git("commit", "--quiet", "--all", "--message", "second")
    work.git("format-patch", "-1", "--output-directory", str(tmp_path / "sent"))
    wanted = work.lock.read_text()
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    (patch,) = (tmp_path / "sent").iterdir()
    work.git("am", str(patch))
    assert work.lock.read_text() == wanted
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    (tmp_path / "raw.patch").write_text(raw, newline="\n")
    work.git("apply", str(tmp_path / "raw.patch"))
    assert work.lock.read_text() == wanted
    work.git("stash")
    work.git("stash", "pop")
    assert work.lock.read_text() == wanted
    work.git("commit", "--quiet", "--all", "--message", "again")
    work.git("rebase", "--quiet", "--force-rebase", "HEAD~1")
    assert work.lock.read_text() == wanted


def test_hunks_are_staged_one_by_one_from_the_file_itself(work: Work) -> None:
    git_setup(work.top)
    done = subprocess.run(
        ["git", "add", "--patch"],
        cwd=work.top,
        input="y\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert "+        required: true" in done.stdout
    assert work.git("diff", "--cached", "--name-only") == "project/runflow.lock\n"
    assert work.git("show", ":project/runflow.lock") == work.lock.read_text()


def test_a_new_and_a_deleted_lock_are_told(work: Work) -> None:
    git_setup(work.top)
    work.lock.unlink()
    assert work.git("diff") == "diff --runflow project/runflow.lock\nthe lock is gone\n"
    work.git("rm", "--quiet", "project/runflow.lock")
    work.git("commit", "--quiet", "--message", "without")
    work.clone.write({"project/runflow.lock": lock()})
    work.git("add", "project")
    shown = work.git("diff", "--cached", "--", "project/runflow.lock")
    assert "poster: is new, with 1 input and 0 outputs" in shown


def test_a_renamed_lock_is_compared_with_what_it_was(work: Work) -> None:
    git_setup(work.top)
    work.git("checkout", "--quiet", "--", "project")
    work.git("mv", "project", "moved")
    (work.top / "moved/runflow.lock").write_text(lock(required=True), newline="\n")
    work.git("add", "--all")
    assert RENDERED in work.git("diff", "--cached", "--find-renames=10%")


def test_in_a_conflict_git_diff_goes_on(work: Work) -> None:
    git_setup(work.top)
    work.git("commit", "--quiet", "--all", "--message", "ours")
    work.git("checkout", "--quiet", "-b", "theirs", "HEAD~1")
    work.lock.write_text(lock().replace("STRING", "INT"), newline="\n")
    work.git("commit", "--quiet", "--all", "--message", "theirs")
    with pytest.raises(subprocess.CalledProcessError):
        work.git("merge", "main")
    assert "++<<<<<<< HEAD" in work.git("diff")
    assert "# the new lock:12:1: error lock-conflict" in work.git("diff", "HEAD")
    assert diff_text(["project/runflow.lock"]).startswith("* Unmerged path project/runflow.lock")


def test_a_lock_that_cannot_be_read_is_compared_as_text(work: Work) -> None:
    git_setup(work.top)
    work.lock.write_text("lock: 1\nnonsense: \x1b[2J\n")
    shown = work.git("diff")
    assert "# the new lock" in shown and "\x1b" not in shown
    assert "+lock: 1" in shown or "+nonsense" in shown
    work.git("commit", "--quiet", "--all", "--message", "damaged")
    assert "+nonsense" in work.git("show")


def test_a_program_that_is_gone_does_not_end_git_diff(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_runflow", lambda: (tmp_path / "an env/runflow").as_posix())
    git_setup(work.top)
    assert "required: true" in work.git("diff")
    work.git("commit", "--quiet", "--all", "--message", "second")
    assert "required: true" in work.git("show")


def test_nothing_of_the_repository_is_executed(work: Work) -> None:
    (work.top / "runflow_build").mkdir()
    (work.top / "runflow_build/__init__.py").write_text("raise SystemExit('taken over')")
    (work.top / "yaml.py").write_text("raise SystemExit('taken over')")
    git_setup(work.top)
    assert RENDERED in work.git("diff")


def test_a_linked_work_tree_shares_the_settings(work: Work, tmp_path: Path) -> None:
    git_setup(work.top)
    work.git("add", ".gitattributes")
    work.git("commit", "--quiet", "--message", "attributes")
    work.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = tmp_path / "linked"
    (linked / "project/runflow.lock").write_text(lock(required=True), newline="\n")
    assert RENDERED in work.git("diff", folder=linked)
    assert git_setup(linked) == []


def test_set_up_from_a_hook_it_is_the_clone_of_the_folder(
    work: Work, new_clone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_clone(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
    git_setup(work.top)
    assert "runflow" not in (other.path / ".git/config").read_text()
    monkeypatch.undo()
    assert "[diff" in (work.top / ".git/config").read_text()


def test_the_driver_works_where_a_hook_points_git_elsewhere(work: Work) -> None:
    git_setup(work.top)
    shown = work.git("diff", GIT_DIR=str(work.top / ".git"), GIT_WORK_TREE=str(work.top))
    assert RENDERED in shown


def test_twice_is_once_and_undone_nothing_is_left(work: Work) -> None:
    config = (work.top / ".git/config").read_bytes()
    assert len(git_setup(work.top)) == 3
    assert git_setup(work.top) == []
    assert (work.top / ".gitattributes").read_text() == f"{ATTRIBUTE}\n"
    assert len(undo_git_setup(work.top)) == 2
    assert undo_git_setup(work.top) == []
    assert not (work.top / ".gitattributes").exists()
    assert (work.top / ".git/config").read_bytes() == config
    assert "-        required: false" in work.git("diff")


@pytest.mark.parametrize("text", [b"*.png binary", b"a text\r\nb text\r\n", b"a\n"])
def test_other_attributes_stay_as_they_are(work: Work, text: bytes) -> None:
    file = work.top / ".gitattributes"
    file.write_bytes(text)
    git_setup(work.top)
    end = b"\r\n" if b"\r\n" in text else b"\n"
    assert file.read_bytes() == text.rstrip(end) + end + ATTRIBUTE.encode() + end
    undo_git_setup(work.top)
    assert file.read_bytes() == text.rstrip(end) + end


def test_for_the_user_it_holds_in_every_repository(work: Work, tmp_path: Path) -> None:
    assert len(git_setup(tmp_path, everywhere=True)) == 3  # in a folder that is no clone
    assert (tmp_path / "home/config/git/attributes").read_text() == f"{ATTRIBUTE}\n"
    assert RENDERED in work.git("diff")
    assert not (work.top / ".gitattributes").exists()
    assert git_setup(tmp_path, everywhere=True) == []
    assert len(undo_git_setup(tmp_path, everywhere=True)) == 2
    assert RENDERED not in work.git("diff")


def test_the_users_own_attributes_file_is_used_through_its_link(work: Work, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "dotfiles").mkdir(parents=True)
    (home / "dotfiles/attributes").write_text("*.png binary\n")
    (home / ".attributes").symlink_to(home / "dotfiles/attributes")
    (tmp_path / "gitconfig").write_text("[core]\n\tattributesFile = ~/.attributes\n")
    git_setup(tmp_path, everywhere=True)
    assert (home / "dotfiles/attributes").read_text() == f"*.png binary\n{ATTRIBUTE}\n"
    assert (home / ".attributes").is_symlink()
    assert RENDERED in work.git("diff")


def test_outside_of_a_repository_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RunflowError, match="repository-missing"):
        git_setup(tmp_path)
    assert main(["git-setup", "-C", str(tmp_path)]) == 2
    assert "runflow git-setup --global" in capsys.readouterr().err


def test_the_command_says_what_it_did(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["git-setup", "-C", str(work.top)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "git config --local diff.runflow.command",
        "git config --local diff.runflow.textconv",
        ".gitattributes: runflow.lock diff=runflow",
    ]
    assert main(["git-setup", "--undo", "-C", str(work.top)]) == 0
    assert main(["git-setup", "--undo", "-C", str(work.top)]) == 0
    assert capsys.readouterr().out.endswith("nothing to do\n")


# -- what git runs


def test_bytes_that_are_no_text_end_nothing(tmp_path: Path) -> None:
    odd, good = tmp_path / "odd", tmp_path / "good"
    odd.write_bytes(b"\xff\xfe\x00lock")
    good.write_text(lock())
    assert "file-not-text" in diff_text(["runflow.lock", str(good), "", "", str(odd), "", ""])
    assert "file-not-text" in diff_text(["runflow.lock", str(odd), "", "", str(good), "", ""])
    assert plain_text(str(odd)).endswith("lock")


def test_the_one_line_text_says_everything_once(tmp_path: Path) -> None:
    file = tmp_path / "runflow.lock"
    file.write_text(lock(models={"loras/a.safetensors": ModelPin(sha256="1" * 64, size=5)}))
    assert plain_text(str(file)).splitlines() == [
        "API poster, input prompt: type STRING, required false, node 6, class K, field text",
        f"endpoint poster: name P, workflow w.json, prompt {'1' * 64}, gpu cheapest",
        "Python: version 3.12",
        "model loras/a.safetensors: sha256 111111111111, 5 bytes (5 B)",
    ]
