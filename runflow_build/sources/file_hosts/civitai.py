"""civitai.com: files of model versions, by number and by content.

Source of the shapes: Civitai's public REST reference (`/api/v1/model-versions/…`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ...redact import shown
from ..http.outage import Missing, Refused
from ..world import RemoteFile, Unanswered

if TYPE_CHECKING:
    from ..http.client import Http
    from .web import WebFiles

HOST = "civitai.com"
HOSTS = (HOST, "www.civitai.com")
_SITE = f"https://{HOST}"
_CHOICES = ("type", "format", "size", "fp")  # what of a query says which of a version's files
_SHA256 = re.compile("[0-9a-f]{64}")
_DOWNLOAD = re.compile(r"/api/download/models/(\d+)")
_VERSION = re.compile(r"/(?:api/v1/)?model-versions/(\d+)")
_MODEL = re.compile(r"/models/(\d+)(?:/[^/]*)?")
_LOG_IN = f"make a key on {_SITE}/user/account, and set CIVITAI_API_TOKEN to it"


class Civitai:
    """Files of model versions."""

    def __init__(self, http: Http, web: WebFiles) -> None:
        self._http, self._web = http, web

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        """The file that a download address or a model's page means. Raises Unanswered."""
        query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
        version = self._version(urlsplit(url).path.rstrip("/"), query)
        rows = _files(version)
        chosen = _chosen(rows, query)
        if chosen is None:
            lack = ", ".join(f"{name}={shown(query[name])}" for name in _CHOICES if name in query)
            number = version["id"]
            there = "; ".join(shown(row.get("name")) for row in rows) or "no file at all"
            reason = f"version {number} at {HOST} has no file of {lack or 'any kind'}: {there}"
            raise _gone(reason)
        file = _remote(version, chosen)
        self._require_download(version, file.url)
        if file.sha256 is None and read:
            content = self._read(file.url)
            return RemoteFile(file.url, content.sha256, content.size)
        return file

    def places_of(self, sha256: str) -> Iterator[RemoteFile]:
        """The files with this content, by the hash that Civitai took of them."""
        told = self._http.json(f"{_SITE}/api/v1/model-versions/by-hash/{sha256}", keep="a day")
        if not isinstance(told, Mapping) or not isinstance(told.get("id"), int):
            return
        for row in _files(told):
            file = _remote(told, row)
            if file.sha256 == sha256:
                yield file

    def _version(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        """The version that an address names; of a model without one, the newest."""
        found = _DOWNLOAD.fullmatch(path) or _VERSION.fullmatch(path)
        number = found[1] if found else query.get("modelversionid", "")
        model = _MODEL.fullmatch(path)
        if number.isdecimal() and number.isascii() and (found or model):
            told = self._http.json(f"{_SITE}/api/v1/model-versions/{number}")
            what = f"version {number} of a model"
        elif model:
            page = self._http.json(f"{_SITE}/api/v1/models/{model[1]}")
            versions = page.get("modelVersions") if isinstance(page, Mapping) else None
            told = versions[0] if isinstance(versions, list) and versions else None
            what = f"model {model[1]}"
        else:
            raise Unanswered(
                "it is the address of a page, and of no file",
                f"write it as {_SITE}/api/download/models/VERSION",
            )
        if told is None:
            raise _gone(f"{HOST} has no {what}, or not any more")
        if not isinstance(told, Mapping) or not isinstance(told.get("id"), int):
            raise Unanswered(f"{HOST} answers in a form that we do not know")
        return told

    def _require_download(self, version: Mapping[str, Any], url: str) -> None:
        """Raise Unanswered for what Civitai itself only runs, or gives to buyers only."""
        number = version["id"]
        usage = version.get("usageControl")
        if isinstance(usage, str) and usage.lower() != "download":
            reason = f"version {number} may be used at {HOST} only, and not downloaded"
            raise Unanswered(reason, "take another model, or another source of this one")
        if str(version.get("availability", "")).lower() != "earlyaccess":
            return
        until = str(version.get("earlyAccessEndsAt") or "")[:10]
        when = f" until {until}" if re.fullmatch(r"\d{4}-\d\d-\d\d", until) else ""
        refusal = Unanswered(
            f"version {number} is in early access{when}: {HOST} gives it to its buyers only",
            f"get access on {_page(version)}, and set CIVITAI_API_TOKEN to a key of that account",
        )
        try:  # what we are to this version only the download itself says
            head = self._http.head(url)
        except Refused:
            raise refusal from None
        if head is None or "html" in head.headers.get("content-type", ""):
            raise refusal

    def _read(self, url: str) -> Any:
        try:
            return self._web.read(url)
        except Unanswered as error:
            if "web page" in error.reason:  # an unknown visitor is sent to the log-in page
                reason = f"{HOST} wants an account for this file"
                raise Unanswered(reason, _LOG_IN) from None
            raise


def _chosen(
    rows: Sequence[Mapping[str, Any]], query: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """The file that Civitai gives for such a query: of those that it fits the primary one."""
    wanted = {name: query[name].lower() for name in _CHOICES if query.get(name)}
    fitting = [row for row in rows if all(_says(row, *one) for one in wanted.items())]
    return next((row for row in fitting if row.get("primary") is True), next(iter(fitting), None))


def _says(row: Mapping[str, Any], name: str, wanted: str) -> bool:
    about = row.get("metadata")
    value = row.get("type") if name == "type" else None
    if name != "type" and isinstance(about, Mapping):
        value = about.get(name)
    return isinstance(value, str) and value.lower() == wanted


def _remote(version: Mapping[str, Any], row: Mapping[str, Any]) -> RemoteFile:
    hashes = row.get("hashes")
    told = hashes.get("SHA256") if isinstance(hashes, Mapping) else None
    sha256 = told.lower() if isinstance(told, str) else ""
    known = sha256 if _SHA256.fullmatch(sha256) else None
    return RemoteFile(_download(version, row), known, _bytes(row.get("sizeKB")))


def _bytes(kib: Any) -> int | None:
    """The size that was divided by 1024; None: it was rounded, too, and says little."""
    exact = kib * 1024 if isinstance(kib, int | float) and 0 <= kib < 2**40 else 0.5
    return int(exact) if exact == int(exact) else None


def _download(version: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """The address that gives just this file: Civitai's own, without what is no choice."""
    base = f"{_SITE}/api/download/models/{version['id']}"
    own = row.get("downloadUrl")
    if isinstance(own, str) and (own == base or own.startswith(f"{base}?")):
        pairs = parse_qsl(urlsplit(own).query)
    else:
        about = row.get("metadata")
        said = {"type": row.get("type"), **(about if isinstance(about, Mapping) else {})}
        alone = row.get("primary") is True or len(_files(version)) == 1
        pairs = [] if alone else [(name, str(said[name])) for name in _CHOICES if said.get(name)]
    query = urlencode([pair for pair in pairs if pair[0] in _CHOICES])
    return f"{base}?{query}" if query else base


def _files(version: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    rows = version.get("files")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _page(version: Mapping[str, Any]) -> str:
    model = version.get("modelId")
    page = f"{_SITE}/models/{model}" if isinstance(model, int) else _SITE
    return f"{page}?modelVersionId={version['id']}" if isinstance(model, int) else page


def _gone(reason: str) -> Missing:
    return Missing(reason, f"look the file up on {_SITE}, and correct the address", HOST, 404, {})
