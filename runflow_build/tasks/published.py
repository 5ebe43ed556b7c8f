"""Is an endpoint published as it was built? Most calls of doit ask this and nothing else.

Comparing needs the bundle and runflow.yaml as values, and to load those costs more than to ask the
API. So a comparison that found no difference is remembered in .runflow/published/<slug>, as a
digest of all that went in: bundle, runflow.yaml, the API's record, the tool's version.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .. import __version__, digest
from ..errors import RunflowError, SaveError
from ..project.paths import ProjectPaths
from ..project.save import save_files
from ..publish.record import Record, fingerprint
from ..publish.remote import Lookups
from .session import connect


def lookups(slugs: Sequence[str], organization: str | None = None) -> Lookups:
    """Look-ups of all endpoints, which start when the first result is asked for.

    `organization` is the one that runflow.yaml names.
    """
    return Lookups(connect, slugs, organization)


def is_published(root: Path, slug: str, remote: Lookups) -> bool:
    """Whether the API has exactly the bundle that was built.

    Never raises for what a user can mend: it counts as not published, and publishing tells why.
    """
    record = remote.get(slug)
    if record is None or isinstance(record, RunflowError):
        return False
    paths = ProjectPaths(root)
    memory = paths.state / "published" / slug
    try:
        stamp = _stamp(paths, slug, record)
        if memory.is_file() and memory.read_text(encoding="ascii") == stamp:
            return True
        same = _is_unchanged(root, slug, record)
    except (RunflowError, OSError, ValueError):
        return False
    if same:
        with suppress(SaveError):  # kept for speed only
            save_files({memory: stamp})
    return same


def _stamp(paths: ProjectPaths, slug: str, record: Record) -> str:
    files = [paths.spec.read_bytes(), paths.bundle(slug).read_bytes()]
    # Without `project:` in runflow.yaml, the folder's name is who publishes.
    folder = paths.root.resolve().name
    contents = [digest.of_bytes(data) for data in files]
    return digest.of([__version__, folder, *contents, fingerprint(record)])


def _is_unchanged(root: Path, slug: str, record: Record) -> bool:
    from ..publish.plan import plan
    from .publish import built_bundle, provenance

    step = plan(built_bundle(root, slug), provenance(root), record)
    return step.action == "unchanged"
