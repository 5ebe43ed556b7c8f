"""Folders of ours, removed and renamed also where somebody has one of their files open."""

from __future__ import annotations

from pathlib import Path

import pytest

from runflow_build.sources import folders
from runflow_build.sources.folders import place_folder, remove_folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder that is whole, and not at its place."""
    folder = tmp_path / ".pack.partial"
    folder.mkdir()
    (folder / "a.py").write_text("1")
    return folder


def held(monkeypatch: pytest.MonkeyPatch, times: int) -> list[Path]:
    """Windows, where a scanner of viruses holds a folder for that many attempts to rename it."""
    monkeypatch.setattr(folders, "WINDOWS", True)
    monkeypatch.setattr(folders, "_PAUSES_S", (0.0,) * 5)
    attempts: list[Path] = []
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        attempts.append(self)
        if len(attempts) <= times:
            raise PermissionError(13, "Access is denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    return attempts


def test_a_folder_comes_to_its_place_over_an_empty_one(made: Path, tmp_path: Path) -> None:
    place = tmp_path / "pack"
    place.mkdir()
    place_folder(made, place)
    assert [one.name for one in tmp_path.iterdir()] == ["pack"]
    assert (place / "a.py").read_text() == "1"


def test_a_folder_with_something_in_it_stays(made: Path, tmp_path: Path) -> None:
    place = tmp_path / "pack"
    place.mkdir()
    (place / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        place_folder(made, place)
    assert (place / "mine.txt").read_text() == "mine"


def test_a_scanner_that_holds_a_new_file_on_windows_is_waited_for(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = held(monkeypatch, times=3)
    place_folder(made, tmp_path / "pack")
    assert len(attempts) == 4
    assert (tmp_path / "pack" / "a.py").is_file()


def test_it_is_waited_for_only_so_long(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, times=100)
    with pytest.raises(PermissionError):
        place_folder(made, tmp_path / "pack")
    assert (made / "a.py").is_file()


def test_read_only_files_go_with_their_folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "WINDOWS", True)
    (made / "a.py").chmod(0o400)
    remove_folder(made)
    assert not made.exists()
