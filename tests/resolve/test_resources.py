"""Input files: those of the project, and those that a URL gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.lock.freshness import disagreements
from runflow_build.lock.model import ResourcePin
from runflow_build.project.catalogue import shipped
from runflow_build.resolve.resources import resource_pins

A, B = "a" * 64, "b" * 64
PATH = "input/long.mp4"
URL = "https://huggingface.co/datasets/acme/clips/resolve/main/long.mp4"
PINNED = URL.replace("/main/", f"/{'1' * 40}/")
DATA = b"frames"
SHA = hashlib.sha256(DATA).hexdigest()
HAVE = {"files": {URL: {"url": PINNED, "sha256": A, "size": 9}}}

Question = Callable[..., Any]


def spec(*facts: str) -> str:
    return f"resources:\n  {PATH}: {{{', '.join((f'url: {URL}', *facts))}}}\n"


def pin(asked: Any) -> ResourcePin | None:
    return resource_pins(asked.inquiry).get(PATH)


@pytest.fixture
def local_file(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "long.mp4").write_bytes(DATA)


def test_a_url_is_pinned_to_its_immutable_form_and_stays_fresh(question: Question) -> None:
    asked = question(spec(), outside=HAVE)
    found = pin(asked)
    assert found == ResourcePin(sha256=A, size=9, url=PINNED, wanted=URL)
    lock = asked.inquiry.previous.model_copy(update={"resources": {PATH: found}})

    def stale(wish: str) -> list[str]:
        now = question(wish).inquiry.spec
        told = disagreements(now, {}, shipped("0.8.0"), lock)
        return [one.message for one in told if "resources" in one.message]

    assert stale(spec()) == []
    assert len(stale(spec().replace("main", "v2"))) == 1
    assert len(stale("")) == 1


def test_a_pin_stays_and_nobody_is_asked(question: Question) -> None:
    before = ResourcePin(sha256=B, size=9, url=PINNED, wanted=URL)
    asked = question(spec(), outside=HAVE, previous={PATH: before})
    assert pin(asked) == before
    assert asked.files_asked == []
    asked = question(spec(), outside=HAVE, previous={PATH: before}, upgrade=[PATH])
    assert pin(asked) == ResourcePin(sha256=A, size=9, url=PINNED, wanted=URL)


@pytest.mark.parametrize("fact", [f"sha256: {B}", "size: 8"])
def test_what_is_declared_and_what_the_host_has_must_be_the_same(
    fact: str, question: Question
) -> None:
    asked = question(spec(fact), outside=HAVE)
    assert pin(asked) is None
    assert [one.code for one in asked.findings] == ["content-differs"]


def test_a_file_of_the_project_must_be_what_its_url_gives(
    question: Question, local_file: None
) -> None:
    asked = question(spec(), outside=HAVE)
    assert pin(asked) is None
    assert asked.findings[0].also[0] == ("the project", f"sha256 {SHA}, 6 bytes")
    same = {"files": {URL: {"url": PINNED, "sha256": SHA, "size": 6}}}
    asked = question(spec(), outside=same)
    assert pin(asked) == ResourcePin(sha256=SHA, size=6, url=PINNED, wanted=URL)


def test_a_file_of_the_project_without_wish_asks_nobody(
    question: Question, local_file: None
) -> None:
    asked = question(resources={"one": [PATH]}, outside=HAVE)
    assert pin(asked) == ResourcePin(sha256=SHA, size=6)
    assert asked.files_asked == []


def test_a_host_that_says_no_hash_needs_a_reading(question: Question) -> None:
    outside = {"files": {URL: {"sha256": A, "size": 9, "says": False}}}
    asked = question(spec(), outside=outside)
    assert pin(asked) is None
    assert asked.told == [
        f"not-resolved: {PATH} has no known content: huggingface.co does not say its hash"
    ]
    assert pin(question(spec(), outside=outside, read=True)) == ResourcePin(
        sha256=A, size=9, url=URL
    )
    declared = question(spec(f"sha256: {B}"), outside=outside)
    assert pin(declared) == ResourcePin(sha256=B, size=9, url=URL)


def test_what_is_declared_is_kept_where_nobody_answers(question: Question) -> None:
    outside = {"unanswered": {"files": "huggingface.co fell silent"}}
    asked = question(spec(f"sha256: {A}"), outside=outside)
    assert pin(asked) == ResourcePin(sha256=A, url=URL)
    assert [one.code for one in asked.findings] == ["source-unchecked"]
    asked = question(spec(), outside=outside)
    assert pin(asked) is None
    assert [one.code for one in asked.findings] == ["not-resolved"]


def test_a_url_that_gives_nothing_is_said(question: Question) -> None:
    asked = question(spec(f"sha256: {A}"), outside={"files": {}})
    assert pin(asked) is None
    assert asked.told == [
        f"not-resolved: {PATH} could not be looked up: huggingface.co has no such file"
    ]
