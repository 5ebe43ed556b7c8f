"""The real sources, put together from the environment: caches, mirrors, tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from .digests import DigestCache
from .file_hosts.online import FileHostsOnline, tokens_of
from .git.hosts import GitCache
from .http.answers import AnswerCache
from .http.client import Http
from .indexes import UvIndexes
from .mirrors import mirrors_of
from .pack_lists import ManagerLists
from .registry import ComfyRegistry
from .user_cache import cache_folder
from .world import World


@contextmanager
def opened(
    environ: Mapping[str, str], offline: bool = False
) -> Iterator[tuple[World, DigestCache]]:
    """What lies outside of this machine, and what is remembered of files on it.

    Nothing is asked, and no client made, before somebody has a question. Offline (RUNFLOW_OFFLINE
    says so for every command), only answers of before are given. Raises UsageError
    `mirror-malformed`.
    """
    offline = offline or environ.get("RUNFLOW_OFFLINE", "").lower() in ("1", "true", "yes")
    folder, mirrors = cache_folder(environ), mirrors_of(environ)
    with ExitStack() as open_:
        answers = AnswerCache(folder / "answers.db")
        open_.callback(answers.close)
        digests = DigestCache(folder / "digests.db")
        open_.callback(digests.close)
        http = Http(mirrors=mirrors, cache=answers, offline=offline, tokens=tokens_of(environ))
        open_.callback(http.close)
        world = World(
            git=GitCache(folder / "git", offline=offline),
            registry=ComfyRegistry(http),
            lists=ManagerLists(http),
            files=FileHostsOnline(http, answers),
            packages=UvIndexes(mirrors, offline=offline, environ=environ),
        )
        yield world, digests
