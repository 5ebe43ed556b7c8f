"""A git working tree, read through the git program: commit, changes, remote, older files.

Nothing is ever written to the repository, nor fetched.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...errors import RunflowError
from ...findings import Finding

# A hook runs us with variables that point git at the repository of the hook.
MISLEADING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_SHALLOW_FILE",
)
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}

NO_GIT = Finding(
    "git-missing",
    "the git program was not found",
    fix="install git, or put the folder that it is in on the PATH",
)


class GitError(RunflowError):
    """git said no (`git-failed`), or is not there (`git-missing`)."""


class _NoGit(GitError):
    """There is no git program, so that no answer of its may be taken for a no."""


@dataclass(frozen=True)
class Repository:
    """The working tree whose top is `top`."""

    top: Path

    def head(self) -> str | None:
        """The commit that is checked out, 40 hex digits; None before the first one."""
        return self.commit_of("HEAD")

    def commit_of(self, revision: str) -> str | None:
        """The commit that a revision means here; None where it means nothing."""
        if revision.startswith("-"):
            return None
        found = _answer(self.top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return found.strip() if found else None

    def has(self, ancestor: str, revision: str) -> bool:
        """Whether `revision` has the commit `ancestor` in its past, or is it."""
        return _answer(self.top, "merge-base", "--is-ancestor", ancestor, revision) is not None

    def pushed(self, commit: str) -> bool:
        """Whether a branch of a remote has the commit, or no such branch is known here at all."""
        branches = ask(self.top, "for-each-ref", "--count=1", "refs/remotes")
        with_it = ask(
            self.top, "for-each-ref", "--count=1", "--contains", commit, "refs/remotes", "refs/tags"
        )
        return bool(with_it) or not branches

    def remote(self) -> str | None:
        """The URL of `origin` as it was configured: no `insteadOf` of this machine in it."""
        return configured(self.top, "remote.origin.url")

    def changes(self) -> list[str]:
        """Tracked files that differ from the commit, and Python files that git does not know."""
        rows = ask(
            self.top,
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=none",
        )
        found = [(row[:2], row[3:]) for row in rows.split("\0") if row]
        return sorted(path for mark, path in found if mark != "??" or path.endswith(".py"))

    def file_at(self, revision: str, path: Path) -> str | None:
        """A file's text at a revision; None where that revision does not have it."""
        relative = path.resolve().relative_to(self.top).as_posix()
        return _answer(self.top, "cat-file", "blob", f"{revision}:{relative}")


def repository_of(folder: Path) -> Repository | None:
    """The working tree that `folder` is in; None where there is none.

    Raises GitError: `git-missing`; `git-failed`, for a folder of another user.
    """
    try:
        top = ask(folder, "rev-parse", "--show-toplevel").rstrip("\n")
    except GitError as error:
        if "not a git repository" in error.findings[0].message:
            return None
        raise
    return Repository(Path(top))


def repository_at(folder: Path) -> Repository | None:
    """The working tree whose top is `folder` itself, not one that it lies in by chance."""
    if not (folder / ".git").exists():
        return None
    found = repository_of(folder)
    return found if found and found.top.resolve() == folder.resolve() else None


def configured(folder: Path, name: str) -> str | None:
    """What a setting is in `folder`, be it the user's or the repository's; None: not set."""
    return (_answer(folder, "config", "--get", name) or "").strip() or None


def settings_in(text: bytes) -> list[tuple[str, str]]:
    """The settings of a file in git's format, in its order; no file that it includes is read.

    Raises GitError."""
    said = ask(Path(), "config", "--no-includes", "--file", "-", "--list", "--null", stdin=text)
    rows = [row.partition("\n") for row in said.split("\0") if row]
    return [(name, value) for name, _, value in rows]


def _answer(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it says no."""
    try:
        return ask(folder, *arguments)
    except _NoGit:
        raise
    except GitError:
        return None


def ask(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What git prints in `folder`, which it only reads. Raises GitError: `git-failed`,
    `git-missing`."""
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            env={**environment, **_QUIET},
            input=stdin,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise _NoGit(NO_GIT) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(
            Finding(
                "git-failed",
                f"git in {folder.name}: {said[0] if said else f'exit code {done.returncode}'}",
                fix=f"run `git status` in {folder} and do what git says",
            )
        )
    return done.stdout.decode("utf-8", "surrogateescape")
