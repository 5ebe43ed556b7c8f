"""One question over the network: mirrors, tokens, redirects, retries. What it means is not ours.

Kept apart from `client` so that each is one screen of thought: here how a question gets an answer,
there what is asked and what is kept.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from threading import Lock
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from ... import __version__
from ...redact import without_secrets_in_log
from ..mirrors import Mirrors
from ..world import Unanswered
from .backoff import LONGEST_WAIT_S, Clock, Hosts, asked_wait_s, pause_s
from .outage import LATER, host_of, never_connected, passes, refused, unreached

if TYPE_CHECKING:
    import httpx

    from .multiplexed import Multiplexed

CONNECT_S = 5.0
LONGEST_S = 300.0  # of one answer in memory
MOST_REDIRECTS = 10
NO_URL = "it is no http or https URL that can be asked"
_HEADERS = {"user-agent": f"runflow-build/{__version__}", "accept": "*/*"}
_SMALL = 1 << 16  # bytes
REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524)

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """The last answer along the redirects, its body not yet read."""

    response: httpx.Response
    url: str  # its public URL; may carry a signature
    told: Mapping[str, str]  # the headers of all answers on the way, lower-case, later over earlier
    transport: Transport

    @property
    def status(self) -> int:
        return self.response.status_code

    def header(self, name: str) -> str | None:
        value: str | None = self.response.headers.get(name)
        return value

    def refusal(self) -> Unanswered:
        """What its status means, if it is no answer."""
        request = self.response.request
        headers = {name.lower(): value for name, value in self.response.headers.items()}
        has_token = "authorization" in request.headers
        return refused(self.url, str(request.url), self.status, headers, has_token)

    def body(self, most_bytes: int) -> bytes:
        """All of it, decoded. Raises Unanswered, and what makes the transport ask again."""
        import httpx

        clock, host = self.transport.clock, host_of(self.url)
        data, end = bytearray(), clock.now() + LONGEST_S
        try:
            for chunk in self.response.iter_bytes():
                data += chunk
                if len(data) > most_bytes:
                    mib = f"{most_bytes / 2**20:.3g} MiB"
                    raise Unanswered(f"{host} answers with more than {mib}")
                if clock.now() > end:
                    raise Unanswered(f"{host} sent for more than {LONGEST_S:.0f} s", LATER)
        except httpx.DecodingError:
            raise Unanswered(f"the answer of {host} is damaged", LATER) from None
        except httpx.TransportError as error:
            raise self.transport.lost(self.url, error) from None
        return bytes(data)

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come, not decoded. Raises Unanswered."""
        import httpx

        if self.response.is_stream_consumed:  # of an error: see _drained
            return
        try:
            yield from self.response.iter_raw()
        except httpx.TransportError as error:
            raise self.transport.lost(self.url, error).why from None


class Transport:
    """How a question gets an answer. Thread-safe."""

    def __init__(
        self,
        mirrors: Mirrors,
        tokens: Mapping[str, str],
        connections: int,
        clock: Clock,
        silent_s: float,
    ) -> None:
        self._mirrors, self._tokens = mirrors, dict(tokens)
        self._connections, self._silent_s = connections, silent_s
        self.clock = clock
        self._hosts = Hosts(clock)
        self._lock = Lock()
        self._by_http2: Multiplexed | None = None
        self._by_http1: httpx.Client | None = None

    def close(self) -> None:
        with self._lock:
            for client in (self._by_http2, self._by_http1):
                if client is not None:
                    client.close()
            self._by_http2 = self._by_http1 = None

    def authorization(self, public: str) -> str | None:
        """What we show to the host of a public URL: never in clear text over a network."""
        parts, local = urlsplit(public), urlsplit(self._mirrors.local(public))
        token = self._tokens.get((parts.hostname or "").lower())
        is_mirror = local.netloc != parts.netloc
        return f"Bearer {token}" if token and (parts.scheme == "https" or is_mirror) else None

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        read: Callable[[Reply], T],
        *,
        elsewhere: bool = True,
        held: ExitStack | None = None,
    ) -> T:
        """What `read` makes of the answer, asked for until there is one or patience ends.

        `elsewhere=False`: a redirect to another host is the answer. `held` takes over the open
        answer, which may be long; without it, the answer ends with `read`. Raises Unanswered.
        """
        host, waited, attempt = host_of(self._mirrors.local(url)), 0.0, 0
        why = Unanswered(f"{host_of(url)} is busy", LATER)
        while True:
            attempt += 1
            if wait_s := self._hosts.wait_s(host):
                waited += self._pause(wait_s + pause_s(1), waited, why)  # not all at once
            try:
                with ExitStack() as stack:
                    bulk = held is not None
                    reply = self._followed(stack, method, url, headers, elsewhere, bulk)
                    value = read(reply)
                    if held is not None:
                        held.push(stack.pop_all())
                self._hosts.answered(host)
                return value
            except _Passing as error:
                why, is_told = error.why, error.wait_s is not None
                if error.wait_s is not None:
                    self._hosts.busy(error.host, error.wait_s)
            except Lost as error:
                why, is_told = error.why, False
                if not error.passes:
                    raise why from None
            if attempt >= self._hosts.attempts(host):
                self._hosts.in_vain(host)
                times = f" ({attempt} attempts)" if attempt > 1 else ""
                raise _again(why, f"{why.reason}{times}") from None
            if not is_told:
                waited += self._pause(pause_s(attempt), waited, why)

    def lost(self, public: str, error: httpx.TransportError) -> Lost:
        """A connection that broke after it had answered."""
        return Lost(unreached(public, self._mirrors.local(public), error), passes(error))

    def _pause(self, wait: float, waited: float, why: Unanswered) -> float:
        if waited + wait > LONGEST_WAIT_S:
            asks = f", and wants to be left alone for {wait:.0f} s" if wait > 10 else ""
            raise _again(why, f"{why.reason}{asks}") from None
        if wait > 0:
            self.clock.sleep(wait)
        return wait

    def _followed(
        self,
        stack: ExitStack,
        method: str,
        url: str,
        headers: Mapping[str, str],
        elsewhere: bool,
        bulk: bool,
    ) -> Reply:
        public, seen, told = url, {url}, dict[str, str]()
        while True:
            # A token is for what the caller asked, and for no place that an answer led to.
            token = self.authorization(public) if _origin(public) == _origin(url) else None
            response = self._sent(method, public, headers, token, bulk)
            stack.callback(response.close)
            told.update({name.lower(): value for name, value in response.headers.items()})
            if response.status_code not in REDIRECTS:
                return Reply(response, public, told, self)
            target = response.headers.get("location")
            if not target:
                raise Unanswered(f"{host_of(public)} redirects to nowhere")
            try:
                after = self._mirrors.public(urljoin(str(response.request.url), target))
                after = check_url(after.partition("#")[0])
            except (ValueError, Unanswered):
                raise Unanswered(f"{host_of(public)} redirects to what is no URL") from None
            if not elsewhere and _origin(after) != _origin(public):
                return Reply(response, public, told, self)
            _check_redirect(public, after, seen)
            response.close()
            public = after
            seen.add(public)

    def _sent(
        self,
        method: str,
        public: str,
        headers: Mapping[str, str],
        token: str | None,
        bulk: bool,
    ) -> httpx.Response:
        """The answer to one request. Raises _Passing, Lost, Unanswered."""
        import httpx

        local = self._mirrors.local(public)
        host, began = host_of(local), self.clock.now()
        if gone := self._hosts.gone(host):
            raise gone
        given = {**headers, "authorization": token} if token else dict(headers)
        try:
            response = _drained(self._asked(method, local, given, bulk))
        except (httpx.InvalidURL, UnicodeError):
            raise Unanswered(NO_URL) from None
        except httpx.TransportError as error:
            why = unreached(public, local, error)
            if never_connected(error):
                self._hosts.unreached(host, began, why)
            raise Lost(why, passes(error)) from None
        self._hosts.reached(host)
        status, told = response.status_code, response.headers
        limited = status == 403 and told.get("x-ratelimit-remaining") == "0"
        if status in _PASSING or limited:
            response.close()
            wait_s = asked_wait_s(told, time.time()) if status in (403, 429, 503) else None
            why = refused(public, local, status, told, token is not None)
            raise _Passing(why, host, wait_s)
        return response

    def _asked(
        self, method: str, local: str, headers: Mapping[str, str], bulk: bool
    ) -> httpx.Response:
        """Over HTTP/2 where there can be any, unless it is about gigabytes."""
        from .plain import goes_directly

        if not (bulk or local.startswith("http://")) or not goes_directly(local):
            return self._multiplexed().send(method, local, headers)
        client = self._plain()
        return client.send(client.build_request(method, local, headers=headers), stream=True)

    def _multiplexed(self) -> Multiplexed:
        with self._lock:
            if self._by_http2 is None:
                from .multiplexed import Multiplexed

                without_secrets_in_log("httpx")
                self._by_http2 = Multiplexed(self._new_client)
            return self._by_http2

    def _plain(self) -> httpx.Client:
        with self._lock:
            if self._by_http1 is None:
                import httpx

                from .plain import PlainTransport

                without_secrets_in_log("httpx")
                transport = PlainTransport(trusted, CONNECT_S, self._silent_s)
                headers, cookies = _HEADERS, _no_cookies()
                self._by_http1 = httpx.Client(
                    headers=headers, cookies=cookies, transport=transport, trust_env=False
                )
            return self._by_http1

    def _new_client(self) -> httpx.AsyncClient:
        import httpx

        own = ("all://127.0.0.1", "all://localhost", "all://[::1]")  # through no proxy
        return httpx.AsyncClient(
            http2=True,
            verify=trusted(),
            headers=_HEADERS,
            cookies=_no_cookies(),
            timeout=httpx.Timeout(self._silent_s, connect=CONNECT_S, pool=None),
            limits=httpx.Limits(
                max_connections=self._connections, max_keepalive_connections=self._connections
            ),
            mounts=dict.fromkeys(own),
        )


class _Passing(Exception):
    """The host is busy or broken now; `wait_s`: what it asks for."""

    def __init__(self, why: Unanswered, host: str, wait_s: float | None) -> None:
        self.why, self.host, self.wait_s = why, host, wait_s


class Lost(Exception):
    """There is no connection, or no more; `passes`: asking again may help."""

    def __init__(self, why: Unanswered, passes: bool) -> None:
        self.why, self.passes = why, passes


def trusted() -> ssl.SSLContext:
    """Whose certificates count, read once (50 ms): the environment's choice, else certifi's."""
    return _trusted_by(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _trusted_by(file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()  # reads both variables by itself


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _drained(response: httpx.Response) -> httpx.Response:
    """With what nobody will read taken from the connection: else it could not be used again."""
    length = response.headers.get("content-length", "")
    if response.request.method == "HEAD" or (
        response.status_code >= 300 and length.isdecimal() and int(length) <= _SMALL
    ):
        try:
            response.read()
        finally:
            response.close()
    return response


def check_url(url: str) -> str:
    """The URL. Raises Unanswered where none of the web can be meant."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Unanswered(NO_URL) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unanswered(NO_URL)
    return url


def _check_redirect(public: str, after: str, seen: set[str]) -> None:
    if urlsplit(public).scheme == "https" != urlsplit(after).scheme:
        raise Unanswered(f"{host_of(public)} redirects from https to http")
    if after in seen or len(seen) > MOST_REDIRECTS:
        raise Unanswered(f"{host_of(public)} redirects in a circle")


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url).scheme, host_of(url)


def _again(why: Unanswered, reason: str) -> Unanswered:
    """The same with other words; of the same class, for who asks for the status."""
    why.reason, why.args = reason, (reason,)
    return why
