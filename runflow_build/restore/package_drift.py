"""How the packages of a venv differ from a pylock: by name and version, and by their own RECORD."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..lock.pylock import LockedPackage, normal_name, read_pylock

Kind = Literal["missing", "extra", "version", "files"]
_MOST_NAMED = 3  # files of one package that a message names
_VENV_FILES = ("_virtualenv.py", "_virtualenv.pth", "__pycache__")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class PackageDrift:
    """One package that is not as the lock says."""

    name: str  # normalised; of what belongs to no package, the file's
    kind: Kind
    text: str  # "numpy is 2.1.0, and 1.26.0 is locked"


@dataclass(frozen=True)
class InstalledPackage:
    """A distribution in a venv's site-packages."""

    name: str
    version: str
    info: Path  # its .dist-info folder

    def changed(self, deep: bool) -> list[str]:
        """Files that are not as RECORD says: gone, of another size, and if `deep`, of another hash.

        A package without a RECORD is changed as a whole.
        """
        try:
            rows = list(self.rows())
        except (OSError, ValueError, csv.Error):
            return ["RECORD"]
        base, itself = str(self.info.parent), f"{self.info.name}/RECORD"
        return [
            path
            for path, sha256, size in rows
            if path != itself and _differs(base, path, sha256, size, deep)
        ]

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Path relative to site-packages, `sha256=…` (or empty), size (or empty)."""
        with (self.info / "RECORD").open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if len(row) == 3:
                    yield row[0], row[1], row[2]

    def commit(self) -> str | None:
        """The commit that it was built from, where it says so."""
        with suppress(OSError, ValueError, AttributeError):
            told = json.loads((self.info / "direct_url.json").read_text(encoding="utf-8"))
            commit = told.get("vcs_info", {}).get("commit_id")
            return commit if isinstance(commit, str) else None
        return None


def drift(folder: Path, pylock: str, deep: bool = False) -> list[PackageDrift]:
    """How a venv differs from a pylock's text, sorted by name; empty: not at all.

    Without `deep`, files count as unchanged that have their size; with it each is read and
    compared with its hash, and what lies in site-packages and belongs to no package is told.

    Raises LockError `pylock-malformed`.
    """
    there = installed(folder)
    wanted = {one.name: one for one in read_pylock(pylock).packages if _applies(one.marker, folder)}
    found = [_by_version(name, wanted.get(name), there.get(name)) for name in {*there, *wanted}]
    both = sorted(set(there) & set(wanted))
    # Hashing lets other threads run; asking for sizes does not, and is faster alone.
    with ThreadPoolExecutor((os.cpu_count() or 1) if deep else 1) as pool:
        changes = pool.map(lambda name: there[name].changed(deep), both)
        found += [_by_files(name, files) for name, files in zip(both, changes, strict=True)]
    if deep:
        found += _strangers(folder, there)
    return sorted((one for one in found if one), key=lambda one: (one.name, one.kind))


def installed(folder: Path) -> dict[str, InstalledPackage]:
    """The distributions in a venv by normalised name."""
    found = {}
    for site in site_packages(folder):
        for entry in os.scandir(site):
            parts = re.fullmatch(r"(.+?)-([^-]+)\.dist-info", entry.name)
            if parts:
                name = normal_name(parts[1])
                found[name] = InstalledPackage(name, parts[2], Path(entry.path))
    return found


def site_packages(folder: Path) -> list[Path]:
    """Where a venv keeps packages."""
    patterns = ("lib/python3*/site-packages", "Lib/site-packages")
    return sorted({path.resolve() for one in patterns for path in folder.glob(one)})


def _by_version(
    name: str, wanted: LockedPackage | None, there: InstalledPackage | None
) -> PackageDrift | None:
    if wanted is None:
        version = there.version if there else ""
        return PackageDrift(name, "extra", f"{name} {version} is installed, and not locked")
    locked = wanted.version or (wanted.checkout.commit[:12] if wanted.checkout else "")
    if there is None:
        return PackageDrift(name, "missing", f"{name} {locked} is not installed")
    if wanted.version and not _same_version(there.version, wanted.version):
        text = f"{name} is {there.version}, and {wanted.version} is locked"
        return PackageDrift(name, "version", text)
    if wanted.checkout and (built := there.commit()) != wanted.checkout.commit:
        text = f"{name} is of commit {(built or 'unknown')[:12]}, and {locked} is locked"
        return PackageDrift(name, "version", text)
    return None


def _by_files(name: str, files: list[str]) -> PackageDrift | None:
    if not files:
        return None
    named = ", ".join(files[:_MOST_NAMED])
    more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
    return PackageDrift(name, "files", f"files of {name} have changed or are gone: {named}{more}")


def _strangers(folder: Path, there: Mapping[str, InstalledPackage]) -> list[PackageDrift | None]:
    """What lies in site-packages and belongs to no package; Python would import it."""
    owned = {*_VENV_FILES}
    for one in there.values():
        owned.add(one.info.name)
        with suppress(OSError, ValueError, csv.Error):
            owned.update(path.partition("/")[0] for path, _, _ in one.rows())
    return [
        PackageDrift(entry.name, "extra", f"{entry.name} in site-packages belongs to no package")
        for site in site_packages(folder)
        for entry in os.scandir(site)
        if entry.name not in owned
    ]


def _differs(base: str, path: str, sha256: str, size: str, deep: bool) -> bool:
    if not size and not sha256:
        return False  # what is compiled later
    place = f"{base}/{path}"  # tens of thousands of them: os.path.join takes as long as the disk
    try:
        if size and os.stat(place).st_size != int(size):
            return True
        if not deep or not sha256:
            return not size and not os.path.exists(place)
        return not _has_hash(place, sha256)
    except (OSError, ValueError):
        return True


def _has_hash(place: str, written: str) -> bool:
    algorithm, _, value = written.partition("=")
    state = hashlib.new(algorithm)
    with open(place, "rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return base64.urlsafe_b64encode(state.digest()).rstrip(b"=").decode() == value


def _same_version(one: str, other: str) -> bool:
    if one == other:
        return True
    from packaging.version import InvalidVersion, Version

    # A folder's name has `_` where a version has `-`.
    with suppress(InvalidVersion):
        return Version(one.replace("_", "-")) == Version(other)
    return False


def _applies(marker: str | None, folder: Path) -> bool:
    """Whether a package is for the Python of the venv, on this machine."""
    if marker is None:
        return True
    from packaging.markers import InvalidMarker, Marker

    full = _python_version(folder)
    facts = {"python_full_version": full, "python_version": ".".join(full.split(".")[:2])}
    facts["implementation_version"] = full
    with suppress(InvalidMarker):
        return Marker(marker).evaluate(facts)
    return True


def _python_version(folder: Path) -> str:
    with suppress(OSError):
        text = (folder / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", text, re.MULTILINE):
            return found[1]
    return ".".join(str(part) for part in sys.version_info[:3])
