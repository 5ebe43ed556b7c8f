"""The git program where it writes or goes out: run by GitPython, tamed, and with a time limit.

The user's settings apply, mirrors (`insteadOf`) and credential helpers among them. What could ask a
question, run a hook, or leave the repository that is meant is off.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..stopping import ends_with
from .working_tree import MISLEADING, NO_GIT, GitError, configured

PROTOCOLS = "https:ssh:file"  # never ext::, which runs a program, nor what is not encrypted
SHORT_S, LONG_S = 120.0, 3600.0  # for questions; for work trees
_LAST_WORDS_S = 2.0

_SETTINGS = {
    "advice.detachedHead": "false",
    "core.askPass": "",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.longpaths": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "credential.interactive": "false",
    "fetch.prune": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    # What large-file storage keeps elsewhere stays a pointer: model files are the lock's affair.
    "filter.lfs.clean": "",
    "filter.lfs.process": "",
    "filter.lfs.required": "false",
    "filter.lfs.smudge": "",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "init.templateDir": "",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
}
_ALWAYS = {
    "GCM_INTERACTIVE": "never",
    "GIT_ASKPASS": "",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
}


@dataclass(frozen=True)
class Said:
    """What came of a call."""

    code: int
    out: bytes
    err: str
    late: bool = False  # ended at its time limit

    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape").strip()


def run(
    git_dir: Path,
    *arguments: str,
    work_tree: Path | None = None,
    network: bool = False,
    limit_s: float = SHORT_S,
    stdin: bytes | None = None,
    stop: threading.Event | None = None,
) -> Said:
    """What git says to `arguments` in the repository `git_dir`, or in its work tree.

    Without `network` no remote is asked, not even for objects that a partial clone left there.
    `stop` ends it.
    Raises GitError `git-missing`.
    """
    try:
        import git  # costs 100 ms, and looks for the program
    except ImportError:
        raise GitError(NO_GIT) from None
    options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    try:
        started: Any = git.Git(work_tree or git_dir).execute(
            [git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *options, *arguments],
            env=_environment(git_dir, work_tree, network),
            istream=None if stdin is None else _PIPE,
            as_process=True,
            shell=False,
            **_OWN_GROUP,
        )
    except git.exc.GitCommandNotFound:
        raise GitError(NO_GIT) from None
    with ends_with(stop, lambda: _kill(started.proc)):
        return _ended(started.proc, stdin, limit_s)


_PIPE: Any = subprocess.PIPE  # GitPython's types know streams only
# Ctrl-C is ours to hand on: git and all that it started end together, and no terminal can be asked.
_OWN_GROUP: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}


_RUNNING: set[subprocess.Popen[bytes]] = set()


def _ended(process: subprocess.Popen[bytes], stdin: bytes | None, limit_s: float) -> Said:
    atexit.unregister(_end_all)
    atexit.register(_end_all)
    _RUNNING.add(process)
    try:
        return _said(process, stdin, limit_s)
    finally:
        _RUNNING.discard(process)


def _end_all() -> None:
    """A thread that nobody waits for any more leaves no git behind."""
    for process in [*_RUNNING]:
        _kill(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS_S)


def _said(process: subprocess.Popen[bytes], stdin: bytes | None, limit_s: float) -> Said:
    try:
        out, err = process.communicate(stdin, timeout=limit_s)
        late = False
    except subprocess.TimeoutExpired:
        _kill(process)
        out, err, late = b"", b"", True
        # A daemon that git started, for credentials, may hold the pipes open for longer.
        with suppress(subprocess.TimeoutExpired):
            out, err = process.communicate(timeout=_LAST_WORDS_S)
        _close(process.stdin, process.stdout, process.stderr)
    except BaseException:
        _kill(process)
        _close(process.stdin, process.stdout, process.stderr)
        process.wait()
        raise
    return Said(process.returncode, out, err.decode("utf-8", "replace"), late)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _close(*streams: IO[bytes] | None) -> None:
    for stream in streams:
        with suppress(OSError):
            if stream:
                stream.close()


def _environment(git_dir: Path, work_tree: Path | None, network: bool) -> Mapping[str, str]:
    given = dict(_ALWAYS)
    given["GIT_DIR"] = str(git_dir)
    given["GIT_ALLOW_PROTOCOL"] = PROTOCOLS if network else "none"
    if not network:
        given["GIT_NO_LAZY_FETCH"] = "1"
    if not {"GIT_SSH", "GIT_SSH_COMMAND"} & os.environ.keys() and network:
        given |= _ssh(git_dir)
    # GitPython adds to the environment and takes nothing away: what misleads is set right instead.
    common = common_dir(git_dir)
    right = {
        "GIT_WORK_TREE": str(work_tree or git_dir),
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_COMMON_DIR": str(common),
        "GIT_OBJECT_DIRECTORY": str(common / "objects"),
        "GIT_SHALLOW_FILE": str(common / "shallow"),
    }
    misled = [name for name in MISLEADING if name in os.environ and name not in given]
    return given | {name: right.get(name, "") for name in misled}


def _ssh(git_dir: Path) -> Mapping[str, str]:
    """ssh that never asks; the user's own command stays, its questions find no terminal."""
    own = configured(git_dir, "core.sshCommand")
    return {} if own else {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}


def git_dir_of(work_tree: Path) -> Path:
    """The repository of a work tree: its `.git`, or where that file points."""
    dot_git = work_tree / ".git"
    if dot_git.is_file():
        named = dot_git.read_text(encoding="utf-8", errors="surrogateescape")
        return (work_tree / named.removeprefix("gitdir:").strip()).resolve()
    return dot_git.absolute()


def common_dir(git_dir: Path) -> Path:
    """Where a repository keeps its objects: itself, unless it is a linked work tree's."""
    try:
        return (git_dir / (git_dir / "commondir").read_text(encoding="utf-8").strip()).resolve()
    except OSError:
        return git_dir
