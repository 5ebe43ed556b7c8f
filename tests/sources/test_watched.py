"""Questions are counted, whatever becomes of them."""

from __future__ import annotations

import pytest
from twins import world_of

from runflow_build.sources.watched import watched
from runflow_build.sources.world import Unanswered


def test_a_question_is_counted_when_it_is_asked_and_when_it_is_answered() -> None:
    seen: list[tuple[int, int]] = []
    world = watched(world_of({"unanswered": {"registry": "it is down"}}), lambda *n: seen.append(n))

    assert world.lists.models_called("x") == []
    with pytest.raises(Unanswered):
        world.registry.pack("x")

    assert seen == [(1, 0), (1, 1), (2, 1), (2, 2)]
