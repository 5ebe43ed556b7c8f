"""The files of a finished run, downloaded into one folder; nothing there is overwritten."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from ..errors import ApiError, SaveError
from ..findings import Finding
from .client import Client, backoff

ATTEMPTS = 3  # of one download
_LONGEST_NAME = 120
_MOST_DOUBLES = 10_000  # of one name in one folder
_UNSAFE = re.compile(r"[^A-Za-z0-9._ ()+-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class OutputFile:
    """One file that a run gave."""

    output_id: str
    url: str  # presigned
    name: str  # safe to create in any folder


def output_files(output: Any) -> list[OutputFile]:
    """The files in a run's `output`, in any of the shapes that the API was seen to give."""
    if not isinstance(output, dict):
        return []
    rows = output.get("outputs")
    if isinstance(rows, list):
        return [
            _file(str(row.get("output_id") or "output"), row)
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("url"), str)
        ]
    return [
        _file(key.removesuffix("_urls"), {"url": url})
        for key, urls in output.items()
        if isinstance(urls, list)
        for url in urls
        if isinstance(url, str)
    ]


def save(client: Client, file: OutputFile, folder: Path) -> Path:
    """Download the file into the folder, under a name that is free there; returns its path.

    Raises SaveError: `output-not-saved`; ApiError. What was half written is removed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _save_once(client, file, folder)
        except ApiError as error:
            failure = error
        except OSError as error:
            raise _not_saved(file, folder, error) from None
        passes = failure.status is None or failure.status == 429 or failure.status >= 500
        if not passes or attempt == ATTEMPTS:
            break
        client.pause(backoff(attempt))
    raise failure


def safe_name(name: str) -> str:
    """The name without anything that leads out of a folder or that a file system refuses."""
    last = re.split(r"[/\\]", name)[-1]
    plain = _UNSAFE.sub("_", last).strip(" .")
    stem, suffix = os.path.splitext(plain)
    plain = stem[: _LONGEST_NAME - len(suffix[:20])] + suffix[:20]
    return f"_{plain}" if not plain or _DEVICES.fullmatch(plain) else plain


def _file(output_id: str, row: Mapping[str, Any]) -> OutputFile:
    name = row.get("name")
    if not isinstance(name, str) or not name:
        kind = row.get("content_type") or row.get("mime_type")
        path = unquote(urlsplit(row["url"]).path)
        guess = mimetypes.guess_extension(kind) if isinstance(kind, str) else None
        name = output_id + (guess or os.path.splitext(path)[1])
    return OutputFile(output_id, row["url"], safe_name(name))


def _save_once(client: Client, file: OutputFile, folder: Path) -> Path:
    with client.download(file.url) as chunks:
        folder.mkdir(parents=True, exist_ok=True)
        path, sink = _create(folder, file.name)
        try:
            with sink:
                for chunk in chunks:
                    sink.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return path


def _create(folder: Path, name: str) -> tuple[Path, BinaryIO]:
    """A new file; exclusive creation follows no link and takes no name that somebody has."""
    for candidate in _candidates(name):
        path = folder / candidate
        if not os.path.lexists(path):
            with suppress(FileExistsError):  # somebody else was quicker
                return path, path.open("xb")
    raise FileExistsError(None, f"{_MOST_DOUBLES} files have that name already")


def _candidates(name: str) -> Iterator[str]:
    yield name
    stem, suffix = os.path.splitext(name)
    for number in range(2, _MOST_DOUBLES):
        yield f"{stem}-{number}{suffix}"


def _not_saved(file: OutputFile, folder: Path, error: OSError) -> SaveError:
    return SaveError(
        Finding(
            "output-not-saved",
            f"{file.name} could not be written: {error.strerror}",
            also=(("folder", folder.as_posix()),),
            fix="choose another folder with -o; the run itself succeeded",
        )
    )
