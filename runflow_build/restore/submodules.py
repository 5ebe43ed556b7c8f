"""The repositories inside a repository: where they lie, where they come from, at which commit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RestoreError
from ..findings import Finding
from ..lock import repository
from ..redact import shown
from ..sources.git.working_tree import GitError, settings_in

if TYPE_CHECKING:
    from ..sources.git.hosts import GitCache

FILE = ".gitmodules"
DEEPEST = 8  # submodules of submodules; a repository that holds itself ends here
# What a file system may take for `.git`: other case, ignored signs at the end, a short name.
_DOT_GIT = re.compile(r"\.git|git~\d+", re.IGNORECASE)
_ODD = re.compile(r"[\\:\x00-\x1f\x7f\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


@dataclass(frozen=True)
class Submodule:
    """A repository at a commit, inside the work tree of another one."""

    path: str  # POSIX, below the work tree of the outermost
    url: str  # canonical
    commit: str


def submodules_of(git: GitCache, url: str, commit: str) -> list[Submodule]:
    """All submodules of a commit, those of submodules too, without fetching their files.

    Raises RestoreError `submodule-unsafe`, Unanswered.
    """
    return list(_of(git, url, commit, "", 0))


def _of(git: GitCache, url: str, commit: str, below: str, depth: int) -> list[Submodule]:
    settings = git.read(url, commit, FILE)
    if settings is None:
        return []
    found: list[Submodule] = []
    for one in named(settings, git.links(url, commit), url, depth):
        found.append(Submodule(below + one.path, one.url, one.commit))
        found += _of(git, one.url, one.commit, f"{below}{one.path}/", depth + 1)
    return found


def named(settings: bytes, links: Mapping[str, str], url: str, depth: int = 0) -> list[Submodule]:
    """The submodules of one commit, in the order of their paths.

    `settings` is its .gitmodules, `links` the commits that its tree names, `url` its repository. As
    for git, an entry of one without the other is none.
    Raises RestoreError `submodule-unsafe`.
    """
    found = []
    for name, entry in _entries(settings).items():
        path = entry.get("path", "").rstrip("/")
        if path not in links:
            continue
        if depth >= DEEPEST:
            raise _unsafe(path, "lies too deep inside other submodules")
        if not _is_plain(path) or ".." in re.split(r"[/\\]", name):
            raise _unsafe(path, "has a path or name that could lead out of its folder")
        target = resolved(entry.get("url", ""), url)
        if target is None:
            raise _unsafe(path, f"has no URL that others can reach ({shown(entry.get('url', ''))})")
        found.append(Submodule(path, target, links[path]))
    return sorted(found, key=lambda one: one.path)


def resolved(url: str, base: str) -> str | None:
    """The canonical URL of a submodule; `./` and `../` are below and beside `base`."""
    if not url.startswith(("./", "../")):
        return repository.canonical(url)
    host, _, path = base.removeprefix("https://").partition("/")
    parts = path.split("/")
    for part in url.rstrip("/").split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    return repository.canonical(f"https://{host}/{'/'.join(parts)}")


def _entries(settings: bytes) -> dict[str, dict[str, str]]:
    """`name -> {path, url}` of a .gitmodules."""
    try:
        rows = settings_in(settings)
    except GitError as error:
        raise _unsafe(FILE, f"cannot be read ({error.findings[0].message})") from None
    found: dict[str, dict[str, str]] = {}
    for key, value in rows:
        section, _, rest = key.partition(".")
        name, _, field = rest.rpartition(".")
        if section == "submodule" and name:
            found.setdefault(name, {})[field] = value
    return found


def _is_plain(path: str) -> bool:
    """Whether a path is below its work tree on every system, and nothing of git's own."""
    return (
        not path.startswith("-")
        and not _ODD.search(path)
        and all(
            part.strip(". ") and not _DOT_GIT.fullmatch(part.rstrip(". "))
            for part in path.split("/")
        )
    )


def _unsafe(path: str, why: str) -> RestoreError:
    return RestoreError(
        Finding(
            "submodule-unsafe",
            f"the submodule {shown(path)} {why}",
            fix="tell the author of the repository; use a commit without it",
        )
    )
