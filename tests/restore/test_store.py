"""Model files by content, shared between environments."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from runflow_build.errors import RestoreError
from runflow_build.restore import store as module
from runflow_build.restore.store import ModelStore
from runflow_build.sources.files import Content, content_of

DATA = b"weights" * 1000
SHA = hashlib.sha256(DATA).hexdigest()
OTHER = b"differs" * 1000


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store that holds DATA."""
    made = ModelStore(tmp_path / "store")
    part = made.partial(SHA)
    part.write_bytes(DATA)
    made.settle(SHA, part)
    return made


def without(*ways: str) -> dict[str, object]:
    """The ways to bring a file, some of which the file system lacks."""

    def refused(source: Path, target: Path) -> bool:
        target.touch()  # an attempt that leaves something behind
        raise OSError("not here")

    return {way: refused if way in ways else work for way, work in module._WAYS.items()}


def code_of(error: pytest.ExceptionInfo[RestoreError]) -> str:
    return error.value.findings[0].code


def test_an_empty_store_holds_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    assert ModelStore(tmp_path / "store").path(SHA) is None
    assert list(tmp_path.iterdir()) == []


def test_a_settled_file_lies_under_its_hash_and_cannot_be_written(store: ModelStore) -> None:
    path = store.path(SHA)
    assert path == store.folder / "sha256" / SHA[:2] / SHA
    assert path.read_bytes() == DATA
    assert not stat.S_IMODE(path.stat().st_mode) & 0o222
    assert not store.partial(SHA).exists()


@pytest.mark.parametrize(
    ("lacking", "how"),
    [
        (("reflink",), "hardlink"),
        (("reflink", "hardlink"), "symlink"),
        (("reflink", "hardlink", "symlink"), "copy"),
    ],
)
def test_a_file_is_placed_in_the_cheapest_way_that_there_is(
    lacking: tuple[str, ...],
    how: str,
    store: ModelStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WAYS", without(*lacking))
    target = tmp_path / "ComfyUI" / "models" / "loras" / "style.safetensors"
    assert store.place(SHA, target) == how
    assert target.read_bytes() == DATA
    assert target.is_symlink() == (how == "symlink")
    assert [path.name for path in target.parent.iterdir()] == ["style.safetensors"]
    before = target.lstat()
    assert store.place(SHA, target) == "there"
    assert target.lstat() == before


def test_a_copy_that_a_user_made_is_left_alone(store: ModelStore, tmp_path: Path) -> None:
    target = tmp_path / "style.safetensors"
    target.write_bytes(DATA)
    before = target.stat().st_ino
    assert store.place(SHA, target) == "there"
    assert target.stat().st_ino == before


@pytest.mark.parametrize("kind", ["other content", "other size", "folder", "dangling link"])
def test_what_is_a_users_is_never_replaced(kind: str, store: ModelStore, tmp_path: Path) -> None:
    target = tmp_path / "style.safetensors"
    if kind == "folder":
        target.mkdir()
    elif kind == "dangling link":
        target.symlink_to(tmp_path / "unmounted" / "style.safetensors")
    else:
        target.write_bytes(OTHER if kind == "other content" else b"x")
    before = target.lstat()
    with pytest.raises(RestoreError) as error:
        store.place(SHA, target)
    assert code_of(error) == "restore-in-the-way"
    assert target.lstat() == before


def test_a_file_that_appears_meanwhile_is_not_replaced(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "style.safetensors"

    def slow(source: Path, beside: Path) -> bool:
        target.write_bytes(OTHER)
        beside.write_bytes(source.read_bytes())
        return True

    monkeypatch.setattr(module, "_WAYS", {**module._WAYS, "reflink": slow})
    with pytest.raises(RestoreError) as error:
        store.place(SHA, target)
    assert code_of(error) == "restore-in-the-way"
    assert target.read_bytes() == OTHER
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "style.safetensors"]


def test_a_link_of_ours_to_a_store_that_was_emptied_is_made_anew(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "style.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(module, "_WAYS", without("reflink", "hardlink"))
        assert store.place(SHA, target) == "symlink"
    path = store.place_of(SHA)
    path.rename(path.with_suffix(".gone"))
    assert not target.exists()
    part = store.partial(SHA)
    part.write_bytes(DATA)
    store.settle(SHA, part)
    target.unlink()
    target.symlink_to(store.folder / "sha256" / "ff" / "nothing")
    assert store.place(SHA, target) == "hardlink"
    assert target.read_bytes() == DATA


def test_what_a_killed_placing_left_is_in_nobodys_way(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / f".runflow-{SHA[:32]}.tmp").write_bytes(b"half")
    store.place(SHA, tmp_path / "style.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "style.safetensors"]


def test_many_threads_place_one_file_once(store: ModelStore, tmp_path: Path) -> None:
    target, hows = tmp_path / "style.safetensors", list[str]()
    threads = [
        threading.Thread(target=lambda: hows.append(store.place(SHA, target))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hows)[-7:] == ["there"] * 7
    assert target.read_bytes() == DATA


def test_a_file_of_the_disk_is_taken_in_and_stays(tmp_path: Path) -> None:
    store, mine = ModelStore(tmp_path / "store"), tmp_path / "mine.safetensors"
    mine.write_bytes(DATA)
    path = store.take(mine, SHA)
    assert path == store.path(SHA)
    assert path.read_bytes() == mine.read_bytes() == DATA
    assert store.take(mine, SHA) == path


def test_a_link_is_taken_in_as_what_it_leads_to(tmp_path: Path) -> None:
    store, blob = ModelStore(tmp_path / "store"), tmp_path / "blob"
    blob.write_bytes(DATA)
    (tmp_path / "link").symlink_to(blob)
    assert not store.take(tmp_path / "link", SHA).is_symlink()


def test_a_file_that_holds_something_else_is_not_taken_in(tmp_path: Path) -> None:
    store, mine = ModelStore(tmp_path / "store"), tmp_path / "mine.safetensors"
    mine.write_bytes(OTHER)
    with pytest.raises(RestoreError) as error:
        store.take(mine, SHA)
    assert code_of(error) == "content-differs"
    assert store.path(SHA) is None
    assert os.access(mine, os.W_OK)


def test_a_file_that_is_written_to_while_it_is_read_is_not_taken_in(tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(DATA)

    def read(path: Path) -> Content:
        content = content_of(path)
        path.write_bytes(DATA + b"more")
        return content

    store = ModelStore(tmp_path / "store", content_of=read)
    with pytest.raises(RestoreError) as error:
        store.take(mine, SHA)
    assert code_of(error) == "content-differs"
    assert store.path(SHA) is None


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(RestoreError) as error:
        ModelStore(tmp_path / "store").take(tmp_path / "none", SHA)
    assert code_of(error) == "file-unreadable"


def test_a_full_disk_is_a_finding_and_leaves_nothing_behind(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAYS", without("reflink", "hardlink", "symlink"))
    monkeypatch.setattr(module, "SPARE", 1 << 60)
    with pytest.raises(RestoreError) as error:
        store.place(SHA, tmp_path / "style.safetensors")
    assert code_of(error) == "restore-not-written"
    assert "No space left" in error.value.findings[0].message
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_who_wants_a_content_waits_for_who_brings_it(store: ModelStore) -> None:
    order, other = list[str](), ModelStore(store.folder)

    def wait() -> None:
        with other.lock(SHA):
            order.append("second")

    with store.lock(SHA):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
