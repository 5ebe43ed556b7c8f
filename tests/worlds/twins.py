"""Sources over dictionaries: what the outside would answer, as a test writes it down.

`from twins import world_of`; it takes the `outside` part of a case's world.json:

    {"git": {URL: {"head": COMMIT, "tags": {…}, "branches": {…}, "commits": {COMMIT: {PATH: TEXT}},
                   "versions": {VERSION: COMMIT}, "lines": [[BEFORE, AFTER, N], …]}},
     "registry": {ID: {"repository": URL, "latest": V, "versions": [V, …], "classes": [CLASS, …]}},
     "lists": {"packs": {CLASS: [{"repository": …, "title": …, "classes": N}, …]},
               "models": {FILE NAME: [{"path": …, "url": …, "name": …}, …]}},
     "files": {URL: {"url": IMMUTABLE URL, "sha256": …, "size": …, "says": false}},
     "packages": {TARGET: {"packages": {NAME: VERSION}, "pylock": TEXT, "refuses": ASKER} or
                  {"conflict": TEXT, "lines": [[ASKER, REQUIREMENT], …]}},
     "unanswered": {SOURCE or URL: REASON}}

`says: false`: the host does not say the hash, so that only reading tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runflow_build.sources.world import (
    Asked,
    ListedModel,
    ListedPack,
    PackageConflict,
    RegistryPack,
    RemoteFile,
    RemoteRefs,
    Resolution,
    Unanswered,
    World,
)


@dataclass
class Told:
    """What is written down, and which questions were asked of it."""

    outside: Mapping[str, Any]
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def ask(self, source: str, *question: str) -> Mapping[str, Any]:
        self.asked.append((source, *question))
        unanswered = self.outside.get("unanswered", {})
        for word in (source, *question):
            if word in unanswered:
                raise Unanswered(unanswered[word])
        part: Mapping[str, Any] = self.outside.get(source, {})
        return part


@dataclass
class GitTwin:
    told: Told

    def refs(self, url: str) -> RemoteRefs | None:
        found = self.told.ask("git", url).get(url)
        if found is None:
            return None
        return RemoteRefs(found.get("head"), found.get("tags", {}), found.get("branches", {}))

    def has(self, url: str, commit: str) -> bool:
        found = self.told.ask("git", url).get(url, {})
        named = (
            found.get("head"),
            *found.get("tags", {}).values(),
            *found.get("branches", {}).values(),
        )
        return commit in found.get("commits", {}) or commit in named

    def read(self, url: str, commit: str, path: str) -> bytes | None:
        text = self.told.ask("git", url).get(url, {}).get("commits", {}).get(commit, {}).get(path)
        return None if text is None else str(text).encode()

    def commit_of_version(self, url: str, version: str) -> str | None:
        commit: str | None = self.told.ask("git", url).get(url, {}).get("versions", {}).get(version)
        return commit

    def distance(self, url: str, before: str, after: str) -> int | None:
        lines = self.told.ask("git", url).get(url, {}).get("lines", [])
        return next((n for one, other, n in lines if (one, other) == (before, after)), None)


@dataclass
class RegistryTwin:
    told: Told

    def pack(self, id: str) -> RegistryPack | None:
        return self._pack(id, self.told.ask("registry", id).get(id))

    def packs_of_class(self, class_type: str) -> Sequence[RegistryPack]:
        packs = self.told.ask("registry", class_type)
        found = [self._pack(id, one) for id, one in packs.items() if class_type in one["classes"]]
        return [one for one in found if one]

    def _pack(self, id: str, one: Any) -> RegistryPack | None:
        if one is None:
            return None
        versions = one.get("versions", [])
        return RegistryPack(id, one.get("repository"), one.get("latest"), versions)


@dataclass
class ListsTwin:
    told: Told

    def packs_of_class(self, class_type: str) -> Sequence[ListedPack]:
        packs = self.told.ask("lists", class_type).get("packs", {})
        return [ListedPack(**one) for one in packs.get(class_type, ())]

    def models_called(self, file_name: str) -> Sequence[ListedModel]:
        models = self.told.ask("lists", file_name).get("models", {})
        return [ListedModel(**one) for one in models.get(file_name, ())]


@dataclass
class FilesTwin:
    told: Told

    def file(self, url: str, read: bool = False) -> RemoteFile | None:
        one = self.told.ask("files", url).get(url)
        if one is None:
            return None
        said = read or one.get("says", True)
        return RemoteFile(one.get("url", url), one["sha256"] if said else None, one.get("size"))

    def places_of(self, sha256: str, name: str, size: int) -> Sequence[RemoteFile]:
        rows = self.told.ask("files", sha256).items()
        return [
            RemoteFile(one.get("url", url), sha256, one.get("size"))
            for url, one in rows
            if one.get("sha256") == sha256
        ]


@dataclass
class PackagesTwin:
    told: Told
    questions: list[Sequence[Asked]] = field(default_factory=list)
    known: list[Mapping[str, str]] = field(default_factory=list)  # of each question

    def resolve(
        self, asked: Sequence[Asked], python: str, target: str, known: Mapping[str, str]
    ) -> Resolution:
        self.questions.append(asked)
        self.known.append(dict(known))
        found = self.told.ask("packages", target).get(target)
        if found is None:
            raise Unanswered(f"no package index knows {target}")
        if found.get("refuses") in [one.by for one in asked]:
            raise PackageConflict(f"{found['refuses']} asks for what nobody has")
        if "conflict" in found:
            raise PackageConflict(found["conflict"], [(by, row) for by, row in found["lines"]])
        return Resolution(found["packages"], found["pylock"])


def world_of(outside: Mapping[str, Any]) -> World:
    """The world that answers just what is written down."""
    told = Told(outside)
    return World(
        GitTwin(told), RegistryTwin(told), ListsTwin(told), FilesTwin(told), PackagesTwin(told)
    )
