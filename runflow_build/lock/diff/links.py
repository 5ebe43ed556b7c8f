"""Where a person can see what changed between two commits."""

from __future__ import annotations

from urllib.parse import quote

from ..repository import canonical

# How a host's pages go on behind the repository's address: a commit, and what lies between two.
_GITHUB = ("/tree/{after}", "/compare/{before}...{after}")
_GITLAB = ("/-/tree/{after}", "/-/compare/{before}...{after}")
_FORGEJO = ("/src/commit/{after}", "/compare/{before}...{after}")
_BITBUCKET = ("/src/{after}/", "/branches/compare/{after}%0D{before}")
_HOSTS = {
    "github.com": _GITHUB,
    "gitlab.com": _GITLAB,
    "codeberg.org": _FORGEJO,
    "gitea.com": _FORGEJO,
    "bitbucket.org": _BITBUCKET,
}
# Hosts of somebody's own call themselves so.
_PREFIXES = {"github.": _GITHUB, "gitlab.": _GITLAB, "gitea.": _FORGEJO, "forgejo.": _FORGEJO}


def compare_link(repository: str, before: str, after: str) -> str | None:
    """The page with the commits from one to the other; None for a host that we do not know."""
    return _link(repository, 1, before, after)


def commit_link(repository: str, commit: str) -> str | None:
    """The page with the files of a commit; None for a host that we do not know."""
    return _link(repository, 0, commit, commit)


def _link(repository: str, page: int, before: str, after: str) -> str | None:
    url = canonical(repository)
    if url is None:
        return None
    host, _, path = url.removeprefix("https://").partition("/")
    pages = _HOSTS.get(host) or next(
        (pages for start, pages in _PREFIXES.items() if host.startswith(start)), None
    )
    if pages is None:
        return None
    return f"https://{host}/{quote(path)}{pages[page].format(before=before, after=after)}"
