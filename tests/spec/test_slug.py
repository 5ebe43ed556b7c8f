"""The slug rule, by the table that the JavaScript side reads as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.spec.slug import problem, slug_of

TABLE = Path(__file__).parent.parent / "cases" / "slug.json"
ROWS = json.loads(TABLE.read_text(encoding="utf-8"))["slugs"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row["name"]))
def test_a_name_gets_its_slug(row: dict[str, str]) -> None:
    assert slug_of(row["name"]) == row["slug"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row["name"]))
def test_reserved_and_empty_slugs_are_refused(row: dict[str, str]) -> None:
    assert (problem(row["slug"]) is None) == row["allowed"]


@given(st.text())
def test_a_slug_is_its_own_slug(name: str) -> None:
    assert slug_of(slug_of(name)) == slug_of(name)


@given(st.text(alphabet="aZ0 ._-\t\u00a0é", max_size=12))
def test_a_slug_fits_into_a_url_and_a_file_name(name: str) -> None:
    slug = slug_of(name)
    assert not slug.strip("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert "--" not in slug
    assert slug == slug.strip("-_")


def test_a_name_that_is_not_its_slug_is_refused_with_the_slug() -> None:
    assert problem("Poster") == "as a slug it would be poster"
