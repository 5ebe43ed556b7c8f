"""Regular expressions that cannot hold up the process.

Python's `re` cannot be interrupted, lets no other thread run meanwhile, and takes more than a
lifetime for some patterns of ten characters. So a match that may take long happens in a process of
its own, which is ended with the run, or after a minute. It is `re` all the same, in the same
Python, because no other implementation finds the same in every case.
"""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from . import matching
from .node_class import NodeError, Run

if TYPE_CHECKING:
    import subprocess

MOST_SECONDS = 60.0
_POLL_S = 0.05
_CHEAP_STEPS = 1_000_000  # some ten milliseconds; a process costs as much
# What makes a pattern cost more than a power of the text's length (a repeated group, a reference to
# a group), what may hide that (flags, comments), and what Python warns of.
_NOT_CHEAP = re.compile(r"\)[*+?{]|\\[1-9]|\(\?[^:=!<P]|\(\?P=|\[\[|--|&&|~~|\|\|")
_REPEATS = re.compile(r"[*+?{]")
_MOST_REPEATS = _MOST_BRANCHES = 8


class PatternError(NodeError):
    """It is no regular expression."""


@dataclass(frozen=True)
class Pattern:
    text: str
    ignore_case: bool
    multiline: bool
    dotall: bool

    @property
    def flags(self) -> int:
        return (
            re.IGNORECASE * self.ignore_case
            | re.MULTILINE * self.multiline
            | re.DOTALL * self.dotall
        )


def found(run: Run, pattern: Pattern, string: str) -> bool:
    """Whether the pattern is in the text. Raises PatternError, NodeError, RunStoppedError."""
    value: bool = _answer(run, "found", pattern, string)
    return value


def extracted(run: Run, pattern: Pattern, string: str, mode: str, group: int) -> str | None:
    """What is found, by RegexExtract's modes; raises what `found` does."""
    value: str | None = _answer(run, mode, pattern, string, group)
    return value


def replaced(run: Run, pattern: Pattern, string: str, replacement: str, count: int) -> str:
    """The text with up to `count` matches replaced, 0 being all; raises what `found` does."""
    value: str = _answer(run, "replaced", pattern, string, replacement, count)
    return value


def cheap(pattern: str, string: str, replacement: str = "") -> bool:
    """Whether matching is sure to be over soon, and to make no long text.

    Without a repeated group, a repeat is of a single character. Then each repeat tries at most
    all lengths, each branch doubles that, and the search begins at every character.
    """
    repeats, branches = len(_REPEATS.findall(pattern)), pattern.count("|")
    if repeats > _MOST_REPEATS or branches > _MOST_BRANCHES or _NOT_CHEAP.search(pattern):
        return False
    starts = len(string) + 1
    steps: int = starts ** (repeats + 1) * 2**branches * (len(pattern) + 1)
    return max(steps, starts**2 * len(replacement)) <= _CHEAP_STEPS


def _answer(run: Run, work: str, pattern: Pattern, string: str, *more: Any) -> Any:
    run.check()
    arguments = (pattern.text, pattern.flags, string, *more)
    if cheap(pattern.text, string, more[0] if work == "replaced" else ""):
        answer = matching.answer(work, arguments)
    else:
        answer = _answer_of_a_process(run, json.dumps([work, arguments]).encode())
    if "invalid" in answer:
        raise PatternError(f"the regular expression cannot be used: {answer['invalid']}")
    if "failed" in answer:
        raise NodeError(answer["failed"])
    return answer["value"]


def _answer_of_a_process(run: Run, question: bytes) -> dict[str, Any]:
    """Raises RunStoppedError when the run ends before, and NodeError after MOST_SECONDS."""
    from tempfile import TemporaryFile  # rarely needed, and milliseconds at every start

    # A file, because `communicate` forgets to go on writing to a pipe after a timeout.
    with TemporaryFile() as file, _started(file, question) as process:
        try:
            told = _output(run, process)
        finally:
            process.kill()
    try:
        answer: dict[str, Any] = json.loads(told)
    except ValueError:
        raise NodeError("matching the regular expression took too much memory") from None
    return answer


def _started(file: IO[bytes], question: bytes) -> subprocess.Popen[bytes]:
    import subprocess

    try:
        file.write(question)
        file.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", matching.__file__],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        reason = error.strerror or error
        raise NodeError(f"no process can be started for the match: {reason}") from error


def _output(run: Run, process: subprocess.Popen[bytes]) -> bytes:
    from subprocess import TimeoutExpired

    end = time.monotonic() + MOST_SECONDS
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[0]
        except TimeoutExpired:
            run.check()
        if time.monotonic() > end:
            raise NodeError(
                f"the regular expression took longer than {MOST_SECONDS:g} s",
                "repeat no group that itself holds a repeat or a choice",
            )
