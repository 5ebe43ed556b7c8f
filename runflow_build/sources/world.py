"""What lies outside of this machine, as `resolve` asks it: one small interface for each source.

Every method may raise `Unanswered`: offline, out of reach, refused. None is an answer: the source
says for certain that there is no such thing. The real sources are one file each beside this one;
tests put dictionaries behind the same interfaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Unanswered(Exception):
    """A question that got no answer. It becomes a finding where somebody knows what it was for."""

    def __init__(self, reason: str, fix: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason  # the end of a sentence: "huggingface.co answered 503 five times"
        self.fix = fix  # in the imperative; None: nothing better than the asker's own


# -- git


@dataclass(frozen=True)
class RemoteRefs:
    """What a repository calls its commits."""

    head: str | None  # commit of the default branch; None: an empty repository
    tags: Mapping[str, str] = field(default_factory=dict)  # name -> commit, annotated tags peeled
    branches: Mapping[str, str] = field(default_factory=dict)  # name -> commit


class GitHosts(Protocol):
    """Git repositories, by their canonical URL (`lock.repository.canonical`)."""

    def refs(self, url: str) -> RemoteRefs | None:
        """Its tags and branches; None: there is no such repository, or not for us."""
        ...

    def has(self, url: str, commit: str) -> bool:
        """Whether the remote gives out the commit (40 digits), by any of its refs or by itself."""
        ...

    def read(self, url: str, commit: str, path: str) -> bytes | None:
        """A file of a commit; None: the commit has no such file."""
        ...

    def commit_of_version(self, url: str, version: str) -> str | None:
        """The commit that released `version`: a tag of that name, else the commit of the default
        branch whose pyproject.toml first had `[project] version = "<version>"`; None: neither."""
        ...

    def distance(self, url: str, before: str, after: str) -> int | None:
        """How many commits `after` is ahead of `before`; None: they are not in one line."""
        ...


# -- registries of node packs


@dataclass(frozen=True)
class RegistryPack:
    """A node pack as the Comfy Registry has it."""

    id: str
    repository: str | None  # canonical URL
    latest: str | None  # version
    versions: Sequence[str] = ()  # known ones, newest first


class Registry(Protocol):
    """The Comfy Registry."""

    def pack(self, id: str) -> RegistryPack | None: ...

    def packs_of_class(self, class_type: str) -> Sequence[RegistryPack]:
        """The packs that bring a node class, in the registry's order."""
        ...


@dataclass(frozen=True)
class ListedPack:
    """A node pack in ComfyUI-Manager's lists."""

    repository: str  # canonical URL
    title: str
    classes: int  # how many node classes it brings


@dataclass(frozen=True)
class ListedModel:
    """A model file in ComfyUI-Manager's list."""

    path: str  # POSIX, below models/
    url: str
    name: str  # what a person calls it


class PackLists(Protocol):
    """ComfyUI-Manager's public lists."""

    def packs_of_class(self, class_type: str) -> Sequence[ListedPack]: ...

    def models_called(self, file_name: str) -> Sequence[ListedModel]:
        """The listed files of that base name, whatever their folder."""
        ...


# -- files


@dataclass(frozen=True)
class RemoteFile:
    """A file at a host, by content as far as the host says or somebody read it."""

    url: str  # where just these bytes can be had again: canonical, no mirror, no token
    sha256: str | None  # lower-case hex; None: the host does not say, and nobody read the file
    size: int | None  # bytes


class FileHosts(Protocol):
    """Hosts of model and input files."""

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        """What `url` gives now. `read`: where the host does not say the hash, the file may be
        streamed once to know it. None: there is no such file."""
        ...

    def places_of(self, sha256: str, name: str, size: int) -> Sequence[RemoteFile]:
        """Public places of a file with this content, best first."""
        ...


# -- Python packages


@dataclass(frozen=True)
class Asked:
    """Requirements, and who asks for them."""

    by: str  # "ComfyUI", a node pack's key, "runflow.yaml"
    requirements: str  # the text of a requirements.txt


@dataclass(frozen=True)
class Resolution:
    """What one target needs, exactly."""

    packages: Mapping[str, str]  # normalised name -> exact version, with a local part
    pylock: str  # PEP 751 text; the same bytes whoever asks


class PackageConflict(Exception):
    """No versions answer all requirements. `lines`: what each asks for, `asker: requirement`."""

    def __init__(self, message: str, lines: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.message = message  # the resolver's explanation, in a few lines
        self.lines = tuple(lines)


class PackageIndexes(Protocol):
    """The indexes that Python packages come from."""

    def resolve(
        self, asked: Sequence[Asked], python: str, target: str, known: Mapping[str, str]
    ) -> Resolution:
        """One resolution over all requirements for a target (`linux-cu128`) and a Python (`3.12`).

        `known` are versions to keep where they still answer. Raises PackageConflict."""
        ...


# -- all together


@dataclass(frozen=True)
class World:
    """All sources."""

    git: GitHosts
    registry: Registry
    lists: PackLists
    files: FileHosts
    packages: PackageIndexes
