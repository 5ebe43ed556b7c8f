"""GitHub's repositories without the git program: what its web server says of them.

Enough to find and place a node pack where git is not installed. What only git can tell (the history
of a repository, submodules, other hosts) gets no answer, which names git.
Source: Git, Documentation/gitprotocol-http.txt, "Smart Clients"; GitHub, "Downloading source code
archives".
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping

from ...lock import repository
from ..http.client import Http
from ..http.outage import Missing
from ..world import RemoteRefs, Unanswered

MOST_REFS = 32 << 20  # bytes of a list of refs
MOST_FILE = 1 << 20  # bytes of a file that is read by itself
HOST = "https://github.com/"
_RAW = "https://raw.githubusercontent.com/"
_ARCHIVE = "https://codeload.github.com/"
_REF = re.compile(r"([0-9a-f]{40}) (\S+)")


def git_is_there() -> bool:
    """Whether the git program can be started."""
    return shutil.which(os.environ.get("GIT_PYTHON_GIT_EXECUTABLE") or "git") is not None


def archive_url(url: str, commit: str) -> str:
    """Where the files of a commit can be had as a tar archive. Raises Unanswered."""
    return f"{_ARCHIVE}{_name(url)}/tar.gz/{commit}"


class GitHubByHttp:
    """`sources.world.GitHosts` over plain requests."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._refs: dict[str, RemoteRefs | None] = {}

    def refs(self, url: str) -> RemoteRefs | None:
        """Its tags and branches; None: there is no such repository, or not for us."""
        name = _name(url)
        if name not in self._refs:
            asked = f"{HOST}{name}/info/refs?service=git-upload-pack"
            said = self._http.text(asked, most_bytes=MOST_REFS)
            self._refs[name] = None if said is None else _refs_in(said)
        return self._refs[name]

    def has(self, url: str, commit: str) -> bool:
        refs = self.refs(url)
        if refs is None:
            return False
        if commit in {refs.head, *refs.tags.values(), *refs.branches.values()}:
            return True
        return self._http.head(archive_url(url, commit)) is not None

    def read(self, url: str, commit: str, path: str) -> bytes | None:
        """A file of a commit; None: the commit has no such file."""
        data = b""
        try:
            with self._http.stream(f"{_RAW}{_name(url)}/{commit}/{path}") as body:
                for chunk in body.chunks:
                    data += chunk
                    if len(data) > MOST_FILE:
                        raise Unanswered(f"{path} of {url} is too large to be read")
        except Missing:
            return None
        if path == ".gitmodules":
            raise _needs_git(f"{repository.name(url)} has submodules")
        return data

    def links(self, url: str, commit: str) -> Mapping[str, str]:
        raise _needs_git("submodules are asked for")

    def commit_of_version(self, url: str, version: str) -> str | None:
        """The commit of a tag that is called like the version; others only the history knows."""
        refs = self.refs(url)
        if refs is None:
            return None
        tags, bare = refs.tags, version.removeprefix("v")
        found = tags.get(version) or tags.get(f"v{bare}") or tags.get(bare)
        if found is None:
            raise _needs_git(f"no tag of {repository.name(url)} is called {version}")
        return found

    def distance(self, url: str, before: str, after: str) -> int | None:
        raise _needs_git(f"two commits of {repository.name(url)} are to be compared")


def _refs_in(said: str) -> RemoteRefs:
    """The refs in the answer to `info/refs`."""
    found: dict[str, str] = {}
    for line in _lines(said):
        if match := _REF.match(line):
            found[match[2]] = match[1]
    tags: dict[str, str] = {}
    for name, commit in found.items():
        if name.startswith("refs/tags/") and not name.endswith("^{}"):
            tags[name[10:]] = found.get(f"{name}^{{}}", commit)
    branches = {name[11:]: one for name, one in found.items() if name.startswith("refs/heads/")}
    return RemoteRefs(found.get("HEAD"), tags, branches)


def _lines(said: str) -> Iterator[str]:
    """The packets' texts: each begins with its length in four hexadecimal digits, 0000 is none."""
    data, at = said.encode(), 0
    while at + 4 <= len(data):
        try:
            length = int(data[at : at + 4], 16)
        except ValueError:
            raise Unanswered("github.com answers with something else than a list of refs") from None
        yield data[at + 4 : at + length].partition(b"\0")[0].decode("utf-8", "replace").strip()
        at += max(length, 4)


def _name(url: str) -> str:
    public = repository.plain(url) or ""
    if not public.startswith(HOST):
        raise _needs_git(f"{url} is not on GitHub")
    return public.removeprefix(HOST)


def _needs_git(why: str) -> Unanswered:
    fix = "install git, or put the folder that it is in on the PATH, and restart ComfyUI"
    return Unanswered(f"the git program was not found, and {why}", fix)
