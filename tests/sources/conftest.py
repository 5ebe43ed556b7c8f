from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runflow_build.sources.file_hosts.online import FileHostsOnline
from runflow_build.sources.http.answers import AnswerCache
from runflow_build.sources.http.client import Http
from runflow_build.sources.mirrors import mirrors_of


@pytest.fixture
def file_hosts(stand_in: Any, tmp_path: Path) -> Iterator[Callable[..., FileHostsOnline]]:
    """`file_hosts(tokens={…}, offline=False)`: the real sources over the stand-in; all of a test
    share what is kept."""
    with ExitStack() as open_:

        def make(**options: Any) -> FileHostsOnline:
            answers = AnswerCache(tmp_path / "cache" / "answers.db")
            open_.callback(answers.close)
            http = Http(mirrors=mirrors_of(stand_in.environ), cache=answers, **options)
            open_.callback(http.close)
            return FileHostsOnline(http, answers)

        yield make
