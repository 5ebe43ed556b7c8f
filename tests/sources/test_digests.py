"""What files hold, remembered."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from two_processes import exit_codes, hash_files

from runflow_build.sources import digests, files
from runflow_build.sources.digests import DigestCache
from runflow_build.sources.files import CHUNK, Content, content_of
from runflow_build.sources.stopping import Check

OLD_NS = 1_700_000_000_123_456_789


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DigestCache]:
    one = DigestCache(tmp_path / "cache" / "digests.db")
    yield one
    one.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were really read."""
    names: list[str] = []

    def reading(path: Path, check: Check) -> tuple[Content, os.stat_result]:
        names.append(path.name)
        return files.read_content(path, check)

    monkeypatch.setattr(digests, "read_content", reading)
    return names


def write(path: Path, data: bytes, mtime_ns: int = OLD_NS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_read_once(cache: DigestCache, read: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"one")
    assert cache.known(path) is None
    assert cache.content_of(path) == cache.content_of(path) == Content(sha256(b"one"), 3)
    assert cache.known(path) == Content(sha256(b"one"), 3)
    assert read == ["a"]


def test_the_next_process_knows_it_too(read: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"one")
    for _ in range(2):
        cache = DigestCache(tmp_path / "digests.db")
        assert cache.content_of(path).sha256 == sha256(b"one")
        cache.close()
    assert read == ["a"]


@pytest.mark.parametrize("change", ["size", "time", "file"])
def test_a_file_that_changed_is_read_again(
    change: str, cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path / "a", b"one")
    cache.content_of(path)
    if change == "size":
        data = b"longer"
        path.write_bytes(data)
        os.utime(path, ns=(OLD_NS, OLD_NS))
    elif change == "time":
        data = b"two"
        write(path, data, OLD_NS + 1)
    else:
        data = b"two"  # of the same size and time, moved over the other
        os.replace(write(tmp_path / "b", data), path)
    assert cache.known(path) is None
    assert cache.content_of(path).sha256 == sha256(data)
    assert read == ["a", "a"]


@pytest.mark.parametrize(("after_ns", "believed"), [(0, False), (10**6, False), (10**9, True)])
def test_a_file_that_is_read_in_the_moment_of_its_change_is_not_believed(
    after_ns: int,
    believed: bool,
    cache: DigestCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write(tmp_path / "a", b"one")
    monkeypatch.setattr(digests, "time_ns", lambda: OLD_NS + after_ns)
    cache.content_of(path)
    assert (cache.known(path) is not None) == believed  # a second change would look the same


def test_a_clock_that_is_wrong_by_hours_is_no_reason_to_doubt(
    cache: DigestCache, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", b"one", 4_000_000_000_123_456_789)
    cache.content_of(path)
    assert cache.known(path) is not None


def test_times_of_whole_seconds_are_those_of_a_coarse_clock(
    cache: DigestCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a", b"one", 1_700_000_000_000_000_000)
    monkeypatch.setattr(digests, "time_ns", lambda: 1_700_000_001_000_000_000)
    cache.content_of(path)
    assert cache.known(path) is None


def test_what_a_writer_notes_is_believed(
    cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    cache.note(path, Content(sha256(b"one"), 3))
    assert cache.content_of(path) == Content(sha256(b"one"), 3)
    assert read == []


def test_a_note_of_another_size_and_one_of_hearsay_are_not_taken(
    cache: DigestCache, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", b"one")
    cache.note(path, Content(sha256(b"two!"), 4))
    cache.note(path, Content(sha256(b"two"), 3, declared=True))
    cache.note(tmp_path / "missing", Content(sha256(b"two"), 3))
    assert cache.known(path) is None


def test_another_name_of_the_same_file_is_not_read(
    cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path / "a", b"one")
    cache.content_of(path)
    os.link(path, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    for name in ("hard", "soft", "folder/a"):
        assert cache.content_of(tmp_path / name).sha256 == sha256(b"one")
    assert read == ["a"]


def test_an_inode_that_now_is_another_file_is_no_other_name(
    cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    first, path = write(tmp_path / "a", b"one"), write(tmp_path / "b", b"two")
    cache.content_of(first)
    first.unlink()  # its row stays, and here gets the inode of the other file
    os.link(path, tmp_path / "c")
    with sqlite3.connect(tmp_path / "cache" / "digests.db") as other:
        stat = path.stat()
        other.execute("UPDATE digests SET inode = ?", (f"{stat.st_dev:x}:{stat.st_ino:x}",))
    other.close()
    assert cache.content_of(path).sha256 == sha256(b"two")
    assert read == ["a", "b"]


def test_a_blob_of_the_hubs_cache_is_declared_until_it_was_read(
    cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    repo = tmp_path / "models--o--n"
    blob = write(repo / "blobs" / sha256(b"one"), b"one")
    link = repo / "snapshots" / ("a" * 40) / "m.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    said = Content(sha256(b"one"), 3, declared=True)
    assert cache.known(blob) == cache.known(link) == said
    assert read == []
    assert cache.content_of(link) == Content(sha256(b"one"), 3)
    assert cache.known(blob) == cache.known(link) == Content(sha256(b"one"), 3)
    assert read == ["m.safetensors"]


def test_a_blob_that_is_not_what_its_name_says_is_found_out(
    cache: DigestCache, tmp_path: Path
) -> None:
    blob = write(tmp_path / "blobs" / sha256(b"one"), b"two")
    assert cache.content_of(blob) == Content(sha256(b"two"), 3)
    assert cache.known(blob) == Content(sha256(b"two"), 3)


@pytest.mark.parametrize("name", ["blobs/abc", "blob/" + "a" * 64, "blobs/" + "A" * 64])
def test_other_names_declare_nothing(name: str, cache: DigestCache, tmp_path: Path) -> None:
    assert cache.known(write(tmp_path / name, b"one")) is None


def test_many_files_at_once_and_those_that_cannot_be_read(
    cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    paths = [write(tmp_path / f"{n}", b"%d" % n) for n in range(30)]
    found = cache.contents_of([*paths, tmp_path / "missing"])
    assert isinstance(found.pop(tmp_path / "missing"), FileNotFoundError)
    assert found == {path: content_of(path) for path in paths}
    cache.contents_of(paths)
    assert len(read) == 30


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_is_a_name_all_the_same(
    cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    path = write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")), b"one")
    assert cache.content_of(path) == cache.content_of(path)
    assert len(read) == 1


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_broken_file_is_made_anew(
    content: bytes, cache: DigestCache, read: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "cache" / "digests.db", content)
    path = write(tmp_path / "a", b"one")
    cache.content_of(path)
    assert cache.known(path) is not None


def test_a_folder_that_cannot_be_written_costs_only_the_memory(
    read: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "file", b"")
    cache = DigestCache(tmp_path / "file" / "digests.db")  # below a file there is no folder
    path = write(tmp_path / "a", b"one")
    assert cache.content_of(path) == cache.content_of(path)
    assert read == ["a", "a"]


def test_two_processes_share_it(tmp_path: Path, read: list[str]) -> None:
    for n in range(50):
        write(tmp_path / "files" / f"{n}", b"%d" % n)
    database = tmp_path / "digests.db"
    assert exit_codes(hash_files, *[(database, tmp_path / "files")] * 2) == [0, 0]
    cache = DigestCache(database)
    for path in (tmp_path / "files").iterdir():
        assert cache.content_of(path).sha256 == sha256(path.read_bytes())
    cache.close()
    assert read == []


def test_a_file_that_changes_while_it_is_read_is_read_again(
    cache: DigestCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a", b"one")
    changed = threading.Event()
    plain = os.fstat

    def fstat(number: int) -> os.stat_result:
        stat = plain(number)
        if not changed.is_set() and stat.st_size == 3:
            changed.set()  # after the first look, before the first byte
            path.write_bytes(b"longer")
        return stat

    monkeypatch.setattr(files.os, "fstat", fstat)
    assert cache.content_of(path) == Content(sha256(b"longer"), 6)


class Unwanted(Exception):
    pass


def test_reading_ends_between_two_chunks_where_nobody_wants_it_any_more(
    tmp_path: Path, read: list[str]
) -> None:
    paths = [write(tmp_path / name, bytes(9 * CHUNK)) for name in "abcd"]
    asked: list[None] = []

    def check() -> None:
        asked.append(None)
        if len(asked) > 5:
            raise Unwanted

    cache = DigestCache(tmp_path / "digests.db", check)
    with pytest.raises(Unwanted):
        cache.contents_of(paths)
    assert len(asked) < 5 + len(paths) + 1  # each reader has heard it once
    assert [cache.known(path) for path in paths] == [None] * 4
    cache.close()


def test_a_file_that_never_rests_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a", b"")
    plain = os.fstat

    def fstat(number: int) -> os.stat_result:
        stat = plain(number)
        with path.open("ab") as file:
            file.write(b"x")
        return stat

    monkeypatch.setattr(files.os, "fstat", fstat)
    with pytest.raises(OSError, match="changes while it is read"):
        content_of(path)
