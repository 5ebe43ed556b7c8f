"""Many questions at once; answers and findings come in the order of the questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ..findings import Finding
from .inquiry import Inquiry

AT_ONCE = 16  # questions; each waits for a host most of its time

T = TypeVar("T")
R = TypeVar("R")


def each(inquiry: Inquiry, ask: Callable[[Inquiry, T], R], items: Sequence[T]) -> list[R]:
    """`ask(inquiry, item)` for every item, a bounded number of them at the same time.

    Whichever answer is there first, the result and the reports are those of asking one by one.
    """
    reports: list[list[Finding]] = [[] for _ in items]

    def asked(number: int) -> R:
        return ask(replace(inquiry, report=reports[number].append), items[number])

    if len(items) < 2:
        answers = [asked(number) for number in range(len(items))]
    else:
        with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
            answers = list(pool.map(asked, range(len(items))))
    for report in reports:
        for finding in report:
            inquiry.report(finding)
    return answers
