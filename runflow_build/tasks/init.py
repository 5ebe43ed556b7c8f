"""`init` on a folder: read workflows, and write runflow.yaml and what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SaveError, SpecError, UsageError, WorkflowError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where, has_errors, render
from ..project.catalogue import commit_of, newest
from ..project.definitions import project_definitions
from ..project.documents import version_wished
from ..project.draft import EndpointDraft, draft_text, exposed_outputs, suggested_inputs
from ..project.files import LARGEST_WORKFLOW, read_file
from ..project.paths import ProjectPaths
from ..project.save import exclusive, save_files
from ..redact import shown
from ..spec.model import EndpointWish
from ..spec.read import read_spec
from ..spec.schema import SCHEMA_NAME, schema_text
from ..spec.slug import problem, slug_of
from ..workflow.contract import contract_of
from ..workflow.convert import guesses, prompt_of
from ..workflow.definitions import Definitions
from ..workflow.formats import read_workflow
from ..workflow.model import Workflow
from ..workflow.runflow_nodes import DEPLOY_CLASS

_IGNORED = (".runflow/", "runflow.local.yaml", "__pycache__/")  # the last: of a dodo.py
# Files that the lock holds by their bytes must not get other line ends on the way through git.
_ATTRIBUTES = (
    "runflow.lock text eol=lf",
    "runflow.definitions.json text eol=lf linguist-generated",
    "pylock.*.toml text eol=lf linguist-generated",
    "input/** -text",
)


@dataclass(frozen=True)
class Started:
    """What `init` found and wrote."""

    endpoints: tuple[EndpointDraft, ...]
    findings: tuple[Finding, ...]  # warnings about the workflows
    written: tuple[str, ...]  # relative to the folder, POSIX

    def summary(self) -> str:
        """What was found, for a person, and what to do next."""
        lines = [render(self.findings)] if self.findings else []
        lines.append(f"wrote {', '.join(self.written)}")
        for endpoint in self.endpoints:
            lines.append(f"  {endpoint.slug}  from {shown(endpoint.workflow)}")
            contract = endpoint.contract
            for name, one in contract.inputs.items():
                needed = "required" if one.required else "optional"
                lines.append(f"    input   {shown(name)}: {one.type}, {needed}")
            if not contract.inputs and endpoint.suggestions:
                count = len(endpoint.suggestions)
                lines.append(f"    input   none yet; {count} suggested in {SPEC_FILE}")
            for name, output in contract.outputs.items():
                lines.append(f"    output  {shown(name)}: {output.type}")
            for exposed in () if contract.outputs else endpoint.outputs:
                place = f"node {exposed.node} ({exposed.title})"
                lines.append(f"    output  {exposed.name}: the files of {shown(place)}")
        return "\n".join([*lines, f"next: look through {SPEC_FILE}, then `runflow lock`"])


def start(
    root: Path,
    workflows: Sequence[Path],
    *,
    project: str | None = None,
    comfyui: str | None = None,
    force: bool = False,
) -> Started:
    """Write runflow.yaml, its schema, and lines for git, in the project's folder `root`.

    `project` defaults to the folder's name, `comfyui` (a ref) to the newest release that ships with
    its node definitions. Only `force` replaces a runflow.yaml. Files for git keep all their lines.

    Raises SpecError (`spec-exists`), UsageError (`workflow-outside`, `workflow-name`),
    WorkflowError with the problems of all workflows, SaveError. Then nothing is written.
    """
    paths = ProjectPaths(root)
    if paths.spec.exists() and not force:
        fix = "add the endpoints to it by hand, or replace it with --force"
        message = f"there is a {SPEC_FILE} already"
        raise SpecError(Finding("spec-exists", message, Where(file=SPEC_FILE), fix=fix))
    release = None if comfyui else f"v{newest()}"
    ref = comfyui or commit_of(newest()) or f"v{newest()}"
    definitions = project_definitions(paths, version_wished(ref))
    names = list(dict.fromkeys(_relative(root, path) for path in workflows))
    endpoints, findings = _read_all(paths, names, definitions)
    text = draft_text(project or root.resolve().name, ref, release, endpoints)
    files = project_files(paths, text)
    with exclusive(paths):
        written = save_files(files)
    shown_paths = tuple(path.relative_to(root).as_posix() for path in written)
    return Started(tuple(endpoints), tuple(findings), shown_paths)


def project_files(paths: ProjectPaths, text: str) -> dict[Path, bytes]:
    """What a new project has besides its workflows: runflow.yaml, its schema, lines for git.

    Raises SpecError for a text that breaks a rule, SaveError for a file that cannot be read.
    """
    read_spec(text)  # a name may break a rule, such as a backslash in a path
    root = paths.root
    return {
        paths.state / SCHEMA_NAME: schema_text().encode(),
        root / ".gitattributes": _with_lines(root / ".gitattributes", _ATTRIBUTES),
        root / ".gitignore": _with_lines(root / ".gitignore", _IGNORED),
        paths.spec: text.encode(),
    }


def _relative(root: Path, workflow: Path) -> str:
    """The workflow's path below the folder. Raises UsageError for one that lies elsewhere."""
    try:
        path = workflow.absolute().resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageError(
            Finding(
                "workflow-outside",
                f"{workflow.name} lies outside the project's folder",
                fix="copy it into the folder, such as workflows/, and name the copy: the lock and "
                "code review need it there",
            )
        ) from None
    if "\\" in path or not path.isprintable():
        message = f"{shown(path)} has a name that not every system can have"
        raise UsageError(Finding("workflow-name", message, fix="rename the file"))
    return path


def _read_all(
    paths: ProjectPaths, names: Sequence[str], definitions: Definitions
) -> tuple[list[EndpointDraft], list[Finding]]:
    """A draft of each workflow, and what to know of it. Raises WorkflowError for all that is wrong.

    What a class without a definition leaves open is said, and no reason to write nothing: that is
    what the project is to be set up for.
    """
    drafts: dict[str, EndpointDraft] = {}
    findings: list[Finding] = []
    notes: list[Finding] = []
    for name in names:
        draft, problems, more = _read_or_say_why(paths, name, definitions)
        findings += problems
        notes += more
        if draft and draft.slug in drafts:
            findings.append(_same_slug(draft, drafts[draft.slug]))
        elif draft:
            drafts[draft.slug] = draft
    if has_errors(findings):
        raise WorkflowError(*findings, *notes)
    return list(drafts.values()), [*findings, *notes]


def _read_or_say_why(
    paths: ProjectPaths, path: str, definitions: Definitions
) -> tuple[EndpointDraft | None, list[Finding], list[Finding]]:
    try:
        return _read(paths, path, definitions)
    except WorkflowError as error:
        return None, list(error.findings), []


def _read(
    paths: ProjectPaths, path: str, definitions: Definitions
) -> tuple[EndpointDraft, list[Finding], list[Finding]]:
    data = read_file(paths.workflow(path), path, LARGEST_WORKFLOW, WorkflowError)
    workflow = read_workflow(data, path)
    draft, findings = draft_of(workflow, definitions, *_slug(workflow))
    return draft, findings, guesses(workflow, definitions)


def draft_of(
    workflow: Workflow, definitions: Definitions, slug: str, name: str | None
) -> tuple[EndpointDraft, list[Finding]]:
    """The draft of an endpoint, and what is wrong with its contract. Raises WorkflowError."""
    prompt = prompt_of(workflow, definitions)
    wish = EndpointWish(workflow=workflow.path)
    contract, findings = contract_of(prompt, wish, definitions, slug)
    outputs = () if contract.outputs else exposed_outputs(prompt, definitions)
    targets = [*(one.node for one in contract.outputs.values()), *(one.node for one in outputs)]
    suggestions = () if contract.inputs else suggested_inputs(prompt, definitions, targets)
    return EndpointDraft(slug, workflow.path, name, contract, outputs, suggestions), findings


def _slug(workflow: Workflow) -> tuple[str, str | None]:
    """(slug, name) from the Deploy node, or else from the file; the name only where it says more.

    Raises WorkflowError: `slug-invalid`.
    """
    stem = workflow.path.rpartition("/")[2].rpartition(".")[0]
    deploy = _deploy_name(workflow)
    for name in (deploy, stem):
        if name and not problem(slug := slug_of(name)):
            return slug, name if name.strip() != slug else None
    raise WorkflowError(
        Finding(
            "slug-invalid",
            f"`{shown(stem)}` gives no slug: {problem(slug_of(stem))}",
            Where(file=workflow.path),
            fix="rename the file to what the endpoint should be called",
        )
    )


def _deploy_name(workflow: Workflow) -> str | None:
    """`endpoint_name`, the first widget of the graph's RunflowDeploy node."""
    nodes = workflow.data["nodes"] if workflow.format == "graph" else []
    for node in nodes:
        if isinstance(node, dict) and node.get("type") == DEPLOY_CLASS:
            values = node.get("widgets_values")
            if isinstance(values, dict):
                values = [values.get("endpoint_name")]
            if isinstance(values, list) and values and isinstance(values[0], str):
                return values[0].strip() or None
    return None


def _same_slug(draft: EndpointDraft, other: EndpointDraft) -> Finding:
    return Finding(
        "slug-invalid",
        f"{other.workflow} gives the slug {draft.slug} already",
        Where(file=draft.workflow),
        fix="rename one of the two files (or the endpoint in its Runflow Deploy node)",
    )


def _with_lines(path: Path, lines: Sequence[str]) -> bytes:
    """The file's bytes with the lines that it lacks appended, in its own style of line ends.

    Raises SaveError for a file that cannot be read, rather than replace what it holds.
    """
    try:
        old = path.read_bytes()
    except FileNotFoundError:
        old = b""
    except OSError as error:
        raise SaveError(
            Finding(
                "file-unreadable",
                f"{path.name} cannot be read: {error.strerror}",
                Where(path.name),
                fix="make it a file that you can read, and run the command again",
            )
        ) from None
    there = {line.strip().strip(b"/") for line in old.splitlines()}
    missing = [line for line in lines if line.encode().strip(b"/") not in there]
    if not missing:
        return old
    end = b"\r\n" if b"\r\n" in old else b"\n"
    start = old if not old or old.endswith(b"\n") else old + end
    return start + b"".join(line.encode() + end for line in missing)
