"""Which commit released a version: by the names of tags, or by pyproject.toml's history."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import Any

from .bare import BareRepository

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "pyproject.toml"
_MOST_COMMITS = 2000  # that touch the file


def tags_of(tags: Collection[str], name: str, version: str) -> Iterator[str]:
    """The tags that may mean a version of the repository `name`, likeliest first."""
    plain = version.removeprefix("v")
    forms = [f"v{plain}", plain, f"V{plain}"]
    for prefix in dict.fromkeys((name, name.lower())):
        forms += [f"{prefix}-v{plain}", f"{prefix}-{plain}"]
    return (form for form in forms if form in tags)


def version_in(pyproject: bytes | None) -> str | None:
    """`[project] version` of a pyproject.toml; None: it says none."""
    try:
        shape: Any = tomllib.loads((pyproject or b"").decode("utf-8-sig"))
    except ValueError:
        return None
    project = shape.get("project")
    version = project.get("version") if isinstance(project, dict) else None
    return version if isinstance(version, str) else None


def same(one: str, other: str) -> bool:
    """Whether two spellings are one version: `v1.2` and `1.2`."""
    return one.removeprefix("v") == other.removeprefix("v")


def first_with(bare: BareRepository, head: str, version: str, network: bool) -> str | None:
    """The first commit on the line to `head` whose pyproject.toml says `version`; `bare` has its
    past. Raises Unanswered, Damaged."""
    history = list(_history(bare, head))
    if network:  # all at once, where one by one would take as many round trips
        bare.fetch_objects(list(dict.fromkeys(blob for _, blob in history)))
    for commit, blob in history:
        said = version_in(bare.blob(blob, network))
        if said is not None and same(said, version):
            return commit
    return None


def _history(bare: BareRepository, head: str) -> Iterator[tuple[str, str]]:
    """The commits that changed the file, oldest first, each with the blob that it then was."""
    words = ["log", "--first-parent", "-m", "--root", "--reverse", f"--max-count={_MOST_COMMITS}"]
    words += ["--raw", "--no-abbrev", "--no-renames", "--no-show-signature", "--format=%x00%H"]
    said = bare.ask(*words, head, "--", FILE).decode("utf-8", "surrogateescape")
    for entry in said.split("\0")[1:]:
        commit, _, rest = entry.partition("\n")
        for row in rest.splitlines():
            _, mode, _, blob, _ = row.split(maxsplit=4) if row.startswith(":") else [""] * 5
            if mode.startswith("100"):
                yield commit, blob
