"""What the stand-in of the public hosts holds, as a plain value: repositories, files, faults …

Tests change it while it is being served: a dictionary entry that is replaced is the next answer.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

CHUNK = 1 << 20


@dataclass
class File:
    """Bytes, a file on disk, or, for one that nobody downloads, just what is said of it."""

    data: bytes | None = None
    path: Path | None = None
    said_sha256: str | None = None
    said_size: int | None = None
    lfs: bool = True  # at the hub: in its large-file storage, so that it says the sha256
    xet: str | None = None  # its X-Xet-Hash; huggingface_hub then downloads by another protocol
    kind: str = "application/octet-stream"

    @cached_property
    def sha256(self) -> str:
        if self.said_sha256 is not None:
            return self.said_sha256
        state = hashlib.sha256()
        for chunk in self.chunks(0, self.size):
            state.update(chunk)
        return state.hexdigest()

    @cached_property
    def size(self) -> int:
        if self.said_size is not None:
            return self.said_size
        return os.path.getsize(self.path) if self.path else len(self.data or b"")

    @cached_property
    def blob(self) -> str:
        """git's name of the content: what the hub gives as ETag of files outside of LFS."""
        data = b"".join(self.chunks(0, self.size))
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    @property
    def etag(self) -> str:
        return f'"{self.sha256[:32]}"'

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        if self.path is None:
            data = memoryview(self.data if self.data is not None else bytes(stop))
            for at in range(start, stop, CHUNK):
                yield bytes(data[at : min(at + CHUNK, stop)])
            return
        with self.path.open("rb") as file:
            file.seek(start)
            while start < stop and (chunk := file.read(min(CHUNK, stop - start))):
                start += len(chunk)
                yield chunk


def declared(sha256: str, size: int) -> File:
    """A file of which only is said what it would be."""
    return File(said_sha256=sha256, said_size=size)


@dataclass
class Repo:
    """A model repository at the hub."""

    commits: dict[str, dict[str, File]]  # commit (40 digits) -> path -> file
    refs: dict[str, str] = field(default_factory=dict)  # "main" -> commit; default: the last one
    gated: bool = False  # only for tokens in `readers`
    private: bool = False  # for others it does not exist
    readers: tuple[str, ...] = ()  # tokens that have access
    moved_to: str | None = None  # the repository's new name

    def commit_of(self, revision: str) -> str | None:
        if revision in self.commits:
            return revision
        if revision == "main" and "main" not in self.refs:
            return list(self.commits)[-1]
        return self.refs.get(revision)


@dataclass
class CivitaiVersion:
    """A version of a model at Civitai. The first file is the primary one."""

    files: dict[str, File]
    model: int = 1
    name: str = "v1"
    model_name: str = "a model"
    type: str = "Checkpoint"
    needs_token: bool = False


@dataclass
class Pack:
    """A node pack in the Comfy Registry."""

    repository: str | None = None
    versions: tuple[str, ...] = ("1.0.0",)  # newest first
    classes: tuple[str, ...] = ()
    name: str = ""
    status: str = "NodeStatusActive"
    downloads: int = 0


@dataclass
class Fault:
    """What goes wrong with a URL, the next `times` times that it is asked for (None: always)."""

    times: int | None = 1
    status: int | None = None  # answered instead, with `retry_after` and `headers`
    retry_after: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # these bytes instead of the file's: wrong content, a log-in page
    kind: str | None = None  # the content type that goes with them
    cut_after: int | None = None  # bytes of the body, after which the connection is cut
    delay_s: float = 0.0  # before the answer
    chunk_delay_s: float = 0.0  # before each chunk
    chunk: int = CHUNK  # bytes
    redirect: str | None = None  # public URL; that of the question itself makes a loop
    no_ranges: bool = False  # parts are not known here: always the whole
    no_length: bool = False  # chunked, without a Content-Length
    no_etag: bool = False
    becomes: File | None = None  # from now on the URL gives this file: changed in mid-download


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    url: str  # public
    headers: Mapping[str, str]


@dataclass
class Place:
    """All public hosts."""

    repos: dict[str, Repo] = field(default_factory=dict)  # "owner/name" at huggingface.co
    civitai: dict[int, CivitaiVersion] = field(default_factory=dict)  # by version id
    packs: dict[str, Pack] = field(default_factory=dict)  # by registry id
    releases: dict[str, dict[str, dict[str, File]]] = field(default_factory=dict)
    # "owner/name" at github.com -> tag -> name of the asset -> file
    files: dict[str, File] = field(default_factory=dict)  # any other public URL -> file
    tokens: dict[str, set[str]] = field(default_factory=dict)  # public host -> those it knows
    faults: dict[str, Fault] = field(default_factory=dict)  # public URL -> what goes wrong there
    delay_s: float = 0.0  # of every answer
    asked: list[Asked] = field(default_factory=list)

    def count(self, part: str = "", method: str | None = None) -> int:
        """How many requests had `part` in their public URL."""
        return sum(part in one.url and method in (None, one.method) for one in list(self.asked))
