"""What restore remembers of a folder, and what it believes of the file when it reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.restore.state import FORMAT, Restored, read_state, state_file, write_state

STATE = Restored(
    target="linux-cpu",
    only=("a", "b"),
    files={"ComfyUI/input/a.png": ("1" * 64, "2" * 64)},
    scripts={"KJNodes": "c" * 40},
    trusted=("https://github.com/kijai/ComfyUI-KJNodes",),
)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    assert read_state(tmp_path) == STATE


def test_a_folder_without_it_was_never_restored(tmp_path: Path) -> None:
    assert read_state(tmp_path) == Restored()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_a_damaged_file_says_nothing(text: str, tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    state_file(tmp_path).write_text(text)
    assert read_state(tmp_path) == Restored()


@pytest.mark.parametrize("version", [FORMAT + 1, str(FORMAT), None])
def test_another_format_is_not_guessed_at(version: Any, tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    shape = json.loads(state_file(tmp_path).read_text())
    state_file(tmp_path).write_text(json.dumps({**shape, "version": version}))
    assert read_state(tmp_path) == Restored()


def test_a_value_of_another_kind_is_left_out(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    shape = {
        "version": FORMAT,
        "target": 5,
        "only": ["a", None],
        "files": {"a": ["1", 2], "b": "3"},
        "scripts": {"a": "c", "b": []},
        "trusted": "all",
    }
    state_file(tmp_path).write_text(json.dumps(shape))
    assert read_state(tmp_path) == Restored(
        only=("a",), files={"a": ("1",), "b": ()}, scripts={"a": "c"}
    )
