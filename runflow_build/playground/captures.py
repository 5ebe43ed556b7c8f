"""Captures on the disk, a file each, up to a number and a size; the longest unused go first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..errors import SaveError
from ..findings import Finding
from ..project.save import save_files
from ..spec.slug import problem
from .capture import Capture

LARGEST = 32 << 20  # bytes of one
MOST = 100
MOST_BYTES = 256 << 20  # of all of them


@dataclass(frozen=True)
class Captures:
    """Those in a folder, which is made when the first one comes."""

    folder: Path
    most: int = MOST
    most_bytes: int = MOST_BYTES
    largest: int = LARGEST

    def keep(self, capture: Capture) -> None:
        """Keep it, in place of a former one of its slug. Raises SaveError."""
        data = capture.model_dump_json(by_alias=True, indent=1).encode("utf-8", "surrogatepass")
        if len(data) > self.largest:
            message = f"the workflow has {len(data) >> 20} MiB; {self.largest >> 20} are allowed"
            fix = "take out what is written into its widgets, such as whole pictures"
            raise SaveError(Finding("file-too-large", message, fix=fix))
        path = self._path(capture.slug)
        save_files({path: data})
        os.utime(path)  # the very same content is not written, and used all the same
        self._tidy(path)

    def get(self, slug: str) -> Capture | None:
        """The capture; None where there is none, or none that this release can read."""
        if problem(slug):
            return None
        path = self._path(slug)
        try:
            capture = Capture.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None
        with suppress(OSError):
            os.utime(path)  # it is in use
        return capture

    def slugs(self) -> list[str]:
        """Of all that are here, the latest used first."""
        return [path.stem for path in reversed(self._oldest_first())]

    def runs_file(self, slug: str) -> Path:
        """Where the runs of a capture are noted; no slug has a dot."""
        return self.folder / f"{slug}.runs.json"

    def texts(self) -> Iterator[bytes]:
        """All that is kept here, captures and the notes of their runs. Raises OSError."""
        for path in self.folder.glob("*.json"):
            yield path.read_bytes()

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}.json"

    def _oldest_first(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        found = [one for one in self.folder.glob("*.json") if not problem(one.stem)]
        return sorted(found, key=lambda one: one.stat().st_mtime_ns)

    def _tidy(self, newest: Path) -> None:
        paths = [one for one in self._oldest_first() if one != newest]
        size = newest.stat().st_size + sum(one.stat().st_size for one in paths)
        while paths and (len(paths) >= self.most or size > self.most_bytes):
            oldest = paths.pop(0)
            size -= oldest.stat().st_size
            oldest.unlink()
            with suppress(OSError):
                self.runs_file(oldest.stem).unlink()
