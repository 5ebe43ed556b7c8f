"""The 3D viewer: one pinned file, fetched once when the user asks for it, kept in their cache.

It is Google's model-viewer (Apache-2.0), as npm has it; the digest below is that of the file in the
package's own archive, so whichever host gives it can only give this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .. import digest
from ..errors import RestoreError, UsageError
from ..findings import Finding
from ..restore.download import download
from ..restore.store import ModelStore
from ..sources.http.client import Http
from ..sources.mirrors import mirrors_of
from ..sources.online import is_offline
from ..sources.user_cache import cache_folder

VERSION = "4.1.0"
SHA256 = "8367184a607fbe07a78b650c0d359e5ebbd96f7e2b22f95f761f559b63430386"
SIZE = 979_139  # bytes
_FILE = f"@google/model-viewer@{VERSION}/dist/model-viewer.min.js"
URLS = (f"https://cdn.jsdelivr.net/npm/{_FILE}", f"https://unpkg.com/{_FILE}")


def viewer(environ: Mapping[str, str]) -> bytes | None:
    """The script, if it is in the cache and what it should be."""
    path = _store(environ).path(SHA256)
    if path is None or path.stat().st_size != SIZE:
        return None
    data = path.read_bytes()
    return data if digest.of_bytes(data) == SHA256 else None


def fetch_viewer(environ: Mapping[str, str]) -> Path:
    """Have it in the cache. Raises RestoreError, and UsageError where nothing is to be asked."""
    if is_offline(environ):
        message = "RUNFLOW_OFFLINE is set, so the 3D viewer cannot be fetched"
        raise UsageError(
            Finding("download-failed", message, fix="download the file, or unset RUNFLOW_OFFLINE")
        )
    failures: list[RestoreError] = []
    with Http(mirrors=mirrors_of(environ)) as http:
        for url in URLS:
            try:
                return download(
                    http, url, _store(environ), SHA256, SIZE, progress=lambda count: None
                )
            except RestoreError as error:  # noqa: PERF203
                failures.append(error)
    raise failures[0]


def _store(environ: Mapping[str, str]) -> ModelStore:
    return ModelStore(cache_folder(environ) / "viewer")
