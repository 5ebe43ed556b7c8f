"""What is published already: endpoints looked up by slug, many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..errors import RunflowError
from .client import Client, part
from .record import Record, published_from
from .refusals import Call, unexpected

COLLECTION = "/v1/comfyui-workflows"
AT_ONCE = 8  # requests in flight
_PAGE = 100
_MOST_PAGES = 1000

# What a record must have to be compared; a list may leave the large ones out.
_COMPARED = {"name", "workflow_json", "graph", "environment", "custom_nodes", "models", "resources"}


def find(client: Client, slug: str) -> Record | None:
    """The endpoint's whole record, or None. Raises ApiError."""
    call = Call("GET", COLLECTION, client.host)
    quoted = slug.replace("'", "''")
    page = client.get(COLLECTION, q=f"slug.eq:'{quoted}'", limit=1)
    rows = _rows(call, page)
    if not rows or rows[0].get("deleted_at"):
        return None
    if rows[0].get("slug") != slug:
        # An API that ignores the filter would have us overwrite whatever comes first.
        raise unexpected(call, f"to a look-up of {slug} is another endpoint")
    return _whole(client, rows[0])


def find_at(client: Client, owner: str, slug: str) -> Record:
    """The endpoint of any owner that the key may see. Raises ApiError, `api-not-found`."""
    return client.get(f"{COLLECTION}/{part(owner)}/{part(slug)}")


def runs_path(owner: str, slug: str) -> str:
    """Where the endpoint is called, below the API's address; `owner` is an organization's slug."""
    return f"{COLLECTION}/{part(owner)}/{part(slug)}/runs"


def look_up(client: Client, slugs: Sequence[str]) -> dict[str, Record | RunflowError | None]:
    """Every endpoint by its slug; what failed is an error in its place, never raised."""

    def one(slug: str) -> Record | RunflowError | None:
        try:
            return find(client, slug)
        except RunflowError as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(slugs, pool.map(one, slugs), strict=True))


def published_by(client: Client, project: str) -> list[Record]:
    """All endpoints that the project published, by slug. Raises ApiError."""
    rows = list(_every_row(client))
    unknown = [row for row in rows if "environment" not in row]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        known = [row for row in rows if "environment" in row]
        known += pool.map(lambda row: _whole(client, row), unknown)
    ours = [row for row in known if (published_from(row) or {}).get("project") == project]
    return sorted(ours, key=lambda row: str(row.get("slug")))


class Lookups:
    """The look-ups of several slugs, all started when the first result is asked for.

    `connect` is called once, and may raise RunflowError, which is then every slug's result.
    `organization` is the one that the key must be of, None: any.
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        slugs: Sequence[str],
        organization: str | None = None,
    ) -> None:
        self._connect = connect
        self._slugs = tuple(dict.fromkeys(slugs))
        self._organization = organization
        self._lock = threading.Lock()
        self._started: dict[str, Future[Record | None]] | None = None
        self._failure: RunflowError | None = None

    def get(self, slug: str) -> Record | RunflowError | None:
        """The record, None where there is none, or why it is not known."""
        with self._lock:
            if self._started is None:
                self._started = self._start()
        if self._failure:
            return self._failure
        try:
            return self._started[slug].result()
        except RunflowError as error:
            return error

    def _start(self) -> dict[str, Future[Record | None]]:
        try:
            client = self._connect()
            client.act_for(self._organization)
        except RunflowError as error:
            self._failure = error
            return {}
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look-up")
        started = {slug: pool.submit(find, client, slug) for slug in self._slugs}
        pool.shutdown(wait=False)  # the threads end with the last look-up
        return started


def _whole(client: Client, row: Record) -> Record:
    if row.keys() >= _COMPARED:
        return row
    call = Call("GET", COLLECTION, client.host)
    if not isinstance(row.get("id"), str):
        raise unexpected(call, "has an endpoint without an id")
    return client.get(f"{COLLECTION}/{part(row['id'])}")


def _every_row(client: Client) -> Iterator[Record]:
    call = Call("GET", COLLECTION, client.host)
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = client.get(COLLECTION, limit=_PAGE, pq=cursor)
        yield from (row for row in _rows(call, page) if not row.get("deleted_at"))
        following = page.get("next") or page.get("next_pq")
        if not isinstance(following, str) or following == cursor:
            return
        cursor = following


def _rows(call: Call, page: dict[str, Any]) -> list[Record]:
    rows = page.get("items")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unexpected(call, "has no list of endpoints")
    return rows
