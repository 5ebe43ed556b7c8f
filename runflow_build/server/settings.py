"""What one server is told when it starts; every part has a default that works."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..engines.base import Engine

DEFAULT_PORT = 8787


def default_data_dir() -> Path:
    """The same folder from wherever a command is called, so that `serve` and `keys` agree.

    `$RUNFLOW_DATA`, or `runflow` in the user's data folder.
    """
    if chosen := os.environ.get("RUNFLOW_DATA"):
        return Path(chosen)
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "runflow"


def embedded_engine() -> Engine:
    """The engine that needs nothing; imported here because it brings numpy and pillow."""
    from ..engines.embedded import EmbeddedEngine
    from ..project.catalogue import shipped
    from ..workflow.definitions import Definitions

    return EmbeddedEngine(Definitions(None, shipped(None)))


@dataclass(frozen=True)
class Settings:
    """One server. Times are seconds; `now` is the clock that every expiry is measured with."""

    data_dir: Path = field(default_factory=default_data_dir)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT  # 0: any free one
    engine: Engine = field(default_factory=embedded_engine)
    workers: int = 2  # runs that execute at the same time
    public_url: str | None = None  # where clients reach the server; None: as they asked for it
    url_lifetime_s: int = 24 * 3600  # of a signed link to a file
    upload_lifetime_s: int = 3600  # of a signed link to upload to
    now: Callable[[], float] = time.time  # Unix time
