"""The outside worlds that `resolve` may look into, one file each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .digests import DigestCache
    from .install import Install
    from .world import World


@dataclass(frozen=True)
class Sources:
    """What a resolver may ask."""

    inputs: Path  # the project's folder of input files
    install: Install | None = None  # a ComfyUI installation to capture from
    world: World | None = None  # what lies outside of this machine; None: not to be asked
    digests: DigestCache | None = None  # of files read before; None: read every file
    read_files: bool = False  # files whose host says no hash may be streamed to know it (--fetch)
