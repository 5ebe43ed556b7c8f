"""huggingface.co: which commit a URL means, and what the hub says of a file without giving it out.

The hub answers the HEAD of a file, before it sends one on to its storage, with the commit, the size
and (for all that lies in LFS or Xet) the sha256: the headers that `get_hf_file_metadata` of
huggingface_hub reads. We read them over the client that all sources share and not through that
library: its client (httpx in 1.x, httpx2 in 2.x, so there is no one `set_client_factory` for it)
knows nothing of our kept answers, mirrors, back-off and bound on connections, and importing it
takes as long (0.2 s) as locking 400 models from kept answers. A test compares the two.
Source: huggingface_hub 2.4, file_download.py and utils/_auth.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from ...findings import did_you_mean
from ...redact import shown
from ..http.outage import Missing, Refused
from ..world import RemoteFile, Unanswered

if TYPE_CHECKING:
    from ..http.client import Head, Http, Keep
    from .web import WebFiles

HOST = "huggingface.co"
HOSTS = (HOST, "www.huggingface.co", "hf.co")
SMALL = 10 << 20  # bytes; a file that lies outside of LFS is read for its hash up to this size

_COMMIT = re.compile("[0-9a-f]{40}")
_SHA256 = re.compile("[0-9a-f]{64}")
_KINDS = ("datasets", "spaces")  # of repositories beside those of models
_VERBS = ("resolve", "blob", "raw", "resolve-cache")
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_CANDIDATES = 5  # repositories of a name that are looked into for a content


@dataclass(frozen=True)
class HubFile:
    """A file of a repository, as its URL names it."""

    kind: str  # "", "datasets", "spaces"
    name: str  # owner/name; a few old ones have no owner
    revision: str
    path: str

    @property
    def url(self) -> str:
        """The canonical one, which gives the file's bytes."""
        revision, path = quote(self.revision, safe=""), quote(self.path)
        return f"{self.page}/resolve/{revision}/{path}"

    @property
    def page(self) -> str:
        """Where a person sees the repository, and asks for access to it."""
        return f"https://{HOST}/{self.kind}{'/' if self.kind else ''}{self.name}"

    @property
    def api(self) -> str:
        return f"https://{HOST}/api/{self.kind or 'models'}/{self.name}"

    @property
    def is_immutable(self) -> bool:
        return bool(_COMMIT.fullmatch(self.revision))


def hub_file(url: str) -> HubFile | None:
    """The file that a URL of the hub names (`resolve`, `blob` and `raw` mean the same); or None."""
    parts = [unquote(one) for one in urlsplit(url).path.strip("/").split("/")]
    if parts[:2] == ["api", "resolve-cache"]:  # where the hub itself sends on to
        parts = [*parts[2:5], "resolve", *parts[5:]]
        parts = parts[1:] if parts[0] == "models" else parts
    kind = parts.pop(0) if parts[0] in _KINDS else ""
    at = next((n for n in (2, 1) if len(parts) > n and parts[n] in _VERBS), None)
    if at is None:
        return None
    # The revision of a pull request is spelt with slashes, quoted or not.
    length = 3 if parts[at + 1 : at + 3] in (["refs", "pr"], ["refs", "convert"]) else 1
    revision, path = parts[at + 1 : at + 1 + length], parts[at + 1 + length :]
    plain = all(_NAME.fullmatch(one) for one in parts[:at])
    if not plain or not path or not all((*revision, *path)) or ".." in path:
        return None
    return HubFile(kind, "/".join(parts[:at]), "/".join(revision), "/".join(path))


def stored_token(environ: Mapping[str, str]) -> str | None:
    """The token that `hf auth login` left on this machine, where huggingface_hub looks for it."""
    user = environ.get("HOME") or str(Path.home())
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(user, ".cache")
    home = environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    path = environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError, RuntimeError):
        return None


class Hub:
    """Files of model repositories."""

    def __init__(self, http: Http, web: WebFiles) -> None:
        self._http, self._web = http, web

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        """What the URL gives now, at its commit. Raises Unanswered; Missing says what lacks."""
        wanted = hub_file(url)
        if wanted is None:
            raise Unanswered(
                "it is the address of a page, and of no file",
                f"write it as https://{HOST}/OWNER/NAME/resolve/REVISION/FILE",
            )
        keep: Keep = "for ever" if wanted.is_immutable else "ask"
        try:
            head = self._http.head(wanted.url, keep=keep, elsewhere=False)
        except Refused as error:
            raise _refusal(wanted, error) from None
        if head is None:
            raise self._missing(wanted)
        return self._described(wanted, head, read)

    def places_of(self, sha256: str, name: str) -> Iterator[RemoteFile]:
        """Files with this content in repositories that are called like the file."""
        stem = name.rpartition("/")[2].rpartition(".")[0]
        rows = self._http.json(
            f"https://{HOST}/api/models?search={quote(stem, safe='')}&limit={_CANDIDATES}",
            keep="a day",
        )
        for row in _rows(rows)[:_CANDIDATES]:
            id = row.get("id")
            if isinstance(id, str) and all(_NAME.fullmatch(one) for one in id.split("/")):
                yield from self._within(HubFile("", id, "main", name), sha256)

    def _within(self, repo: HubFile, sha256: str) -> Iterator[RemoteFile]:
        """The files of a repository's main branch that have this content."""
        try:
            told = self._http.json(f"{repo.api}?blobs=true", keep="a day")
        except Refused:
            return
        if not isinstance(told, Mapping) or not _COMMIT.fullmatch(str(told.get("sha"))):
            return
        commit = str(told["sha"])
        for row in _rows(told.get("siblings")):
            path, lfs, size = row.get("rfilename"), row.get("lfs"), row.get("size")
            if isinstance(path, str) and isinstance(lfs, Mapping) and lfs.get("sha256") == sha256:
                file = replace(repo, revision=commit, path=path)
                yield RemoteFile(file.url, sha256, size if isinstance(size, int) else None)

    def _described(self, wanted: HubFile, head: Head, read: bool) -> RemoteFile:
        commit = head.headers.get("x-repo-commit", "")
        if not _COMMIT.fullmatch(commit):
            raise Unanswered(f"{HOST} does not say which commit of {wanted.name} it answers for")
        # A repository that was renamed is redirected to; what it is called now is canonical.
        found = hub_file(head.url) or wanted
        file = replace(wanted, name=found.name, revision=commit)
        etag = head.headers.get("x-linked-etag") or head.etag or ""
        digest = etag.removeprefix("W/").strip('"')
        if _SHA256.fullmatch(digest):
            return RemoteFile(file.url, digest, head.size)
        content = self._web.known(file.url, etag)
        if content is None and (read or (head.size is not None and head.size <= SMALL)):
            content = self._web.read(file.url, etag)
        if content is None:
            return RemoteFile(file.url, None, head.size)
        return RemoteFile(file.url, content.sha256, content.size)

    def _missing(self, wanted: HubFile) -> Missing:
        """What of the address is not there: the repository, its revision, or the file."""
        at = f"{wanted.api}/revision/{quote(wanted.revision, safe='')}"
        try:
            if self._http.json(wanted.api) is None:
                return _gone(wanted, f"{HOST} has no repository {wanted.name}, or not any more")
            told = self._http.json(at)
        except Unanswered:
            return _gone(wanted, f"{HOST} has no such file")
        revision = shown(wanted.revision)
        if not isinstance(told, Mapping):
            return _gone(wanted, f"the repository {wanted.name} has no revision `{revision}`")
        paths = [path for row in _rows(told.get("siblings")) if (path := row.get("rfilename"))]
        near = did_you_mean(wanted.path, [path for path in paths if isinstance(path, str)])
        file = shown(wanted.path)
        return _gone(wanted, f"{wanted.name} at {revision[:12]} has no file `{file}`{near}")


def _refusal(wanted: HubFile, error: Refused) -> Refused:
    """The same refusal, with the page on which a person mends it."""
    code, page = error.headers.get("x-error-code", ""), wanted.page
    reason, fix = error.reason, error.fix
    if code == "GatedRepo" and error.status == 403:
        reason = f"{wanted.name} is gated, and your token has no access to it"
        fix = f"ask for access on {page}"
    elif code == "GatedRepo":
        reason = f"{wanted.name} is gated: {HOST} gives it to accounts that asked for access only"
        fix = f"ask for access on {page}, and set HF_TOKEN to a token of that account"
    elif code == "RepoNotFound":
        # The hub does not tell strangers what is private from what is not there.
        reason = f"{wanted.name} is private, or there is no such repository"
        fix = f"correct the address, or set HF_TOKEN to a token that may read {page}"
    elif error.status == 401 and not code:
        reason = f"{HOST} does not know the token that it was shown"
        fix = "set HF_TOKEN to a valid one (https://huggingface.co/settings/tokens), or unset it"
    return Refused(reason, fix, error.host, error.status, error.headers)


def _gone(wanted: HubFile, reason: str) -> Missing:
    return Missing(reason, f"correct the address: {wanted.page}/tree/main", HOST, 404, {})


def _rows(value: Any) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
