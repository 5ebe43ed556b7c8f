"""What an input takes, in words and in types; requests and defaults are held to the same rules."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.workflow.contract_model import ContractInput
from runflow_build.workflow.values import MisfitError, coerced, shown, takes


def an_input(type_: str, **more: Any) -> ContractInput:
    row = {"type": type_, "required": False, "node": "1", "class": "X", "field": "value"}
    return ContractInput.model_validate({**row, **more})


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (an_input("STRING"), "text"),
        (an_input("INT", minimum=1, maximum=9), "a whole number from 1 up to 9"),
        (an_input("FLOAT", maximum=0.5), "a finite number up to 0.5"),
        (an_input("BOOLEAN"), "true or false"),
        (an_input("COMBO"), "one of its choices"),
        (an_input("COMBO", choices=["a", "b"]), "one of: `a`, `b`"),
        (
            an_input("STRING", choices=[str(number) for number in range(30)]),
            "one of: " + ", ".join(f"`{number}`" for number in range(20)) + ", …",
        ),
    ],
)
def test_an_input_says_what_it_takes(wanted: ContractInput, words: str) -> None:
    assert takes(wanted) == words


def test_a_misfit_tells_a_wrong_type_from_a_value_beyond_a_limit() -> None:
    with pytest.raises(MisfitError) as type_caught:
        coerced(an_input("INT"), "7")
    with pytest.raises(MisfitError) as limit_caught:
        coerced(an_input("INT", maximum=5), 7)
    assert (type_caught.value.outside, limit_caught.value.outside) == (False, True)


def test_a_value_is_shown_short_and_without_secrets() -> None:
    assert shown("x" * 100) == f"`{'x' * 57}…`"
    assert "a1b2" not in shown("rf_live_" + "a1b2c3d4" * 4)
