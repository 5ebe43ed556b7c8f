"""`record` on a project's folder: take the definitions of the classes in use from a ComfyUI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import LockError, UsageError, WorkflowError
from ..file_names import DEFINITIONS_FILE
from ..findings import Finding, Where, render
from ..project.catalogue import shipped
from ..project.definitions import LARGEST_DEFINITIONS, load_definitions
from ..project.files import read_file, spec_bytes, text_of
from ..project.load import Project, load
from ..project.paths import ProjectPaths
from ..project.save import exclusive, save_files
from ..workflow import runflow_nodes
from ..workflow.classes import classes_in_use
from ..workflow.definitions import Definitions
from ..workflow.definitions_text import DefinitionsFile, definitions_text, read_definitions

URL_VARIABLE = "RUNFLOW_COMFYUI_URL"
DEFAULT_URL = "http://127.0.0.1:8188"  # where ComfyUI listens when it is not told otherwise


@dataclass(frozen=True)
class Recorded:
    """What recording did."""

    comfyui: str | None  # the version that was asked; None: it does not say
    classes: tuple[str, ...]  # in the file now, sorted
    findings: tuple[Finding, ...]  # warnings
    written: tuple[Path, ...]

    def summary(self) -> str:
        """What was recorded and what is worth knowing, for a person."""
        lines = [render(self.findings)] if self.findings else []
        count = f"{len(self.classes)} class{'' if len(self.classes) == 1 else 'es'}"
        of = f"ComfyUI {self.comfyui}" if self.comfyui else "a ComfyUI of unknown version"
        if not self.classes:
            lines.append("nothing to record: the workflows use no class that it defines")
        elif self.written:
            lines.append(f"{DEFINITIONS_FILE} is written: {count}, of {of}")
            lines.append("next: `runflow lock`")
        else:
            lines.append(f"{DEFINITIONS_FILE} is up to date: {count}, of {of}")
        return "\n".join(lines)


def record(root: Path, source: str | None = None) -> Recorded:
    """Write runflow.definitions.json for the classes that the project's workflows use.

    `source` is a ComfyUI's URL, the folder of an installation, which is started for it, or a file
    with an answer of /object_info; by default what RUNFLOW_COMFYUI_URL says, else ComfyUI's usual
    address on this machine. Of a class that the ComfyUI does not know, the definition stays that
    the file had; classes that are no longer in use leave it.

    Raises SpecError, WorkflowError, LockError, ResolveError, UsageError, SaveError.
    """
    paths = ProjectPaths(root)
    spec_bytes(paths)  # no folder of ours where there is no project
    with exclusive(paths):
        project = load(root)
        if project.broken:
            raise WorkflowError(
                *(one for error in project.broken.values() for one in error.findings)
            )
        used = _used(project)
        before = load_definitions(paths)
        answer = answer_of(source)
        old = before.nodes if before else {}
        nodes = {name: answer.nodes.get(name, old.get(name)) for name in used}
        classes = sorted(name for name, node in nodes.items() if node is not None)
        known = Definitions(nodes, shipped(answer.comfyui), answer.comfyui)
        text = definitions_text(known, classes)
        written = save_files({paths.definitions: text}) if classes else []
    findings = [
        *version_findings(answer, project.definitions.comfyui),
        *(_unknown(where, name in old) for name, where in used.items() if name not in answer.nodes),
    ]
    return Recorded(answer.comfyui, tuple(classes), tuple(findings), tuple(written))


def answer_of(source: str | None) -> DefinitionsFile:
    """What a ComfyUI says of its classes, or said. Raises ResolveError, UsageError, LockError."""
    source = source or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    if "://" in source:
        from ..sources.comfyui import Comfy

        return Comfy(source).definitions()
    path = Path(source).expanduser()
    if path.is_dir():
        from ..sources.comfyui_process import started
        from ..sources.install import find_install

        with started(find_install(path)) as comfy:
            return comfy.definitions()
    name = path.as_posix()
    data = read_file(path, name, LARGEST_DEFINITIONS, UsageError)
    try:
        return read_definitions(text_of(data, name, UsageError))
    except WorkflowError as error:
        raise LockError(*(one.in_file(name) for one in error.findings)) from None


def version_findings(answer: DefinitionsFile, wanted: str | None) -> list[Finding]:
    """What to know when the ComfyUI that was asked is not the `wanted` one."""
    if not answer.comfyui or "." not in (wanted or "") or answer.comfyui == wanted:
        return []  # a commit cannot be compared with a version
    return [
        Finding(
            "definitions-version",
            f"the definitions are those of ComfyUI {answer.comfyui}, and the project is for "
            f"{wanted}: those of ComfyUI's own classes count only where none that ship are nearer",
            Where(file=DEFINITIONS_FILE),
            fix=f"ask a ComfyUI {wanted}, or change comfyui.ref in runflow.yaml",
        )
    ]


def _used(project: Project) -> Mapping[str, Where]:
    """The classes of all workflows, sorted, each with its first node; without Runflow's own."""
    own = runflow_nodes.definitions()
    found: dict[str, Where] = {}
    for workflow in project.workflows.values():
        for name, where in classes_in_use(workflow).items():
            if name not in own:
                found.setdefault(name, where)
    return dict(sorted(found.items()))


def _unknown(where: Where, is_kept: bool) -> Finding:
    kept = "; its definition in the file stays" if is_kept else ""
    return Finding(
        "class-not-recorded",
        f"the ComfyUI that was asked does not know the class {where.class_type}{kept}",
        where,
        fix="ask a ComfyUI that has its node pack, or install that there and start it anew",
    )
