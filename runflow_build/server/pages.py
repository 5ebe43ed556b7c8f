"""Lists: filter, sort, one page at a time by cursor, and the projection to some fields."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, or_

from .filters import Field, FilterError, clause
from .problem import Problem, invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 500


@dataclass(frozen=True)
class Listing:
    """What one resource may be filtered and sorted by. A sort column is text and never null."""

    fields: Mapping[str, Field]
    sortable: tuple[str, ...]  # names among `fields`
    default_sort: str = "created_at:desc"


@dataclass(frozen=True)
class PageQuery:
    """What one list is asked for."""

    q: str | None = None
    limit: int = DEFAULT_LIMIT
    sort_by: str | None = None
    fields: str | None = None
    pq: str | None = None
    from_prev: bool = False


def page_query(
    q: Annotated[str | None, Query(description="a filter: slug.eq:'poster'")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    sort_by: Annotated[str | None, Query(description="created_at:desc,id")] = None,
    fields: Annotated[str | None, Query(description="id,slug")] = None,
    pq: Annotated[str | None, Query(description="a cursor of another page")] = None,
    from_prev: bool = False,
) -> PageQuery:
    """The query parameters that every list takes."""
    return PageQuery(q, limit, sort_by, fields, pq, from_prev)


Wanted = Annotated[PageQuery, Depends(page_query)]


@dataclass(frozen=True)
class Page:
    """The rows of one page, and the cursors to its neighbours."""

    rows: list[RowMapping]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class _Order:
    names: tuple[str, ...]
    columns: tuple[ColumnElement[Any], ...]
    descending: tuple[bool, ...]
    text: str  # the normal form, which a cursor is good for

    def by(self, backward: bool) -> list[ColumnElement[Any]]:
        return [
            column.desc() if down != backward else column.asc()
            for column, down in zip(self.columns, self.descending, strict=True)
        ]

    def beyond(self, values: Sequence[str], backward: bool) -> ColumnElement[bool]:
        """The rows that come after these values (before them, when backward)."""
        steps = []
        for index, column in enumerate(self.columns):
            same = [
                earlier == value
                for earlier, value in zip(self.columns[:index], values, strict=False)
            ]
            down = self.descending[index] != backward
            further = column < values[index] if down else column > values[index]
            steps.append(and_(*same, further))
        return or_(*steps)


def page(
    connection: Connection, statement: Select[Any], listing: Listing, wanted: PageQuery
) -> Page:
    """One page of `statement`. Raises Problem 422 for a filter, order or cursor that is wrong."""
    order = _order(listing, wanted.sort_by)
    if wanted.q:
        try:
            statement = statement.where(clause(wanted.q, listing.fields))
        except FilterError as error:
            raise invalid(("query", "q"), str(error)) from None
    backward = False
    if wanted.pq:
        backward, values = _read_cursor(wanted.pq, order)
        backward = backward or wanted.from_prev
        statement = statement.where(order.beyond(values, backward))
    statement = statement.order_by(*order.by(backward)).limit(wanted.limit + 1)
    rows = list(connection.execute(statement).mappings())
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    if backward:
        rows.reverse()
    has_next = bool(rows) and (backward or more)
    has_previous = bool(rows) and (more if backward else bool(wanted.pq))
    return Page(
        rows,
        next=_cursor(order, rows[-1], backward=False) if has_next else None,
        previous=_cursor(order, rows[0], backward=True) if has_previous else None,
    )


def list_body(items: Iterable[dict[str, Any]], page: Page, wanted: PageQuery) -> dict[str, Any]:
    """The answer of a list route; cursors under both of the names that clients know."""
    return {
        "items": [_projected(item, wanted.fields) for item in items],
        "first": None,  # the first page needs no cursor
        "next": page.next,
        "previous": page.previous,
        "next_pq": page.next,
        "prev_pq": page.previous,
    }


def _projected(item: dict[str, Any], fields: str | None) -> dict[str, Any]:
    if not fields:
        return item
    names = [name.strip() for name in fields.split(",") if name.strip()]
    unknown = [name for name in names if name not in item]
    if unknown:
        known = ", ".join(item)
        raise invalid(("query", "fields"), f"there is no field `{unknown[0][:60]}`; known: {known}")
    return {name: item[name] for name in names}


def _order(listing: Listing, sort_by: str | None) -> _Order:
    names: dict[str, bool] = {}
    for part in (sort_by or listing.default_sort).split(","):
        name, _, direction = part.strip().partition(":")
        if name not in listing.sortable or direction not in ("", "asc", "desc"):
            known = ", ".join(listing.sortable)
            raise invalid(
                ("query", "sort_by"),
                f"cannot sort by `{part.strip()[:60]}`; known: {known}, each with :asc or :desc",
            )
        names.setdefault(name, direction == "desc")
    names.setdefault("id", next(reversed(names.values())))  # makes the order whole
    return _Order(
        tuple(names),
        tuple(listing.fields[name].column for name in names),
        tuple(names.values()),
        ",".join(f"{name}:{'desc' if down else 'asc'}" for name, down in names.items()),
    )


def _cursor(order: _Order, row: RowMapping, backward: bool) -> str:
    shape = [order.text, backward, *(row[name] for name in order.names)]
    packed = json.dumps(shape, separators=(",", ":")).encode("ascii")
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def _read_cursor(text: str, order: _Order) -> tuple[bool, list[str]]:
    wrong: Problem = invalid(
        ("query", "pq"), "this is no cursor of this list in this order; leave it out to start anew"
    )
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        packed.decode("ascii")  # as we write it, escapes and all
        shape = json.loads(packed)
        json.dumps(shape, ensure_ascii=False).encode()  # half a surrogate pair fits no database
    except (ValueError, binascii.Error, RecursionError):
        raise wrong from None
    if not isinstance(shape, list) or len(shape) != 2 + len(order.names):
        raise wrong
    wanted, backward, *values = shape
    fits = all(isinstance(value, str) for value in values)
    if wanted != order.text or not isinstance(backward, bool) or not fits:
        raise wrong
    return backward, values
