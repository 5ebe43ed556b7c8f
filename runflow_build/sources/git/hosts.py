"""Git repositories by their public URL, over a cache of bare repositories."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from ...lock import repository
from ..world import RemoteRefs, Unanswered
from .answers import Answers, read_answers, stamp_of
from .cached import CachedRepository
from .working_tree import GitError

LONGEST_WAIT_S = 1800.0  # for another process that works on the same repository

_COMMIT = re.compile(r"[0-9a-f]{40}")
_Answer = TypeVar("_Answer")


class GitCache:
    """The git hosts of the world (`sources.world.GitHosts`), for many threads and processes.

    Each repository is a folder below `folder` with its answers, its bare repositories and a lock,
    which who works on them holds; different repositories go side by side, and what is known costs
    no lock. Refs are asked once in the life of this object; what hangs on a commit once for ever.
    `stop` ends the git that runs.
    """

    def __init__(
        self, folder: Path, *, offline: bool = False, stop: threading.Event | None = None
    ) -> None:
        self._folder = folder
        self._offline = offline
        self._stop = stop
        self._refs: dict[str, RemoteRefs | None] = {}
        self._answers: dict[str, Answers] = {}
        self._guard = threading.Lock()

    def refs(self, url: str) -> RemoteRefs | None:
        """Its tags and branches; None: there is no such repository, or not for us."""
        return self._of(url, lambda cached: cached.refs())

    def has(self, url: str, commit: str) -> bool:
        """Whether the remote gives out the commit (40 digits), by any of its refs or by itself."""
        return self._of(url, lambda cached: cached.has(_whole(commit)))

    def read(self, url: str, commit: str, path: str) -> bytes | None:
        """A file of a commit, symbolic links followed; None: the commit has no such file."""
        return self._of(url, lambda cached: cached.read(_whole(commit), path))

    def links(self, url: str, commit: str) -> Mapping[str, str]:
        """The commits of other repositories that a commit's tree names: path -> commit."""
        return self._of(url, lambda cached: cached.links(_whole(commit)))

    def commit_of_version(self, url: str, version: str) -> str | None:
        """The commit that released `version`, as `sources.world.GitHosts` says."""
        return self._of(url, lambda cached: cached.commit_of_version(version))

    def distance(self, url: str, before: str, after: str) -> int | None:
        """How many commits `after` is ahead of `before`, below 0 where it is behind; None: they
        are not in one line."""
        return self._of(url, lambda cached: cached.distance(_whole(before), _whole(after)))

    def _of(self, url: str, question: Callable[[CachedRepository], _Answer]) -> _Answer:
        public = repository.canonical(url)
        if public is None or public.startswith("-"):
            raise Unanswered("the address of the repository is no URL that others can reach")
        folder = self._folder / _folder_name(public)
        with ExitStack() as held:

            def hold() -> Answers:
                held.enter_context(_alone(folder))
                answers = self._current(folder)
                held.callback(answers.save)
                return answers

            answers = self._current(folder)
            cached = CachedRepository(
                public, folder, answers, hold, self._refs, self._offline, self._stop
            )
            try:
                return question(cached)
            except GitError as error:
                told = error.findings[0]
                raise Unanswered(told.message, told.fix) from None
            except OSError as error:
                reason = f"the cache of git repositories cannot be used ({error.strerror})"
                raise Unanswered(reason, f"make {self._folder} writable") from None

    def _current(self, folder: Path) -> Answers:
        """What is known of a repository, read again where another process has written since."""
        path = folder / "answers.json"
        with self._guard:
            known = self._answers.get(folder.name)
        if known is None or known.read_at != stamp_of(path):
            known = read_answers(path)
            with self._guard:
                self._answers[folder.name] = known
        return known


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a repository's folder against other threads and processes. Raises OSError."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=LONGEST_WAIT_S)
    except Timeout:
        reason = f"another process has been using {folder} for too long"
        raise Unanswered(reason, "wait until it is done, or end it") from None
    try:
        yield
    finally:
        lock.release()


def _whole(commit: str) -> str:
    if not _COMMIT.fullmatch(commit):
        raise ValueError(f"no whole commit: {commit!r}")
    return commit


def _folder_name(url: str) -> str:
    """A name that a person recognises, and that no other URL has on any file system."""
    readable = re.sub(r"[^a-z0-9.-]+", "-", url.removeprefix("https://").lower()).strip("-.")
    return f"{readable[:60]}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
