"""Captures on the disk: kept, replaced, bounded; and the notes of their runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runflow_build.errors import SaveError
from runflow_build.playground import runs as runs_module
from runflow_build.playground.capture import Capture
from runflow_build.playground.captures import Captures
from runflow_build.playground.results import ResultFile
from runflow_build.playground.runs import RunNote, Runs


def named(capture: Capture, slug: str) -> Capture:
    return capture.model_copy(update={"slug": slug})


def used(captures: Captures, slug: str, at: int) -> None:
    os.utime(captures.folder / f"{slug}.json", (at, at))


def test_a_capture_is_there_for_whoever_opens_the_folder_next(
    capture: Capture, tmp_path: Path
) -> None:
    Captures(tmp_path / "captures").keep(capture)
    assert Captures(tmp_path / "captures").get("a-card") == capture
    assert Captures(tmp_path / "captures").slugs() == ["a-card"]
    assert Captures(tmp_path / "elsewhere").slugs() == []


def test_a_new_one_replaces_that_of_its_slug(capture: Capture, tmp_path: Path) -> None:
    captures = Captures(tmp_path)
    captures.keep(capture)
    captures.keep(capture.model_copy(update={"mark": "other"}))
    found = captures.get("a-card")
    assert found
    assert found.mark == "other"
    assert [one.name for one in tmp_path.iterdir()] == ["a-card.json"]


@pytest.mark.parametrize(
    "slug", ["../a-card", "a-card.runs", "A-Card", "workflows", "", "_x", "con"]
)
def test_only_slugs_are_looked_for(slug: str, capture: Capture, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Captures(tmp_path).keep(capture)
    assert Captures(tmp_path / "in").get(slug) is None
    assert Captures(tmp_path).get(slug) is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", "{", '{"version": 2}'])
def test_a_file_that_is_damaged_or_of_a_later_release_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "a-card.json").write_text(text)
    assert Captures(tmp_path).get("a-card") is None


def test_of_too_many_the_longest_unused_goes_with_its_runs(
    capture: Capture, tmp_path: Path
) -> None:
    captures = Captures(tmp_path, most=3)
    for number, slug in enumerate(("one", "two", "three")):
        captures.keep(named(capture, slug))
        used(captures, slug, 1000 + number)
    Runs(captures.runs_file("two")).add(note("a"))
    captures.get("one")  # in use again
    captures.keep(named(capture, "four"))
    assert captures.slugs() == ["four", "one", "three"]
    assert not captures.runs_file("two").exists()


def test_of_too_much_the_longest_unused_go(capture: Capture, tmp_path: Path) -> None:
    size = len(capture.model_dump_json(by_alias=True, indent=1))
    captures = Captures(tmp_path, most_bytes=int(2.5 * size))
    for number, slug in enumerate(("one", "two", "three")):
        captures.keep(named(capture, slug))
        used(captures, slug, 1000 + number)
    assert captures.slugs() == ["three", "two"]


def test_a_capture_that_is_too_large_is_refused(capture: Capture, tmp_path: Path) -> None:
    with pytest.raises(SaveError) as raised:
        Captures(tmp_path, largest=100).keep(capture)
    assert raised.value.findings[0].code == "file-too-large"
    assert list(tmp_path.iterdir()) == []


# ---- runs ----


def note(run_id: str, **more: object) -> RunNote:
    whole: dict[str, object] = {"process": "p", "started_at": "2026-01-01T00:00:00+00:00"}
    return RunNote.model_validate({"id": run_id, **whole, "values": {"seed": "1"}, **more})


def test_runs_are_noted_the_latest_first(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "a.runs.json")
    for run_id in "abc":
        runs.add(note(run_id))
    assert [one.id for one in Runs(tmp_path / "a.runs.json").all()] == ["c", "b", "a"]
    assert runs.get("b") == note("b")
    assert runs.get("z") is None


def test_what_has_ended_stays_as_it_is(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "a.runs.json")
    runs.add(note("a"))
    files = {"out": [ResultFile(filename="x.png", subfolder="", type="output")]}
    done = runs.change("a", lambda one: one.model_copy(update={"state": "done", "files": files}))
    assert done
    runs.change("a", lambda one: one.model_copy(update={"state": "cancelled"}))
    assert runs.get("a") == done
    assert runs.change("z", lambda one: one) is None


def test_there_is_an_end_to_the_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(tmp_path / "a.runs.json")
    monkeypatch.setattr(runs_module, "MOST", 3)
    for run_id in "abcde":
        runs.add(note(run_id))
    assert [one.id for one in runs.all()] == ["e", "d", "c"]
    monkeypatch.setattr(runs_module, "MOST_BYTES", 1000)
    runs.add(note("f", values={"text": "x" * 900}))
    assert [one.id for one in runs.all()] == ["f"]


def test_notes_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.runs.json"
    path.write_text("{")
    assert Runs(path).all() == []
    Runs(path).add(note("a"))
    assert [one.id for one in Runs(path).all()] == ["a"]
