"""A git host on the disk: bare repositories that the real git reaches by their public URL.

`insteadOf` in a settings file of the test's own leads https://example.org/… there, so that all that
is between us and a host is as it will be, save the line.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PLACE = "https://example.org/"
_AUTHOR = {
    **{f"GIT_{who}_NAME": "A" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "a@example.com" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-01-01T00:00:00+0000" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@dataclass(frozen=True)
class Published:
    """A repository of the host, and the author's own copy of it."""

    url: str
    bare: Path
    work: Path

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder or self.work,
            env={**os.environ, **_AUTHOR},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """Commit the files, None removing one, and push all; the hash."""
        for name, content in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.push()
        return self.git("rev-parse", "HEAD")

    def commit_modules(self, modules: str, links: Mapping[str, str]) -> str:
        """Commit a .gitmodules as it is, and a tree that names commits of other repositories."""
        (self.work / ".gitmodules").write_text(modules, encoding="utf-8", newline="\n")
        self.git("add", ".gitmodules")
        for path, commit in links.items():
            self.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
        self.git("commit", "--quiet", "--message", "submodules")
        self.push()
        return self.git("rev-parse", "HEAD")

    def push(self) -> None:
        """Make the host's refs those of the author's copy, also by force."""
        self.git("push", "--quiet", "--mirror", str(self.bare))

    def allow(self, name: str, value: str) -> None:
        """Set what the host's git does: `uploadpack.allowFilter`."""
        self.git("config", name, value, folder=self.bare)


@dataclass
class GitHost:
    """All repositories of https://example.org."""

    folder: Path
    settings: Path  # the user's

    def repository(self, name: str) -> Published:
        """A new repository `owner/name` that serves filters, as the public hosts do."""
        made = Published(PLACE + name, self.folder / name, self.folder / "work" / name)
        for path in (made.bare, made.work):
            path.mkdir(parents=True)
        made.git("init", "--quiet", "--bare", "--initial-branch=main", folder=made.bare)
        made.git("init", "--quiet", "--initial-branch=main")
        made.allow("uploadpack.allowFilter", "true")
        return made

    def leads_to(self, base: str) -> None:
        """Let git look for the host's repositories below `base`."""
        self.settings.write_text(f'[url "{base}"]\n\tinsteadOf = {PLACE}\n', encoding="utf-8")

    def goes_down(self) -> None:
        self.leads_to("https://127.0.0.1:1/")

    def comes_back(self) -> None:
        self.leads_to(f"file://{self.folder.as_posix()}/")

    def gives_no_single_commits(self) -> None:
        """As hosts that speak the old protocol, and do not allow what is not a ref's."""
        with self.settings.open("a", encoding="utf-8") as file:
            file.write("[protocol]\n\tversion = 0\n")


@pytest.fixture
def git_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitHost:
    host = GitHost(tmp_path / "host", tmp_path / "gitconfig")
    host.comes_back()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(host.settings))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("RUNFLOW_CACHE_DIR", str(tmp_path / "cache"))
    return host
