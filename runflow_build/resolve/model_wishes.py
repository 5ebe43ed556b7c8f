"""What is said of each model before anybody is asked: wishes, claims of workflows, former pins."""

from __future__ import annotations

from dataclasses import dataclass

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock.model import ModelPin
from ..lock.needs import model_wishes
from ..workflow.model_files import ModelReference
from .inquiry import Inquiry, Row


@dataclass(frozen=True)
class Claim:
    """What one workflow says of a file."""

    url: str | None
    sha256: str | None
    row: Row  # the node that says it


@dataclass(frozen=True)
class WantedModel:
    """All that is said of one model, by runflow.yaml and by workflows."""

    path: str
    url: str | None
    sha256: str | None
    size: int | None
    is_own: bool  # the URL stands in runflow.yaml; else a workflow carries it
    claims: tuple[Claim, ...]  # of workflows
    also: tuple[str, ...]  # other paths where ComfyUI would find it, for a name without a suffix
    former: ModelPin | None  # the pin of before, if it answers the same wish
    is_settled: bool  # that pin needs no look-up

    @property
    def users(self) -> tuple[Row, ...]:
        return tuple(dict.fromkeys(claim.row for claim in self.claims))

    @property
    def key(self) -> tuple[str, str]:
        return "models", self.path


def wanted_models(inquiry: Inquiry) -> list[WantedModel]:
    """By path, with the nodes that load each."""
    used: dict[str, list[tuple[str, ModelReference]]] = {}
    for slug, needs in sorted(inquiry.needs.items()):
        for one in needs.models:
            used.setdefault(one.path, []).append((slug, one))
    found = []
    for path, wish in sorted(model_wishes(inquiry.spec, inquiry.needs).items()):
        users, own = used.get(path, []), inquiry.spec.models.get(path)
        sha256 = wish.sha256.lower() if wish.sha256 else None
        former = _former(inquiry, path, wish.url, sha256, wish.size)
        claims = (Claim(one.url, one.sha256, inquiry.used_by(slug, one)) for slug, one in users)
        found.append(
            WantedModel(
                path,
                wish.url,
                sha256,
                wish.size,
                bool(own and own.url),
                tuple(claims),
                tuple(other for _, one in users for other in one.also),
                former,
                former is not None and _is_settled(inquiry, path, former),
            )
        )
    return found


def _former(
    inquiry: Inquiry, path: str, url: str | None, sha256: str | None, size: int | None
) -> ModelPin | None:
    """The pin of before, if it answers the same wish and need not be renewed."""
    former = inquiry.previous.models.get(path) if inquiry.previous else None
    if former is None or inquiry.renews(path):
        return None
    if sha256 not in (None, former.sha256):
        return None
    if size is not None and former.size not in (None, size):
        return None
    answered = former.wanted or former.url
    if answered is None and url:  # a source for what is known by its content already
        return former.model_copy(update={"url": url})
    same_url = answered == url or (url is None and former.wanted is None)
    return former if same_url else None


def _is_settled(inquiry: Inquiry, path: str, former: ModelPin) -> bool:
    """Whether nobody need be asked about the pin: not one that nobody ever looked at."""
    if inquiry.sources.world is None or former.url is None:
        return True
    before = inquiry.previous.models[path] if inquiry.previous else former
    return former.size is not None and (before.wanted or before.url) is not None


def claims_differ(inquiry: Inquiry, wanted: WantedModel) -> bool:
    """Report workflows that give one path different hashes, where runflow.yaml does not decide."""
    own = inquiry.spec.models.get(wanted.path)
    if (own and own.sha256) or len({one.sha256 for one in wanted.claims if one.sha256}) < 2:
        return False
    rows = [(one.row, f"sha256 {one.sha256}") for one in wanted.claims if one.sha256]
    report_ambiguous(inquiry, wanted, rows)
    return True


def report_ambiguous(inquiry: Inquiry, wanted: WantedModel, rows: list[tuple[Row, str]]) -> None:
    """Two files by one path; `rows`: who means which."""
    inquiry.report(
        Finding(
            "model-ambiguous",
            f"workflows mean different files by {wanted.path}",
            Where(SPEC_FILE, key=wanted.key),
            tuple(dict.fromkeys((label, f"{text}: {means}") for (label, text), means in rows)),
            "rename one of the files, or write the url and sha256 of the one that is meant under "
            f"models: {wanted.path}:",
        )
    )
