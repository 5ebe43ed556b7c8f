"""The API that commands and tasks of one process talk to, over shared connections."""

from __future__ import annotations

import atexit
from functools import cache

from ..publish.client import Client
from ..publish.settings import Connection, connection


def connect(url: str | None = None) -> Client:
    """The client of the API that is meant, with its key; `url` is the one of the command line.

    Raises ApiError: no key, no address that a key may go to.
    """
    return _client(connection(url))


@cache
def _client(where: Connection) -> Client:
    client = Client(where.base_url, where.api_key)
    atexit.register(client.close)
    return client
