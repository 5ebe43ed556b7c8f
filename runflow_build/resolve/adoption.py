"""Public sources of local model files, by their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..findings import Finding
from ..lock.needs import model_wishes
from ..redact import redacted
from ..sources.files import Content
from ..sources.world import RemoteFile, Unanswered
from ..spec.model import ModelWish
from .at_once import each
from .inquiry import Inquiry
from .remote_files import ask, gathered, source_of, unchecked

State = Literal["adopted", "sourced", "unknown", "differs"]


@dataclass(frozen=True)
class Found:
    """What is known of one local file."""

    path: str  # below models/
    content: Content
    state: State  # adopted: a source that nothing named before; differs: not the one declared
    url: str | None = None


def sources_of(inquiry: Inquiry, contents: Mapping[str, Content]) -> list[Found]:
    """A source for each file, by path; many at once.

    A URL that runflow.yaml or a workflow names already is enough where it gives the file. Reports
    `source-unchecked`, and `install-differs` for a file that is not what runflow.yaml declares.
    """
    wishes = model_wishes(inquiry.spec, inquiry.needs)

    def answer(inquiry: Inquiry, path: str) -> Found:
        return _found(inquiry, path, wishes.get(path, ModelWish()), contents[path])

    findings: list[Finding] = []
    found = each(replace(inquiry, report=findings.append), answer, sorted(contents))
    for finding in gathered(findings):
        inquiry.report(finding)
    return found


def _found(inquiry: Inquiry, path: str, wish: ModelWish, content: Content) -> Found:
    key, own = ("models", path), inquiry.spec.models.get(path)
    if own and own.sha256 and own.sha256.lower() != content.sha256:
        return _differs(inquiry, path, content, f"declared is sha256 {own.sha256[:12]}…")
    if own and own.size not in (None, content.size):
        return _differs(inquiry, path, content, f"declared are {own.size} bytes")
    if wish.url:
        answer = ask(inquiry, wish.url)
        if isinstance(answer, RemoteFile) and answer.sha256 == content.sha256:
            return Found(path, content, "sourced", answer.url)
        if own and own.url:
            if isinstance(answer, RemoteFile) and answer.sha256:
                there = f"{redacted(own.url)} gives sha256 {answer.sha256[:12]}…"
                return _differs(inquiry, path, content, there)
            why = answer.reason if isinstance(answer, Unanswered) else "its host says no hash"
            fix = answer.fix if isinstance(answer, Unanswered) else "see whether the file is meant"
            what = f"whether {redacted(own.url)} gives {path}"
            unchecked(inquiry, key, what, why, fix)
            return Found(path, content, "sourced", own.url)
    try:
        place = source_of(inquiry, path, content.sha256, content.size)
    except Unanswered as error:
        what = f"where {path} can be had"
        unchecked(inquiry, key, what, error.reason, error.fix)
        place = None
    return Found(path, content, "adopted" if place else "unknown", place.url if place else None)


def _differs(inquiry: Inquiry, path: str, content: Content, there: str) -> Found:
    inquiry.differs(
        ("models", path),
        f"{path} in the folder has sha256 {content.sha256[:12]}… and {content.size} bytes; {there}",
        f"put the declared file there, or take the facts of {path} out of runflow.yaml",
    )
    return Found(path, content, "differs")
