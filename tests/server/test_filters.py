"""The filter language of `q`, against a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
)

from runflow_build.server.filters import MAX_CHARS, Field, FilterError, clause

BOXES = Table(
    "boxes",
    MetaData(),
    Column("id", String),
    Column("slug", String),
    Column("size", Integer),
    Column("open", Boolean),
    Column("made", String),
)
FIELDS = {
    "id": Field(BOXES.c.id),
    "slug": Field(BOXES.c.slug),
    "size": Field(BOXES.c.size, "integer"),
    "open": Field(BOXES.c.open, "boolean"),
    "made": Field(BOXES.c.made, "time"),
}
ROWS = [
    ("a", "poster", 1, True, "2026-03-31T23:00:00.000000+00:00"),
    ("b", "Poster", 2, False, "2026-04-01T00:00:00.000000+00:00"),
    ("c", "it's", 3, False, "2026-04-02T10:30:00.000000+00:00"),
    ("d", None, 4, True, "2026-05-01T00:00:00.000000+00:00"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA case_sensitive_like=ON")
        BOXES.create(connection)
        rows = [dict(zip(BOXES.c.keys(), row, strict=True)) for row in ROWS]
        connection.execute(insert(BOXES), rows)
        yield connection
    engine.dispose()


@pytest.fixture
def found(database: Connection) -> Callable[[str], str]:
    """The ids of the rows that a filter finds, as one text."""

    def find(q: str) -> str:
        rows = select(BOXES.c.id).where(clause(q, FIELDS)).order_by(BOXES.c.id)
        return "".join(database.scalars(rows))

    return find


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("slug.eq:'poster'", "a"),
        ("slug.EQ:'poster'", "a"),
        ("slug:poster", "a"),
        ("slug=poster", "a"),
        ("slug.eq:'it''s'", "c"),
        ("slug.ne:'poster'", "bc"),
        ("slug != poster", "bc"),
        ("slug.like:'%oster'", "ab"),
        ("slug.like:'p%'", "a"),
        ("slug.in:('poster','it''s')", "ac"),
        ("slug.in:(poster, Poster)", "ab"),
        ("slug.isnull:true", "d"),
        ("slug.isnull:false", "abc"),
        ("slug:null", "d"),
        ("slug.ne:null", "abc"),
        ("slug:'null'", ""),
        ("size>2", "cd"),
        ("size >= 2 AND size < 4", "bc"),
        ("size<=1 OR size:4", "ad"),
        ("size.gt:-1", "abcd"),
        ("open:true", "ad"),
        ("open.eq:FALSE", "bc"),
        ("NOT open:true", "bc"),
        ("not (size:1 or size:2)", "cd"),
        ("open:true AND size:1 OR size:3", "ac"),
        ("open:true AND (size:1 OR size:3)", "a"),
        ("made>=2026-04-01", "bcd"),
        ("made>2026-04-01T12:00:00Z AND made<'2026-05-01'", "c"),
        ("made:2026-04-01T02:00:00+02:00", "b"),
        ("  slug : 'poster'  ", "a"),
    ],
)
def test_a_filter_finds_the_rows_that_it_describes(
    q: str, ids: str, found: Callable[[str], str]
) -> None:
    assert found(q) == ids


@pytest.mark.parametrize(
    ("q", "message"),
    [
        ("", "expected a field name at character 1, found the end"),
        ("slug", "expected `:` or a comparison sign at character 5, found the end"),
        ("slug:", "expected a value at character 6, found the end"),
        ("slug:'open", "expected a value at character 6, found `'open`"),
        ("slug:a b", "expected AND, OR or the end at character 8, found `b`"),
        ("(slug:a", "expected `)` at character 8, found the end"),
        ("slug.eq'a'", "expected `:` at character 8, found `'a'`"),
        ("slug.in:a", "expected `(` at character 9, found `a`"),
        ("slug.near:a", "there is no operator `near`; known: eq, ne, gt, gte, lt, lte, in, like, "
         "isnull"),
        ("sulg:a", "there is no field `sulg` to filter by; known: id, made, open, size, slug"),
        ("size:many", "expected a whole number, found `many`"),
        ("size:9223372036854775808", "expected a whole number, found `9223372036854775808`"),
        ("open:maybe", "expected true or false, found `maybe`"),
        ("open>false", "`open` is true or false and has no order"),
        ("made>yesterday", "expected an ISO 8601 time, found `yesterday`"),
        ("size.like:'1%'", "`size` is no text, so `like` makes no sense"),
        ("slug.isnull:1", "expected true or false, found `1`"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_said_with_its_place(q: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        clause(q, FIELDS)
    assert str(caught.value) == message


@pytest.mark.parametrize("q", ["(" * 5000, "NOT " * 1000 + "a:1", "(" * 60 + "id:1" + ")" * 60])
def test_a_filter_that_nests_or_runs_on_is_refused(q: str) -> None:
    with pytest.raises(FilterError):
        clause(q, FIELDS)


def test_the_longest_chain_is_still_answered(found: Callable[[str], str]) -> None:
    term = "id:a OR "
    q = term * ((MAX_CHARS - 4) // len(term)) + "id:b"
    assert found(q) == "ab"


WORDS = st.sampled_from(
    ["slug", "size", "open", "made", "id", ".", "eq", "in", "isnull", "like", ":", "=", ">=", "!",
     "'a'", "'", "''", "(", ")", ",", "AND", "OR", "NOT", " ", "1", "true", "null", "2026-04-01",
     "99999999999999999999", "\x00", "é", "%"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.lists(WORDS, max_size=25).map("".join), st.text(max_size=60)))
def test_any_text_is_a_filter_or_refused(database: Connection, q: str) -> None:
    try:
        condition = clause(q, FIELDS)
    except FilterError as error:
        assert str(error)
        return
    database.execute(select(BOXES.c.id).where(condition)).all()
