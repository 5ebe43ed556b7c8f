"""The wish for a ComfyUI becomes a commit."""

from __future__ import annotations

from ..file_names import SPEC_FILE
from ..findings import Finding, Where
from ..lock import repository
from ..lock.model import ComfyUIPin
from ..project.catalogue import commit_of, version_of
from ..sources.git.working_tree import Repository
from ..sources.world import Unanswered, World
from ..spec.model import UPSTREAM_COMFYUI
from .clone import Answer, answer_of
from .inquiry import CAPTURE, Inquiry, refuses_short_commit
from .packs.files import PROJECT_FILE, comfyui_version
from .remote import LATER, commit_of_ref, has_commit, text_at

NAME = "ComfyUI"
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
    try:
        answer = _answer(inquiry, url)
    except Unanswered as why:
        inquiry.unresolved(
            REF, f"ComfyUI's `{wish.ref}` could not be looked up: {why.reason}", why.fix or LATER
        )
        answer = None
    if answer is None:
        return former
    return ComfyUIPin(
        repository=url,
        ref=wish.ref,
        commit=answer.commit,
        version=_version(inquiry, url, answer.commit),
        dirty=bool(answer.changes),
    )


def _answer(inquiry: Inquiry, url: str) -> Answer | None:
    """The commit that the wish means: by itself, by the catalogue, the installation, the remote.

    Raises Unanswered.
    """
    ref, world = inquiry.spec.comfyui.ref, inquiry.sources.world
    clone = inquiry.sources.install.repository() if inquiry.sources.install else None
    is_upstream = repository.same(url, UPSTREAM_COMFYUI)
    if repository.is_full_commit(ref):
        commit = ref.lower()
        is_known = is_upstream and version_of(commit)
        if world and not is_known and not _has(inquiry, world, url, commit):
            return None
        return _full(inquiry, commit, clone)
    if refuses_short_commit(inquiry, REF, ref):
        return None
    if is_upstream and (released := commit_of(ref)):
        return _full(inquiry, released, clone)
    if clone is None and world:
        found = commit_of_ref(inquiry, world, REF, NAME, url, ref)
        return Answer(found, []) if found else None
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
    answer = answer_of(inquiry, REF, NAME, clone, ref)
    return answer and Answer(answer.commit, _code_only(answer.changes))


def _has(inquiry: Inquiry, world: World, url: str, commit: str) -> bool:
    """Whether the commit may be pinned: the remote has it, or cannot be asked, and that is said."""
    fix = "write a tag, a branch or a commit that it has"
    try:
        return has_commit(inquiry, world, REF, NAME, url, commit, fix)
    except Unanswered as why:
        inquiry.report(
            Finding(
                "commit-unchecked",
                f"whether {url} has the commit {commit[:12]} is not known: {why.reason}",
                Where(SPEC_FILE, key=REF),
                fix=why.fix or "run `runflow lock --upgrade comfyui` when it can be reached",
            )
        )
        return True


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


def _version(inquiry: Inquiry, url: str, commit: str) -> str | None:
    """The version of the commit; None where nothing at hand says it."""
    install, world = inquiry.sources.install, inquiry.sources.world
    clone = install.repository() if install else None
    if install and clone and clone.head() == commit:
        return install.version()
    known = version_of(commit)
    if known or world is None:
        return known
    try:
        code = text_at(world, url, commit, "comfyui_version.py")
        return comfyui_version(code, text_at(world, url, commit, PROJECT_FILE))
    except Unanswered:
        return None  # the commit holds without it
