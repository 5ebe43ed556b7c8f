"""The wish for a ComfyUI becomes a commit."""

from __future__ import annotations

from ..lock import repository
from ..lock.model import ComfyUIPin
from ..project.catalogue import commit_of, version_of
from ..sources.git import Repository
from ..spec.model import UPSTREAM_COMFYUI
from .clone import Answer, answer_of
from .inquiry import CAPTURE, Inquiry, refuses_short_commit

REF = ("comfyui", "ref")
# Folders of a checkout that hold the user's things, not ComfyUI's code.
_THEIRS = ("custom_nodes/", "models/", "input/", "output/", "user/", "temp/")


def comfyui_pin(inquiry: Inquiry) -> ComfyUIPin | None:
    """The pin that answers `comfyui:`; what stands in its way is reported."""
    wish = inquiry.spec.comfyui
    url = repository.canonical(wish.repository)
    if url is None:
        inquiry.unresolved(
            ("comfyui", "repository"),
            "comfyui.repository is not a URL that others can reach",
            "write it as https://host/owner/name",
        )
        return None
    former = inquiry.previous.comfyui if inquiry.previous else None
    if former and not (
        former.ref == wish.ref
        and repository.answers(former.commit, wish.ref)
        and repository.same(former.repository, url)
    ):
        former = None
    if former and not inquiry.renews("comfyui", former.dirty):
        return former
    answer = _answer(inquiry, url)
    if answer is None:
        return former
    return ComfyUIPin(
        repository=url,
        ref=wish.ref,
        commit=answer.commit,
        version=_version(inquiry, answer.commit),
        dirty=bool(answer.changes),
    )


def _answer(inquiry: Inquiry, url: str) -> Answer | None:
    ref = inquiry.spec.comfyui.ref
    clone = inquiry.sources.install.repository() if inquiry.sources.install else None
    if repository.is_full_commit(ref):
        return _full(inquiry, ref.lower(), clone)
    if refuses_short_commit(inquiry, REF, ref):
        return None
    if repository.same(url, UPSTREAM_COMFYUI) and (released := commit_of(ref)):
        return _full(inquiry, released, clone)
    if clone is None:
        what = " (the installation is no git clone)" if inquiry.sources.install else ""
        inquiry.unresolved(
            REF,
            f"ComfyUI's `{ref}` could not be turned into a commit{what}",
            f"write the full commit, or {CAPTURE}",
        )
        return None
    remote = clone.remote()
    if not repository.same(remote, url):
        seen = repository.canonical(remote) if remote else None
        inquiry.unresolved(
            ("comfyui", "repository"),
            f"the installation is a clone of {seen or 'no public repository'}, not of {url}",
            f"write `repository: {seen}` under comfyui:" if seen else "write the full commit",
        )
        return None
    answer = answer_of(inquiry, REF, "ComfyUI", clone, ref)
    return answer and Answer(answer.commit, _code_only(answer.changes))


def _full(inquiry: Inquiry, commit: str, clone: Repository | None) -> Answer:
    head = clone.head() if clone else None
    if clone is None or head is None:
        return Answer(commit, [])
    if head == commit:
        return Answer(commit, _code_only(clone.changes()))
    inquiry.differs(
        REF,
        f"the installation runs ComfyUI {head[:12]}, and runflow.yaml wants {commit[:12]}",
        f"check out {commit} there, or write `ref: {head}` in runflow.yaml",
    )
    return Answer(commit, [])


def _code_only(changes: list[str]) -> list[str]:
    return [path for path in changes if not path.startswith(_THEIRS)]


def _version(inquiry: Inquiry, commit: str) -> str | None:
    install = inquiry.sources.install
    clone = install.repository() if install else None
    if install and clone and clone.head() == commit:
        return install.version()
    return version_of(commit)
