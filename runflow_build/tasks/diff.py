"""`diff` on a project's folder: the lock as it lies there against a file or a git revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LockError, RunflowError, SpecError, UsageError
from ..file_names import LOCK_FILE
from ..findings import Finding
from ..lock.diff import LockDiff, diff
from ..lock.diff.code import Distances, moved
from ..lock.model import Lock
from ..lock.text import read_lock
from ..project.files import read_file, spec_bytes, text_of
from ..project.paths import ProjectPaths
from ..sources.git.working_tree import Repository, repository_of
from ..yaml_text import LARGEST

if TYPE_CHECKING:
    from ..sources.world import GitHosts
    from ..spec.model import Spec

LONGEST_COUNT_S = 8.0  # for all repositories together; what is not counted by then is not told
AT_ONCE = 8

Moves = Sequence[tuple[str, str, str]]  # repository, commit of before, commit of now


def lock_diff(root: Path, base: str, count: Callable[[Moves], Distances] | None = None) -> LockDiff:
    """What changed from `base` to the lock in `root`.

    `base` is a file, or a git revision: where that has no lock, all is new. Of a revision the
    policy in its runflow.yaml is compared, too. `count` says how far apart commits are; it is asked
    only where some differ, and None: nobody is asked.

    Raises LockError (also `lock-missing`), UsageError `diff-base`, GitError.
    """
    paths = ProjectPaths(root)
    if not paths.lock.is_file():
        from .fresh import lock_missing  # brings all of conversion with it

        raise LockError(lock_missing())
    after = read_lock(_text(paths.lock, LOCK_FILE))
    before = _before(paths, base)
    moves = moved(before.lock, after) if before.lock else []
    distances = count(moves) if count and moves else {}
    return diff(before.lock, after, before.specs, distances)


def files_diff(before: Path, after: Path) -> LockDiff | None:
    """What changed between two files; None: there is no second one. Raises LockError."""
    if not after.is_file():
        return None
    new = _read(_text(after, "the new lock"), "the new lock")
    if not before.is_file():
        return diff(None, new)
    return diff(_read(_text(before, "the old lock"), "the old lock"), new)


def place_in_repository(root: Path) -> str:
    """The project's folder below the top of its git repository, POSIX; "" at the top or in none."""
    try:
        repository = repository_of(root)
        below = root.resolve().relative_to(repository.top.resolve()) if repository else Path()
    except (RunflowError, ValueError):
        return ""
    return "" if below == Path() else below.as_posix()


def counted(hosts: GitHosts, moves: Moves, longest_s: float = LONGEST_COUNT_S) -> Distances:
    """How many commits forward each move is, as far as the hosts say so in time.

    Who cannot be reached is silently left out. A thread that waits for one goes on after the time
    is over, and ends with the process.
    """
    from queue import Empty, SimpleQueue
    from threading import Thread

    waiting: SimpleQueue[tuple[str, str, str]] = SimpleQueue()
    done: SimpleQueue[tuple[tuple[str, str, str], int | None] | None] = SimpleQueue()
    for move in moves:
        waiting.put(move)

    def work() -> None:
        from ..sources.world import Unanswered

        while True:
            try:
                move = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put((move, hosts.distance(*move)))
            except (Unanswered, RunflowError):
                done.put(None)

    for _ in range(min(AT_ONCE, len(moves))):
        Thread(target=work, daemon=True).start()
    return _gathered(done.get, len(moves), longest_s, Empty)


def _gathered(
    get: Callable[..., tuple[tuple[str, str, str], int | None] | None],
    number: int,
    longest_s: float,
    empty: type[Exception],
) -> Distances:
    from time import monotonic

    found: dict[tuple[str, str, str], int | None] = {}
    end = monotonic() + longest_s
    for _ in range(number):
        try:
            answer = get(timeout=max(0.0, end - monotonic()))
        except empty:
            break
        if answer:
            found[answer[0]] = answer[1]
    return found


# -- the base


@dataclass(frozen=True)
class _Before:
    lock: Lock | None  # None: there was none
    specs: tuple[Spec, Spec] | None = None  # runflow.yaml then and now


def _before(paths: ProjectPaths, base: str) -> _Before:
    file = Path(base)
    if file.is_file():
        return _Before(_read(_text(file, base), base))
    repository, commit = _revision(paths, base)
    text = repository.file_at(commit, paths.lock) if commit else None
    if commit is None or text is None:
        return _Before(None)
    specs = _specs(paths, repository.file_at(commit, paths.spec))
    return _Before(_read(text, f"{base}:{LOCK_FILE}"), specs)


def _revision(paths: ProjectPaths, base: str) -> tuple[Repository, str | None]:
    """The repository, and the commit that `base` means in it; None: there is no commit yet."""
    repository = repository_of(paths.root)
    if repository is None:
        raise _no_base(
            f"`{base}` is no file, and the project is not in a git repository",
            "name a file to compare with: runflow diff OLD.lock",
        )
    commit = repository.commit_of(base)
    if commit is None and base != "HEAD":  # a new repository has no HEAD yet
        raise _no_base(
            f"`{base}` is neither a file nor a git revision",
            "name a file, or a branch, tag or commit that this clone has",
        )
    return repository, commit


def _specs(paths: ProjectPaths, before: str | None) -> tuple[Spec, Spec] | None:
    """Both runflow.yaml; None where one is absent or wrong, which is for others to say."""
    from ..spec.read import read_spec

    if before is None:
        return None
    try:
        after = text_of(spec_bytes(paths), paths.spec.name, SpecError)
        return read_spec(before).spec, read_spec(after).spec
    except SpecError:
        return None


def _text(path: Path, name: str) -> str:
    return text_of(read_file(path, name, LARGEST, LockError), name, LockError)


def _read(text: str, name: str) -> Lock:
    """A lock that is not the project's; its findings name where it came from."""
    try:
        return read_lock(text)
    except LockError as error:
        raise LockError(
            *(replace(one, where=replace(one.where, file=name), fix=None) for one in error.findings)
        ) from None


def _no_base(message: str, fix: str) -> UsageError:
    return UsageError(Finding("diff-base", message, fix=fix))
