"""Which commit a clone on this machine gives for a wish; shared by ComfyUI and the node packs."""

from __future__ import annotations

from dataclasses import dataclass

from ..findings import Key
from ..sources.git.working_tree import Repository
from .inquiry import Inquiry


@dataclass(frozen=True)
class Answer:
    """A commit, and the files of the clone that are not as that commit has them."""

    commit: str
    changes: list[str]


def answer_of(
    inquiry: Inquiry, key: Key, name: str, clone: Repository, ref: str | None
) -> Answer | None:
    """The commit that `clone` gives for `ref`, or for what is checked out where there is no wish.

    A tag means its commit. A branch means what is checked out, if that is on the branch of the
    remote. Where the clone cannot say, that is reported, and None.
    """
    head = clone.head()
    if head is None:
        inquiry.unresolved(key, f"the clone of {name} has no commit yet", "commit something there")
        return None
    tag = clone.commit_of(f"refs/tags/{ref}") if ref else None
    commit = tag or head
    if ref and not tag and not _on_branch(inquiry, key, name, clone, ref, head):
        return None
    if not clone.pushed(commit):
        inquiry.unresolved(
            key,
            f"{name} is at {commit[:12]}, which no branch of its remote has",
            "push the commit, or check out one that others can have",
        )
        return None
    if commit != head:
        inquiry.differs(
            key,
            f"{name} is at {head[:12]} in the installation, and {ref} is {commit[:12]}",
            f"check out {ref} there, or write `ref: {head}` in runflow.yaml",
        )
        return Answer(commit, [])
    return Answer(head, clone.changes())


def _on_branch(
    inquiry: Inquiry, key: Key, name: str, clone: Repository, ref: str, head: str
) -> bool:
    branch = f"refs/remotes/origin/{ref}"
    if clone.commit_of(branch) is None:
        inquiry.unresolved(
            key,
            f"the clone of {name} knows no tag or branch `{ref}`",
            f"run `git fetch --tags` there, or write the commit: `ref: {head}`",
        )
        return False
    if not clone.has(head, branch):
        inquiry.unresolved(
            key,
            f"{name} is at {head[:12]} in the installation, which is not on its branch `{ref}`",
            f"check out {ref} there, or write the commit: `ref: {head}`",
        )
        return False
    return True
