"""What a file is, by its name: the same on every machine, whatever its own table says. Pure."""

from __future__ import annotations

import mimetypes
from functools import cache
from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"

# What Python's table lacks in one supported release or another.
_TYPES = {
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".m4a": "audio/mp4",
    ".mkv": "video/x-matroska",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".webp": "image/webp",
}


def content_type_of(name: str) -> str:
    """`image/png`; UNKNOWN for what has no ending, or one that nobody knows."""
    ending = PurePosixPath(name.lower()).suffix
    return _TYPES.get(ending) or _table().guess_type(f"x{ending}", strict=False)[0] or UNKNOWN


@cache
def _table() -> mimetypes.MimeTypes:
    """Python's own; the functions of `mimetypes` would ask the system, too."""
    return mimetypes.MimeTypes()
