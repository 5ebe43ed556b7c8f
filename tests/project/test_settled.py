"""A lock that was found whole is not looked into again before one of its files changes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runflow_build.project.paths import ProjectPaths
from runflow_build.project.settled import is_settled, settle

READ, WRITTEN = ["runflow.yaml", "one.json"], ["runflow.lock", "runflow.definitions.json"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (*READ, "runflow.lock"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    settle(tmp_path, "", READ, WRITTEN, time.time_ns() + 1)
    return tmp_path


def test_nothing_changed(root: Path) -> None:
    assert is_settled(root, "")


@pytest.mark.parametrize("name", [*READ, "runflow.lock"])
def test_a_file_that_was_written_again_or_is_gone_is_a_change(root: Path, name: str) -> None:
    outside = (root / name).stat()
    (root / name).write_text("y", encoding="utf-8")
    os.utime(root / name, ns=(outside.st_atime_ns, outside.st_mtime_ns + 1))
    assert not is_settled(root, "")
    (root / name).unlink()
    assert not is_settled(root, "")


def test_a_file_that_was_not_there_is_a_change(root: Path) -> None:
    (root / "runflow.definitions.json").write_text("{}", encoding="utf-8")
    assert not is_settled(root, "")


def test_another_installation_to_capture_from_is_another_question(root: Path) -> None:
    assert not is_settled(root, "/opt/ComfyUI")


def test_a_file_that_changed_while_locking_settles_nothing(tmp_path: Path) -> None:
    (tmp_path / "runflow.yaml").write_text("x", encoding="utf-8")
    settle(tmp_path, "", ["runflow.yaml"], [], (tmp_path / "runflow.yaml").stat().st_mtime_ns)
    assert not is_settled(tmp_path, "")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"of": 1, "files": 2}', "[" * 100_000])
def test_a_damaged_memory_is_none(root: Path, text: str) -> None:
    ProjectPaths(root).settled.write_text(text, encoding="utf-8")
    assert not is_settled(root, "")
