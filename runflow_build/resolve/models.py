"""Model files become hashes and immutable addresses, without a download.

The order of evidence: what runflow.yaml says, the rows of workflows, the pin of before, a file of
an installation, ComfyUI-Manager's list. A name alone is never trusted: what it leads to is pinned
by the content that its host says it has, and where two such contents answer one name, by neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ModelPin
from ..sources.files import Content, contents_of
from .at_once import each
from .inquiry import Inquiry
from .model_sources import pin_by_world, renewed, report_lack
from .model_wishes import WantedModel, claims_differ, wanted_models
from .remote_files import gathered


def model_pins(inquiry: Inquiry) -> dict[str, ModelPin]:
    """The pins of all models in use, and of those that runflow.yaml declares."""
    wanted = wanted_models(inquiry)
    files = _files(inquiry, [one for one in wanted if not one.is_settled])
    contents = _contents(inquiry, wanted, files)

    def answer(inquiry: Inquiry, one: WantedModel) -> ModelPin | None:
        return _pin(inquiry, one, contents.get(one.path))

    findings: list[Finding] = []
    pins = each(replace(inquiry, report=findings.append), answer, wanted)
    for finding in gathered(findings):
        inquiry.report(finding)
    return {one.path: pin for one, pin in zip(wanted, pins, strict=True) if pin}


def _files(inquiry: Inquiry, wanted: list[WantedModel]) -> dict[str, Path]:
    """The files of the installation, by model."""
    install = inquiry.sources.install
    if install is None:
        return {}
    return {one.path: file for one in wanted if (file := install.model(one.path))}


def _contents(
    inquiry: Inquiry, wanted: list[WantedModel], files: Mapping[str, Path]
) -> dict[str, Content | OSError]:
    """What those files hold, by model.

    The name of a file in a Hugging Face cache counts where somebody else declares the same; else it
    is read like any other.
    """
    digests = inquiry.sources.digests
    if digests is None:
        read = contents_of(files.values())
        return {path: read[file] for path, file in files.items()}
    told: dict[str, Content | OSError] = {}
    for one in wanted:
        known = digests.known(files[one.path]) if one.path in files and one.sha256 else None
        if known and known.sha256 == one.sha256:
            told[one.path] = known
    read = digests.contents_of(file for path, file in files.items() if path not in told)
    return {path: told[path] if path in told else read[file] for path, file in files.items()}


def _pin(inquiry: Inquiry, wanted: WantedModel, found: Content | OSError | None) -> ModelPin | None:
    if claims_differ(inquiry, wanted):
        return None
    if wanted.is_settled and inquiry.sources.world is None:
        return wanted.former
    content = _checked(inquiry, wanted, found)
    if inquiry.sources.world is not None:
        return pin_by_world(inquiry, wanted, content)
    if content:
        return ModelPin(sha256=content.sha256, size=content.size, url=wanted.url)
    if wanted.sha256:
        return ModelPin(sha256=wanted.sha256, size=wanted.size, url=wanted.url)
    report_lack(inquiry, wanted)
    return renewed(inquiry, wanted)


def _checked(
    inquiry: Inquiry, wanted: WantedModel, found: Content | OSError | None
) -> Content | None:
    """The installation's file, if it can be read and is the declared one."""
    if isinstance(found, OSError):
        reason = found.strerror or "unreadable"
        inquiry.differs(
            wanted.key,
            f"{wanted.path} cannot be read in the installation: {reason}",
            "make the file readable",
        )
        return None
    if found and wanted.sha256 and found.sha256 != wanted.sha256:
        inquiry.differs(
            wanted.key,
            f"{wanted.path} of the installation has sha256 {found.sha256[:12]}…, "
            f"declared is {wanted.sha256[:12]}…",
            f"put the declared file into the installation, or declare sha256: {found.sha256}",
        )
        return None
    if found and wanted.size not in (None, found.size):
        inquiry.report(
            Finding(
                "content-differs",
                f"{wanted.path} has {found.size} bytes, declared are {wanted.size}",
                Where(SPEC_FILE, key=(*wanted.key, "size")),
                fix="correct the size, or leave it out",
            )
        )
    return found
