"""Model files by content, shared between environments: `<folder>/sha256/ab/abcd…`, read-only.

A file is brought whole beside its place and renamed, so that whatever has its place in the store is
whole. Two processes at once are safe: who brings or places a content holds that content's lock.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from ..errors import RestoreError
from ..findings import Finding, Where
from ..sources.files import Content, content_of

How = Literal["there", "reflink", "hardlink", "symlink", "copy"]

SPARE = 64 << 20  # bytes that are left free on a disk
_APART: tuple[How, ...] = ("reflink", "copy")
_FICLONE = 0x40049409  # linux/fs.h: make one file share the blocks of another
_NO_FOLLOW = 0x0001  # macOS, sys/clonefile.h


class ModelStore:
    """The store in a folder, which is made when the first file comes."""

    def __init__(self, folder: Path, *, content_of: Callable[[Path], Content] = content_of) -> None:
        """`content_of` may remember what it read, such as `DigestCache.content_of`."""
        self.folder = folder
        self._content_of = content_of

    def path(self, sha256: str) -> Path | None:
        """The file of that content; None: it is not here."""
        path = self.place_of(sha256)
        return path if path.is_file() else None

    def place_of(self, sha256: str) -> Path:
        """Where the file of that content belongs, whether it is here or not."""
        return self.folder / "sha256" / sha256[:2] / sha256

    def partial(self, sha256: str) -> Path:
        """Where an unfinished download of that content lies; its folder exists.

        Raises RestoreError: `restore-not-written`.
        """
        folder = self.folder / "partial"
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{sha256}.part"

    @contextmanager
    def lock(self, sha256: str) -> Iterator[None]:
        """Hold the content's lock; others wait, however long its download takes."""
        from filelock import FileLock  # 20 ms to import

        lock = FileLock(self.partial(sha256).with_suffix(".lock"), thread_local=False)
        with _told(Path(lock.lock_file)):
            lock.acquire(poll_interval=0.1)
        try:
            yield
        finally:
            lock.release()

    def settle(self, sha256: str, file: Path) -> Path:
        """Rename a whole and checked file of the store's file system to its place.

        What it holds is on the disk before its name is. Raises RestoreError: `restore-not-written`.
        """
        place = self.place_of(sha256)
        with _told(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            _to_disk(file)
            file.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
            os.replace(file, place)
        return place

    def take(self, path: Path, sha256: str) -> Path:
        """Adopt a file that is on this machine already; it stays where it is.

        Where the disk has no copies on write, the two are one file, and it becomes read-only.
        Raises RestoreError: `content-differs` if it holds something else, `restore-not-written`,
        `file-unreadable`.
        """
        with self.lock(sha256):
            if known := self.path(sha256):
                return known
            with _told(path, "file-unreadable"):
                before = path.stat()
                content = self._content_of(path)
            if content.sha256 != sha256:
                raise RestoreError(_differs(path, sha256, content))
            brought = self.partial(sha256).with_suffix(".taken")
            with _told(brought):
                brought.unlink(missing_ok=True)
                # Someone else's file cannot be made read-only, so it could change in the store.
                own = not hasattr(os, "geteuid") or os.geteuid() in (0, before.st_uid)
                _bring(path.resolve(), brought, ("reflink", "hardlink", "copy") if own else _APART)
                if _state(before) != _state(path.stat()):
                    brought.unlink()
                    raise RestoreError(_changed(path))
            return self.settle(sha256, brought)

    def place(self, sha256: str, target: Path) -> How:
        """Put the file where it is wanted, in the cheapest way that the file systems have.

        `there`: it was. A file of the user with other content is never replaced. Raises
        RestoreError: `restore-in-the-way`, `restore-not-written`.
        """
        source = self.path(sha256)
        if source is None:
            raise KeyError(sha256)
        if self._is_there(source, sha256, target):
            return "there"
        with self.lock(sha256), _told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.parent / f".runflow-{sha256[:32]}.tmp"
            try:
                beside.unlink(missing_ok=True)
                how = _bring(source, beside, ("reflink", "hardlink", "symlink", "copy"))
                if how == "copy":
                    _to_disk(beside)
                if not _rename_new(beside, target):
                    self._check_same(source, sha256, target)
                    return "there"
                return how
            finally:
                beside.unlink(missing_ok=True)

    def hand_over(self, sha256: str, target: Path) -> None:
        """Keep the content no longer: the file at `target`, which was placed, is the user's alone.

        A link into the store keeps its file there. Raises RestoreError: `restore-not-written`.
        """
        with self.lock(sha256), _told(target):
            if target.is_symlink() or not target.is_file():
                return
            place = self.place_of(sha256)
            target.chmod(target.stat().st_mode | stat.S_IWUSR)
            if os.name == "nt" and place.exists():
                place.chmod(stat.S_IWRITE)
            place.unlink(missing_ok=True)

    def _is_there(self, source: Path, sha256: str, target: Path) -> bool:
        """Whether the target is this file already; a link of ours to nowhere is taken away."""
        if not os.path.lexists(target):
            return False
        if target.is_symlink() and not target.exists():
            leads_to = Path(os.path.normpath(target.parent / target.readlink()))
            if self.folder.absolute() in leads_to.parents:
                with _told(target):
                    target.unlink()
                return False
        self._check_same(source, sha256, target)
        return True

    def _check_same(self, source: Path, sha256: str, target: Path) -> None:
        try:
            if target.samefile(source):
                return
            same_size = target.is_file() and target.stat().st_size == source.stat().st_size
            if same_size and self._content_of(target).sha256 == sha256:
                return
        except OSError:
            pass
        raise RestoreError(_in_the_way(target, sha256))


def _bring(source: Path, target: Path, ways: tuple[How, ...]) -> How:
    """Make `target`, which does not exist, in the first of the ways that works; a copy does."""
    for way in ways[:-1]:
        with suppress(OSError):
            if _WAYS[way](source, target):
                return way
        target.unlink(missing_ok=True)
    _WAYS[ways[-1]](source, target)
    return ways[-1]


def _reflink(source: Path, target: Path) -> bool:
    """Share the blocks until one of the two is written to. False: not on this system."""
    if sys.platform == "linux":
        import fcntl

        with source.open("rb") as old, target.open("xb") as new:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        return True
    if sys.platform == "darwin":
        import ctypes

        system = ctypes.CDLL(None, use_errno=True)
        if system.clonefile(os.fsencode(source), os.fsencode(target), _NO_FOLLOW):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return True
    return False


def _hardlink(source: Path, target: Path) -> bool:
    os.link(source, target)
    return True


def _symlink(source: Path, target: Path) -> bool:
    target.symlink_to(source.absolute())
    return True


def _copy(source: Path, target: Path) -> bool:
    free, size = shutil.disk_usage(target.parent).free, source.stat().st_size
    if free < size + SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with source.open("rb") as old, target.open("xb") as new:
        shutil.copyfileobj(old, new, 1 << 20)
    return True


_WAYS: dict[How, Callable[[Path, Path], bool]] = {
    "reflink": _reflink,
    "hardlink": _hardlink,
    "symlink": _symlink,
    "copy": _copy,
}


def _rename_new(beside: Path, target: Path) -> bool:
    """Rename, unless the target exists meanwhile."""
    if os.name == "nt":
        try:
            os.rename(beside, target)  # does not replace there
        except FileExistsError:
            return False
        return True
    # A file system without hard links, or a system whose links to links lead elsewhere: see below.
    with suppress(OSError, NotImplementedError):
        os.link(beside, target, follow_symlinks=False)
        return True
    if os.path.lexists(target):
        return False
    os.rename(beside, target)
    return True


def _to_disk(file: Path) -> None:
    if os.name == "nt":  # it flushes only what may be written to
        file.chmod(stat.S_IREAD | stat.S_IWRITE)
    with file.open("r+b" if os.name == "nt" else "rb") as opened:
        os.fsync(opened.fileno())


def _state(seen: os.stat_result) -> tuple[int, int, int]:
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


@contextmanager
def _told(path: Path, code: str = "restore-not-written") -> Iterator[None]:
    """Turn what the system refuses into a finding."""
    try:
        yield
    except OSError as error:
        raise RestoreError(not_written(path, error, code)) from None


def not_written(path: Path, error: OSError, code: str = "restore-not-written") -> Finding:
    """The finding for what the system says of a file."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    why = error.strerror or type(error).__name__
    verb = "written" if code == "restore-not-written" else "read"
    fix = "make room on the disk, and run it again" if full else "make it accessible"
    return Finding(code, f"{path.name} cannot be {verb}: {why}", Where(str(path)), fix=fix)


def _in_the_way(target: Path, sha256: str) -> Finding:
    what = "is no file" if target.is_dir() else "holds something else than the lock says"
    if not target.exists():
        what = "is a link that leads nowhere"
    return Finding(
        "restore-in-the-way",
        f"{target.name} {what}, and is not replaced",
        Where(str(target)),
        (("wanted", f"sha256 {sha256}"),),
        "move it away, and run it again",
    )


def _differs(path: Path, sha256: str, content: Content) -> Finding:
    return Finding(
        "content-differs",
        f"{path.name} is not the file that is wanted",
        Where(str(path)),
        (("wanted", f"sha256 {sha256}"), ("is", f"sha256 {content.sha256}, {content.size} bytes")),
        "look whether it is damaged, or another one of the same name",
    )


def _changed(path: Path) -> Finding:
    return Finding(
        "content-differs",
        f"{path.name} was written to while it was read",
        Where(str(path)),
        fix="wait until it is whole, and run it again",
    )
