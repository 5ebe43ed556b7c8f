"""github.com: files of releases, with the digest that GitHub takes of them since June 2025; and
files of repositories, at their commit.

Source of the shapes: GitHub's REST reference, "Releases" and "Git references".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from ...findings import did_you_mean
from ...redact import shown
from ..http.outage import Missing
from ..world import RemoteFile, Unanswered

if TYPE_CHECKING:
    from ..http.client import Http
    from .web import WebFiles

HOST, API = "github.com", "https://api.github.com"
RAW = "raw.githubusercontent.com"
HOSTS = (HOST, "www.github.com", RAW)
_DIGEST = re.compile("sha256:([0-9a-f]{64})")
_COMMIT = re.compile("[0-9a-f]{40}")
_NAME = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Asset:
    """A file of a release, as its URL names it."""

    repository: str  # owner/name
    tag: str | None  # None: the latest release
    name: str

    @property
    def api(self) -> str:
        which = "latest" if self.tag is None else f"tags/{quote(self.tag, safe='')}"
        return f"{API}/repos/{self.repository}/releases/{which}"


def asset_of(url: str) -> Asset | None:
    """The file of a release that a URL of GitHub names; None: it names something else."""
    parts = [unquote(one) for one in urlsplit(url).path.strip("/").split("/")]
    owner_and_name, rest = parts[:2], parts[3:]
    if parts[2:3] != ["releases"] or not all(_NAME.fullmatch(one) for one in owner_and_name):
        return None
    repository = "/".join(owner_and_name)
    if rest[:2] == ["latest", "download"] and len(rest) == 3:
        return Asset(repository, None, rest[2])
    if rest[:1] == ["download"] and len(rest) > 2 and all(rest):  # a tag may hold slashes
        return Asset(repository, "/".join(rest[1:-1]), rest[-1])
    return None


def raw_of(url: str) -> tuple[str, str, str] | None:
    """(owner/name, ref, path) of the file of a repository that a URL names, the ref being one word;
    the path stays quoted."""
    parts, path = urlsplit(url), urlsplit(url).path.strip("/").split("/")
    rest = path[2:] if parts.hostname == RAW else path[3:] if path[2:3] == ["raw"] else []
    if rest[:2] in (["refs", "heads"], ["refs", "tags"]):
        rest = rest[2:]
    if len(rest) < 2 or not all(_NAME.fullmatch(one) for one in (*path[:2], rest[0])):
        return None
    return "/".join(path[:2]), rest[0], "/".join(rest[1:])


class GitHubFiles:
    """Files of releases and of repositories."""

    def __init__(self, http: Http, web: WebFiles) -> None:
        self._http, self._web = http, web

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        """What the URL gives now. Raises Unanswered; Missing says what lacks of a release."""
        asset = None if urlsplit(url).hostname == RAW else asset_of(url)
        if asset is None:
            return self._web.file(self._at_commit(url), read)
        try:
            # For a day, because without a token GitHub answers 60 questions an hour.
            release = self._http.json(asset.api, keep="a day")
        except Unanswered:
            if asset.tag is None:
                raise
            return self._web.file(url, read)  # GitHub itself still says whether it is there
        if not isinstance(release, Mapping):
            raise _gone(asset, f"{asset.repository} has no release {shown(asset.tag or '')}")
        rows = _assets(release)
        row = rows.get(asset.name)
        if row is None:
            near, tag = did_you_mean(asset.name, rows), shown(asset.tag or "latest")
            name = shown(asset.name)
            raise _gone(asset, f"release {tag} of {asset.repository} has no file `{name}`{near}")
        return self._described(url, asset, row, read)

    def _at_commit(self, url: str) -> str:
        """The URL at the commit that its branch or tag is now; itself where that is not known."""
        found = raw_of(url)
        if found is None:
            return url
        repository, ref, path = found
        commit = ref if _COMMIT.fullmatch(ref) else None
        for kind in () if commit else ("heads", "tags"):
            try:
                told = self._http.json(f"{API}/repos/{repository}/git/ref/{kind}/{ref}")
            except Unanswered:
                return url
            commit = commit or _commit(told)
        return f"https://{HOST}/{repository}/raw/{commit}/{path}" if commit else url

    def _described(
        self, url: str, asset: Asset, row: Mapping[str, Any], read: bool
    ) -> RemoteFile | None:
        own, size, digest = row.get("browser_download_url"), row.get("size"), row.get("digest")
        # GitHub's own address has the name that the repository has now.
        is_same = isinstance(own, str) and (now := asset_of(own)) and now.name == asset.name
        place = str(own) if is_same and str(own).startswith(f"https://{HOST}/") else url
        found = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
        if found:
            return RemoteFile(place, found[1], size if isinstance(size, int) else None)
        return self._web.file(place, read)


def _commit(told: Any) -> str | None:
    """The commit of a branch, or of a tag that is no object of its own."""
    object = told.get("object") if isinstance(told, Mapping) else None
    if not isinstance(object, Mapping) or object.get("type") != "commit":
        return None
    sha = str(object.get("sha"))
    return sha if _COMMIT.fullmatch(sha) else None


def _assets(release: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    rows = release.get("assets")
    return {
        row["name"]: row
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, Mapping) and isinstance(row.get("name"), str)
    }


def _gone(asset: Asset, reason: str) -> Missing:
    page = f"https://{HOST}/{asset.repository}/releases"
    return Missing(reason, f"correct the address: {page}", HOST, 404, {})
