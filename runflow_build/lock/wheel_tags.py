"""Which wheels fit a target, by the tags in their names alone. Standard: PEP 425."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

GLIBC = 28  # minor version of the oldest glibc 2 that current builds of PyTorch run on
MACOS = (14, 0)  # the oldest that its Metal builds run on
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def fits(file: str, python: str, system: str) -> bool:
    """Whether a wheel of that name can be installed on `system` (linux, macos, windows) with a
    CPython `3.12`. A name that is no wheel's fits nowhere."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        tags = parse_wheel_filename(file)[3]
    except InvalidWheelFilename:
        return False
    return not _supported(python, system).isdisjoint(str(tag) for tag in tags)


@cache
def _supported(python: str, system: str) -> frozenset[str]:
    from packaging.tags import compatible_tags, cpython_tags

    major, minor = (int(part) for part in python.split(".")[:2])
    version, name = (major, minor), f"cp{major}{minor}"
    platforms = list(_platforms(system))
    native = cpython_tags(version, abis=[name], platforms=platforms)
    return frozenset(
        str(tag) for tags in (native, compatible_tags(version, name, platforms)) for tag in tags
    )


def _platforms(system: str) -> Iterator[str]:
    if system == "windows":
        yield "win_amd64"
    elif system == "macos":
        from packaging.tags import mac_platforms

        yield from mac_platforms(MACOS, "arm64")
    else:
        for glibc in range(GLIBC, 4, -1):
            yield f"manylinux_2_{glibc}_x86_64"
            if glibc in _LEGACY:
                yield f"{_LEGACY[glibc]}_x86_64"
        yield "linux_x86_64"
