"""The files of a commit without git: GitHub's own archive of it, unpacked beside and then renamed.

The archive names its commit; another one, or none, is an error. What is in it is the host's word,
where git would compute it: a note in the folder says from which commit it is, for those who look.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import RestoreError
from ..findings import Finding
from ..lock import repository
from ..sources.folders import place_folder
from ..sources.git.without import archive_url
from ..sources.http.client import Http
from ..sources.http.outage import Missing
from ..sources.world import Unanswered
from .store import SPARE
from .wanted import odd_name
from .work_git import failed

NOTE = ".runflow-commit.json"  # in the folder: repository and commit
MOST_FILES = 100_000
_CHUNK = 1 << 20


class _Stopped(Exception):
    """Somebody wants it to end."""


def unpack(
    http: Http,
    url: str,
    commit: str,
    folder: Path,
    *,
    log: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Make `folder`, where nothing is yet, hold the files of the commit.

    Raises RestoreError: `restore-in-the-way`, `commit-missing`, `checkout-failed`; Unanswered.
    """
    name = folder.name
    if noted(folder) == (repository.canonical(url), commit):
        return
    if os.path.lexists(folder) and any(folder.iterdir()):
        fix = f"move {name} away; without git a pack cannot be moved to another commit"
        raise RestoreError(Finding("restore-in-the-way", f"{name} is there already", fix=fix))
    beside = folder.with_name(f".{name}.partial-{os.getpid()}-{secrets.token_hex(4)}.disabled")
    try:
        (beside / name).mkdir(parents=True)
        log(f"fetching the archive of {commit[:12]} of {url}")
        archive = _fetched(http, url, commit, beside / "archive.tar.gz", name, stop)
        _extract(archive, beside / name, commit, name, stop)
        note = {"repository": repository.canonical(url), "commit": commit}
        (beside / name / NOTE).write_text(json.dumps(note) + "\n", encoding="utf-8")
        place_folder(beside / name, folder)
    except _Stopped:
        raise failed(name, "it was stopped") from None
    except (tarfile.TarError, EOFError) as error:
        raise failed(name, f"its archive is damaged ({error})") from None
    except OSError as error:
        raise failed(name, error.strerror or str(error)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def noted(folder: Path) -> tuple[str, str] | None:
    """Repository and commit of a folder that was made so; None: no note, or none of ours."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        told = json.loads((folder / NOTE).read_bytes())
        return str(told["repository"]), str(told["commit"])
    return None


def _fetched(
    http: Http, url: str, commit: str, target: Path, name: str, stop: threading.Event
) -> Path:
    try:
        with http.stream(archive_url(url, commit)) as body, target.open("xb") as file:
            for chunk in body.chunks:
                if stop.is_set():
                    raise _Stopped
                if shutil.disk_usage(target.parent).free < SPARE:
                    raise Unanswered(f"the disk has not the room for {name}", "make room")
                file.write(chunk)
    except Missing:
        raise RestoreError(
            Finding(
                "commit-missing",
                f"{url} does not give out the commit {commit} of {name}",
                fix="look again, or ask the author where the commit went",
            )
        ) from None
    return target


def _extract(archive: Path, folder: Path, commit: str, name: str, stop: threading.Event) -> None:
    with tarfile.open(archive, "r:gz") as tar:
        for number, member in enumerate(tar):
            if stop.is_set():
                raise _Stopped
            if tar.pax_headers.get("comment") != commit:
                raise failed(name, f"its archive is not of the commit {commit[:12]}")
            if number > MOST_FILES:
                raise failed(name, f"its archive holds more than {MOST_FILES} files")
            path = member.name.partition("/")[2].rstrip("/")
            if not path:
                continue
            if why := odd_name(path):
                raise failed(name, f"its archive holds a file whose name {why}")
            _place(tar, member, folder / path, folder, name)


def _place(
    tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, folder: Path, name: str
) -> None:
    """Files, folders and links that stay inside; never through a link."""
    if any(one.is_symlink() for one in _between(folder, target)):
        raise failed(name, "its archive writes through a link")
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.issym():
        leads = os.path.normpath(target.parent / member.linkname)
        if os.path.isabs(member.linkname) or folder not in Path(leads).parents:
            raise failed(name, "its archive has a link that leads out of it")
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(target, member.linkname)
    elif member.isfile() and (source := tar.extractfile(member)):
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(source, target, member.mode)
    else:
        raise failed(name, "its archive holds something that is no file")


def _link(target: Path, to: str) -> None:
    try:
        target.symlink_to(to)
    except OSError:  # on Windows it wants a privilege; without that git does the same
        with target.open("xb") as file:
            file.write(to.encode())


def _between(folder: Path, target: Path) -> Iterator[Path]:
    yield from (one for one in target.parents if one != folder and folder in one.parents)


def _write(source: IO[bytes], target: Path, mode: int) -> None:
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
    target.chmod(0o755 if mode & 0o100 else 0o644)
