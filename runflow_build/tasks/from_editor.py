"""What stands in ComfyUI's editor becomes a project's files: workflow, runflow.yaml, input files.

The graph is written as its author drew it, less what is nobody's business: the key and the address
in a Runflow Deploy node, and where on the canvas the author was looking. Of ComfyUI's input folder
go the files that the endpoint reads, by their exact names, and no other.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import digest
from ..errors import CheckError, SaveError, UsageError, WorkflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where, has_errors
from ..lock import repository
from ..lock.needs import Needs, needs_of
from ..project.catalogue import commit_of, newest, version_of
from ..project.definitions import answered, combined
from ..project.documents import load_spec
from ..project.draft import EndpointDraft, draft_text, endpoint_lines
from ..project.files import spec_bytes, text_of
from ..project.paths import ProjectPaths
from ..project.save import exclusive, save_files
from ..redact import shown
from ..sources.files import CHUNK, below
from ..sources.install import Install
from ..sources.stopping import Check
from ..spec.model import UPSTREAM_COMFYUI, Spec
from ..spec.read import read_spec
from ..spec.slug import problem, slug_of
from ..validate import secrets
from ..workflow.classes import classes_in_use
from ..workflow.definitions import Definitions
from ..workflow.definitions_text import DefinitionsFile
from ..workflow.formats import read_workflow
from ..workflow.input_files import ResourceReference
from ..workflow.model import Workflow
from ..workflow.runflow_nodes import DEPLOY_CLASS
from .init import draft_of, project_files

OWN_PYTHON = "3.12"  # what runflow.yaml means when it says nothing
_FIRST_WORKFLOW = "workflow.json"
_MARK = "drafted"  # below .runflow: the digest of a runflow.yaml that no person has touched
_UNKNOWN = ("node-class-unknown", "node-values-unnamed")  # what conversion says of such a node
_PRIVATE = ("api_key", "host")  # of a Deploy node's widgets, behind endpoint_name


@dataclass(frozen=True)
class Editor:
    """The ComfyUI whose editor shows the graph."""

    install: Install
    inputs: Path  # its input folder
    comfyui: str | None  # its version
    nodes: Callable[[Collection[str]], Mapping[str, Any]]  # of classes, as /object_info has them


@dataclass(frozen=True)
class Written:
    """What became of the graph."""

    slug: str
    definitions: DefinitionsFile  # of the classes in the graph, as the running ComfyUI has them
    files: tuple[str, ...]  # that changed, relative to the project, POSIX
    findings: tuple[Finding, ...]  # warnings


def slug_named(name: str) -> str:
    """The slug of the endpoint's name. Raises UsageError, `slug-invalid`."""
    slug = slug_of(name)
    why = problem(slug)
    if why is None:
        return slug
    what = f"`{shown(name)}` gives no slug: {why}" if name.strip() else "the endpoint has no name"
    where = Where(class_type=DEPLOY_CLASS, field="endpoint_name")
    fix = "type a name with letters or digits into endpoint_name, such as `Background Removal`"
    raise UsageError(Finding("slug-invalid", what, where, fix=fix))


def write_project(
    root: Path, graph: Mapping[str, Any], name: str, editor: Editor, check: Check, key: str = ""
) -> Written:
    """Write the graph into the project in `root`, as the endpoint `name`.

    A runflow.yaml is drafted where there is none, or none that a person has touched. One that is
    somebody's stays: the endpoint's entry as it is, or it is added. Nothing is written when
    something is wrong. `key` is the API key that is in use; it may stand nowhere in the graph.

    Raises UsageError, SpecError, WorkflowError, CheckError (a secret, an input file that is not
    there), SaveError, and what `check` raises.
    """
    paths, slug = ProjectPaths(root), slug_named(name)
    spec, text = _present(paths)
    is_draft = text is not None and _is_untouched(paths, text)
    path = _workflow_path(paths, spec, slug)
    data = graph_bytes(graph)
    workflow = read_workflow(data, path)
    if workflow.format != "graph":
        raise WorkflowError(_no_graph(path))
    answer = answered(editor.nodes(classes_in_use(workflow)), editor.comfyui)
    definitions = combined(answer, editor.comfyui)
    title = name.strip() if name.strip() != slug else None
    draft, findings = draft_of(workflow, definitions, slug, title)
    if spec and slug in spec.endpoints and not is_draft:
        findings = []  # what the author of the entry makes of it is told when it is locked
    elif has_errors(findings):
        raise WorkflowError(*map(_as_said_here, findings))
    files = _spec_files(paths, spec, text, draft, editor, is_draft)
    meant = read_spec(text_of(files[paths.spec], SPEC_FILE, WorkflowError)).spec
    _refuse_secrets(meant, workflow, data, key)
    needs = _needs(slug, meant, workflow, definitions)
    resources = _input_files(paths, meant, needs, workflow.path, editor)
    check()
    with exclusive(paths):
        changed = _copy_all(resources, check)
        files = {paths.workflow(path): data, **files}
        changed += save_files(files)
    names = tuple(one.relative_to(root).as_posix() for one in changed)
    return Written(slug, answer, names, tuple(findings))


# -- the graph


def graph_bytes(graph: Mapping[str, Any]) -> bytes:
    """The graph as its file: without the Deploy nodes' secrets and the author's place on it."""
    clean = copy.deepcopy(dict(graph))
    for node in _nodes(clean):
        if node.get("type") == DEPLOY_CLASS:
            node["widgets_values"] = _public(node.get("widgets_values"))
            if isinstance(properties := node.get("properties"), dict):
                node["properties"] = {
                    key: value for key, value in properties.items() if key.startswith("Node name")
                }
    if isinstance(extra := clean.get("extra"), dict):
        extra.pop("ds", None)
    try:
        text = json.dumps(clean, ensure_ascii=False, indent=2, allow_nan=False)
        return (text + "\n").encode("utf-8")
    except (ValueError, RecursionError):  # NaN, half a surrogate, a bottomless pit
        raise WorkflowError(_no_graph(_FIRST_WORKFLOW)) from None


def _public(values: Any) -> Any:
    if isinstance(values, dict):
        return {**values, **dict.fromkeys(_PRIVATE, "")}
    name = values[0] if isinstance(values, list) and values else ""
    return [name, "", ""]


def _nodes(graph: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node: of the graph, of its subgraphs at any depth, of its group nodes."""
    waiting: list[Any] = [graph]
    while waiting:
        holder = waiting.pop()
        if not isinstance(holder, dict):
            continue
        rows = holder.get("nodes")
        yield from (
            one for one in (rows if isinstance(rows, list) else ()) if isinstance(one, dict)
        )
        inner = holder.get("definitions")
        subgraphs = inner.get("subgraphs") if isinstance(inner, dict) else None
        waiting += subgraphs if isinstance(subgraphs, list) else []
        extra = holder.get("extra")
        groups = extra.get("groupNodes") if isinstance(extra, dict) else None
        waiting += groups.values() if isinstance(groups, dict) else []


def _refuse_secrets(spec: Spec, workflow: Workflow, data: bytes, key: str) -> None:
    found = [one for one in secrets.findings(spec, [workflow]) if one.severity == "error"]
    if not found and key and key.encode() in data:
        message = "the workflow's file holds the API key"
        fix = "look for it in notes and titles, remove it, and revoke the key"
        found = [Finding("secret-in-workflow", message, Where(workflow.path), fix=fix)]
    if found:
        raise CheckError(*found)


def _no_graph(path: str) -> Finding:
    return Finding(
        "workflow-unknown-format",
        "what was sent is not a graph as the editor saves it",
        Where(path),
        fix="open the workflow in the editor, and press the button again",
    )


# -- runflow.yaml


def _present(paths: ProjectPaths) -> tuple[Spec | None, str | None]:
    """The runflow.yaml that is there, as value and text. Raises SpecError."""
    if not paths.spec.exists():
        return None, None
    return load_spec(paths).spec, text_of(spec_bytes(paths), SPEC_FILE, WorkflowError)


def _is_untouched(paths: ProjectPaths, text: str) -> bool:
    """Whether it is the draft that we left there: then it may be drafted anew."""
    with suppress(OSError):
        return (paths.state / _MARK).read_text(encoding="ascii") == digest.of_bytes(text.encode())
    return False


def _workflow_path(paths: ProjectPaths, spec: Spec | None, slug: str) -> str:
    """Where the graph goes. Raises SaveError for a file there that is another's."""
    if spec and slug in spec.endpoints:
        return spec.endpoints[slug].workflow
    path = f"workflows/{slug}.json" if spec else _FIRST_WORKFLOW
    if paths.workflow(path).exists():
        raise SaveError(
            Finding(
                "file-exists",
                f"{path} is there already, and runflow.yaml does not name it for {slug}",
                Where(path),
                fix="choose another folder, or move that file away",
            )
        )
    return path


def _spec_files(
    paths: ProjectPaths,
    spec: Spec | None,
    text: str | None,
    draft: EndpointDraft,
    editor: Editor,
    is_draft: bool,
) -> dict[Path, bytes]:
    """runflow.yaml with the endpoint in it, and what goes with a new one."""
    if spec and text is not None and not (is_draft and list(spec.endpoints) == [draft.slug]):
        if draft.slug not in spec.endpoints:
            from ..project.spec_edit import with_endpoint

            text = with_endpoint(text, draft.slug, list(endpoint_lines(draft)))
        return {paths.spec: text.encode()}
    ref, release, home = _comfyui(editor.install)
    python = _python(editor.install)
    name = spec.project if spec and spec.project else draft.slug
    text = draft_text(name, ref, release, [draft], repository=home, python=python)
    mark = digest.of_bytes(text.encode()).encode()
    return {**project_files(paths, text), paths.state / _MARK: mark}


def _comfyui(install: Install) -> tuple[str, str | None, str | None]:
    """(ref, what people call it, repository where it is not upstream's) of what is installed.

    The code's own folder says it, wherever the user keeps models and nodes.
    """
    clone, version = install.repository(), install.version()
    if clone and (head := clone.head()):
        remote = clone.remote()
        url = repository.canonical(remote) if remote else None
        is_upstream = url is None or repository.same(url, UPSTREAM_COMFYUI)
        known = version_of(head)
        return head, f"v{known}" if known else None, None if is_upstream else url
    version = version or newest()
    commit = commit_of(f"v{version}") or commit_of(version)
    return commit or f"v{version}", f"v{version}" if commit else None, None


def _python(install: Install) -> str | None:
    """The version of the installation's Python where it is not the default: `3.11`."""
    packages = install.packages()
    version = ".".join(packages.python.split(".")[:2]) if packages and packages.python else None
    return None if version == OWN_PYTHON else version


# -- what the endpoint needs


def _needs(slug: str, spec: Spec, workflow: Workflow, definitions: Definitions) -> Needs:
    """Raises WorkflowError, also for a node that this ComfyUI does not know: it never ran here."""
    try:
        needs = needs_of(slug, spec, workflow, definitions)
    except WorkflowError as error:
        raise WorkflowError(*map(_as_said_here, error.findings)) from None
    found = [one for one in needs.notes if one.code in _UNKNOWN and one.where.node in needs.served]
    if found:
        raise WorkflowError(*map(_as_said_here, found))
    return needs


def _as_said_here(finding: Finding) -> Finding:
    """The finding in words for somebody who sits before the editor."""
    if finding.code not in _UNKNOWN:
        return finding
    message = f"this ComfyUI has no node class {finding.where.class_type}"
    fix = "install its node pack, which Runflow → Auto setup looks for, or take the node out"
    return replace(finding, message=message, also=(), fix=fix, level="error")


def _input_files(
    paths: ProjectPaths, spec: Spec, needs: Needs, file: str, editor: Editor
) -> dict[Path, Path]:
    """Target -> source of the files that the endpoint reads; those that have a URL stay away.

    Raises CheckError with all that are not there.
    """
    found: dict[Path, Path] = {}
    missing: dict[str, Finding] = {}
    for one in needs.resources:
        wish = spec.resources.get(one.path)
        if wish is not None and wish.url:
            continue
        source = below(editor.inputs, one.path.removeprefix("input/"))
        target = paths.root / one.path
        # os.path, because a name that is too long for a file is no file, and no error.
        if source and os.path.isfile(source):
            found[target] = source
        elif not os.path.isfile(target):
            missing.setdefault(one.path, _missing(one, file))
    if missing:
        raise CheckError(*missing.values())
    return found


def _missing(one: ResourceReference, file: str) -> Finding:
    where = Where(file, node=one.node, title=one.title, class_type=one.class_type, field=one.field)
    name = one.path.removeprefix("input/")
    return Finding(
        "resource-missing",
        f"{shown(name)} is not in ComfyUI's input folder",
        where,
        fix="choose the file in that node again, so that it is uploaded",
    )


def _copy_all(files: Mapping[Path, Path], check: Check) -> list[Path]:
    changed = []
    for target, source in files.items():
        check()
        try:
            if _copy(source, target, check):
                changed.append(target)
        except OSError as error:
            message = f"{target.name} cannot be copied into the project: {error.strerror}"
            fix = "make room and the folder writable, and try again"
            raise SaveError(Finding("file-not-written", message, fix=fix)) from None
    return changed


def _copy(source: Path, target: Path, check: Check) -> bool:
    """Copy the file, unless the very same seems to be there; by one rename."""
    stat = source.stat()
    with suppress(OSError):
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name[:100]}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        with source.open("rb") as reading, beside.open("xb") as writing:
            while chunk := reading.read(CHUNK):
                writing.write(chunk)
                check()
        # The times alone, by which it is known again: a copy that nobody may write cannot be
        # replaced on Windows.
        os.utime(beside, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        os.replace(beside, target)
    finally:
        with suppress(OSError):
            beside.unlink()
    return True
