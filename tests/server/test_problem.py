"""Answers other than the one that was asked for."""

from __future__ import annotations

import pytest

from runflow_build.findings import Finding
from runflow_build.server.problem import FieldError, invalid_fields, of_finding


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "body.input.0: is wrong"),
        (2, "body.input.0: is wrong (and 1 more)"),
        (3, "body.input.0: is wrong (and 2 more)"),
    ],
)
def test_the_message_repeats_the_first_field_and_counts_the_others(
    count: int, message: str
) -> None:
    problem = invalid_fields([FieldError(("body", "input", n), "is wrong") for n in range(count)])
    assert (problem.status_code, problem.code, problem.detail) == (
        422,
        "VALIDATION_ERROR",
        message,
    )
    assert problem.errors
    assert [one["loc"][2] for one in problem.errors] == list(range(count))


def test_a_finding_is_told_with_its_fix_where_it_has_one() -> None:
    finding = Finding("contract-limit", "the minimum is over the maximum", fix="exchange them")
    told = of_finding(finding, ("body",))
    assert (told.msg, told.type) == (
        "the minimum is over the maximum; exchange them",
        "contract-limit",
    )
    assert of_finding(Finding("contract-limit", "no"), ("body",)).msg == "no"
