"""Files by content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from runflow_build.sources.files import CHUNK, Content, below, content_of, contents_of


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_the_hash_is_that_of_the_whole_file(size: int, tmp_path: Path) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "f").write_bytes(data)
    assert content_of(tmp_path / "f") == Content(hashlib.sha256(data).hexdigest(), size)


def test_many_files_are_read_at_once_each_under_its_own_path(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(40)]
    for path in paths:
        path.write_text(path.name)
    found = contents_of([*paths, *paths])
    assert found == {path: content_of(path) for path in paths}


def test_a_file_that_cannot_be_read_does_not_spoil_the_others(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("x")
    found = contents_of([tmp_path / "good", tmp_path / "missing", tmp_path])
    assert isinstance(found[tmp_path / "good"], Content)
    assert isinstance(found[tmp_path / "missing"], FileNotFoundError)
    assert isinstance(found[tmp_path], OSError)


def test_no_files_need_no_threads() -> None:
    assert contents_of([]) == {}


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "a\\..\\..\\x", "a\0b"]
)
def test_a_name_that_leads_out_of_the_folder_is_no_file_of_it(name: str, tmp_path: Path) -> None:
    assert below(tmp_path, name) is None


def test_a_name_below_the_folder_is_a_file_of_it(tmp_path: Path) -> None:
    assert below(tmp_path, "sub\\a b.png") == tmp_path / "sub" / "a b.png"
