"""Model files become hashes: declared ones, those locked before, and those of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ModelPin
from ..lock.needs import model_wishes
from ..sources.files import Content, contents_of
from .inquiry import CAPTURE, Inquiry, Row


@dataclass(frozen=True)
class _Wanted:
    """All that is said of one model, by runflow.yaml and by workflows."""

    path: str
    url: str | None
    sha256: str | None
    size: int | None
    users: list[Row]
    also: list[str]  # other paths where ComfyUI would find it, for a name without a suffix


def model_pins(inquiry: Inquiry) -> dict[str, ModelPin]:
    """The pins of all models in use, and of those that runflow.yaml declares."""
    pins: dict[str, ModelPin] = {}
    open_: list[_Wanted] = []
    for wanted in _all_wanted(inquiry):
        former = _former(inquiry, wanted)
        if former:
            pins[wanted.path] = former
        else:
            open_.append(wanted)
    files = _files(inquiry, open_)
    contents = contents_of(files.values())
    for wanted in open_:
        file = files.get(wanted.path)
        pin = _pin(inquiry, wanted, contents[file] if file else None)
        if pin:
            pins[wanted.path] = pin
    return pins


def _all_wanted(inquiry: Inquiry) -> list[_Wanted]:
    """By path, with the nodes that load each."""
    users: dict[str, list[Row]] = {}
    also: dict[str, list[str]] = {}
    for slug, needs in sorted(inquiry.needs.items()):
        for reference in needs.models:
            users.setdefault(reference.path, []).append(inquiry.used_by(slug, reference))
            also.setdefault(reference.path, []).extend(reference.also)
    return [
        _Wanted(path, wish.url, wish.sha256, wish.size, users.get(path, []), also.get(path, []))
        for path, wish in sorted(model_wishes(inquiry.spec, inquiry.needs).items())
    ]


def _former(inquiry: Inquiry, wanted: _Wanted) -> ModelPin | None:
    """The pin of before, if it answers the same wish and need not be renewed."""
    former = inquiry.previous.models.get(wanted.path) if inquiry.previous else None
    if former is None or inquiry.renews(wanted.path):
        return None
    same_content = wanted.sha256 in (None, former.sha256)
    same_size = wanted.size is None or former.size in (None, wanted.size)
    if not (same_content and same_size):
        return None
    answered = former.wanted or former.url
    if answered is None and wanted.url:  # a source for what is known by its content already
        return former.model_copy(update={"url": wanted.url})
    same_url = answered == wanted.url or (wanted.url is None and former.wanted is None)
    return former if same_url else None


def _files(inquiry: Inquiry, wanted: list[_Wanted]) -> dict[str, Path]:
    """The files of the installation, by model."""
    install = inquiry.sources.install
    if install is None:
        return {}
    return {one.path: file for one in wanted if (file := install.model(one.path))}


def _pin(inquiry: Inquiry, wanted: _Wanted, found: Content | OSError | None) -> ModelPin | None:
    key = ("models", wanted.path)
    if isinstance(found, OSError):
        reason = found.strerror or "unreadable"
        inquiry.differs(
            key,
            f"{wanted.path} cannot be read in the installation: {reason}",
            "make the file readable",
        )
        found = None
    if found and wanted.sha256 and found.sha256 != wanted.sha256:
        inquiry.differs(
            key,
            f"{wanted.path} of the installation has sha256 {found.sha256[:12]}…, "
            f"declared is {wanted.sha256[:12]}…",
            f"put the declared file into the installation, or declare sha256: {found.sha256}",
        )
        found = None
    if found and wanted.size not in (None, found.size):
        inquiry.report(
            Finding(
                "content-differs",
                f"{wanted.path} has {found.size} bytes, declared are {wanted.size}",
                Where(SPEC_FILE, key=(*key, "size")),
                fix="correct the size, or leave it out",
            )
        )
    if found:
        return ModelPin(sha256=found.sha256, size=found.size, url=wanted.url)
    if wanted.sha256:
        return ModelPin(sha256=wanted.sha256, size=wanted.size, url=wanted.url)
    former = inquiry.previous.models.get(wanted.path) if inquiry.previous else None
    _report_lack(inquiry, wanted)
    # An upgrade that finds nothing must not lose what was known; another wish must.
    return former if former and inquiry.renews(wanted.path) else None


def _report_lack(inquiry: Inquiry, wanted: _Wanted) -> None:
    install = inquiry.sources.install
    found = [path for path in wanted.also if install and install.model(path)]
    others = ", ".join(dict.fromkeys(wanted.also))
    inquiry.unresolved(
        ("models", wanted.path),
        f"{wanted.path} has no known content",
        f"say that this file is meant: write  {found[0]}: {{}}  under models: in runflow.yaml"
        if found
        else f"write its sha256 under models: in runflow.yaml, or {CAPTURE}",
        tuple(dict.fromkeys(wanted.users)) + ((("or", others),) if others else ()),
    )
