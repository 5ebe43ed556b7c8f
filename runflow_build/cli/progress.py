"""How far a long command is, on a terminal; silence anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sources.world import World


@contextmanager
def resolving(world: World) -> Iterator[World]:
    """The world, with its questions counted on standard error while they are asked."""
    if not sys.stderr.isatty():
        yield world
        return
    from rich.console import Console

    from ..sources.watched import watched

    with Console(stderr=True).status("resolving …") as status:
        yield watched(
            world,
            lambda asked, answered: status.update(f"resolving: {answered} of {asked} answers"),
        )
