"""Read the folder of a project: runflow.yaml, the workflows, the node definitions, the lock."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..errors import LockError, SpecError, WorkflowError
from ..file_names import LOCK_FILE, SPEC_FILE
from ..findings import Finding, Key, Where
from ..lock.model import ComfyUIPin, Lock
from ..lock.text import read_lock
from ..spec.model import Spec
from ..spec.read import SpecText, read_spec
from ..workflow.definitions import Definitions
from ..workflow.formats import read_workflow
from ..workflow.model import Workflow, Workflows
from ..yaml_text import LARGEST as LARGEST_YAML
from ..yaml_text import placed
from .catalogue import version_of
from .definitions import project_definitions
from .files import LARGEST_WORKFLOW, read_file, spec_bytes, text_of
from .paths import ProjectPaths

# A doit run loads the project once for each of its tasks. The two large files are parsed once for
# all of them, by their bytes: what is read is always what stands on the disk.
_PARSED_FILES = 16


@dataclass(frozen=True)
class Project:
    """A project's folder as values."""

    paths: ProjectPaths
    name: str  # who owns the published endpoints
    spec: Spec
    marks: Mapping[Key, tuple[int, int]]  # line and column of each key of runflow.yaml
    workflows: Workflows
    broken: Mapping[str, WorkflowError]  # workflows that cannot be read, by path
    definitions: Definitions
    lock: Lock | None  # None: there is none yet

    def locate(self, finding: Finding) -> Finding:
        """A finding about runflow.yaml gets its line and column; others stay as they are."""
        if finding.where.file == SPEC_FILE or (not finding.where.file and finding.where.key):
            return placed(finding, self.marks, SPEC_FILE)
        return finding


def load(root: Path, only: Collection[str] | None = None) -> Project:
    """Read the project in `root`; `only` names the endpoints whose workflows are read.

    A workflow that cannot be read lands in `broken`, since it is the failure of its own endpoints.
    Raises SpecError, LockError (for the lock and for runflow.definitions.json).
    """
    paths = ProjectPaths(root)
    text = load_spec(paths)
    spec, lock = text.spec, load_lock(paths)
    workflows: dict[str, Workflow] = {}
    broken: dict[str, WorkflowError] = {}
    for slug, endpoint in spec.endpoints.items():
        path = endpoint.workflow
        if (only is not None and slug not in only) or path in workflows or path in broken:
            continue
        try:
            workflows[path] = _workflow(paths, path)
        except WorkflowError as error:
            place = Where(file=SPEC_FILE, key=("endpoints", slug, "workflow"))
            broken[path] = _named_at(error, place, text)
    return Project(
        paths=paths,
        name=project_name(paths, spec),
        spec=spec,
        marks=text.marks,
        workflows=workflows,
        broken=broken,
        definitions=project_definitions(paths, comfyui_of(spec, lock.comfyui if lock else None)),
        lock=lock,
    )


def project_name(paths: ProjectPaths, spec: Spec) -> str:
    """Who owns the published endpoints: what runflow.yaml says, or else the folder's name."""
    return spec.project or paths.root.resolve().name


def load_spec(paths: ProjectPaths) -> SpecText:
    """Read runflow.yaml alone. Raises SpecError."""
    return _parsed_spec(spec_bytes(paths))


@lru_cache(_PARSED_FILES)
def _parsed_spec(data: bytes) -> SpecText:
    return read_spec(text_of(data, SPEC_FILE, SpecError))


def load_lock(paths: ProjectPaths) -> Lock | None:
    """Read runflow.lock alone; None: there is none. Raises LockError."""
    if not paths.lock.exists():
        return None
    return _parsed_lock(read_file(paths.lock, LOCK_FILE, LARGEST_YAML, LockError))


@lru_cache(_PARSED_FILES)
def _parsed_lock(data: bytes) -> Lock:
    return read_lock(text_of(data, LOCK_FILE, LockError))


def load_version(paths: ProjectPaths) -> str | None:
    """Which ComfyUI the project is for, as `comfyui_of` says. Raises SpecError, LockError."""
    lock = load_lock(paths)
    return comfyui_of(load_spec(paths).spec, lock.comfyui if lock else None)


def comfyui_of(spec: Spec, pin: ComfyUIPin | None) -> str | None:
    """Which ComfyUI the definitions have to be of: the pin's, else what the wish says by itself.

    A version ("0.8.0"), or the commit where that is of no known release; None: not known.
    """
    if pin:
        return pin.version or version_of(pin.commit) or pin.commit
    return version_wished(spec.comfyui.ref)


def version_wished(ref: str) -> str | None:
    """The ComfyUI version that a ref says by itself: that of a release's tag or commit."""
    return ref[1:] if re.fullmatch(r"v[0-9]+(\.[0-9]+)+", ref) else version_of(ref)


def _workflow(paths: ProjectPaths, path: str) -> Workflow:
    return read_workflow(
        read_file(paths.workflow(path), path, LARGEST_WORKFLOW, WorkflowError), path
    )


def _named_at(error: WorkflowError, place: Where, text: SpecText) -> WorkflowError:
    """The error with the place in runflow.yaml that names the workflow.

    A file that is not there is a mistake of that place; all else is one of the workflow itself.
    """
    findings = []
    for finding in error.findings:
        named = placed(replace(finding, where=place), text.marks, SPEC_FILE)
        if finding.code == "file-missing":
            findings.append(replace(named, fix="correct the path, or put the workflow there"))
        else:
            also = (*finding.also, ("named by", str(named.where)))
            findings.append(replace(finding, also=also))
    return WorkflowError(*findings)
