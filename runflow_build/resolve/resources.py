"""Input files become hashes: those in the project's input folder, and declared ones."""

from __future__ import annotations

import os
from pathlib import Path

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ResourcePin
from ..redact import redacted
from ..sources.files import Content, below, contents_of
from ..sources.http.outage import Missing
from ..sources.world import RemoteFile
from ..spec.model import ResourceWish
from .at_once import each
from .inquiry import Inquiry, Row
from .remote_files import READ, ask, differs, host_of, other_url, unchecked


def resource_pins(inquiry: Inquiry) -> dict[str, ResourcePin]:
    """The pins of all input files that a served prompt names, and of the declared ones.

    A file in the input folder is always read again: the file is its own wish.
    """
    users: dict[str, list[Row]] = {path: [] for path in inquiry.spec.resources}
    for slug, needs in sorted(inquiry.needs.items()):
        for reference in needs.resources:
            users.setdefault(reference.path, []).append(inquiry.used_by(slug, reference))
    files = {path: file for path in users if (file := _file(inquiry.sources.inputs, path))}
    digests = inquiry.sources.digests
    contents = (digests.contents_of if digests else contents_of)(files.values())

    def answer(inquiry: Inquiry, path: str) -> ResourcePin | None:
        found = contents[files[path]] if path in files else None
        return _pin(inquiry, path, users[path], found)

    paths = sorted(users)
    pins = each(inquiry, answer, paths)
    return {path: pin for path, pin in zip(paths, pins, strict=True) if pin}


def _file(inputs: Path, path: str) -> Path | None:
    file = below(inputs, path.removeprefix("input/"))
    return file if file and os.path.isfile(file) else None


def _pin(
    inquiry: Inquiry,
    path: str,
    users: list[Row],
    found: Content | OSError | None,
) -> ResourcePin | None:
    wish = inquiry.spec.resources.get(path)
    key = ("resources", path)
    if isinstance(found, OSError):
        reason = found.strerror or "unreadable"
        inquiry.unresolved(key, f"{path} cannot be read: {reason}", "make the file readable")
        return None
    if wish is None:
        if found is None:
            _report_lack(inquiry, path, users)
            return None
        return ResourcePin(sha256=found.sha256, size=found.size)
    declared = wish.sha256.lower() if wish.sha256 else None
    if found and (declared not in (None, found.sha256) or wish.size not in (None, found.size)):
        inquiry.report(
            Finding(
                "content-differs",
                f"{path} in the project is not the file that runflow.yaml declares",
                Where(SPEC_FILE, key=key),
                also=(("is", f"sha256 {found.sha256}, {found.size} bytes"),),
                fix="delete the file, or correct sha256 and size",
            )
        )
        return None
    if inquiry.sources.world is not None:
        return _by_url(inquiry, path, wish, declared, found)
    if declared:
        size = found.size if found else wish.size
        return ResourcePin(sha256=declared, size=size, url=wish.url)
    if found:
        return ResourcePin(sha256=found.sha256, size=found.size, url=wish.url)
    former = _former(inquiry, path, wish)
    if former is None or inquiry.renews(path):
        inquiry.unresolved(
            key,
            f"{path} has no known content",
            f"write its sha256 under resources: in runflow.yaml, or put the file at {path}",
        )
    return former


def _by_url(
    inquiry: Inquiry, path: str, wish: ResourceWish, declared: str | None, found: Content | None
) -> ResourcePin | None:
    """The pin of a declared URL, as its host answers. `found`: the project's file, as declared."""
    key, former = ("resources", path), _former(inquiry, path, wish)
    sha256 = found.sha256 if found else declared
    size = found.size if found else wish.size
    stays = former is not None and former.size is not None and not inquiry.renews(path)
    if former and stays and sha256 in (None, former.sha256):
        return former
    answer = ask(inquiry, wish.url, inquiry.sources.read_files and declared is None)
    if isinstance(answer, RemoteFile):
        by = "the project" if found else "runflow.yaml"
        if differs(inquiry, key, (sha256, size), by, wish.url, answer):
            return None
        sha256, size = sha256 or answer.sha256, answer.size if size is None else size
        if sha256 is None:
            host = host_of(answer.url)
            message = f"{path} has no known content: {host} does not say its hash"
            inquiry.unresolved(key, message, READ, (("url", redacted(wish.url)),))
            return former
        wanted = other_url(wish.url, answer.url)
        return ResourcePin(sha256=sha256, size=size, url=answer.url, wanted=wanted)
    if sha256 is None or isinstance(answer, Missing):
        message = f"{path} could not be looked up: {answer.reason}"
        fix = answer.fix or "correct the URL, or write its sha256"
        inquiry.unresolved(key, message, fix, (("url", redacted(wish.url)),))
        return former
    what = f"whether {redacted(wish.url)} gives {path}"
    unchecked(inquiry, key, what, answer.reason, answer.fix)
    same = former if former and former.sha256 == sha256 else None
    return same or ResourcePin(sha256=sha256, size=size, url=wish.url)


def _former(inquiry: Inquiry, path: str, wish: ResourceWish) -> ResourcePin | None:
    """The pin of before, if it answers the same URL."""
    former = inquiry.previous.resources.get(path) if inquiry.previous else None
    if former is None or wish.url not in (former.url, former.wanted):
        return None
    return former if wish.size in (None, former.size) else None


def _report_lack(inquiry: Inquiry, path: str, users: list[Row]) -> None:
    inquiry.unresolved(
        ("resources", path),
        f"the input file {path} is missing",
        f"put the file at {path}, or give its URL and sha256 under resources: in runflow.yaml",
        tuple(dict.fromkeys(users)),
    )
