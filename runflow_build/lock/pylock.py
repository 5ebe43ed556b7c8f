"""pylock.<target>.toml: the packages of one target by file and hash. Standard: PEP 751.

Our text is canonical, so that one resolution has one text: of what the standard knows it holds what
installing needs and no times; packages sorted by name, files by name; one file a line; LF.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import LockError
from ..findings import Finding, Where

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MADE_BY = "runflow-build"
_FIX = "make it anew: runflow lock --upgrade python"


@dataclass(frozen=True)
class PackageFile:
    """A wheel, a source distribution, or an archive that a URL names."""

    url: str
    sha256: str | None  # lower-case hex; None: whoever offers the file does not say
    size: int | None = None  # bytes; None: likewise
    subdirectory: str | None = None  # of an archive

    @property
    def name(self) -> str:
        """The file name that the URL ends with."""
        from urllib.parse import unquote

        return unquote(self.url.partition("#")[0].partition("?")[0].rpartition("/")[2])


@dataclass(frozen=True)
class Checkout:
    """A package that is built from a commit of a repository."""

    url: str
    commit: str
    subdirectory: str | None = None


@dataclass(frozen=True)
class LockedPackage:
    """One package, and each file that it can be installed from."""

    name: str  # normalised
    version: str | None  # None: only its source knows
    marker: str | None = None  # PEP 508; where it is not true, the package is not installed
    index: str | None = None  # URL of the index, where it is not PyPI
    wheels: tuple[PackageFile, ...] = ()
    sdist: PackageFile | None = None
    archive: PackageFile | None = None
    checkout: Checkout | None = None

    def files(self) -> Iterator[PackageFile]:
        """Everything that is named by a URL and a hash."""
        yield from self.wheels
        yield from filter(None, (self.sdist, self.archive))

    @property
    def is_built(self) -> bool:
        """Whether installing runs code of the package: no wheel of it is known."""
        archive = self.archive and not self.archive.name.endswith(".whl")
        return bool(self.checkout or archive or (self.sdist and not self.wheels))

    @property
    def download(self) -> int | None:
        """Bytes to fetch, at most: of the largest wheel, or of the source. None: not known."""
        sizes = [one.size for one in self.wheels or self.files()]
        known = [size for size in sizes if size is not None]
        return max(known) if known and len(known) == len(sizes) else None


@dataclass(frozen=True)
class Pylock:
    """What a pylock file says."""

    packages: tuple[LockedPackage, ...]
    requires_python: str | None = None

    @property
    def versions(self) -> dict[str, str]:
        """Exact versions by normalised name; of a commit whose version nobody says, the commit."""
        return {one.name: one.version or _origin(one) for one in self.packages}

    @property
    def download(self) -> int:
        """Bytes to fetch on a machine that has nothing, as far as the indexes say sizes."""
        return sum(one.download or 0 for one in self.packages)

    def with_urls(self, changed: Callable[[str], str]) -> Pylock:
        """The same files at other URLs, as a mirror has them."""

        def moved(file: PackageFile | None) -> PackageFile | None:
            return file and replace(file, url=changed(file.url))

        return replace(
            self,
            packages=tuple(
                replace(
                    one,
                    index=one.index and changed(one.index),
                    wheels=tuple(replace(file, url=changed(file.url)) for file in one.wheels),
                    sdist=moved(one.sdist),
                    archive=moved(one.archive),
                    checkout=one.checkout and replace(one.checkout, url=changed(one.checkout.url)),
                )
                for one in self.packages
            ),
        )


def pylock_name(target: str) -> str:
    """The file for a target; PEP 751 allows no dot in it: pylock.linux-rocm6_3.toml."""
    return f"pylock.{target.replace('.', '_')}.toml"


def package_versions(text: str) -> dict[str, str]:
    """Exact versions by normalised name. Raises LockError `pylock-malformed`."""
    return read_pylock(text).versions


def normal_name(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pylock(text: str, file: str | None = None) -> Pylock:
    """What the text of a pylock file says; what we have no use for is passed over.

    Raises LockError `pylock-malformed`, placed in `file`.
    """
    try:
        document = tomllib.loads(text)
        number = document.get("lock-version")
        if not (isinstance(number, str) and number.split(".")[0] == "1"):
            raise ValueError("it does not begin with `lock-version` 1")
        packages = tuple(_package(row) for row in document.get("packages", ()))
    except tomllib.TOMLDecodeError as error:
        raise _malformed(f"it is not TOML: {error}", file) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        raise _malformed(why, file) from None
    return Pylock(packages, document.get("requires-python"))


def pylock_text(pylock: Pylock) -> str:
    """The canonical text."""
    head = ['lock-version = "1.0"', f"created-by = {_text(MADE_BY)}"]
    if pylock.requires_python:
        head.append(f"requires-python = {_text(pylock.requires_python)}")
    if not pylock.packages:
        head.append("packages = []")
    packages = sorted(pylock.packages, key=lambda one: (one.name, one.version or "", str(one)))
    return "\n\n".join("\n".join(lines) for lines in (head, *map(_lines, packages))) + "\n"


# -- writing


def _lines(one: LockedPackage) -> Iterator[str]:
    yield "[[packages]]"
    facts = {
        "name": one.name,
        "version": one.version,
        "marker": one.marker,
        "index": one.index,
    }
    yield from (f"{key} = {_text(value)}" for key, value in facts.items() if value is not None)
    if one.checkout:
        rows = {
            "type": "git",
            "url": one.checkout.url,
            "commit-id": one.checkout.commit,
            "subdirectory": one.checkout.subdirectory,
        }
        yield f"vcs = {_table({key: _text(value) for key, value in rows.items() if value})}"
    if one.archive:
        yield f"archive = {_file(one.archive)}"
    if one.sdist:
        yield f"sdist = {_file(one.sdist)}"
    if one.wheels:
        yield "wheels = ["
        wheels = sorted(one.wheels, key=lambda wheel: (wheel.name, wheel.url))
        yield from (f"    {_file(wheel)}," for wheel in wheels)
        yield "]"


def _file(file: PackageFile) -> str:
    rows = {"url": _text(file.url)}
    if file.size is not None:
        rows["size"] = str(file.size)
    if file.subdirectory:
        rows["subdirectory"] = _text(file.subdirectory)
    hashes = {"sha256": _text(file.sha256)} if file.sha256 else {}
    return _table({**rows, "hashes": _table(hashes)})


def _table(rows: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {value}' for key, value in rows.items())} }}"


def _text(value: str) -> str:
    # A JSON string is a basic string of TOML, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# -- reading


def _package(row: Mapping[str, Any]) -> LockedPackage:
    vcs, archive = row.get("vcs"), row.get("archive")
    if row.get("directory"):
        raise ValueError(f"the package {row['name']} is a folder of one machine")
    return LockedPackage(
        name=normal_name(row["name"]),
        version=_optional(row, "version"),
        marker=_optional(row, "marker"),
        index=_optional(row, "index"),
        wheels=tuple(_read_file(wheel) for wheel in row.get("wheels", ())),
        sdist=_read_file(row["sdist"]) if row.get("sdist") else None,
        archive=_read_file(archive) if archive else None,
        checkout=Checkout(vcs["url"], vcs["commit-id"], _optional(vcs, "subdirectory"))
        if vcs
        else None,
    )


def _read_file(row: Mapping[str, Any]) -> PackageFile:
    sha256 = row.get("hashes", {}).get("sha256")
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise ValueError("a sha256 has not 64 digits")
    size = row.get("size")
    if size is not None and (type(size) is not int or size < 0):
        raise ValueError("a size is no number of bytes")
    url: str = row["url"]
    if "://" not in url:
        raise ValueError("a file has no URL")
    return PackageFile(url, sha256 and sha256.lower(), size, _optional(row, "subdirectory"))


def _optional(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`{key}` is no text")
    return value


def _origin(one: LockedPackage) -> str:
    if one.checkout:
        return f"git+{one.checkout.commit}"
    return one.archive.url if one.archive else "unknown"


def _malformed(why: str, file: str | None) -> LockError:
    return LockError(
        Finding(
            "pylock-malformed",
            f"the list of package files cannot be used: {why}",
            Where(file),
            fix=_FIX,
        )
    )
