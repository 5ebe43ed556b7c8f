"""A bare repository in the cache: commits of one remote, each fetched once, files as needed.

Whoever calls holds the repository's lock (hosts.py): what is unfinished here was left by a
process that died.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..folders import place_folder, remove_folder
from ..world import Unanswered
from .program import SHORT_S, Said, run
from .refusals import kind_of, unanswered

_PAST_S = 600.0  # for commits with their past, be it of years
_ORPHAN_ENDS_S = 5.0  # a git whose parent was killed ends by itself, at its next word to nobody
OFFLINE_FIX = "ask once with the network"
_HALF_FETCHED_S = 3600.0  # older than any fetch that still runs
_MOST_NAMES = 400  # object ids on one command line


class Refused(Exception):
    """The host does not give a commit by its id. `absent`: it says that it does not have it."""

    def __init__(self, absent: bool) -> None:
        super().__init__(absent)
        self.absent = absent


class NoRepository(Unanswered):
    """The host says that there is no such repository."""


class Damaged(Exception):
    """The repository on the disk is broken; made again, it is well."""


@dataclass(frozen=True)
class BareRepository:
    """The part of `url` that lies in `folder`: `filter` says what is left out of a fetch."""

    folder: Path
    url: str  # canonical
    filter: str  # blob:none, tree:0
    shallow: bool = False  # commits are fetched without their past
    stop: threading.Event | None = None  # ends what goes on

    # -- the folder

    def prepare(self) -> None:
        """Make the repository unless it is there."""
        if (self.folder / "HEAD").is_file() and (self.folder / "config").is_file():
            self._sweep()
            return
        self.discard()
        beside = self.folder.with_name(f".{self.folder.name}.partial-{os.getpid()}")
        for name in ("objects", "refs"):
            (beside / name).mkdir(parents=True)
        config = _CONFIG.format(url=self.url, filter=self.filter)
        (beside / "config").write_text(config, encoding="utf-8", newline="\n")
        (beside / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8", newline="\n")
        place_folder(beside, self.folder)

    def _sweep(self) -> None:
        """Remove what a git that was killed had fetched by half."""
        old = time.time() - _HALF_FETCHED_S
        for left in self.folder.glob("objects/pack/tmp_*"):
            with suppress(OSError):
                if left.stat().st_mtime < old:
                    left.unlink()

    def discard(self) -> None:
        """Take the repository away, and what was left of attempts to make it."""
        for left in self.folder.parent.glob(f".{self.folder.name}.partial-*"):
            remove_folder(left)
        if self.folder.exists():
            aside = self.folder.with_name(f".{self.folder.name}.partial-old-{os.getpid()}")
            remove_folder(aside)
            self.folder.rename(aside)
            remove_folder(aside)

    # -- what is here already

    def holds(self, commit: str) -> bool:
        done = self._run("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}")
        if done.code and done.err and kind_of(done) != "left out":
            raise Damaged(done.err)
        return done.code == 0

    def ask(self, *arguments: str) -> bytes:
        """What git says without the network. Raises Damaged."""
        done = self._run(*arguments)
        if done.code:
            raise Damaged(done.err)
        return done.out

    def blob(self, name: str, network: bool = True) -> bytes:
        """The content of a blob, fetched if it is not here. Raises Refused, Unanswered, Damaged."""
        done = self._run("cat-file", "blob", name, network=network)
        if done.code and not network and kind_of(done) == "left out":
            raise Unanswered(f"offline, a file of {self.url} is not known", OFFLINE_FIX)
        return self._checked(done).out

    # -- from the host

    def refs(self) -> Said:
        """What the host calls its commits, in the words of ls-remote."""
        words = ("ls-remote", "--symref", self.url)
        return self._run(*words, network=True, limit_s=SHORT_S)

    def fetch_commit(self, commit: str) -> None:
        """Fetch a commit by its id. Raises Refused, Unanswered, Damaged."""
        depth = ["--depth=1"] if self.shallow else []
        # The ref is what keeps it, and what a later fetch builds upon.
        self._fetch(_PAST_S, *depth, "origin", f"+{commit}:refs/runflow/{commit}")

    def fetch_all(self, blobs: bool) -> None:
        """Fetch the whole past of all branches and tags, `blobs` with all files.

        Raises Refused, Unanswered, Damaged."""
        if (self.folder / "shallow").exists():  # it would hide the past
            self.discard()
            self.prepare()
        names = ("heads", "tags")
        refs = (f"+refs/{name}/*:refs/{name}/*" for name in names)
        self._fetch(_PAST_S, *(["--no-filter"] if blobs else []), "--prune", "origin", *refs)

    def fetch_objects(self, names: Sequence[str]) -> None:
        """Fetch single objects, many at once; those that are here cost nothing."""
        for start in range(0, len(names), _MOST_NAMES):
            chunk = names[start : start + _MOST_NAMES]
            with suppress(Refused):  # a host that gives no single objects gave them all before
                self._fetch(SHORT_S, "origin", *chunk)

    def _fetch(self, limit_s: float, *arguments: str) -> None:
        words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]
        words += ["--no-recurse-submodules", f"--filter={self.filter}", *arguments]
        call = partial(self._run, *words, network=True, limit_s=limit_s)
        done = patiently(call)
        if done.code and kind_of(done) == "busy":  # nobody but us works here: they are a dead one's
            for lock in [*self.folder.glob("*.lock"), *self.folder.glob("refs/**/*.lock")]:
                with suppress(OSError):
                    lock.unlink()
            done = call()
        self._checked(done)

    def _run(self, *arguments: str, network: bool = False, limit_s: float = SHORT_S) -> Said:
        """Raises Unanswered once it was stopped: what a killed git says is no sign of damage."""
        done = run(self.folder, *arguments, network=network, limit_s=limit_s, stop=self.stop)
        if self.stop and self.stop.is_set():
            raise Unanswered(f"the work on {self.url} was stopped")
        return done

    def _checked(self, done: Said) -> Said:
        if done.code == 0:
            return done
        kind = kind_of(done)
        if kind in ("absent", "refused"):
            raise Refused(kind == "absent")
        if kind == "other":
            raise Damaged(done.err)
        told = unanswered(done, self.url)
        raise NoRepository(told.reason, told.fix) if kind == "gone" else told


# What `git init --bare` writes; itself it heeds settings and variables of whoever calls us.
_CONFIG = """\
[core]
	repositoryformatversion = 1
	bare = true
[extensions]
	partialClone = origin
[remote "origin"]
	url = {url}
	promisor = true
	partialclonefilter = {filter}
"""


def patiently(call: Callable[[], Said]) -> Said:
    """What a call says once no other git is in its way, or after a while of waiting for that."""
    end = time.monotonic() + _ORPHAN_ENDS_S
    done = call()
    while done.code and kind_of(done) == "busy" and time.monotonic() < end:
        time.sleep(0.1)
        done = call()
    return done
