"""Which commit a remote repository gives for a wish; shared by ComfyUI and the node packs."""

from __future__ import annotations

from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where, did_you_mean
from ..redact import shown
from ..sources.world import RemoteRefs, World
from .inquiry import CAPTURE, Inquiry, Row

LATER = "run `runflow lock` again when it can be reached"
_LARGEST_FILE = 1 << 20  # bytes; of a file that we read in a repository of strangers


def commit_of_ref(
    inquiry: Inquiry,
    world: World,
    key: Key,
    name: str,
    url: str,
    ref: str | None,
    users: tuple[Row, ...] = (),
) -> str | None:
    """The commit of a tag or else a branch; None as `ref`: of the default branch.

    What is not there is reported, and None. Raises Unanswered.
    """
    refs = world.git.refs(url)
    if refs is None:
        inquiry.unresolved(
            key,
            f"there is no repository {url} of {name}, or it is not public",
            f"write the repository that {name} has now, or {CAPTURE}",
            users,
        )
        return None
    commit = _commit(refs, ref)
    if commit is None and ref is None:
        fix = f"name another repository of {name}"
        inquiry.unresolved(key, f"{url} has no commit yet", fix, users)
    elif commit is None:
        near = did_you_mean(ref or "", [*refs.tags, *refs.branches])
        inquiry.unresolved(
            key,
            f"{url} has no tag or branch `{shown(ref)}`{near}",
            "write a tag, a branch or a full commit that it has",
            users,
        )
    return commit


def _commit(refs: RemoteRefs, ref: str | None) -> str | None:
    if ref in (None, "HEAD"):
        return refs.head
    return refs.tags.get(ref or "") or refs.branches.get(ref or "")


def has_commit(
    inquiry: Inquiry,
    world: World,
    key: Key,
    name: str,
    url: str,
    commit: str,
    fix: str,
    users: tuple[Row, ...] = (),
) -> bool:
    """Whether the remote gives the commit out; reports `commit-missing` where it does not.

    A commit that nobody can have is an error, whatever the policy says; nothing stands in for it.
    Raises Unanswered.
    """
    found = world.git.has(url, commit)
    if not found:
        inquiry.report(
            Finding(
                "commit-missing",
                f"{url} does not have the commit {commit[:12]} of {name}, or not any more",
                Where(SPEC_FILE, key=key),
                also=(("commit", commit), *users),
                fix=fix,
            )
        )
    return found


def text_at(world: World, url: str, commit: str, path: str) -> str | None:
    """A text file of a commit; None where it has none of sensible size. Raises Unanswered."""
    data = world.git.read(url, commit, path)
    if data is None or len(data) > _LARGEST_FILE:
        return None
    return data.decode("utf-8-sig", "replace")
