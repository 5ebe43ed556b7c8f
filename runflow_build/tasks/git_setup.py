"""`git-setup`: `git diff runflow.lock` says what a change means.

git learns two programs, for a clone or for the user, and an attribute says that they are for
runflow.lock. `command` gives what `runflow diff` says, where git lets a program speak for a file:
in `git diff`. `textconv` gives the lock as lines that each say whose they are, where git shows old
commits: in `git log -p` and `git show`. What sends or applies changes (`format-patch`, `am`,
`rebase`, `stash`) asks neither.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..file_names import LOCK_FILE
from ..findings import Finding
from ..project.save import save_files
from ..sources.git.working_tree import GitError, ask, repository_of

ATTRIBUTE = f"{LOCK_FILE} diff=runflow"
SECTION = "diff.runflow"


def git_setup(folder: Path, everywhere: bool = False) -> list[str]:
    """Tell git of runflow.lock, in the repository that `folder` is in, or (`everywhere`) for this
    user; what was done, a line each, and nothing where all is so already.

    Raises UsageError `repository-missing`, GitError, SaveError.
    """
    return list(_set_up(_place(folder, everywhere)))


def undo_git_setup(folder: Path, everywhere: bool = False) -> list[str]:
    """Take back what `git_setup` did there; what was done. Raises the same."""
    return list(_undone(_place(folder, everywhere)))


@dataclass(frozen=True)
class _Place:
    """Where git keeps settings and attributes."""

    folder: Path  # to run git in
    scope: str  # --local: of the clone, all its work trees share it; --global: of the user
    attributes: Path

    def setting(self, name: str) -> str | None:
        try:
            return ask(self.folder, "config", self.scope, "--get", f"{SECTION}.{name}")[:-1]
        except GitError as error:
            if error.findings[0].code != "git-failed":
                raise
            return None

    def change(self, *words: str) -> None:
        ask(self.folder, "config", self.scope, *words)

    def has_attribute(self) -> bool:
        """Whether the lock has it, by this file or, in a repository, by any."""
        if self.scope == "--global":
            return ATTRIBUTE.encode() in _lines(self.attributes)
        told = ask(self.folder, "check-attr", "diff", "--", LOCK_FILE)
        return told.rstrip("\n").endswith(": diff: runflow")


def _place(folder: Path, everywhere: bool) -> _Place:
    if everywhere:
        return _Place(folder, "--global", _users_attributes(folder))
    repository = repository_of(folder)
    if repository is None:
        raise UsageError(
            Finding(
                "repository-missing",
                "this folder is in no git repository",
                fix="go to a clone, or set it up for all of them: runflow git-setup --global",
            )
        )
    return _Place(folder, "--local", repository.top / ".gitattributes")


def _users_attributes(folder: Path) -> Path:
    try:
        named = ask(folder, "config", "--global", "--type=path", "--get", "core.attributesFile")
    except GitError:
        named = ""
    if named := named.rstrip("\n"):
        return Path(named).resolve()  # through a link, which people keep their settings behind
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return (Path(base) / "git" / "attributes").resolve()


def _set_up(place: _Place) -> Iterator[str]:
    for name, value in _programs().items():
        if place.setting(name) != value:
            place.change(f"{SECTION}.{name}", value)
            yield f"git config {place.scope} {SECTION}.{name}"
    if not place.has_attribute():
        _append(place.attributes, ATTRIBUTE)
        yield f"{place.attributes.name}: {ATTRIBUTE}"


def _undone(place: _Place) -> Iterator[str]:
    if any(place.setting(name) is not None for name in _programs()):
        place.change("--remove-section", SECTION)
        yield f"git config {place.scope} {SECTION} is gone"
    lines = _lines(place.attributes, keep_ends=True)
    kept = [line for line in lines if line.strip() != ATTRIBUTE.encode()]
    if kept == lines:
        return
    if kept:
        save_files({place.attributes: b"".join(kept)})
    else:
        place.attributes.unlink()
    yield f"{place.attributes.name} is without: {ATTRIBUTE}"


def _programs() -> dict[str, str]:
    """The settings; git hands each to a shell, and adds its words.

    A program that is gone (its environment was deleted) must not end `git diff`: then the text
    itself is compared and shown.
    """
    program = shlex.quote(_runflow())
    return {
        "command": f'f() {{ {program} diff --for-git "$@" || diff -u "$2" "$5" || :; }}; f',
        "textconv": f'f() {{ {program} diff --text-for-git "$1" || cat "$1"; }}; f',
    }


def _runflow() -> str:
    """The command that belongs to this Python, by its path; else whatever is on the PATH.

    Not `python -m`: that takes modules from the folder that git runs it in, which is the
    repository that somebody looks at.
    """
    beside = Path(sys.executable).parent / ("runflow.exe" if os.name == "nt" else "runflow")
    found = str(beside) if beside.is_file() else shutil.which("runflow")
    return Path(found).absolute().as_posix() if found else "runflow"


def _lines(file: Path, keep_ends: bool = False) -> list[bytes]:
    try:
        return file.read_bytes().splitlines(keep_ends)
    except FileNotFoundError:
        return []


def _append(file: Path, line: str) -> None:
    lines = _lines(file, keep_ends=True)
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += end
    save_files({file: b"".join([*lines, line.encode() + end])})
