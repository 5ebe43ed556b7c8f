"""Model files become hashes: declared ones, those locked before, and those of an installation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ModelPin
from ..sources.files import Content, contents_of
from .inquiry import CAPTURE, Inquiry, Row

_SECRET = re.compile(r"token|secret|password|signature|sig|key|api_?key|auth|x-amz-.*", re.I)


@dataclass
class _Wanted:
    """All that is said of one model, by runflow.yaml and by workflows."""

    path: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None
    users: list[Row] = field(default_factory=list)


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
    """By path; what runflow.yaml says goes before what a workflow says."""
    all_: dict[str, _Wanted] = {}
    for path, wish in inquiry.spec.models.items():
        sha256 = wish.sha256.lower() if wish.sha256 else None
        all_[path] = _Wanted(path, wish.url, sha256, wish.size)
    for slug, needs in sorted(inquiry.needs.items()):
        for reference in needs.models:
            wanted = all_.setdefault(reference.path, _Wanted(reference.path))
            wanted.users.append(inquiry.used_by(slug, reference))
            if reference.url:
                wanted.url = wanted.url or public_url(reference.url)
            if reference.sha256:
                wanted.sha256 = wanted.sha256 or reference.sha256.lower()
    return [all_[path] for path in sorted(all_)]


def public_url(url: str) -> str:
    """The URL without user, password, and parameters that look like a key."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, value) for name, value in pairs if not _SECRET.fullmatch(name)]
    host = parts.netloc.rpartition("@")[2]
    shown = urlencode(query) if len(query) < len(pairs) else parts.query
    return parts._replace(netloc=host, query=shown, fragment="").geturl()


def _former(inquiry: Inquiry, wanted: _Wanted) -> ModelPin | None:
    """The pin of before, if it answers the same wish and need not be renewed."""
    former = inquiry.previous.models.get(wanted.path) if inquiry.previous else None
    if former is None or inquiry.renews(wanted.path):
        return None
    same_url = (former.wanted or former.url) == wanted.url or (
        wanted.url is None and former.wanted is None
    )
    same_content = wanted.sha256 in (None, former.sha256)
    same_size = wanted.size is None or former.size in (None, wanted.size)
    return former if same_url and same_content and same_size else None


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
        inquiry.differs(key, f"{wanted.path} cannot be read in the installation: {reason}",
                        "make the file readable")  # fmt: skip
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
    inquiry.unresolved(
        ("models", wanted.path),
        f"{wanted.path} has no known content",
        f"write its sha256 under models: in runflow.yaml, or {CAPTURE}",
        tuple(dict.fromkeys(wanted.users)),
    )
