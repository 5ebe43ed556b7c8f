from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import matching, patterns
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS, Limits
from runflow_build.engines.embedded.node_class import NodeError, Run, RunStoppedError
from runflow_build.engines.embedded.patterns import Pattern, PatternError

ENDLESS = Pattern("(a+)+$", False, False, False)
TEXT = "a" * 60 + "b"


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Those that were started."""
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


def plain(text: str) -> Pattern:
    return Pattern(text, False, False, False)


def test_an_endless_match_ends_with_the_time_of_the_run(
    folders: RunFolders, processes: list[subprocess.Popen[bytes]]
) -> None:
    begun = time.monotonic()
    with pytest.raises(RunStoppedError, match=r"^the run took longer than 0\.4 s$"):
        patterns.found(Run(folders, Limits(seconds=0.4)), ENDLESS, TEXT)
    assert time.monotonic() - begun < 20
    assert [process.poll() is not None for process in processes] == [True]


def test_an_endless_match_ends_when_the_run_is_cancelled(folders: RunFolders) -> None:
    begun = time.monotonic()
    run = Run(folders, DEFAULT_LIMITS, cancelled=lambda: time.monotonic() > begun + 0.4)
    with pytest.raises(RunStoppedError, match=r"^the run was cancelled$"):
        patterns.replaced(run, ENDLESS, TEXT, "", 0)


def test_an_endless_match_ends_by_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MOST_SECONDS", 0.4)
    with pytest.raises(NodeError) as caught:
        patterns.extracted(run, ENDLESS, TEXT, "First Match", 0)
    assert str(caught.value) == "the regular expression took longer than 0.4 s"
    assert caught.value.fix == "repeat no group that itself holds a repeat or a choice"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in a process"])
def test_both_ways_answer_alike(
    elsewhere: bool,
    run: Run,
    processes: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patterns, "cheap", lambda *_: not elsewhere)
    assert patterns.found(run, Pattern("B.C", True, False, True), "ab\nc")
    assert not patterns.found(run, plain("B.C"), "ab\nc")
    assert patterns.extracted(run, Pattern("^.", False, True, False), "ä\nß", "All Matches", 0) == (
        "ä\nß"
    )
    assert patterns.extracted(run, plain("(a)|b"), "b", "First Group", 1) is None
    assert patterns.replaced(run, plain("(.)"), "\ud800👍", r"\1\1", 1) == "\ud800\ud800👍"
    with pytest.raises(PatternError, match=r"^the regular expression cannot be used: missing \)"):
        patterns.found(run, plain("("), "")
    with pytest.raises(NodeError, match=r"^the repetition number is too large$"):
        patterns.found(run, plain("a{99999999999999999999}"), "")
    assert len(processes) == 7 * elsewhere


def test_large_texts_go_to_the_process_and_come_back(run: Run) -> None:
    text = "ab" * 500_000
    assert patterns.replaced(run, plain("(?:b)+"), text, "c", 0) == "ac" * 500_000


def test_a_text_that_fills_the_memory_is_an_error(run: Run) -> None:
    with pytest.raises(NodeError) as caught:
        patterns.replaced(run, plain(""), "a" * 500_000, "x" * 10_000, 0)
    assert str(caught.value) in (
        "there is not enough memory for what the pattern finds",
        "matching the regular expression took too much memory",
        f"the text would be {500_001 * 10_000 + 500_000} characters long,"
        f" and {matching.LONGEST} are the limit",  # where memory cannot be limited
    )


def test_no_process_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns.sys, "executable", "/nowhere/python")
    with pytest.raises(NodeError) as caught:
        patterns.found(run, ENDLESS, "a")
    assert str(caught.value) == (
        "no process can be started for the match: No such file or directory"
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|a)*",
        "(a|b|ab){30}",
        "((a)?){9}",
        "(?x)(a+) +",
        "(a+)(?#c)+",
        r"(a*)\1\1\1",
        "(?P<x>a*)(?P=x)",
        "a?" * 9,
        "|" * 9,
        "a*a*a*a*",
        "[[a]",
    ],
)
def test_what_may_take_long_or_warns_is_not_cheap(pattern: str) -> None:
    assert not patterns.cheap(pattern, "a" * 100)


@pytest.mark.parametrize(
    "pattern", ["", "a", r"\d+", "^ab", "[a-z]+ (b|c)", r"(\w+)", "(?:a)(?=b)"]
)
def test_plain_patterns_are_cheap(pattern: str) -> None:
    assert patterns.cheap(pattern, "some words")


def test_long_texts_and_large_replacements_are_not_cheap() -> None:
    assert patterns.cheap("a", "a" * 1000)
    assert not patterns.cheap("a+b", "a" * 10_000)
    assert not patterns.cheap("a", "a" * 1000, "x" * 1000)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "b", ".", "*", "+", "?", "{2,9}", "|", "(", ")", "(?:", "[ab]", "$"]),
        max_size=12,
    ).map("".join),
    st.integers(0, 400),
)
def test_a_cheap_match_is_over_soon(pattern: str, length: int) -> None:
    text = "a" * length + "c"
    if patterns.cheap(pattern, text):
        begun = time.process_time()
        matching.answer("All Matches", [pattern, 0, text, 0])
        assert time.process_time() - begun < 1
