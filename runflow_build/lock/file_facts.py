"""What the name, the URL and the size of a file tell by themselves."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

# torch.load and pickle read these, and what they read may be code.
PICKLE_SUFFIXES = frozenset(
    {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pt2", ".pth", ".t7", ".th"}
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_pickle(path: str) -> bool:
    """Whether the file is of a kind that can run code when it is loaded."""
    return PurePosixPath(path).suffix.lower() in PICKLE_SUFFIXES


def host_of(url: str) -> str:
    """`host` or `host:port` of a URL, without the scheme's own port; empty for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").lower()
    return host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"


def size_text(size: int) -> str:
    """`1.5 GB`; decimal units, as disks and networks are sold."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.1f} {unit}"
