"""Instants and ids sort as they were made."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from runflow_build.server.clock import iso, seconds, uuid7

INSTANTS = st.floats(0, 4e9).map(lambda moment: round(moment, 6))


def test_times_are_utc_with_an_offset_and_always_as_long() -> None:
    assert iso(1782900000) == "2026-07-01T10:00:00.000000+00:00"
    assert iso(1782900000.25) == "2026-07-01T10:00:00.250000+00:00"


@given(INSTANTS, INSTANTS)
def test_texts_sort_as_their_instants(one: float, other: float) -> None:
    assert (iso(one) < iso(other)) == (seconds(iso(one)) < seconds(iso(other)))


@given(INSTANTS)
def test_an_instant_survives_the_text(moment: float) -> None:
    assert abs(seconds(iso(moment)) - moment) < 2e-6


def test_ids_are_version_7_and_sort_by_the_microsecond() -> None:
    ids = [uuid7(1782900000 + step / 1_000_000) for step in range(0, 5000, 7)]
    assert ids == sorted(ids)
    assert {(UUID(one).version, UUID(one).variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert len({uuid7(1782900000) for _ in range(1000)}) == 1000
