"""What a repository asks of Python: its requirements.txt, or else its pyproject.toml.

ComfyUI-Manager and comfy-cli install a pack by `pip install -r requirements.txt`, so pip's reading
of that file is the rule. What only makes sense on the author's machine, or chooses an index of its
own, is handed out as `Skipped`: a lock cannot repeat it.
Source: pip 25, docs/html/reference/requirements-file-format.md.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..redact import secret_in, shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "requirements.txt"
PROJECT = "pyproject.toml"
MOST_FILES = 20  # that one file may include, all together
MOST_BYTES = 1 << 20

Read = Callable[[str], "bytes | None"]  # path in the repository -> content


@dataclass(frozen=True)
class Skipped:
    """A line that no lock can repeat."""

    where: str  # requirements.txt:3
    text: str  # as it may be shown
    why: str  # the end of a sentence about it
    is_package: bool  # whether a package is missing now; else only an option is


@dataclass(frozen=True)
class Requirements:
    """What can be resolved, and what cannot."""

    lines: tuple[str, ...] = ()  # PEP 508, or a URL
    skipped: tuple[Skipped, ...] = ()

    @property
    def text(self) -> str:
        """As a requirements.txt."""
        return "".join(f"{line}\n" for line in self.lines)


def requirements_of(read: Read) -> Requirements:
    """What a repository asks for, its files read by `read`, which may raise Unanswered."""
    data = read(FILE)
    if data is not None:
        return _gathered(_file(FILE, data, read, [FILE]))
    return _gathered(_project(read(PROJECT)))


def requirements_in(lines: list[str], where: str) -> Requirements:
    """The same for requirements that stand in a list."""
    return _gathered(
        _line(f"{where}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()
    )


def _gathered(parts: Any) -> Requirements:
    found = [part for part in parts if part is not None]
    lines = [part for part in found if isinstance(part, str)]
    return Requirements(
        tuple(dict.fromkeys(lines)), tuple(part for part in found if isinstance(part, Skipped))
    )


_Part = str | Skipped | None


def _file(path: str, data: bytes, read: Read, seen: list[str]) -> Iterator[_Part]:
    text = _decoded(data)
    if text is None:
        yield Skipped(path, path, "is no text, or far too large for one", True)
        return
    for number, line in _logical_lines(text):
        where = f"{path}:{number}"
        included = re.match(r"(-r|--requirement|-c|--constraint)[ =]?\s*(.+)", line)
        if included is None:
            yield _line(where, line)
        elif included[1].startswith(("-c", "--c")):
            yield Skipped(where, shown(line), "limits versions in a file of its own", False)
        else:
            yield from _included(where, path, included[2], read, seen)


def _included(where: str, path: str, name: str, read: Read, seen: list[str]) -> Iterator[_Part]:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name.strip("\"' ")))
    if target in seen:
        return
    if "://" in name or target.startswith(("..", "/")) or len(seen) > MOST_FILES:
        yield Skipped(where, shown(name), "lies outside of the repository", True)
        return
    data = read(target)
    if data is None:
        yield Skipped(where, shown(name), "is not there to be included", True)
        return
    seen.append(target)
    yield from _file(target, data, read, seen)


def _project(data: bytes | None) -> Iterator[_Part]:
    try:
        document = tomllib.loads(_decoded(data or b"") or "")
        rows = document.get("project", {}).get("dependencies", [])
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):
        yield Skipped(PROJECT, PROJECT, "is not TOML", True)
        return
    if not (isinstance(rows, list) and all(isinstance(row, str) for row in rows)):
        yield Skipped(PROJECT, "dependencies", "are no list of requirements", True)
        return
    yield from (_line(f"{PROJECT}: dependencies", row) for row in rows if row.strip())


def _decoded(data: bytes) -> str | None:
    if len(data) > MOST_BYTES:
        return None
    # Windows editors and PowerShell's `pip freeze > file` write marks, and UTF-16.
    codec = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return None if "\0" in text else text


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with a number, without comments; one that ends in a backslash goes on in the next."""
    held, first = "", 0
    for number, line in enumerate([*re.split(r"\r\n|\r|\n", text), ""], 1):
        first = first or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            held += line[:-1]
            continue
        whole = re.sub(r"(^|\s+)#.*$", "", held + line).strip()
        if whole:
            yield first, whole
        held, first = "", 0


# Options that change nothing for a lock: the target chooses PyTorch's index, PyPI is asked anyway,
# and a wheel is always taken before a source.
_HARMLESS = re.compile(
    r"""(?x)
    (?: --prefer-binary | --trusted-host\b.*
      | (?: -i | --index-url | --extra-index-url | -f | --find-links ) [ =]? \s*
        ["']? https?://(?: pypi\.org/simple | download(?:-r2)?\.pytorch\.org/ ) .* )$
    """
)
_EDITABLE = re.compile(r"(?:-e|--editable)[ =]?\s*(.*)")
_GIT = re.compile(r"(?:(?P<name>[\w.-]+(?:\[[\w\s.,-]*\])?)\s*@\s*)?(?P<url>git\+\S+)(?P<rest>.*)")


def _line(where: str, line: str) -> _Part:
    """The requirement that a logical line is, or why it is none for us."""
    line = line.strip()
    if kind := secret_in(line):
        return Skipped(where, shown(line), f"holds {kind}", True)
    if "${" in line:
        return Skipped(where, shown(line), "takes something from the author's environment", True)
    if editable := _EDITABLE.match(line):
        line = editable[1].strip("\"' ")  # a repository is one, installed so or otherwise
    elif line.startswith("-"):
        if _HARMLESS.match(line):
            return None
        return Skipped(where, shown(line), "is an option", False)
    line = re.sub(r"\s+--[\w-]+([ =]\S+)?(?=\s|$)", "", line)  # hashes: the lock has its own
    if git := _GIT.fullmatch(line):
        return _repository(where, line, git)
    if why := _not_for_others(line):
        return Skipped(where, shown(line), why, True)
    return line


def _repository(where: str, line: str, git: re.Match[str]) -> _Part:
    url, name = git["url"], git["name"]
    if not url.startswith("git+https://"):
        return Skipped(where, shown(line), "is a repository that others cannot reach by it", True)
    url, _, fragment = url.partition("#")
    facts = dict(pair.partition("=")[::2] for pair in fragment.split("&"))
    name = name or facts.get("egg")
    folder = facts.get("subdirectory")
    place = f"{url}#subdirectory={folder}" if folder else url
    return f"{name} @ {place}{git['rest']}" if name else f"{place}{git['rest']}"


def _not_for_others(line: str) -> str | None:
    """Why a requirement cannot be locked; None: it can."""
    from packaging.requirements import InvalidRequirement, Requirement

    if re.match(r"https?://", line):
        return None
    if re.match(r"(hg|svn|bzr)\+", line):
        return "is in a version control system other than git"
    is_file = re.match(r"[^;@]*\.(whl|zip|tar\.gz)\s*(;|$)", line)
    if is_file or re.match(r"\.|/|~|[A-Za-z]:[\\/]|[\w.-]+[\\/]|file:", line):
        return "is a path of the author's machine"
    try:
        url = Requirement(line).url
    except InvalidRequirement:
        return "is no requirement like pillow>=10"
    if url and not url.startswith(("https://", "http://", "git+https://")):
        return "is a place that others cannot reach"
    return None
