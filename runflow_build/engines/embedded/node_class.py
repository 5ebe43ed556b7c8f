"""What a node class is to this engine: a function, and what only the function's author can know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...media.error import MediaError
from ..base import RunFolders
from .limits import BYTES_PER_VALUE, Limits


class NodeError(MediaError):
    """A node cannot do its work with what it was given; the text is for the user."""


class RunStoppedError(Exception):
    """The run was cancelled, or its time is over; `code` is the finding's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    cancelled: Callable[[], bool] = lambda: False
    started: float = field(default_factory=time.monotonic)
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
        self.claim_values(pixels * channels)

    def claim_values(self, count: int) -> None:
        """The same for float32 values of any shape; raises NodeError."""
        if self.held_bytes + count * BYTES_PER_VALUE > self.limits.held_bytes:
            raise NodeError(
                f"the run would hold more than {self.limits.held_bytes >> 20} MiB of media",
                "use fewer or smaller files, or run this prompt on ComfyUI",
            )

    def check(self) -> None:
        """Raise RunStoppedError when the run is cancelled or over its time; for long loops."""
        if self.cancelled():
            raise RunStoppedError("run-canceled", "the run was cancelled")
        limit = self.limits.seconds
        if limit is not None and time.monotonic() - self.started > limit:
            raise RunStoppedError("engine-time-limit", f"the run took longer than {limit:g} s")


@dataclass(frozen=True)
class NodeClass:
    """One class: `function(run, **inputs)`, called with the inputs by their names in the prompt.

    Input types, limits and defaults are not here: the definitions have them. A function never
    changes what it is given, because other nodes and later runs are given the same.

    `lazy` is for a class with inputs that the definitions call lazy: called with the inputs as far
    as they are known (None: linked and not there yet), it names those that it needs besides.
    """

    function: Callable[..., Result]
    files: frozenset[str] = frozenset()  # inputs that name a file below the input folder
    package: str | None = None  # what the class needs besides numpy and Pillow
    option_packages: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    """The same for single values: input -> value -> package."""
    lazy: Callable[..., Iterable[str]] | None = None
    takes_lists: bool = False  # called once, with a list per input, instead of once per item
    gives_lists: bool = False  # each of its values is a list: an item per call of what follows
