"""The values of a form in a prompt, and what is told of those that do not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from runflow_build.errors import BindError, UsageError
from runflow_build.playground.binding import Bound, bound
from runflow_build.playground.capture import Capture

NOW = datetime(2026, 1, 1)
VALUES = {"photo": "a/b.png", "paper": "paper.png", "seed": 2**64 - 1}


def bind(capture: Capture, values: Any, wired: Any = (), is_file: Any = lambda name: True) -> Bound:
    return bound(capture, values, wired, is_file=is_file, seed="s", now=NOW)


def told(capture: Capture, values: Any, **more: Any) -> dict[str | None, str]:
    with pytest.raises(BindError) as raised:
        bind(capture, values, **more)
    return {one.where.field: one.code for one in raised.value.findings}


def test_values_replace_the_local_wiring(capture: Capture) -> None:
    made = bind(capture, VALUES)
    assert made.prompt["2"]["inputs"]["value"] == ["2-image", 0]
    assert made.prompt["2-image"]["inputs"] == {"image": "a/b.png"}
    assert made.prompt["5"]["inputs"]["value"] == 2**64 - 1
    assert "1" not in made.prompt  # the author's own photo
    assert "3" not in made.prompt
    assert made.titles["2-image"] == "Photo"
    assert made.values == VALUES


def test_an_optional_input_that_nobody_touched_keeps_its_default(capture: Capture) -> None:
    assert bind(capture, VALUES).prompt["7"]["inputs"]["value"] == ["6", 0]
    assert bind(capture, {**VALUES, "width": 80}).prompt["7"]["inputs"]["value"] == 80


def test_what_is_wired_stays_where_the_user_wants_it(capture: Capture) -> None:
    values = {"photo": "a.png", "seed": 1}
    made = bind(capture, values, wired=["paper"])
    assert made.prompt["4"]["inputs"]["value"] == ["3", 0]
    assert told(capture, values) == {"paper": "input-missing"}


def test_what_is_not_wired_cannot_be_left_out_by_saying_so(capture: Capture) -> None:
    wired = ["seed", "photo", "paper", "nobody"]
    assert told(capture, {}, wired=wired) == {"photo": "input-missing", "seed": "input-missing"}


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({"seed": 7.9}, {"seed": "input-wrong-type"}),
        ({"seed": float("nan")}, {"seed": "input-wrong-type"}),
        ({"seed": float("inf")}, {"seed": "input-wrong-type"}),
        ({"seed": -1}, {"seed": "input-out-of-range"}),
        ({"seed": True}, {"seed": "input-wrong-type"}),
        ({"photo": "../x.png"}, {"photo": "input-wrong-type"}),
        ({"photo": "x.png [output]"}, {"photo": "input-wrong-type"}),
        ({"colour": 1}, {"colour": "input-unknown"}),
        ({"seed": 7.9, "colour": 1}, {"seed": "input-wrong-type", "colour": "input-unknown"}),
        ({"seed": None}, {"seed": "input-missing"}),
    ],
)
def test_each_value_that_does_not_fit_is_told_by_itself(
    values: Any, codes: Any, capture: Capture
) -> None:
    assert told(capture, {**VALUES, **values}) == codes


@pytest.mark.parametrize("values", [[], "text", 1, None])
def test_what_is_no_object_is_refused(values: Any, capture: Capture) -> None:
    assert told(capture, values) == {None: "input-wrong-type"}


def test_a_file_has_to_be_there(capture: Capture) -> None:
    there = {"paper.png"}
    assert told(capture, VALUES, is_file=there.__contains__) == {"photo": "input-file-missing"}


def test_a_capture_that_cannot_run_does_not(capture: Capture) -> None:
    finding = {"code": "contract-no-output", "severity": "error", "message": "nothing comes out"}
    broken = capture.model_copy(update={"runnable": False, "findings": [finding]})
    with pytest.raises(UsageError, match="nothing comes out"):
        bind(broken, VALUES)
