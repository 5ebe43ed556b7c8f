"""The little of runflow.yaml that the task graph needs, without reading YAML when nothing changed.

Most calls of doit change nothing, and the YAML parser and the validation of the format cost more
than all that such a call does. So the outline is kept in .runflow/outline.json, under the digest of
runflow.yaml's bytes and the tool's version.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from .. import digest as digests
from ..errors import SaveError
from .files import spec_bytes
from .paths import ProjectPaths
from .save import save_files


@dataclass(frozen=True)
class Outline:
    """What tasks there are, and which files they meet."""

    endpoints: dict[str, str]  # slug -> path of the workflow, as runflow.yaml writes it
    organization: str | None  # whose key publishing needs; None: any


def outline(root: Path) -> Outline:
    """The outline of the project in `root`. Raises SpecError, like `load`."""
    paths = ProjectPaths(root)
    stamp = f"{digests.of_bytes(spec_bytes(paths))} {__version__}"
    if kept := _kept(paths.outline, stamp):
        return kept
    fresh = _from_spec(paths)
    shape = {"of": stamp, **asdict(fresh)}
    with suppress(SaveError):  # kept for speed only: a folder that cannot be written works too
        save_files({paths.outline: json.dumps(shape)})
    return fresh


def _kept(path: Path, stamp: str) -> Outline | None:
    """The outline on disk, if it is of this very file and tool."""
    try:
        shape: Any = json.loads(path.read_bytes())
        if shape["of"] == stamp:
            return Outline(dict(shape["endpoints"]), shape["organization"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _from_spec(paths: ProjectPaths) -> Outline:
    from .documents import load_spec

    spec = load_spec(paths).spec
    return Outline(
        {slug: endpoint.workflow for slug, endpoint in spec.endpoints.items()},
        spec.organization,
    )
