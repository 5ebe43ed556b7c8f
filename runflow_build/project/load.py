"""Read the folder of a project: runflow.yaml, the workflows, the node definitions, the lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import WorkflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Key, Where
from ..lock.model import Lock
from ..spec.model import Spec
from ..spec.read import SpecText
from ..workflow.definitions import Definitions
from ..workflow.formats import read_workflow
from ..workflow.model import Workflow, Workflows
from ..yaml_text import placed
from .definitions import project_definitions
from .documents import comfyui_of, load_lock, load_spec
from .files import LARGEST_WORKFLOW, read_file
from .paths import ProjectPaths


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
