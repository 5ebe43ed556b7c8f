"""Where a publish comes from: the project that owns the endpoints, and the lock they answer."""

from __future__ import annotations

from dataclasses import dataclass

from .. import digest
from ..project.load import project_name
from ..project.paths import ProjectPaths
from ..spec.model import Spec


@dataclass(frozen=True)
class Provenance:
    """Travels with the record as `environment.runflow`."""

    project: str
    organization: str | None  # the one that runflow.yaml names
    lock: str  # sha256 of runflow.lock's bytes; empty: there is none


def provenance_of(paths: ProjectPaths, spec: Spec) -> Provenance:
    """The provenance of what is published from this folder."""
    try:
        lock = digest.of_bytes(paths.lock.read_bytes())
    except OSError:
        lock = ""
    return Provenance(project_name(paths, spec), spec.organization, lock)
