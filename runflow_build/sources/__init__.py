"""The outside worlds that `resolve` may look into, one file each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .install import Install


@dataclass(frozen=True)
class Sources:
    """What a resolver may ask."""

    inputs: Path  # the project's folder of input files
    install: Install | None = None  # a ComfyUI installation to capture from
