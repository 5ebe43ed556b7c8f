"""Input files become hashes: those in the project's input folder, and declared ones."""

from __future__ import annotations

from pathlib import Path

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ResourcePin
from ..sources.files import Content, below, contents_of
from .inquiry import Inquiry, Row


def resource_pins(inquiry: Inquiry) -> dict[str, ResourcePin]:
    """The pins of all input files that a served prompt names, and of the declared ones.

    A file in the input folder is always read again: the file is its own wish.
    """
    users: dict[str, list[Row]] = {path: [] for path in inquiry.spec.resources}
    for slug, needs in sorted(inquiry.needs.items()):
        for reference in needs.resources:
            users.setdefault(reference.path, []).append(inquiry.used_by(slug, reference))
    files = {path: file for path in users if (file := _file(inquiry.sources.inputs, path))}
    contents = contents_of(files.values())
    pins = {}
    for path in sorted(users):
        found = contents[files[path]] if path in files else None
        if pin := _pin(inquiry, path, users[path], found):
            pins[path] = pin
    return pins


def _file(inputs: Path, path: str) -> Path | None:
    file = below(inputs, path.removeprefix("input/"))
    return file if file and file.is_file() else None


def _pin(
    inquiry: Inquiry,
    path: str,
    users: list[Row],
    found: Content | OSError | None,
) -> ResourcePin | None:
    wish = inquiry.spec.resources.get(path)
    if isinstance(found, OSError):
        reason = found.strerror or "unreadable"
        inquiry.unresolved(
            ("resources", path), f"{path} cannot be read: {reason}", "make the file readable"
        )
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
                Where(SPEC_FILE, key=("resources", path)),
                also=(("is", f"sha256 {found.sha256}, {found.size} bytes"),),
                fix="delete the file, or correct sha256 and size",
            )
        )
    if declared:
        size = found.size if found else wish.size
        return ResourcePin(sha256=declared, size=size, url=wish.url)
    if found:
        return ResourcePin(sha256=found.sha256, size=found.size, url=wish.url)
    former = inquiry.previous.resources.get(path) if inquiry.previous else None
    same = former is not None and former.url == wish.url and wish.size in (None, former.size)
    if not same or inquiry.renews(path):
        inquiry.unresolved(
            ("resources", path),
            f"{path} has no known content",
            f"write its sha256 under resources: in runflow.yaml, or put the file at {path}",
        )
    return former if same else None


def _report_lack(inquiry: Inquiry, path: str, users: list[Row]) -> None:
    inquiry.unresolved(
        ("resources", path),
        f"the input file {path} is missing",
        f"put the file at {path}, or give its URL and sha256 under resources: in runflow.yaml",
        tuple(dict.fromkeys(users)),
    )
