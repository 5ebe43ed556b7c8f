"""Files at hosts of which nothing is known but HTTP: what is there, and what reading it tells.

What was read once is remembered by address and ETag, so that nothing is read twice for its hash.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..files import Content
from ..http.answers import Answer, key_of
from ..http.outage import host_of
from ..world import RemoteFile, Unanswered

if TYPE_CHECKING:
    from ..http.answers import AnswerCache
    from ..http.client import Http

_TRIES = 5  # in vain, one after the other, to go on with a file whose connection breaks
_GITHUB_PAGE = re.compile(r"https://github\.com/([^/]+/[^/]+)/blob/(.+)")
_PAGES = (".html", ".htm")


class WebFiles:
    """Any file that a URL gives."""

    def __init__(self, http: Http, answers: AnswerCache | None = None) -> None:
        """`answers` remembers the hashes of what was read."""
        self._http, self._answers = http, answers

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        """What is at the URL; its hash only if it is read, now or before. Raises Unanswered."""
        url = plain(url)
        head = self._http.head(url)
        if head is None:
            return None
        _refuse_page(url, head.headers.get("content-type"))
        content = self.known(url, head.etag)
        if content is None and read:
            content = self.read(url)
        if content is None:
            return RemoteFile(url, None, head.size)
        return RemoteFile(url, content.sha256, content.size)

    def known(self, url: str, etag: str | None) -> Content | None:
        """What somebody read at the URL while the file had this strong ETag."""
        if self._answers is None or not _is_strong(etag):
            return None
        found = self._answers.get(key_of("sha256", url, None))
        if found is None or found.etag != etag:
            return None
        try:
            row = json.loads(found.body)
            return Content(str(row["sha256"]), int(row["size"]))
        except (ValueError, KeyError, TypeError):
            return None

    def read(self, url: str, etag: str | None = None) -> Content:
        """The content of the file at the URL, streamed once. Raises Unanswered.

        It is remembered for that ETag, or for the one that comes with the bytes.
        """
        reading = _Reading(self._http, url)
        content = reading.content()
        etag = etag or reading.etag
        if self._answers is not None and _is_strong(etag):
            body = json.dumps({"sha256": content.sha256, "size": content.size}).encode()
            answer = Answer(200, url, etag, "application/json", body, asked=time.time())
            self._answers.put(key_of("sha256", url, None), answer)
        return content


class _Reading:
    """One file through sha256; a connection that breaks is taken up where it broke."""

    def __init__(self, http: Http, url: str) -> None:
        self._http, self._url = http, url
        self._state, self._size = hashlib.sha256(), 0
        self.etag: str | None = None

    def content(self) -> Content:
        in_vain = 0
        while True:
            before = self._size
            try:
                if self._is_whole():
                    return Content(self._state.hexdigest(), self._size)
            except Unanswered:
                in_vain = in_vain + 1 if self._size <= before else 0
                if not self._size or in_vain >= _TRIES:  # before the first byte `http` tries again
                    raise
                if not _is_strong(self.etag):  # it may be another file by now
                    self._state, self._size = hashlib.sha256(), 0

    def _is_whole(self) -> bool:
        """Take what comes; whether the end was reached. Raises Unanswered."""
        with self._http.stream(self._url, start=self._size, etag=self.etag) as body:
            _refuse_page(self._url, body.content_type, body.url)
            if body.status == 416 and self._size and body.size_total == self._size:
                return True
            if body.status != 206:  # the whole: it changed, or the host knows no parts
                self._state, self._size = hashlib.sha256(), 0
            self.etag = body.etag
            for chunk in body.chunks:
                self._state.update(chunk)
                self._size += len(chunk)
            if body.size_total in (None, self._size):
                return True
        raise Unanswered(f"{host_of(self._url)} sends less than it announces", "try again later")


def plain(url: str) -> str:
    """The URL of the file itself, without a fragment; a page of GitHub that shows it stands for it.

    Raises Unanswered for what is no URL of the web.
    """
    url = url.partition("#")[0]
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Unanswered("it is no URL", "write it as https://host/path") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unanswered("it is no http or https URL", "write it as https://host/path")
    if page := _GITHUB_PAGE.fullmatch(url.partition("?")[0]):
        return f"https://github.com/{page[1]}/raw/{page[2]}"
    return url


def _refuse_page(url: str, kind: str | None, ended: str | None = None) -> None:
    """Raise Unanswered for a web page where a file is due: of a log-in, or one that shows it."""
    if "html" not in (kind or "") or urlsplit(url).path.lower().endswith(_PAGES):
        return
    fix = "write the address that downloads the file, as the page's own link has it"
    if "login" in (ended or ""):
        fix = "take a file that needs no account, or one of a host whose token can be set"
    raise Unanswered(f"{host_of(url)} answers with a web page instead of a file", fix)


def _is_strong(etag: str | None) -> bool:
    return bool(etag) and not (etag or "").startswith("W/")
