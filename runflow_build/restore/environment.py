"""The Python environment of a restored folder: a venv by uv, with just what a pylock names.

A venv is ours when our marker file lies in it. The marker says which pylock the venv is whole for,
and says so last; without that, a venv of ours is half made and is made anew. It is made beside its
place and renamed, so that at its place there is nothing, or a venv with a marker.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .. import digest
from ..errors import RestoreError
from ..findings import Finding, Where
from ..lock.pylock import Pylock, pylock_text, read_pylock
from ..sources.indexes import pypi_of
from ..sources.mirrors import Mirrors
from ..sources.uv import Answer, call_uv
from ..sources.world import Unanswered
from .package_drift import PackageDrift, drift

__all__ = ["PackageDrift", "drift", "is_ours", "python_of", "sync"]

MARKER = "runflow-environment.json"
_FORMAT = 1
_MAKE_S = 300.0
_SYNC_S = 6 * 3600.0  # gigabytes over a slow line; uv itself gives up on a line that is dead
_BESIDE = ".runflow-new"  # ending of a venv that is not at its place yet

Log = Callable[[str], None]


def sync(
    pylock: str,
    folder: Path,
    python: str,
    *,
    mirrors: Mirrors,
    offline: bool = False,
    log: Log | None = None,
    downloads: bool = False,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Make `folder` a venv of that Python (`3.12`) with the packages of a pylock's text, no others.

    Does nothing where that is so already. Files are fetched through the mirrors, each is checked by
    its hash. No other environment is touched, whatever is active. uv uses a Python that is
    installed; with `downloads` it may fetch one.

    Raises RestoreError `restore-in-the-way`, `python-missing`, `packages-not-installed`; LockError
    `pylock-malformed`; Unanswered where uv is missing or an index gives no answer; OSError.
    """
    if is_whole(folder, pylock, python) and not drift(folder, pylock, deep=False):
        return
    files = read_pylock(pylock)
    _refuse_unhashed(files)
    call = _Uv(mirrors, offline, log, os.environ if environ is None else environ)
    if not _can_be_changed(folder, python):
        _refuse_strangers(folder)
        _make(folder, python, call, downloads)
    _write_marker(folder, {"python": python})
    call.install(files, folder)
    if off := drift(folder, pylock, deep=False):
        call.install(files, folder, [one.name for one in off])
        off = drift(folder, pylock, deep=False)
    if off:
        raise _not_installed("; ".join(one.text for one in off[:5]))
    _write_marker(folder, {"python": python, "pylock": digest.of_bytes(pylock.encode())})


def is_ours(folder: Path) -> bool:
    """Whether restore made the venv, whole or not."""
    return bool(_marker(folder))


def is_whole(folder: Path, pylock: str, python: str) -> bool:
    """Whether the venv was last made for this pylock and this Python, to the end."""
    told = _marker(folder)
    return (told.get("python"), told.get("pylock")) == (
        python,
        digest.of_bytes(pylock.encode()),
    ) and python_of(folder).exists()


def python_of(folder: Path) -> Path:
    """The interpreter of a venv."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class _Uv:
    """Calls of uv with the same manners."""

    def __init__(
        self, mirrors: Mirrors, offline: bool, log: Log | None, environ: Mapping[str, str]
    ) -> None:
        self._mirrors = mirrors
        self._offline = offline
        self._log = log
        self._environ = environ

    def venv(self, folder: Path, python: str, downloads: bool) -> Answer:
        arguments = ["venv", str(folder), "--python", python, "--relocatable"]
        arguments += ["--offline"] if self._offline else []
        return call_uv(
            arguments, self._environ, folder.parent, _MAKE_S, self._log, downloads=downloads
        )

    def install(self, files: Pylock, folder: Path, anew: list[str] | None = None) -> None:
        """Make the packages of a venv those of the pylock; those in `anew` from fresh downloads."""
        with TemporaryDirectory(prefix="runflow-") as name:
            # The URLs of mirrors stand in no file that stays.
            here = Path(name) / "pylock.toml"
            local = files.with_urls(self._mirrors.local)
            here.write_text(pylock_text(local), encoding="utf-8")
            arguments = ["pip", "sync", str(here), "--python", str(python_of(folder).absolute())]
            arguments += ["--default-index", pypi_of(self._mirrors, self._environ)]
            arguments += ["--allow-empty-requirements"] if not files.packages else []
            arguments += ["--offline"] if self._offline else []
            for package in anew or ():
                arguments += ["--reinstall-package", package, "--refresh-package", package]
            answer = call_uv(arguments, self._environ, Path(name), _SYNC_S, self._log)
        if answer.code:
            raise self._refusal(answer)

    def interpreters(self, python: str) -> list[Path]:
        """Those that pyenv keeps: where its shims stand first on the PATH, uv trips over them."""
        home = self._environ.get("HOME") or str(Path.home())
        root = Path(self._environ.get("PYENV_ROOT") or Path(home) / ".pyenv")
        found = root.glob(f"versions/{python}.*/bin/python")
        return sorted(found, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))])

    def _refusal(self, answer: Answer) -> Exception:
        problem = self._mirrors.public_text(answer.problem)
        lines = problem.splitlines() or ["uv failed and did not say why"]
        if "Hash mismatch" in problem:
            named = re.search(r"Hash mismatch for (\S+)", problem)
            return _not_installed(
                f"{named[1] if named else 'a file'} is not the file that was locked",
                "look for somebody in between, or for a file that was changed at the index; then "
                "run `runflow lock --upgrade python`",
            )
        reason = lines[0] if len(lines) == 1 else f"{lines[0]}: {lines[-1]}"
        if re.search(r"network (connectivity )?(was|is) disabled", problem, re.IGNORECASE):
            return Unanswered("offline, and not every package file is in uv's cache")
        if re.search(r"Failed to fetch|error sending request|Request failed|HTTP status", problem):
            return Unanswered(f"a package file could not be fetched: {reason}")
        return _not_installed(reason)


# -- the venv


def _make(folder: Path, python: str, call: _Uv, downloads: bool) -> None:
    """An empty venv with a marker, at its place at once; a half-made one of before goes."""
    beside = folder.with_name(f"{folder.name}{_BESIDE}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove(beside)
    answer = call.venv(beside, python, downloads)
    if answer.code and (others := call.interpreters(python)):
        _remove(beside)
        answer = call.venv(beside, str(others[-1]), downloads)
    if answer.code:
        _remove(beside)
        raise _no_python(python, answer)
    _write_marker(beside, {"python": python})
    if folder.exists():
        _remove(folder)
    beside.rename(folder)


def _can_be_changed(folder: Path, python: str) -> bool:
    """Whether the venv is ours, was whole, runs, and has that Python."""
    told = _marker(folder)
    return bool(
        told.get("pylock")
        and told.get("python") == python
        and python_of(folder).exists()
        and not drift_of_files(folder)
    )


def drift_of_files(folder: Path) -> bool:
    """Whether files of installed packages are gone or changed: then only a new venv is right."""
    from .package_drift import installed

    return any(one.changed(deep=False) for one in installed(folder).values())


def _refuse_strangers(folder: Path) -> None:
    """Raise RestoreError for anything at the place that we did not make."""
    if not folder.exists() and not folder.is_symlink():
        return
    if is_ours(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return
    raise RestoreError(
        Finding(
            "restore-in-the-way",
            f"{folder} is there, and restore did not make it",
            Where(str(folder)),
            fix=f"move {folder.name} away, or restore into another folder",
        )
    )


def _remove(folder: Path) -> None:
    """Remove a venv of ours, so that whatever a kill leaves of it is known as half made."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    if told := _marker(folder):
        _write_marker(folder, {"python": told.get("python")})
    # The marker goes last of all: whatever remains is known as ours.
    for path in list(folder.iterdir()):
        if path.name == MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.rmtree(folder)


def _marker(folder: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        told = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        if isinstance(told, dict) and told.get("version") == _FORMAT:
            return told
    return {}


def _write_marker(folder: Path, facts: Mapping[str, object]) -> None:
    path = folder / MARKER
    text = json.dumps({"version": _FORMAT, **facts}, indent=1) + "\n"
    beside = path.with_name(f"{MARKER}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _refuse_unhashed(files: Pylock) -> None:
    for one in files.packages:
        whole = all(file.sha256 for file in one.files())
        if not whole or not (one.checkout or any(one.files())):
            raise _not_installed(
                f"the pylock has no sha256 for {one.name}",
                "make it anew: runflow lock --upgrade python",
            )


def _no_python(python: str, answer: Answer) -> RestoreError:
    return RestoreError(
        Finding(
            "python-missing",
            f"no Python {python} is installed that uv can use",
            also=(("uv", (answer.problem.splitlines() or ["no reason"])[0]),),
            fix=f"install it (`uv python install {python}`, the system's packages, or "
            "python.org), and run the command again",
        )
    )


def _not_installed(reason: str, fix: str | None = None) -> RestoreError:
    return RestoreError(
        Finding(
            "packages-not-installed",
            f"the Python packages could not be installed: {reason}",
            fix=fix or "read the lines above, and run the command again",
        )
    )
