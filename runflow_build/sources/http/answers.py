"""Answers of the outside, kept on this machine: by URL, with what is needed to ask again cheaply.

No token is in it. An answer that was given to a token lies under a key that holds its digest, so
that nobody gets it without that token.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...redact import redacted
from ..sqlite_cache import SqliteCache

MOST_BYTES = 512 << 20  # of the file
DAY_S = 24 * 3600.0
_VERSION = 1
_SCHEMA = """
CREATE TABLE answers (
  key TEXT PRIMARY KEY, status INTEGER NOT NULL, etag TEXT, type TEXT, url TEXT NOT NULL,
  headers TEXT NOT NULL, body BLOB NOT NULL, asked REAL NOT NULL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX by_use ON answers (used)
"""
_EVERY = 64  # answers written between two looks at the size of the file


@dataclass(frozen=True)
class Answer:
    """What a host said. Times are seconds since 1970."""

    status: int
    url: str  # the public one that answered in the end, without a signature
    etag: str | None = None  # as sent, with its quotes
    content_type: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names; of a HEAD
    asked: float = 0.0

    def is_fresh(self, keep: str, now: float) -> bool:
        """Whether it still answers without asking; an absence does for a day at most."""
        young = 0 <= now - self.asked < DAY_S
        if self.is_absence or keep == "a day":
            return keep != "ask" and young
        return keep == "for ever"

    @property
    def is_absence(self) -> bool:
        return self.status in (404, 410)


def key_of(method: str, url: str, authorization: str | None) -> str:
    """What an answer is kept under: readable, without any secret that the URL or header holds."""
    clean = redacted(url)
    key = clean if method == "GET" else f"{method} {clean}"
    if clean == url and authorization is None:
        return key
    secret = f"{url}\0{authorization or ''}"
    return f"{key} {hashlib.sha256(secret.encode()).hexdigest()[:32]}"


class AnswerCache:
    """Answers in one file. Safe with many threads and processes; losing it costs time only."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._file = SqliteCache(path, version=_VERSION, schema=_SCHEMA)
        self._most_bytes = most_bytes
        self._written = 0
        self._used: set[str] = set()  # read long after they were written: to be noted at the end

    def get(self, key: str) -> Answer | None:
        """The answer, of whatever age."""
        columns = "status, url, etag, type, body, headers, asked, used"
        rows = self._file.read(f"SELECT {columns} FROM answers WHERE key = ?", (key,))
        if not rows:
            return None
        status, url, etag, kind, body, headers, asked, used = rows[0]
        try:
            answer = Answer(
                status, url, etag, kind, zlib.decompress(body), json.loads(headers), asked
            )
        except (zlib.error, ValueError):
            return None
        if abs(time.time() - used) > DAY_S:
            self._used.add(key)
        return answer

    def put(self, key: str, answer: Answer) -> None:
        """Keep it, in place of what was there; `asked` and all."""
        body = zlib.compress(answer.body, 1)
        if len(body) > self._most_bytes // 4:
            return
        headers = json.dumps(dict(answer.headers), sort_keys=True)
        row = (
            *(key, answer.status, answer.etag, answer.content_type, answer.url, headers, body),
            *(answer.asked, answer.asked),
        )
        marks = ", ".join("?" * len(row))
        self._file.write(f"INSERT OR REPLACE INTO answers VALUES ({marks})", [row])
        self._written += 1
        if self._written % _EVERY == 1:
            self._evict()

    def asked_again(self, key: str, now: float) -> None:
        """The host said that the answer has not changed."""
        self._file.write("UPDATE answers SET asked = ?, used = ? WHERE key = ?", [(now, now, key)])

    def close(self) -> None:
        if self._used:
            now, used = time.time(), sorted(self._used)
            self._used.clear()
            rows = [(now, key) for key in used]
            self._file.write("UPDATE answers SET used = ? WHERE key = ?", rows)
        if self._written:
            self._evict()
        self._file.close()

    def _evict(self) -> None:
        """Drop what was not used for the longest time, a tenth at once, until the rest fits."""
        while self._bytes() > self._most_bytes:
            count = self._file.read("SELECT count(*) FROM answers")
            if not count or not count[0][0]:
                return
            oldest = "SELECT key FROM answers ORDER BY used, key LIMIT ?"
            drop = f"DELETE FROM answers WHERE key IN ({oldest})"
            if not self._file.write(drop, [(1 + count[0][0] // 10,)]):
                return

    def _bytes(self) -> int:
        """What the pages in use take; those of deleted rows are filled again."""
        pages = "SELECT (page_count - freelist_count) * page_size FROM"
        sizes = "pragma_page_count, pragma_freelist_count, pragma_page_size"
        rows = self._file.read(f"{pages} {sizes}")
        return int(rows[0][0]) if rows else 0
