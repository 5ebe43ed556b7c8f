"""The one HTTP client of all sources: polite, bounded, with a memory, and never with a traceback.

URLs are public ones, in and out; which mirror is asked is decided here. A token goes to its own
host alone. Whatever is no answer is `Unanswered`, with a reason for a person.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from ...redact import redacted
from ..mirrors import Mirrors
from ..world import Unanswered
from .answers import Answer, AnswerCache, key_of
from .backoff import Clock
from .outage import Missing, Refused, host_of
from .transport import REDIRECTS, Reply, Transport, check_url

__all__ = ["Body", "Head", "Http", "Keep", "Missing", "Refused"]

Keep = Literal["ask", "for ever", "a day"]

SILENT_S = 30.0  # how long a host may keep silent
MOST_BYTES = 32 << 20
_ABSENT = (404, 410)
_AS_IT_IS = {"accept-encoding": "identity"}
_KEPT_HEADERS = (
    *("accept-ranges", "content-disposition", "content-type", "etag", "last-modified"),
    *("x-error-code", "x-linked-etag", "x-linked-size", "x-repo-commit", "x-xet-hash"),
)


@dataclass(frozen=True)
class Head:
    """What a host says of a file."""

    url: str  # the public one that answered in the end, without a query that was added on the way
    size: int | None  # bytes; what the hub says of the file goes before the answer's own length
    etag: str | None  # of the last answer, as sent
    headers: Mapping[str, str]  # lower-case; of all answers on the way, later ones over earlier


@dataclass(frozen=True)
class Body:
    """A file that is being received. `url` may carry the host's signature: not to be kept."""

    status: int  # 200: the whole; 206: what was asked for; 416: there is no such part
    size_total: int | None  # bytes of the whole file
    etag: str | None  # as sent, with its quotes
    content_type: str | None
    url: str  # the public one that answered in the end
    chunks: Iterator[bytes]  # raises Unanswered where the connection is lost


class Http:
    """The client. Thread-safe; every method may raise Unanswered."""

    def __init__(
        self,
        *,
        mirrors: Mirrors,
        cache: AnswerCache | None = None,
        offline: bool = False,
        tokens: Mapping[str, str] | None = None,
        connections: int = 32,
        clock: Clock | None = None,
        silent_s: float = SILENT_S,
    ) -> None:
        """`tokens`: public host -> bearer token. `offline`: only what `cache` holds, of any age.
        `silent_s`: how long a host may keep silent."""
        self._cache, self.offline = cache, offline
        self._transport = Transport(mirrors, tokens or {}, connections, clock or Clock(), silent_s)
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}  # cache key -> held by who asks for it

    def __repr__(self) -> str:
        return f"Http(offline={self.offline})"

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back. The cache is the caller's."""
        self._transport.close()

    # -- questions

    def json(self, url: str, *, keep: Keep = "ask", most_bytes: int = MOST_BYTES) -> Any | None:
        """The JSON value at a public URL; None: 404 or 410."""
        return self._value(url, keep, most_bytes, _json_of)

    def text(self, url: str, *, keep: Keep = "ask", most_bytes: int = MOST_BYTES) -> str | None:
        """The UTF-8 text at a public URL; None: 404 or 410."""
        text: str | None = self._value(url, keep, most_bytes, _text_of)
        return text

    def head(self, url: str, *, keep: Keep = "ask", elsewhere: bool = True) -> Head | None:
        """What is said of the file at a public URL, redirects followed; None: 404 or 410.

        `elsewhere=False` stops at a redirect to another host: the hub says all it knows of a file
        before it sends one to its storage, which would cost a second question.
        """
        method = "HEAD" if elsewhere else "HEAD here"
        answer = self._kept(method, url, keep, lambda known: self._asked_head(url, elsewhere))
        if answer.is_absence:
            return None
        size = answer.headers.get("x-linked-size") or answer.headers.get("content-length", "")
        size_or_none = int(size) if size.isdecimal() else None
        return Head(answer.url, size_or_none, answer.etag, answer.headers)

    def stream(
        self, url: str, *, start: int = 0, stop: int | None = None, etag: str | None = None
    ) -> AbstractContextManager[Body]:
        """The file at a public URL as it is, or its bytes from `start` to before `stop`.

        `etag`: of the file that the part belongs to; if it is another one by now, the whole comes,
        with status 200. Raises Missing for 404 and 410, Refused for 401 and 403. It is asked for
        again until the first byte; who reads goes on by themselves when `chunks` raises.
        """
        return self._stream(url, start, stop, etag)

    @contextmanager
    def _stream(self, url: str, start: int, stop: int | None, etag: str | None) -> Iterator[Body]:
        check_url(url)
        if self.offline:
            raise _offline(url)
        asked = dict(_AS_IT_IS)
        if start or stop is not None:
            asked["range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
            if etag and not etag.startswith("W/"):
                asked["if-range"] = etag if etag.startswith('"') else f'"{etag}"'
        with ExitStack() as held:
            yield self._transport.ask("GET", url, asked, lambda one: _body(one, start), held=held)

    # -- answers, and keeping them

    def _value(self, url: str, keep: Keep, most_bytes: int, read: Callable[[Answer], Any]) -> Any:
        def ask(known: Answer | None) -> Answer:
            answer = self._asked(url, known, most_bytes)
            if not answer.is_absence:
                read(answer)  # raises: what makes no sense is not kept
            return answer

        answer = self._kept("GET", url, keep, ask)
        return None if answer.is_absence else read(answer)

    def _kept(
        self, method: str, url: str, keep: Keep, ask: Callable[[Answer | None], Answer]
    ) -> Answer:
        """The answer from the cache where it is fresh, else asked for, and kept."""
        check_url(url)
        if self._cache is None:
            if self.offline:
                raise _offline(url)
            return ask(None)
        key = key_of(method, url, self._transport.authorization(url))
        with self._only_one(key) if keep != "ask" else ExitStack():
            known, now = self._cache.get(key), time.time()
            if known and known.is_fresh(keep, now):
                return known
            if self.offline:
                if known is None or (known.is_absence and not known.is_fresh("a day", now)):
                    raise _offline(url)
                return known
            answer = ask(known)
            if answer is known:
                self._cache.asked_again(key, now)
            else:
                self._cache.put(key, replace(answer, asked=now))
            return answer

    @contextmanager
    def _only_one(self, key: str) -> Iterator[None]:
        """Let the others wait for who asks the same already, and read what they kept."""
        with self._lock:
            lock = self._asking.setdefault(key, threading.Lock())
        with lock:
            yield

    def _asked(self, url: str, known: Answer | None, most_bytes: int) -> Answer:
        """Ask; `known` itself where the host says that it still holds."""
        etag = known.etag if known and not known.is_absence else None

        def read(one: Reply) -> Answer:
            if one.status == 304 and known is not None:
                return known
            if one.status not in (200, *_ABSENT):
                raise one.refusal()
            body = one.body(most_bytes) if one.status == 200 else b""
            place, kind = _unsigned(one.url, url), one.header("content-type")
            return Answer(one.status, place, one.header("etag"), kind, body)

        return self._transport.ask("GET", url, {"if-none-match": etag} if etag else {}, read)

    def _asked_head(self, url: str, elsewhere: bool) -> Answer:
        def read(one: Reply) -> Answer:
            return _head_of(one, url)

        try:
            return self._transport.ask("HEAD", url, _AS_IT_IS, read, elsewhere=elsewhere)
        except Refused as error:
            # Some hosts do not know HEAD; a signature for GET is none for HEAD.
            signed = error.status in (400, 401, 403) and error.host != host_of(url)
            if error.status not in (405, 501) and not signed:
                raise
        first_byte = {**_AS_IT_IS, "range": "bytes=0-0"}
        return self._transport.ask("GET", url, first_byte, read, elsewhere=elsewhere)


def _head_of(one: Reply, url: str) -> Answer:
    moved = one.status in REDIRECTS
    if not moved and one.status not in (200, 206, 416, *_ABSENT):
        raise one.refusal()
    headers = {name: one.told[name] for name in _KEPT_HEADERS if name in one.told}
    total = None if moved else _size_total(one)
    if total is not None:
        headers["content-length"] = str(total)
    status = one.status if one.status in _ABSENT else 200
    place, kind = _unsigned(one.url, url), one.header("content-type")
    return Answer(status, place, one.header("etag"), kind, b"", headers)


def _body(one: Reply, start: int) -> Body:
    asked = one.response.request.headers
    accepted = (200, 206, 416) if "range" in asked else (200,)
    if one.status not in accepted:
        raise one.refusal()
    host = host_of(one.url)
    if (one.header("content-encoding") or "identity").lower() != "identity":
        raise Unanswered(f"{host} sends the file packed, though asked for it as it is")
    given = (one.header("content-range") or "").replace(" ", "").removeprefix("bytes")
    if one.status == 206 and given.partition("-")[0] != str(start):
        raise Unanswered(f"{host} sends other bytes than it was asked for")
    etag, kind = one.header("etag"), one.header("content-type")
    return Body(one.status, _size_total(one), etag, kind, one.url, one.chunks())


def _size_total(one: Reply) -> int | None:
    """Bytes of the whole file, as far as the answer says."""
    if one.status in (206, 416):
        total = (one.header("content-range") or "").rpartition("/")[2]
    else:
        total = one.header("content-length") or ""
    return int(total) if total.isdecimal() else None


def _json_of(answer: Answer) -> Any:
    host = host_of(answer.url)
    if "html" in (answer.content_type or "") or answer.body.lstrip()[:1] == b"<":
        fix = "open it in a browser: a log-in page, or a proxy's, may stand in between"
        raise Unanswered(f"{host} answers with a web page instead of data", fix)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unanswered(f"the answer of {host} is no JSON") from None


def _text_of(answer: Answer) -> str:
    try:
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unanswered(f"the answer of {host_of(answer.url)} is not UTF-8 text") from None


def _unsigned(final: str, url: str) -> str:
    """Where it ended, without what is a secret or may be one: a query that an answer added."""
    parts = urlsplit(final)
    query = parts.query if final == url and redacted(url) == url else ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query).geturl()


def _offline(url: str) -> Unanswered:
    message = f"{host_of(url)} was not asked: we are offline"
    return Unanswered(message, "run it without --offline, and with RUNFLOW_OFFLINE unset")
