"""HTTP/1.1 from the socket into a large buffer, as a transport of httpx.

For files of gigabytes: httpx's own connections take 64 KiB at a time through a parser in Python,
which costs a core more than hashing the bytes does (2 s for 1 GB; here 0.3 s). And for `http://`,
where HTTP/2 is not to be had. Only the way of the bytes differs: requests, redirects, tokens and
errors are those of any other question.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Lock
from urllib.request import getproxies, proxy_bypass

import httpx

CHUNK = 1 << 18  # bytes at most
_Place = tuple[str, str, int]  # scheme, host, port


def goes_directly(url: str) -> bool:
    """Whether no proxy of the environment stands in between; this transport knows none."""
    parts = httpx.URL(url)
    proxies = getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    return not named or _is_own(parts.host) or bool(proxy_bypass(parts.host))


class PlainTransport(httpx.BaseTransport):
    """Connections that are kept while they are of use. Safe with threads."""

    def __init__(
        self, trusted: Callable[[], ssl.SSLContext], connect_s: float, silent_s: float
    ) -> None:
        self._trusted, self._connect_s, self._silent_s = trusted, connect_s, silent_s
        self._lock = Lock()
        self._idle: dict[_Place, list[HTTPConnection]] = {}
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        place = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        if kept := self._kept(place):
            try:
                return self._asked(place, kept, request)
            except httpx.RemoteProtocolError:
                kept.close()  # the host ended it while it was idle
        connection = self._connected(place)
        try:
            return self._asked(place, connection, request)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        with self._lock:
            idle = [one for kept in self._idle.values() for one in kept]
            self._idle.clear()
            self._closed = True
        for connection in idle:
            connection.close()

    def give_back(self, place: _Place, connection: HTTPConnection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.setdefault(place, []).append(connection)
                return
        connection.close()

    def _kept(self, place: _Place) -> HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(place)
            return idle.pop() if idle else None

    def _connected(self, place: _Place) -> HTTPConnection:
        scheme, host, port = place
        if scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                host, port, timeout=self._connect_s, context=self._trusted()
            )
        elif scheme == "http":
            connection = HTTPConnection(host, port, timeout=self._connect_s)
        else:
            raise httpx.UnsupportedProtocol(f"{scheme} is no protocol of this transport")
        try:
            connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        connection.sock.settimeout(self._silent_s)
        return connection

    def _asked(
        self, place: _Place, connection: HTTPConnection, request: httpx.Request
    ) -> httpx.Response:
        target = request.url.raw_path.decode("ascii")
        try:
            connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.raw:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time") from error
        except (OSError, HTTPException) as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        stream = _Stream(self, place, connection, answer)
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=stream)


class _Stream(httpx.SyncByteStream):
    """The body of one answer; its connection is given back when it was read to the end."""

    def __init__(
        self,
        transport: PlainTransport,
        place: _Place,
        connection: HTTPConnection,
        answer: HTTPResponse,
    ) -> None:
        self._transport, self._place = transport, place
        self._connection, self._answer = connection, answer
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        length = self._answer.length
        try:
            while chunk := self._answer.read1(CHUNK):
                if length is not None:
                    length -= len(chunk)
                yield chunk
        except TimeoutError as error:
            raise httpx.ReadTimeout("silence within the answer") from error
        except (OSError, HTTPException, ValueError) as error:
            raise httpx.ReadError(str(error)) from error
        if length:
            raise httpx.RemoteProtocolError(f"the connection ended {length} bytes too early")
        self._done = True

    def close(self) -> None:
        done = self._done or self._answer.length == 0
        self._answer.close()
        if done and not self._answer.will_close:
            self._transport.give_back(self._place, self._connection)
        else:
            self._connection.close()


def _is_own(host: str) -> bool:
    return host in ("127.0.0.1", "localhost", "::1")
