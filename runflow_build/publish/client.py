"""The HTTP client of the API: timeouts, retries, one human finding for whatever goes wrong.

The key goes to the API's own origin only: a redirect elsewhere is a finding, and storage URLs are
asked without it. Neither `repr`, errors nor logs hold it.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from uuid import uuid4

import httpx

from .. import __version__
from ..errors import ApiError, ApiRefusedError
from ..findings import Finding
from ..redact import without_secrets_in_log
from .outage import no_answer, passes
from .refusals import Answer, Call, json_object, refusal, unexpected
from .settings import ADDRESS, checked_key, checked_url, host_of, is_loopback

ATTEMPTS = 5  # of an idempotent request, the first one included
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes: a prompt and a graph of 16 MiB each, with room
LONGEST_PAUSE_S = 60.0
MOST_REDIRECTS = 3
SLOWEST_UPLOAD = 256 * 1024  # bytes a second; slower than that is a dead connection

_REDIRECTS = {301, 302, 303, 307, 308}


def part(text: str) -> str:
    """One segment of a path, safely quoted."""
    return quote(text, safe="")


class Client:
    """One API and one key. Safe to use from several threads.

    `pause` waits that many seconds between two attempts; `timeout_s` is how long the API may keep
    silent, and ten times that is how long one answer may take in all.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = checked_url(base_url)
        self.host = host_of(self.base_url)
        self._key = checked_key(api_key)
        self._timeout_s = timeout_s
        self.pause = pause
        self._lock = threading.Lock()
        self._sessions: dict[bool, httpx.Client] = {}  # by: goes to this machine
        self._me: dict[str, Any] | None = None
        self._organization_id: str | None = None

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    @property
    def is_local(self) -> bool:
        """Whether the API runs on this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    # -- the API's own resources. All raise ApiError, and ApiRefusedError for key and scopes.

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """The JSON object at `path`; parameters that are None are left out."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self._json("GET", path, query=given)

    def post(
        self, path: str, body: Mapping[str, Any], attempts: int = ATTEMPTS, key: str | None = None
    ) -> dict[str, Any]:
        """Create something. An Idempotency-Key makes a second attempt harmless where the API
        honours it; `attempts=1` for what must not happen twice where it does not."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self._json("POST", path, body=body, headers=headers, attempts=attempts)

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change something; the same change twice is one."""
        return self._json("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        """Delete something; when a lost answer makes us ask twice, its absence is success."""
        call = Call("DELETE", path, self.host)
        try:
            self._ask(call, self._url(path), {}, None, ATTEMPTS)
        except ApiError as error:
            if error.status != 404:
                raise

    # -- who the key is

    def me(self) -> dict[str, Any]:
        """`/v1/auth/me`, asked once."""
        with self._lock:
            known = self._me
        if known is None:
            known = self.get("/v1/auth/me")
            with self._lock:
                self._me = known
        return known

    def organizations(self) -> dict[str, str]:
        """slug -> id of the organizations that the key may act for."""
        call = Call("GET", "/v1/auth/me", self.host)
        memberships = self.me().get("memberships")
        if not isinstance(memberships, list):
            raise unexpected(call, "names no memberships")
        rows = [row["org"] for row in memberships if isinstance(row, dict) and "org" in row]
        return {
            str(row["slug"]): str(row.get("id", ""))
            for row in rows
            if isinstance(row, dict) and row.get("slug")
        }

    def act_for(self, organization: str | None) -> None:
        """Make sure that requests are for that organization; None: the key's own, unasked.

        Raises ApiRefusedError, `organization-mismatch`, for a key of another one.
        """
        if organization is None:
            return
        known = self.organizations()
        if organization not in known:
            raise _other_organization(organization, known, self.host)
        if len(known) > 1:
            self._organization_id = known[organization]

    def owner(self, organization: str | None = None) -> str:
        """The organization's slug, which stands in the URL of every call to an endpoint."""
        if organization is not None:
            return organization
        known = list(self.organizations())
        if len(known) == 1:
            return known[0]
        finding = Finding(
            "organization-mismatch",
            f"the key may act for several organizations: {', '.join(known)}"
            if known
            else f"{self.host} does not say which organization the key belongs to",
            fix="write `organization:` into runflow.yaml",
        )
        raise ApiRefusedError(finding)

    # -- bytes, at presigned URLs: the key stays here

    def upload(self, url: str, data: bytes, mime_type: str) -> None:
        """PUT the bytes to a presigned URL. The same bytes twice are one upload."""
        call = Call("PUT", "(the upload URL)", host_of(self._storage_url(url)))
        patience = max(4 * self._timeout_s, len(data) / SLOWEST_UPLOAD)
        answer = self._ask(
            call, url, {"Content-Type": mime_type}, data, ATTEMPTS, patience, with_key=False
        )
        if answer.status not in (200, 201, 204):
            raise unexpected(call, f"to an upload has status {answer.status}")

    @contextmanager
    def download(self, url: str) -> Iterator[Iterator[bytes]]:
        """The chunks of what lies at a presigned URL, redirects followed. Not repeated here.

        Raises ApiError, also while the chunks are read.
        """
        call = Call("GET", "(the output URL)", host_of(self._storage_url(url)))
        try:
            for _ in range(MOST_REDIRECTS + 1):
                with self._session(url).stream("GET", url, timeout=self._timeout_s) as response:
                    if response.status_code in _REDIRECTS and "location" in response.headers:
                        url = self._storage_url(urljoin(url, response.headers["location"]))
                        continue
                    if response.status_code != 200:
                        raise refusal(call, _head(response), self._key)
                    yield response.iter_bytes()
                    return
        except httpx.HTTPError as error:
            raise no_answer(call, error, self._timeout_s, 1) from None
        raise unexpected(call, "is one redirect after the other")

    # -- how

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> dict[str, Any]:
        call = Call(method, path, self.host)
        own = dict(headers or {})
        content = None
        if body is not None:
            own["Content-Type"] = "application/json"
            content = _encoded(body)
        url = str(httpx.URL(self._url(path), params=query)) if query else self._url(path)
        return json_object(call, self._ask(call, url, own, content, attempts))

    def _url(self, path: str) -> str:
        return f"{self.base_url}{path}"

    def _storage_url(self, url: str) -> str:
        """The URL, unless it would send a user's files in the clear over a network."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            parsed = httpx.URL("")
        if parsed.host and (
            parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(parsed.host))
        ):
            return url
        raise unexpected(Call("GET", "(a storage URL)", self.host), "has a URL that is no https")

    def _ask(
        self,
        call: Call,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        attempts: int,
        patience_s: float | None = None,
        with_key: bool = True,
    ) -> Answer:
        """The answer, below status 400, after as many attempts as it takes and is allowed."""
        for attempt in range(1, attempts + 1):
            wait_s = 0.0
            try:
                answer = self._once(call, url, headers, content, patience_s, with_key)
            except httpx.HTTPError as error:
                failure, again = no_answer(call, error, self._timeout_s, attempt), passes(error)
                # A server on this machine that is not there will not be there in a second.
                again = again and not (isinstance(error, httpx.ConnectError) and self.is_local)
            else:
                if answer.status < 400:
                    return answer
                failure = refusal(call, answer, self._key, attempt)
                again = answer.status == 429 or answer.status >= 500
                wait_s = _retry_after(answer)
            if not again or attempt == attempts:
                raise failure
            self.pause(backoff(attempt, wait_s))
        raise AssertionError("at least one attempt")

    def _once(
        self,
        call: Call,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        patience_s: float | None,
        with_key: bool,
    ) -> Answer:
        """One attempt, with redirects within the API's own origin followed."""
        own = {**headers, **(self._credentials() if with_key else {})}
        method = call.method
        for _ in range(MOST_REDIRECTS + 1):
            timeout = httpx.Timeout(self._timeout_s, write=patience_s or self._timeout_s)
            with self._session(url).stream(
                method, url, headers=own, content=content, timeout=timeout
            ) as response:
                if response.status_code not in _REDIRECTS:
                    return self._read(call, response, patience_s or 10 * self._timeout_s)
                target = urljoin(url, response.headers.get("location", ""))
                # 301 to 303 turn anything but a GET into a GET, which is not what was asked.
                faithful = response.status_code in (307, 308) or method == "GET"
            if not faithful or urlsplit(target)[:2] != urlsplit(url)[:2]:
                raise _redirected(call, target)
            url = target
        raise unexpected(call, "is one redirect after the other")

    def _read(self, call: Call, response: httpx.Response, patience_s: float) -> Answer:
        deadline = time.monotonic() + patience_s
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise _too_large(call)
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer drips")
        return Answer(response.status_code, _headers(response), bytes(body))

    def _credentials(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if self._organization_id:
            headers["X-Organization-Id"] = self._organization_id
        return headers

    def _session(self, url: str) -> httpx.Client:
        """The connections for this URL: with proxies and certificates, or to this machine.

        A TLS context takes longer to make than a whole loopback publish, and a proxy would be
        shown the key of a plain connection: so a session for loopback http has neither.
        """
        local = urlsplit(url).scheme == "http"
        with self._lock:
            session = self._sessions.get(local)
            if session is None:
                without_secrets_in_log("httpx")  # signed URLs of storage
                agent = {"User-Agent": f"runflow-build/{__version__}"}
                session = httpx.Client(verify=not local, trust_env=not local, headers=agent)
                self._sessions[local] = session
        return session


def backoff(attempt: int, wait_s: float = 0.0) -> float:
    """Seconds to wait after the attempt (1, 2, …): what the API asks for, or twice as long each
    time; with jitter, so that fifty clients do not come back at one moment."""
    wish = wait_s or 0.5 * 2 ** (attempt - 1)
    return min(LONGEST_PAUSE_S, wish * (1 + random.random() / 2))


def _retry_after(answer: Answer) -> float:
    """The answer's Retry-After in seconds; 0 when there is none that can be read."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _encoded(body: Mapping[str, Any]) -> bytes:
    import json

    # ASCII, so that a lone surrogate of a workflow's text survives the way.
    return json.dumps(body, allow_nan=False, separators=(",", ":")).encode("ascii")


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _head(response: httpx.Response) -> Answer:
    """The answer without its body: storage has its own words, which are not for people."""
    return Answer(response.status_code, _headers(response), b"")


def _redirected(call: Call, target: str) -> ApiError:
    parts = urlsplit(target)
    finding = Finding(
        "api-redirected",
        f"{call.host} sends to {parts.scheme}://{parts.hostname}, where the API key does not go",
        also=(("request", str(call)),),
        fix=f"if the API is there, give that host a key of its own, and name it as {ADDRESS}",
    )
    return ApiError(finding)


def _too_large(call: Call) -> ApiError:
    finding = Finding(
        "api-too-large",
        f"the answer of {call.host} is larger than {LARGEST_ANSWER >> 20} MiB",
        also=(("request", str(call)),),
        fix=f"check {ADDRESS}",
    )
    return ApiError(finding)


def _other_organization(wish: str, known: Mapping[str, str], host: str) -> ApiRefusedError:
    finding = Finding(
        "organization-mismatch",
        f"runflow.yaml is for the organization {wish}, and the key for {host} is of "
        f"{', '.join(known) or 'none'}",
        fix=f"use a key of {wish}, or change `organization:` in runflow.yaml",
    )
    return ApiRefusedError(finding)
