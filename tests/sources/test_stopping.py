"""Work that nobody wants any more."""

from __future__ import annotations

import pytest

from runflow_build.sources.stopping import pausing

A_WEEK_S = 7 * 24 * 3600


class Unwanted(Exception):
    pass


def test_a_pause_ends_as_soon_as_nobody_wants_what_comes_after_it() -> None:
    asked: list[None] = []

    def check() -> None:
        asked.append(None)
        if len(asked) == 3:
            raise Unwanted

    with pytest.raises(Unwanted):
        pausing(check)(A_WEEK_S)
    assert len(asked) == 3
    pausing(check)(0)
