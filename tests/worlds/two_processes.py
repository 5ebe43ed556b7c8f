"""Two processes at one file of the user's cache, begun at the same moment.

They are spawned, as on Windows, so what they do stands in a module that they can import by name.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from runflow_build.sources.digests import DigestCache
from runflow_build.sources.http.answers import Answer, AnswerCache


def exit_codes(work: Callable[..., None], *arguments: tuple[Any, ...]) -> list[int | None]:
    """Run ``work(barrier, *one)`` for each of the arguments in a process of its own."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(arguments))
    processes = [context.Process(target=work, args=(barrier, *one)) for one in arguments]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    return [one.exitcode for one in processes]


def hash_files(barrier: Barrier, database: Path, folder: Path) -> None:
    cache = DigestCache(database)
    barrier.wait()
    for path in sorted(folder.iterdir()):
        cache.content_of(path)
    cache.close()


def put_answers(barrier: Barrier, path: Path, name: str) -> None:
    barrier.wait()
    cache = AnswerCache(path)  # both make the file
    for n in range(100):
        cache.put(f"{name}{n}", Answer(200, "https://pub.example/a", None, None, b"{}", {}))
    cache.close()
