"""The real sources, put together from the environment: caches, mirrors, tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from .digests import DigestCache
from .mirrors import mirrors_of
from .stopping import Check, go_on
from .user_cache import cache_folder
from .world import World

if TYPE_CHECKING:
    from .http.answers import AnswerCache
    from .http.client import Http


@contextmanager
def opened(
    environ: Mapping[str, str],
    offline: bool = False,
    check: Check = go_on,
    stop: threading.Event | None = None,
) -> Iterator[tuple[World, DigestCache]]:
    """What lies outside of this machine, and what is remembered of files on it.

    A source is imported and made when somebody has a question for it: mostly there is none.
    Offline, only answers of before are given. `check` raises where the answers are not wanted any
    more: it is asked while files are read. `stop` ends the git and the uv that run for them.
    Raises UsageError `mirror-malformed`.
    """
    offline = offline or is_offline(environ)
    folder, mirrors = cache_folder(environ), mirrors_of(environ)
    with ExitStack() as open_:
        digests = DigestCache(folder / "digests.db", check)
        open_.callback(digests.close)

        def client() -> tuple[Http, AnswerCache]:
            from .file_hosts.online import tokens_of
            from .http.answers import AnswerCache
            from .http.client import Http

            answers = AnswerCache(folder / "answers.db")
            open_.callback(answers.close)
            http = Http(mirrors=mirrors, cache=answers, offline=offline, tokens=tokens_of(environ))
            open_.callback(http.close)
            return http, answers

        asking = _Once(client)

        def git() -> Any:
            from .git.hosts import GitCache
            from .git.without import GitHubByHttp, git_is_there

            if not git_is_there():
                return GitHubByHttp(asking.value()[0])
            return GitCache(folder / "git", offline=offline, stop=stop)

        def registry() -> Any:
            from .registry import ComfyRegistry

            return ComfyRegistry(asking.value()[0])

        def lists() -> Any:
            from .pack_lists import ManagerLists

            return ManagerLists(asking.value()[0])

        def files() -> Any:
            from .file_hosts.online import FileHostsOnline

            return FileHostsOnline(*asking.value())

        def packages() -> Any:
            from .indexes import UvIndexes

            return UvIndexes(mirrors, offline=offline, environ=environ, stop=stop)

        yield World(*map(_Later, (git, registry, lists, files, packages))), digests


def is_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user wants nothing outside of this machine to be asked, whatever the command."""
    return environ.get("RUNFLOW_OFFLINE", "").lower() in ("1", "true", "yes")


class _Once:
    """A value that the first who asks makes, whatever the thread."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._lock, self._made = make, threading.Lock(), False

    def value(self) -> Any:
        with self._lock:
            if not self._made:
                self._value, self._made = self._make(), True
            return self._value


class _Later(_Once):
    """A source, made at its first question."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.value(), name)
