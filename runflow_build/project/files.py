"""Reading a project's files: whole, up to a size, and with a finding for all that can go wrong."""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import RunflowError, SpecError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from .paths import ProjectPaths

LARGEST_SPEC = 16 * 1024 * 1024  # bytes
LARGEST_WORKFLOW = 64 * 1024 * 1024  # bytes

_WIDE = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read_file(path: Path, name: str, largest: int, error: type[RunflowError]) -> bytes:
    """The bytes of a regular file; `name` is how the user calls it, `largest` in bytes.

    Raises `error`: `file-missing`, `file-unreadable`, `file-too-large`. A pipe or a device is
    refused unread.
    """
    try:
        kind = path.stat()
        if stat.S_ISDIR(kind.st_mode):
            raise error(_unreadable(name, "it is a folder", "name a file"))
        if not stat.S_ISREG(kind.st_mode):
            raise error(_unreadable(name, "it is not a regular file", "name a regular file"))
        with path.open("rb") as stream:
            data = stream.read(largest + 1)  # of a file that grows, too, no more than this
    except FileNotFoundError:
        raise error(_missing(path, name)) from None
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise error(_unreadable(name, reason, "check the path and its permissions")) from None
    except ValueError as problem:  # a NUL byte in the path
        raise error(_unreadable(name, str(problem), "rename the file")) from None
    if len(data) > largest:
        size, most = max(kind.st_size, len(data)) / 2**20, largest / 2**20
        raise error(
            Finding(
                "file-too-large",
                f"the file has {size:.1f} MiB; {most:.0f} MiB are allowed",
                Where(file=name),
                fix="check that it is the right file",
            )
        )
    return data


def spec_bytes(paths: ProjectPaths) -> bytes:
    """The bytes of runflow.yaml. Raises SpecError."""
    if not paths.spec.exists() and not paths.spec.is_symlink():
        other = paths.spec.with_suffix(".yml")
        fix = "run `runflow init WORKFLOW` to write one, or go to the project's folder"
        if other.exists():
            fix = f"rename {other.name}: the file's name is {SPEC_FILE}"
        message = f"there is no {SPEC_FILE} in this folder"
        raise SpecError(Finding("file-missing", message, Where(file=SPEC_FILE), fix=fix))
    return read_file(paths.spec, SPEC_FILE, LARGEST_SPEC, SpecError)


def text_of(data: bytes, name: str, error: type[RunflowError]) -> str:
    """The text of a UTF-8 file. Raises `error`: `file-not-text`, with the line."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        encoding = next((what for mark, what in _WIDE if data.startswith(mark)), None)
        message = f"byte {problem.start + 1} is not UTF-8"
        where = Where(file=name, line=data.count(b"\n", 0, problem.start) + 1)
        if encoding:
            message, where = f"the file is {encoding}, not UTF-8", Where(file=name)
        finding = Finding("file-not-text", message, where, fix="save the file as UTF-8")
        raise error(finding) from None


def _missing(path: Path, name: str) -> Finding:
    """With the file of the nearest name in the same folder, if there is one."""
    from difflib import get_close_matches

    try:
        beside = [one.name for one in path.parent.iterdir() if one.is_file()]
    except OSError:
        beside = []
    near = get_close_matches(path.name, beside, n=1, cutoff=0.75)
    hint = f"; did you mean `{name[: len(name) - len(path.name)]}{near[0]}`?" if near else ""
    message = f"{name} does not exist{hint}"
    return Finding("file-missing", message, Where(file=name), fix="correct the path")


def _unreadable(name: str, reason: str, fix: str) -> Finding:
    return Finding("file-unreadable", f"{name} cannot be read: {reason}", Where(file=name), fix=fix)
