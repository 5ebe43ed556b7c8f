"""The user's folder for what can be had again: answers, digests, git objects, model files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "RUNFLOW_CACHE_DIR"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where the platform wants caches; `RUNFLOW_CACHE_DIR` goes before. It is not made here."""
    if named := environ.get(VARIABLE):
        return Path(named).expanduser()
    if os.name == "nt" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "runflow" / "cache"
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "runflow"
    return Path(environ.get("HOME") or Path.home()) / ".cache" / "runflow"
