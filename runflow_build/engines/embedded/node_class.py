"""What a node class is to this engine: a function, and what only the function's author can know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base import RunFolders
from .limits import BYTES_PER_VALUE, Limits


class NodeError(Exception):
    """A node cannot do its work with what it was given; the text is for the user."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True)
class Result:
    """What a node hands on: a value per output slot, and the files that it wrote."""

    values: tuple[Any, ...] = ()
    files: tuple[Path, ...] = ()  # absolute, below the run's output folder


@dataclass
class Run:
    """What a node function may use besides its inputs."""

    folders: RunFolders
    limits: Limits
    held_bytes: int = 0  # of the arrays that are still needed; the executor keeps it

    def claim(self, images: int, height: int, width: int, channels: int = 3) -> None:
        """Announce an array that is about to be allocated; raises NodeError when it may not be."""
        pixels = images * height * width
        if pixels > self.limits.pixels:
            raise NodeError(
                f"{images} x {height} x {width} pixels (images x height x width) are over"
                f" the limit of {self.limits.pixels} pixels",
                "make the picture smaller, or run this prompt on ComfyUI",
            )
        if self.held_bytes + pixels * channels * BYTES_PER_VALUE > self.limits.held_bytes:
            raise NodeError(
                f"the run would hold more than {self.limits.held_bytes >> 20} MiB of pictures",
                "use fewer or smaller pictures, or run this prompt on ComfyUI",
            )


@dataclass(frozen=True)
class NodeClass:
    """One class: `function(run, **inputs)`, called with the inputs by their names in the prompt.

    Input types, limits and defaults are not here: the definitions have them.
    """

    function: Callable[..., Result]
    files: frozenset[str] = frozenset()  # inputs that name a file below the input folder
    lacks: Mapping[str, frozenset[str]] = field(default_factory=dict)  # input -> values not had
