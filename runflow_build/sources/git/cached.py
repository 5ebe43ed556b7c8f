"""One remote repository as its cache and its host tell it."""

from __future__ import annotations

import posixpath
import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from ...lock.repository import name as name_of
from ..world import RemoteRefs, Unanswered
from . import versions
from .answers import Answers
from .bare import OFFLINE_FIX, BareRepository, Damaged, NoRepository, Refused
from .program import Said
from .refusals import kind_of, unanswered

_MOST_HOPS = 5  # of symbolic links
_GONE = ("gone", "login")  # a host that wants no one to know says the same of both
_Answer = TypeVar("_Answer")


class CachedRepository:
    """The answers about `url`. Three repositories on the disk, made when they are needed:

    `files` has single commits without their past, and the blobs that were read; `graph` has the
    past of commits and nothing of what they hold; `past` has all trees of it.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        answers: Answers,
        hold: Callable[[], Answers],
        refs: dict[str, RemoteRefs | None],
        offline: bool,
        stop: threading.Event | None,
    ) -> None:
        self.url = url
        self._answers = answers
        self._hold = hold  # waits until nobody else works on the repositories; the answers then
        self._held = False
        self._asked = refs  # in this process: url -> refs
        self._offline = offline
        bare = partial(BareRepository, url=url, stop=stop)
        self._files = bare(folder / "files.git", filter="blob:none", shallow=True)
        self._graph = bare(folder / "graph.git", filter="tree:0")
        self._past = bare(folder / "past.git", filter="blob:none")

    # -- refs

    def refs(self) -> RemoteRefs | None:
        if self.url in self._asked:
            return self._asked[self.url]
        if self._offline:
            if self._answers.refs is None:
                raise Unanswered(f"offline, the branches of {self.url} are not known", OFFLINE_FIX)
            return self._answers.refs
        self._work()
        if self.url in self._asked:
            return self._asked[self.url]
        self._files.prepare()
        said = self._files.refs()
        found = None
        if said.code == 0:
            found = refs_of(said)
            self._answers.note_refs(found)
        elif kind_of(said) not in _GONE:
            raise unanswered(said, self.url)
        self._asked[self.url] = found
        return found

    # -- commits

    def has(self, commit: str) -> bool:
        if commit in self._answers.commits:
            return True
        refs = self._asked.get(self.url) or (self._answers.refs if self._offline else None)
        if refs and commit in (refs.head, *refs.tags.values(), *refs.branches.values()):
            return True
        try:
            return self._on(self._files, lambda bare: self._obtained(bare, commit))
        except NoRepository:
            return False

    def _obtained(self, bare: BareRepository, commit: str) -> bool:
        """Whether the commit is in `bare`, fetched if need be; False: the host does not have it."""
        bare.prepare()
        if bare.holds(commit):
            self._answers.note_commit(commit)
            return True
        self._needs_network(commit)
        try:
            bare.fetch_commit(commit)
        except Refused as refused:
            if refused.absent and bare is not self._graph and not self._in_graph(commit):
                return False
            # By way of its branches, then; such a host gives no single files later either.
            bare.fetch_all(blobs=bare is not self._graph)
            if not bare.holds(commit):
                return False
        self._answers.note_commit(commit)
        return True

    def _in_graph(self, commit: str) -> bool:
        """Whether a branch or tag leads to the commit: the cheap way to be certain."""
        return self._on(self._graph, lambda bare: self._obtained(bare, commit))

    def _obtain(self, bare: BareRepository, commit: str) -> None:
        if not self._obtained(bare, commit):
            raise Unanswered(f"{self.url} does not have the commit {commit}")

    # -- what a commit holds

    def read(self, commit: str, path: str) -> bytes | None:
        if not self._answers.knows_file(commit, path):
            content = self._on(self._files, lambda bare: self._content(bare, commit, path))
            self._answers.note_file(commit, path, content)
            return content
        return self._answers.file(commit, path)

    def _content(self, bare: BareRepository, commit: str, path: str) -> bytes | None:
        self._obtain(bare, commit)
        for _ in range(_MOST_HOPS):
            if not is_inside(path):
                return None
            entry = tree_entry(bare, commit, path)
            if entry is None or entry[1] != "blob":
                return None
            mode, _, name = entry
            content = self._blob(bare, commit, path, name)
            if mode != "120000":
                return content
            target = content.decode("utf-8", "surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return None

    def _blob(self, bare: BareRepository, commit: str, path: str, name: str) -> bytes:
        try:
            return bare.blob(name, not self._offline)
        except Refused as refused:
            if not refused.absent:
                bare.fetch_all(blobs=True)
                if bare.holds(commit):
                    return bare.blob(name, network=False)
            reason = f"{self.url} does not give out {path} of its commit {commit[:12]}"
            raise Unanswered(reason) from None

    def links(self, commit: str) -> Mapping[str, str]:
        if commit not in self._answers.links:
            found = self._on(self._files, lambda bare: self._links(bare, commit))
            self._answers.note(self._answers.links, commit, found)
        return self._answers.links[commit]

    def _links(self, bare: BareRepository, commit: str) -> dict[str, str]:
        self._obtain(bare, commit)
        return links_of(bare.ask("ls-tree", "-r", "-z", commit))

    # -- the line of commits

    def distance(self, before: str, after: str) -> int | None:
        key = f"{before}...{after}"
        if key not in self._answers.distances:
            found = self._on(self._graph, lambda bare: self._distance(bare, before, after))
            self._answers.note(self._answers.distances, key, found)
        return self._answers.distances[key]

    def _distance(self, bare: BareRepository, before: str, after: str) -> int | None:
        for commit in (after, before):
            self._obtain(bare, commit)
        counted = bare.ask("rev-list", "--count", "--left-right", f"{before}...{after}")
        left, right = (int(word) for word in counted.split())
        if left and right:
            return None
        return right or -left

    # -- versions

    def commit_of_version(self, version: str) -> str | None:
        refs = self.refs()
        if refs is None:
            return None
        for tag in versions.tags_of(refs.tags, name_of(self.url).split("/")[-1], version):
            if self._bears(refs.tags[tag], version):
                return refs.tags[tag]
        if refs.head is None:
            return None
        key, head = f"{refs.head}:{version}", refs.head
        if key not in self._answers.versions:
            found = self._on(self._past, lambda bare: self._released(bare, head, version))
            self._answers.note(self._answers.versions, key, found)
        return self._answers.versions[key]

    def _bears(self, commit: str, version: str) -> bool:
        """Whether a tagged commit's own word for its version, if it can be had, is the same."""
        try:
            said = versions.version_in(self.read(commit, versions.FILE))
        except Unanswered:
            return True
        return said is None or versions.same(said, version)

    def _released(self, bare: BareRepository, head: str, version: str) -> str | None:
        self._obtain(bare, head)
        return versions.first_with(bare, head, version, not self._offline)

    # -- the way to a repository on the disk

    def _on(self, bare: BareRepository, question: Callable[[BareRepository], _Answer]) -> _Answer:
        """The answer of `bare`; a broken one is made again, once."""
        self._work()
        try:
            return question(bare)
        except Damaged as first:
            if self._offline:
                reason = f"offline, and the copy of {self.url} is damaged"
                raise Unanswered(reason, OFFLINE_FIX) from None
            complaint = str(first)
        bare.discard()
        try:
            return question(bare)
        except Damaged as second:
            raise unanswered(Said(1, b"", str(second) or complaint), self.url) from None

    def _work(self) -> None:
        """Nothing on the disk is touched before this; nothing is noted before it either."""
        if not self._held:
            self._answers = self._hold()
            self._held = True

    def _needs_network(self, commit: str) -> None:
        if self._offline:
            reason = f"offline, the commit {commit[:12]} of {self.url} is not known"
            raise Unanswered(reason, OFFLINE_FIX)


# -- what git prints, as values


def refs_of(said: Said) -> RemoteRefs:
    """What `ls-remote --symref` says."""
    head, tags, branches = None, {}, {}
    rows = said.out.decode("utf-8", "surrogateescape").splitlines()
    for row in rows:
        commit, _, name = row.partition("\t")
        if not re.fullmatch("[0-9a-f]{40}", commit):
            continue  # ref: refs/heads/main
        if name == "HEAD":
            head = commit
        elif name.startswith("refs/heads/"):
            branches[name[11:]] = commit
        elif name.startswith("refs/tags/"):
            # An annotated tag comes twice, the second time with the commit that it means.
            tags[name[10:].removesuffix("^{}")] = commit
    return RemoteRefs(head, tags, branches)


def links_of(listing: bytes) -> dict[str, str]:
    """The submodules in what `ls-tree -r -z` lists: path -> commit."""
    rows = listing.decode("utf-8", "surrogateescape").split("\0")
    parts = [row.partition("\t") for row in rows if row.startswith("160000 ")]
    return {path: words.split()[2] for words, _, path in parts}


def tree_entry(bare: BareRepository, commit: str, path: str) -> tuple[str, str, str] | None:
    """Mode, type and id of what a commit has at a path; None: nothing."""
    listing = bare.ask("--literal-pathspecs", "ls-tree", "-z", commit, "--", path)
    for row in listing.decode("utf-8", "surrogateescape").split("\0"):
        words, _, found = row.partition("\t")
        if found == path:
            mode, kind, name = words.split()
            return mode, kind, name
    return None


def is_inside(path: str) -> bool:
    """Whether a POSIX path stays in the tree that it starts in."""
    return bool(path) and not path.startswith("/") and ".." not in path.split("/")
