"""Write a project's files all together: beside the old ones first, then each by one rename."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import SaveError
from ..file_names import STATE_FOLDER
from ..findings import Finding, Where
from .paths import ProjectPaths

LONGEST_WAIT_S = 600.0

_FIXES: Mapping[int | None, str] = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room in your quota",
    errno.EFBIG: "raise the limit on the size of files",
    errno.EROFS: "work in a copy that can be written",
    errno.EACCES: "make the folder and the file writable",
    errno.EPERM: "make the folder and the file writable",
    errno.EEXIST: "delete the file that stands where a folder has to be",
    errno.ENOTDIR: "delete the file that stands where a folder has to be",
}


def save_files(files: Mapping[Path, str | bytes]) -> list[Path]:
    """Write the files, replacing old ones, in the order given; returns those that changed.

    Until all contents lie on the disk, beside their targets, no target is touched, so a full disk
    or Ctrl-C leaves everything as it was; the last file is the last to change. A target with the
    very same content is not written. A new file gets the mode that the umask grants, an old one
    keeps its mode; a symbolic link is replaced and never followed. Folders are made as needed.

    Raises SaveError: `file-not-written`. No temporary file stays behind, whatever happens.
    """
    contents = {
        path: content.encode("utf-8") if isinstance(content, str) else content
        for path, content in files.items()
    }
    changed = [path for path, content in contents.items() if not _holds(path, content)]
    waiting: dict[Path, Path] = {path: _beside(path) for path in changed}
    path, replaced = Path(), 0
    try:
        for path in changed:
            if path.is_dir() and not path.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(waiting[path], contents[path], _mode(path))
        for path in changed:
            os.replace(waiting[path], path)
            replaced += 1
    except OSError as error:
        state = "some files are new already, and whole" if replaced else "nothing was changed"
        raise SaveError(_not_written(path, error, state)) from None
    finally:
        for temporary in waiting.values():
            with suppress(OSError):
                temporary.unlink()
    return changed


def state_folder(paths: ProjectPaths) -> Path:
    """The project's folder for what can be made again; it is made, and can be written.

    Raises SaveError: `file-not-written`.
    """
    folder = paths.state
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise SaveError(_not_written(folder, error, "nothing was changed")) from None
    return folder


@contextmanager
def exclusive(paths: ProjectPaths, longest_wait_s: float = LONGEST_WAIT_S) -> Iterator[None]:
    """Hold the project for one writer at a time, over all processes; others wait their turn.

    Raises SaveError: `project-busy` after the longest wait, `file-not-written` where the state
    folder cannot be made.
    """
    from filelock import FileLock, Timeout  # costs more than all the rest of this module

    lock = FileLock(state_folder(paths) / "lock.lock")
    try:
        lock.acquire(timeout=longest_wait_s)
    except Timeout:
        message = "another runflow or doit has been writing in this folder for too long"
        fix = "wait until it is done, or end it"
        raise SaveError(Finding("project-busy", message, fix=fix)) from None
    except OSError as error:
        raise SaveError(_not_written(Path(lock.lock_file), error, "nothing was changed")) from None
    try:
        yield
    finally:
        lock.release()


def _holds(path: Path, content: bytes) -> bool:
    """Whether the file is a regular one with just this content."""
    try:
        kind = path.lstat()
        same_size = stat.S_ISREG(kind.st_mode) and kind.st_size == len(content)
        return same_size and path.read_bytes() == content
    except OSError:
        return False


def _beside(path: Path) -> Path:
    """A temporary name in the same folder, hence on the same disk."""
    return path.with_name(f".{path.name[:100]}.{os.getpid()}-{os.urandom(4).hex()}.tmp")


def _mode(path: Path) -> int | None:
    """The permissions of the regular file that is there."""
    try:
        kind = path.lstat()
    except OSError:
        return None
    return stat.S_IMODE(kind.st_mode) if stat.S_ISREG(kind.st_mode) else None


def _write(path: Path, content: bytes, mode: int | None) -> None:
    # Opened like any new file, for the umask; "x" never follows a link that somebody put there.
    with path.open("xb") as stream:
        if mode is not None:
            os.chmod(path, mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _not_written(path: Path, error: OSError, state: str) -> Finding:
    reason = error.strerror or type(error).__name__
    name = _shown(path)
    return Finding(
        "file-not-written",
        f"{name} cannot be written: {reason}",
        Where(file=name),
        also=(("state", state),),
        fix=f"{_FIXES.get(error.errno, 'mend that')}, and run the command again",
    )


def _shown(path: Path) -> str:
    """The file's name, with the folders below the project where it is one of ours."""
    parts = path.parts
    return "/".join(parts[parts.index(STATE_FOLDER) :]) if STATE_FOLDER in parts else path.name
