"""Which endpoints a command works on."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.errors import UsageError
from runflow_build.tasks.slugs import chosen

KNOWN = ["poster", "card", "banner"]


@pytest.mark.parametrize("slugs", [None, [], ()])
def test_none_asked_for_means_all(slugs: Any) -> None:
    assert chosen(KNOWN, slugs) == KNOWN


def test_the_order_is_that_of_runflow_yaml() -> None:
    assert chosen(KNOWN, ["banner", "poster", "banner"]) == ["poster", "banner"]


def test_every_unknown_one_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        chosen(KNOWN, ["crad", "poster", "x"])
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        "error endpoint-unknown: runflow.yaml has no endpoint `crad`; did you mean `card`?\n"
        "  known     poster, card, banner\n"
        "  fix       name one of these, or none for all of them\n"
        "error endpoint-unknown: runflow.yaml has no endpoint `x`\n"
        "  known     poster, card, banner\n"
        "  fix       name one of these, or none for all of them"
    )
