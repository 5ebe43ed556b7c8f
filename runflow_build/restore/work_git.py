"""What git does in a work tree that is ours to make or to move; its failures are findings."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import RestoreError
from ..findings import Finding
from ..sources.git.bare import patiently
from ..sources.git.program import LONG_S, Said, common_dir, git_dir_of, run
from ..sources.git.refusals import kind_of, unanswered

_CONFIG = """\
[remote "origin"]
	url = {url}
	fetch = +refs/heads/*:refs/remotes/origin/*
"""
_ALL = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
_MOST = 5  # files named in a finding


@dataclass(frozen=True)
class WorkGit:
    """The repository of the work tree `folder`, of which `url`, canonical, is the origin."""

    folder: Path
    url: str
    name: str  # what messages call it
    offline: bool = False
    stop: threading.Event | None = None  # ends what goes on

    def create(self) -> None:
        """Make it, empty, in a folder that is empty."""
        self._done(
            run(self.folder / ".git", "init", "--quiet", "--template=", work_tree=self.folder)
        )
        with (self.folder / ".git" / "config").open("a", encoding="utf-8", newline="\n") as config:
            config.write(_CONFIG.format(url=self.url))

    def point_to(self, url: str) -> None:
        self._done(self._run("config", "remote.origin.url", url))

    def holds(self, commit: str) -> bool:
        done = self._run("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}")
        return done.code == 0

    def fetch(self, commit: str) -> bool:
        """Fetch the commit, without its past unless that is here; False: there is none."""
        if self.offline:
            raise failed(self.name, f"offline, and {commit[:12]} is not here", "restore online")
        common = common_dir(git_dir_of(self.folder))
        is_shallow = (common / "shallow").exists()
        is_new = not self.holds("HEAD")
        done = self._fetch(*(["--depth=1"] if is_shallow or is_new else []), "origin", commit)
        if done.code and kind_of(done) == "refused":  # then by way of the branches
            done = self._fetch(*(["--unshallow"] if is_shallow else []), "origin", *_ALL)
            self._done(done)
            return self.holds(commit)
        if done.code and kind_of(done) == "absent":
            return False
        self._done(done)
        return True

    def check_out(self, commit: str) -> None:
        """Make the files those of the commit. What git does not track is in the way, or stays."""
        done = patiently(
            partial(
                self._run,
                "checkout",
                "--quiet",
                "--no-overwrite-ignore",
                "--detach",
                commit,
                network=not self.offline,
            )
        )
        if done.code and "would be overwritten" in done.err:
            raise changed(self.name, re.findall(r"^\t(.+)$", done.err, re.MULTILINE))
        self._done(done)

    def keep_head(self) -> None:
        """A ref for what is checked out and no branch may have, so that git never drops it."""
        if self._run("symbolic-ref", "--quiet", "HEAD").code == 0:
            return
        head = self._run("rev-parse", "--quiet", "--verify", "HEAD")
        if head.code == 0:
            self._done(self._run("update-ref", f"refs/runflow/left/{head.text()}", "HEAD"))

    def force(self, commit: str) -> None:
        """Make tracked files those of the commit, whatever they are."""
        self._done(self._run("update-ref", "--no-deref", "HEAD", commit))
        self._done(patiently(partial(self._run, "reset", "--quiet", "--hard", network=True)))

    def tree(self, commit: str) -> dict[str, tuple[str, str]]:
        """path -> (mode, id) of all that the commit holds."""
        listing = self._done(self._run("ls-tree", "-r", "-z", "--full-tree", commit)).out
        rows = listing.decode("utf-8", "surrogateescape").split("\0")
        parts = [row.partition("\t") for row in rows if row]
        return {path: (words.split()[0], words.split()[2]) for words, _, path in parts}

    def blob(self, name: str) -> bytes:
        return self._done(self._run("cat-file", "blob", name)).out

    def _fetch(self, *arguments: str) -> Said:
        words = (
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        )
        return patiently(partial(self._run, *words, *arguments, network=True))

    def _run(self, *arguments: str, network: bool = False) -> Said:
        return run(
            git_dir_of(self.folder),
            *arguments,
            work_tree=self.folder,
            network=network,
            limit_s=LONG_S,
            stop=self.stop,
        )

    def _done(self, said: Said) -> Said:
        if said.code:
            told = unanswered(said, self.url)
            raise failed(self.name, told.reason, told.fix)
        return said


def failed(name: str, reason: str, fix: str | None = None) -> RestoreError:
    """`checkout-failed`: neither the user's files nor the lock are the reason."""
    message = f"{name} could not be checked out: {reason}"
    return RestoreError(Finding("checkout-failed", message, fix=fix or "restore again"))


def changed(name: str, files: list[str]) -> RestoreError:
    """`checkout-changed`: the user's files are in the way."""
    shown = "\n".join(files[:_MOST])
    more = f"\nand {len(files) - _MOST} more" if len(files) > _MOST else ""
    return RestoreError(
        Finding(
            "checkout-changed",
            f"{name} has local changes, and is left as it is",
            also=(("files", shown + more),) if files else (),
            fix="commit or undo the changes, or move the files away, and restore again",
        )
    )
