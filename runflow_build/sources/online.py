"""The real sources, put together from the environment: caches, mirrors, tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .digests import DigestCache
from .world import World


@contextmanager
def opened(
    environ: Mapping[str, str], offline: bool = False
) -> Iterator[tuple[World, DigestCache]]:
    """What lies outside of this machine, and what is remembered of files on it.

    Offline, only answers of before are given. Raises UsageError `mirror-malformed`.
    """
    raise NotImplementedError
