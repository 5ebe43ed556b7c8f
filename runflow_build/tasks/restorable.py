"""What restoring and verifying start from: a project's lock, a folder, and what works on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import digest
from ..errors import LockError, RestoreError, UsageError
from ..file_names import LOCK_FILE
from ..findings import Finding, Where, did_you_mean
from ..lock.model import FilePin, Lock
from ..lock.pylock import LockedPackage, read_pylock
from ..project.documents import load_lock, load_spec
from ..project.files import read_file, text_of
from ..project.paths import ProjectPaths
from ..restore.state import read_state
from ..restore.store import ModelStore
from ..restore.target import pick_target, this_machine
from ..restore.wanted import Wanted, WantedPackages, unplaceable, wanted_files, wanted_trees
from ..sources.digests import DigestCache
from ..sources.files import below
from ..sources.user_cache import cache_folder
from ..spec.model import Spec

LARGEST_PYLOCK = 64 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Job:
    """A lock, and the folder that is to be what it says."""

    folder: Path
    spec: Spec
    lock: Lock
    wanted: Wanted
    inputs: Path  # the project's folder of input files
    only: tuple[str, ...] = ()  # slugs; empty: the whole lock


def job_of(root: Path, folder: Path, target: str | None = None, only: Collection[str] = ()) -> Job:
    """What the project's lock wants of the folder; runflow.yaml only gives the policy.

    An old lock is as good as a fresh one: restoring it is how one goes back. Raises SpecError,
    LockError, UsageError, RestoreError (`restore-name`, `comfyui-unlocked`, and what
    `pick_target` raises).
    """
    paths = ProjectPaths(root)
    spec, lock = load_spec(paths).spec, load_lock(paths)
    if lock is None:
        from .fresh import lock_missing  # and all that compares a lock

        raise LockError(lock_missing())
    if lock.comfyui is None:
        raise RestoreError(_no_comfyui())
    _refuse_unknown(only, lock)
    trees, files = wanted_trees(lock, only), wanted_files(lock, only)
    if odd := unplaceable(trees, files):
        raise RestoreError(*odd)
    wanted = Wanted(
        tuple(trees), _packages(paths, lock, target, read_state(folder).target), tuple(files)
    )
    return Job(folder, spec, lock, wanted, paths.inputs, tuple(sorted(set(only))))


@contextmanager
def caches_of(environ: Mapping[str, str]) -> Iterator[tuple[DigestCache, ModelStore]]:
    """What is remembered of files of this machine, and the store of models."""
    cache = cache_folder(environ)
    with closing(DigestCache(cache / "digests.db")) as digests:
        yield digests, ModelStore(cache / "store", content_of=digests.content_of)


def _packages(
    paths: ProjectPaths, lock: Lock, target: str | None, former: str | None
) -> WantedPackages:
    """The packages of the target that was named, of the former one, or of what fits here."""
    targets = lock.python.targets
    if not any(pins.pylock for pins in targets.values()) and (
        lock.python.packages or any(pins.packages for pins in targets.values())
    ):
        raise RestoreError(_only_versions())
    name = target or (former if former in targets else None)
    name = pick_target(lock, this_machine(), name)
    pin = targets[name].pylock
    assert pin  # pick_target gives no other
    text = _pylock_text(paths, pin)
    pylock = read_pylock(text, pin.file)
    return WantedPackages(
        target=name,
        python=lock.python.version,
        file=pin.file,
        pylock=text,
        count=len(pylock.packages),
        size=pylock.download,
        code=tuple(
            (source, package.name) for package in pylock.packages for source in _sources(package)
        ),
    )


def _sources(package: LockedPackage) -> Iterator[str]:
    """Where code comes from that no index has: a repository, or an archive at some address."""
    if package.checkout:
        yield package.checkout.url
    if package.archive:
        url = package.archive.url
        found = re.match(r"https://(?:codeload\.)?github\.com/[^/]+/[^/]+", url)
        yield found[0].replace("codeload.", "") if found else url


def _only_versions() -> Finding:
    return Finding(
        "restore-no-packages",
        "the lock has exact versions of packages, captured from an installation, but no hashes",
        Where(LOCK_FILE, key=("python", "targets")),
        fix="name the target under python: targets: in runflow.yaml, such as linux-cu128, and run "
        "`runflow lock`: the versions stay where they can",
    )


def _pylock_text(paths: ProjectPaths, pin: FilePin) -> str:
    """The text of a pylock, if it is the one that the lock was written with."""
    path = below(paths.root, pin.file) or paths.root / "pylock.toml"
    data = read_file(path, pin.file, LARGEST_PYLOCK, LockError)
    if digest.of_bytes(data) != pin.sha256:
        raise LockError(
            Finding(
                "lock-companion",
                f"the lock's companion {pin.file} is another one than the lock names",
                Where(pin.file),
                fix="take lock and companion from one commit, or run `runflow lock`",
            )
        )
    return text_of(data, pin.file, LockError)


def _refuse_unknown(only: Collection[str], lock: Lock) -> None:
    if unknown := sorted(set(only) - set(lock.endpoints)):
        raise UsageError(
            *(
                Finding(
                    "endpoint-unknown",
                    f"the lock has no endpoint {slug}{did_you_mean(slug, lock.endpoints)}",
                    fix=f"name one of these: {', '.join(sorted(lock.endpoints)) or 'none'}",
                )
                for slug in unknown
            )
        )


def _no_comfyui() -> Finding:
    return Finding(
        "comfyui-unlocked",
        "the lock does not pin ComfyUI, so there is nothing to restore",
        Where(LOCK_FILE),
        fix="set comfyui.ref in runflow.yaml, and run `runflow lock`",
        level="error",
    )
