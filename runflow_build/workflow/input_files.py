"""The files below input/ that a prompt names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..errors import WorkflowError
from ..findings import Finding, Where
from .definitions import UPLOADS, Definitions
from .model import Prompt, where_in
from .paths import below, escape, escapes, posix, whole_folder

_FOLDER = "input"
_OF_RUNFLOW = (("RunflowInputFile", "file_name"), ("RunflowInputFile", "value"))


@dataclass(frozen=True)
class ResourceReference:
    """An input file that a node reads."""

    path: str  # POSIX: input/portraits/anna.png
    node: str
    title: str | None
    class_type: str
    field: str


def resource_references(
    prompt: Prompt, definitions: Definitions, declared: Collection[str] = ()
) -> tuple[list[ResourceReference], list[Finding]]:
    """The files below input/ that the prompt's nodes read, in node order; exact names only.

    An input names one when the catalogue knows so, or when its definition says that people upload
    files there. `declared` are the paths that runflow.yaml has: of a node that reads a whole
    folder, its files are those.

    Findings: `folder-unlocked`, a warning. Raises WorkflowError: `path-escapes`, and
    `resource-not-input` for a file that ComfyUI would read from its output or temp folder
    (`x.png [output]`).
    """
    references: list[ResourceReference] = []
    findings: list[Finding] = []
    for node, body in prompt.items():
        for field, value in body["inputs"].items():
            if not isinstance(value, str):
                continue
            folder = _folder(definitions, body["class_type"], field)
            if folder is None:
                continue
            where = where_in(prompt, node, field)
            found = _meant(value, folder, where, declared)
            if isinstance(found, Finding):
                findings.append(found)
            else:
                class_type = body["class_type"]
                references += (
                    ResourceReference(path, node, where.title, class_type, field) for path in found
                )
    broken = [finding for finding in findings if finding.severity == "error"]
    if broken:
        raise WorkflowError(*broken)
    return references, findings


def _folder(definitions: Definitions, class_type: str, field: str) -> str | None:
    """`input`, or `input/` where the input names a folder that lies there."""
    if (class_type, field) in _OF_RUNFLOW:
        return _FOLDER
    known = definitions.file_folder(class_type, field)
    if known:
        return known if known.rstrip("/") == _FOLDER else None
    definition = definitions.get(class_type)
    one = definition.input(field) if definition else None
    return _FOLDER if one and any(one.options.get(upload) for upload in UPLOADS) else None


def _meant(value: str, folder: str, where: Where, declared: Collection[str]) -> list[str] | Finding:
    """The paths that a value means, or what is wrong with it."""
    name, root = _annotated(posix(value))
    if not name:
        return []
    if root != _FOLDER:
        return _not_input(value, root, where)
    if escapes(name):
        return escape(value, where, _FOLDER)
    path = below(folder, name)
    if not folder.endswith("/"):
        return [path]
    files = [one for one in sorted(declared) if one.startswith(f"{path}/")]
    return files or whole_folder(name, path, where, "resources")


def _annotated(value: str) -> tuple[str, str]:
    """(path, folder) of `x.png [output]`; ComfyUI's folder_paths.annotated_filepath at 3cd7b32f."""
    for folder in ("output", "input", "temp"):
        if value.endswith(f"[{folder}]"):
            return value.removesuffix(f"[{folder}]").rstrip(), folder
    return value, _FOLDER


def _not_input(value: str, folder: str, where: Where) -> Finding:
    return Finding(
        "resource-not-input",
        f"{value!r} lies in ComfyUI's {folder} folder, which an endpoint does not have",
        where,
        fix="copy the file into ./input and choose it there",
    )
