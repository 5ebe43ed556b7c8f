"""Hosts of model and input files: each URL is asked at the one that knows most of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..http.outage import environment_tokens
from ..world import RemoteFile, Unanswered
from . import civitai, github, hub
from .web import WebFiles, plain

if TYPE_CHECKING:
    from ..http.answers import AnswerCache
    from ..http.client import Http


class FileHostsOnline:
    """Hugging Face, Civitai, GitHub releases, and the web at large. Thread-safe."""

    def __init__(self, http: Http, answers: AnswerCache | None = None) -> None:
        """`answers` remembers the hashes of files that had to be read."""
        self._web = WebFiles(http, answers)
        self._hub = hub.Hub(http, self._web)
        self._civitai = civitai.Civitai(http, self._web)
        self._github = github.GitHubFiles(http, self._web)

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        """What `url` gives now, at its immutable address where the host has such.

        `read`: where the host does not say the hash, the file is streamed once. None, or Missing
        with more words: there is no such file. Raises Unanswered.
        """
        url = plain(url)
        host = (urlsplit(url).hostname or "").lower()
        if host in hub.HOSTS:
            return self._hub.file(url, read)
        if host in civitai.HOSTS:
            return self._civitai.file(url, read)
        if host in github.HOSTS:
            return self._github.file(url, read)
        return self._web.file(url, read)

    def places_of(self, sha256: str, name: str, size: int) -> Sequence[RemoteFile]:
        """Public files of this content: by hash at Civitai; else what the hub has under the name.

        A name only says where to look: each of them is said by its host to have this hash. Raises
        Unanswered where none was found and not all could be asked.
        """
        why: Unanswered | None = None
        try:
            if found := list(self._civitai.places_of(sha256)):
                return found
        except Unanswered as error:
            why = error
        found = list(self._hub.places_of(sha256, name))
        if why is not None and not found:
            raise why
        return found


def tokens_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The tokens of file hosts by host, with the one that `hf auth login` left here."""
    tokens = environment_tokens(environ)
    others = {
        hub.HOST: environ.get("HUGGING_FACE_HUB_TOKEN", "").strip() or hub.stored_token(environ),
        civitai.HOST: environ.get("CIVITAI_TOKEN", "").strip(),
    }
    for host, token in others.items():
        if token:
            tokens.setdefault(host, token)
    return tokens
