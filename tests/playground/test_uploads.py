"""Uploads are removed when nothing names them any more, and nothing else ever is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runflow_build.playground.capture import Capture
from runflow_build.playground.captures import Captures
from runflow_build.playground.runs import RunNote, Runs
from runflow_build.playground.uploads import FOLDER, NEW_S, Uploads

NOW = 2_000_000_000.0
OLD = NOW - NEW_S - 1


def lay(inputs: Path, name: str, *files: str, at: float = OLD) -> Path:
    """A folder below the uploads, with these files in it."""
    folder = inputs / FOLDER / name
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_bytes(b"x")
    for path in (*folder.iterdir(), folder):
        os.utime(path, (at, at))
    return folder


def names(inputs: Path) -> list[str]:
    return sorted(one.name for one in (inputs / FOLDER).iterdir())


def noted(captures: Captures, slug: str, run: str, file: str) -> None:
    shape = {"id": run, "process": "p", "started_at": "2026-01-01T00:00:00+00:00"}
    note = RunNote.model_validate({**shape, "values": {"photo": f'"{file}"'}})
    Runs(captures.runs_file(slug)).add(note)


def test_what_a_history_names_stays_and_the_rest_goes(tmp_path: Path, capture: Capture) -> None:
    captures = Captures(tmp_path / "captures")
    captures.keep(capture)
    noted(captures, "a-card", "one", f"{FOLDER}/0000000a/ü “photo”.png")
    for name in ("0000000a", "0000000b"):
        lay(tmp_path, name, "ü “photo”.png")
    Uploads(tmp_path).tidy(captures.texts(), NOW)
    assert names(tmp_path) == ["0000000a"]


def test_a_capture_that_goes_takes_its_files_along(tmp_path: Path, capture: Capture) -> None:
    captures = Captures(tmp_path / "captures", most=1)
    captures.keep(capture)
    noted(captures, "a-card", "one", f"{FOLDER}/0000000a/x.png")
    lay(tmp_path, "0000000a", "x.png")
    captures.keep(capture.model_copy(update={"slug": "other"}))
    Uploads(tmp_path).tidy(captures.texts(), NOW)
    assert names(tmp_path) == []


def test_a_run_that_has_left_the_history_takes_its_file_along(
    tmp_path: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runflow_build.playground.runs.MOST", 1)
    captures = Captures(tmp_path / "captures")
    captures.keep(capture)
    for name in ("0000000a", "0000000b"):
        lay(tmp_path, name, "x.png")
        noted(captures, "a-card", name, f"{FOLDER}/{name}/x.png")
    Uploads(tmp_path).tidy(captures.texts(), NOW)
    assert names(tmp_path) == ["0000000b"]


def test_a_name_is_found_however_it_is_written(tmp_path: Path) -> None:
    texts = [rb'{"image": "runflow-playground\\0000000a\\x.png"}', b"runflow-playground//0000000b"]
    for name in ("0000000a", "0000000b", "0000000c"):
        lay(tmp_path, name, "x.png")
    Uploads(tmp_path).tidy([*texts, b"runflow-playground/0000000cd"], NOW)
    assert names(tmp_path) == ["0000000a", "0000000b"]


def test_what_is_new_may_stand_in_a_form(tmp_path: Path) -> None:
    lay(tmp_path, "0000000a", "x.png", at=NOW - NEW_S + 1)
    lay(tmp_path, "0000000b", at=NOW)
    Uploads(tmp_path).tidy([], NOW)
    assert names(tmp_path) == ["0000000a", "0000000b"]


def test_what_never_arrived_goes(tmp_path: Path) -> None:
    lay(tmp_path, "0000000a", ".0123456789abcdef.upload")
    lay(tmp_path, "0000000b")
    Uploads(tmp_path).tidy([], NOW)
    assert names(tmp_path) == []


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    outside = tmp_path / "mine"
    outside.mkdir()
    (outside / "x.png").write_bytes(b"x")
    os.utime(outside, (OLD, OLD))
    lay(tmp_path, "0000000a", "one.png", "two.png")
    lay(tmp_path, "holiday", "x.png")
    lay(tmp_path, "0000000A", "x.png")
    lay(tmp_path, "0000000b0", "x.png")
    (lay(tmp_path, "0000000c") / "deeper").mkdir()
    os.utime(tmp_path / FOLDER / "0000000c", (OLD, OLD))
    (tmp_path / FOLDER / "0000000d").symlink_to(outside, target_is_directory=True)
    (lay(tmp_path, "0000000e") / "x.png").symlink_to(outside / "x.png")
    os.utime(tmp_path / FOLDER / "0000000e", (OLD, OLD))
    (tmp_path / FOLDER / "0000000f").write_bytes(b"a file")
    os.utime(tmp_path / FOLDER / "0000000f", (OLD, OLD))
    there = names(tmp_path)
    Uploads(tmp_path).tidy([], NOW)
    assert names(tmp_path) == there
    assert (outside / "x.png").exists()


def test_a_folder_of_uploads_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    lay(tmp_path / "elsewhere", "0000000a", "x.png")
    (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere" / FOLDER, target_is_directory=True)
    Uploads(tmp_path).tidy([], NOW)
    assert names(tmp_path) == ["0000000a"]


def test_where_a_history_cannot_be_read_all_stay(tmp_path: Path) -> None:
    def unreadable() -> Iterator[bytes]:
        yield b""
        raise PermissionError

    lay(tmp_path, "0000000a", "x.png")
    with pytest.raises(PermissionError):
        Uploads(tmp_path).tidy(unreadable(), NOW)
    assert names(tmp_path) == ["0000000a"]
