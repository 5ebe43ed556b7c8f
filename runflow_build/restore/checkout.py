"""A folder becomes the work tree of one commit, and nothing of the user's is lost on the way."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import RestoreError
from ..findings import Finding
from ..lock import repository
from ..redact import shown
from ..sources.folders import place_folder, remove_folder
from ..sources.git.working_tree import GitError, repository_at
from ..sources.user_cache import cache_folder
from .moving import Move, begin, end, resume, unfinished
from .submodules import Submodule, submodules_of
from .work_git import WorkGit, changed, failed
from .work_tree import CheckoutState, state_of, status_of, submodules_in

__all__ = ["CheckoutState", "Submodule", "checkout", "state_of", "submodules_of"]

LONGEST_WAIT_S = 3600.0  # for another process that works on the same folder

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Wish:
    """A folder, and what is to be in it."""

    url: str  # canonical
    commit: str
    folder: Path
    name: str  # what messages call it
    submodules: bool
    offline: bool
    say: Say
    stop: threading.Event | None = None
    inner: bool = False  # a submodule: its address is its repository's affair

    def git(self, folder: Path | None = None) -> WorkGit:
        return WorkGit(folder or self.folder, self.url, self.name, self.offline, self.stop)

    def within(self, one: Submodule) -> _Wish:
        folder, name = self.folder / one.path, f"{self.name}/{one.path}"
        return replace(self, url=one.url, commit=one.commit, folder=folder, name=name, inner=True)


def checkout(
    url: str,
    commit: str,
    folder: Path,
    *,
    submodules: bool = True,
    offline: bool = False,
    log: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Make `folder` a work tree of exactly `commit` of the repository `url`.

    A new one is made beside and renamed when it is whole. A clone of the repository without local
    changes is moved to the commit in place, and one that a killed process left on the way is moved
    to the end; what git does not track stays. Where all is well nothing is written or asked.
    `stop` ends it, as a failure does.

    Raises RestoreError: `restore-in-the-way`, `checkout-changed`, `checkout-failed`,
    `commit-missing`, `submodule-unsafe`, `restore-busy`, `git-missing`, `git-failed`.
    """
    public = repository.canonical(url)
    if public is None or not repository.is_full_commit(commit):
        raise failed(folder.name, f"{shown(url)} at {shown(commit)} is nothing that others have")
    say = log or (lambda line: None)
    folder = folder.absolute()
    wish = _Wish(public, commit.lower(), folder, folder.name, submodules, offline, say, stop)
    try:
        with _alone(folder):
            _settle(wish)
    except GitError as error:
        raise _without_git(wish, error) from None
    except OSError as error:
        raise failed(folder.name, error.strerror or str(error)) from None


def _settle(wish: _Wish) -> None:
    _tidy(wish.folder)
    if not wish.folder.is_symlink() and not _holds_anything(wish.folder):
        _make(wish)
        return
    tree = repository_at(wish.folder)
    if tree is None:
        raise _in_the_way(wish, "a folder that is no git clone")
    if not repository.same(tree.remote(), wish.url) and not wish.inner:
        raise _in_the_way(wish, "a clone of another repository")
    _finish(wish)
    state = state_of(wish.folder)
    if state.changes:
        raise changed(wish.name, state.changes)
    if state.commit != wish.commit:
        _move(wish, state.commit)
    if wish.submodules:
        for one in submodules_in(wish.folder, wish.url, wish.commit):
            _check_place(wish, one)
            _settle(wish.within(one))


# -- a new folder


def _make(wish: _Wish) -> None:
    # ComfyUI loads every folder of custom_nodes/ but those of this ending.
    name = f".{wish.folder.name}.partial-{os.getpid()}-{secrets.token_hex(4)}.disabled"
    beside = wish.folder.with_name(name)
    try:
        beside.mkdir(parents=True)
        git = wish.git(beside)
        git.create()
        _obtain(wish, git)
        git.check_out(wish.commit)
        inside = replace(wish, folder=beside)
        for one in submodules_in(beside, wish.url, wish.commit) if wish.submodules else ():
            _check_place(inside, one)
            _settle(inside.within(one))
        place_folder(beside, wish.folder)
    except BaseException:
        remove_folder(beside)
        raise


def _obtain(wish: _Wish, git: WorkGit) -> None:
    if git.holds(wish.commit):
        return
    wish.say(f"fetching {wish.commit[:12]} of {wish.url}")
    if not git.fetch(wish.commit):
        raise RestoreError(
            Finding(
                "commit-missing",
                f"{wish.url} does not give out the commit {wish.commit} of {wish.name}",
                fix="lock again with --upgrade, or ask the author where the commit went",
            )
        )


def _tidy(folder: Path) -> None:
    """Remove what processes that died left beside the folder."""
    if folder.parent.is_dir():
        for left in folder.parent.glob(f".{_literal(folder.name)}.partial-*.disabled"):
            remove_folder(left)


def _literal(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


# -- a folder that is a clone already


def _move(wish: _Wish, now: str | None) -> None:
    git = wish.git()
    if wish.inner:
        git.point_to(wish.url)
    if now is not None:
        begin(wish.folder, Move(now, wish.commit))
    try:
        _obtain(wish, git)
        git.keep_head()
        wish.say(f"checking out {wish.commit[:12]}")
        git.check_out(wish.commit)
    except RestoreError:
        if status_of(wish.folder) == (now, []):  # nothing was touched
            end(wish.folder)
        raise
    end(wish.folder)


def _finish(wish: _Wish) -> None:
    """Move what a killed process left half moved to where it went, submodules too."""
    move = unfinished(wish.folder)
    if move is not None:
        wish.say("finishing an interrupted checkout")
        git = wish.git()
        foreign = resume(git, move, status_of(wish.folder)[1])
        if foreign:
            raise changed(wish.name, foreign)
        end(wish.folder)
    for one in submodules_in(wish.folder, wish.url, status_of(wish.folder)[0]):
        inner = wish.within(one)
        if repository_at(inner.folder) is not None:
            _finish(inner)


# -- places


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes; the lock lies where it is in nobody's way."""
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    lock = FileLock(cache_folder(os.environ) / "git" / "checkouts" / f"{name}.lock")
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LONGEST_WAIT_S)
    except Timeout:
        message = f"another process has been working on {folder.name} for too long"
        fix = "wait until it is done, or end it"
        raise RestoreError(Finding("restore-busy", message, fix=fix)) from None
    try:
        yield
    finally:
        lock.release()


def _holds_anything(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return True


def _check_place(wish: _Wish, one: Submodule) -> None:
    """A submodule lies in its repository's work tree: no part of the way there is a link."""
    place = wish.folder
    for part in one.path.split("/"):
        place /= part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise _in_the_way(wish.within(one), "a link or a file, where a submodule has to be")


def _in_the_way(wish: _Wish, what: str) -> RestoreError:
    fix = f"move {wish.name} away, or restore into another folder"
    return RestoreError(Finding("restore-in-the-way", f"{wish.name} is {what}", fix=fix))


def _without_git(wish: _Wish, error: GitError) -> RestoreError:
    """Without git, where the files of a commit can be had by hand."""
    told = error.findings[0]
    if told.code == "git-missing" and wish.url.startswith("https://github.com/"):
        archive = f"{wish.url}/archive/{wish.commit}.tar.gz"
        told = replace(told, also=(("or", f"unpack {archive} there, without its submodules"),))
    return RestoreError(told)
