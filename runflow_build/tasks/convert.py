"""`convert` on files: workflows and pictures in, prompts out, each on its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import RunflowError, UsageError, WorkflowError
from ..findings import Finding, Where
from ..project.definitions import definitions_for
from ..project.files import LARGEST_WORKFLOW, read_file
from ..project.save import save_files
from ..workflow import convert as conversions
from ..workflow.compare import differences, explained
from ..workflow.definitions import Definitions
from ..workflow.formats import picture_kind, read_workflow
from ..workflow.model import Prompt, Workflow
from ..workflow.pictures import read_picture
from ..workflow.prompt_text import prompt_text

STDIN = "-"
LARGEST_PICTURE = 512 * 1024 * 1024  # bytes; what it carries is a small part of them


@dataclass(frozen=True)
class Converted:
    """What became of one workflow."""

    name: str  # as the user named it
    prompt: Prompt | None  # None: the findings say why not
    findings: tuple[Finding, ...]

    @property
    def shown(self) -> str:
        """The workflow as messages name it."""
        return _shown(self.name)


@dataclass(frozen=True)
class Checked:
    """How the prompt of a workflow compares with the one that is expected."""

    shown: str  # the workflow
    expected: Path
    findings: tuple[Finding, ...]  # none: they are the same


def convert(
    root: Path,
    names: Sequence[str],
    *,
    definitions: Path | None = None,
    comfyui: str | None = None,
    executed: bool | None = False,
) -> list[Converted]:
    """Convert each workflow: a graph, a prompt, a picture that carries one, or `-`.

    `root` is the project's folder. `definitions`, a file, and `comfyui`, a version, go before what
    the project says. `executed`: of a picture not the graph, but the prompt that was executed;
    None: that one if the picture has it.
    One that cannot be converted does not keep the others from it.
    """

    @cache
    def known(folder: Path) -> Definitions:
        return definitions_for(folder, root, definitions, comfyui)

    done = []
    for name in names:
        try:
            workflow, warnings = _read(name, executed)
            conversion = conversions.convert(workflow, known(_folder(name, root)))
        except RunflowError as error:
            done.append(Converted(name, None, error.findings))
            continue
        prompt = None if conversion.errors else conversion.prompt
        findings = (*conversion.errors, *warnings, *conversion.notes)
        done.append(Converted(name, prompt, findings))
    return done


def targets(names: Sequence[str], output: str) -> dict[str, Path]:
    """The file of each prompt, for what the user calls `-o`: name -> path.

    A folder takes `<stem>.json` of each. `output` is a folder if there is one of that name, if it
    ends in a slash, or if it has no suffix.

    Raises UsageError `output-clash`: two would go to one file, or one over a workflow or to what is
    no regular file.
    """
    path = Path(output)
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not path.is_file() and not path.is_dir():
        fix = "leave out -o: the prompt goes to standard output"
        raise UsageError(Finding("output-clash", f"{output} is no regular file", fix=fix))
    if path.is_dir() or output.endswith(("/", os.sep)) or not (path.is_file() or path.suffix):
        files = {name: path / f"{_stem(name)}.json" for name in names}
    elif len(names) == 1:
        files = {names[0]: path}
    else:
        message = f"{output} is one file, and there are {len(names)} workflows"
        fix = "name a folder with -o, with a slash at its end"
        raise UsageError(Finding("output-clash", message, fix=fix))
    if clashes := [*_shared(files), *_over_workflows(files)]:
        raise UsageError(*clashes)
    return files


def save(done: Sequence[Converted], files: Mapping[str, Path]) -> list[Path]:
    """Write the prompts that have a file, all together or none. Raises SaveError."""
    texts = {
        files[one.name]: prompt_text(one.prompt)
        for one in done
        if one.name in files and one.prompt is not None
    }
    save_files(texts)
    return list(texts)


def check(done: Sequence[Converted], against: Path) -> list[Checked]:
    """Compare each prompt with `against`: a prompt file, a picture, or a folder of `<stem>.json`.

    Findings: `prompt-differs` for each node, or why there is nothing to compare with.
    """
    checked = []
    for one in done:
        if one.prompt is None:
            continue
        path = against / f"{_stem(one.name)}.json" if against.is_dir() else against
        try:
            theirs = _expected(path)
            found = explained(differences(one.prompt, theirs), one.prompt, theirs, path.as_posix())
        except WorkflowError as error:
            found = list(error.findings)
        findings = tuple(finding.in_file(one.shown) for finding in found)
        checked.append(Checked(one.shown, path, findings))
    return checked


def _shown(name: str) -> str:
    return "<stdin>" if name == STDIN else Path(name).as_posix()


def _stem(name: str) -> str:
    return "stdin" if name == STDIN else Path(name).stem


def _folder(name: str, root: Path) -> Path:
    return root if name == STDIN else Path(name).parent


def _read(name: str, executed: bool | None) -> tuple[Workflow, list[Finding]]:
    """The workflow, and warnings about a picture that carries it."""
    shown = _shown(name)
    data = _stdin() if name == STDIN else _bytes(Path(name), shown)
    if not picture_kind(data):
        return read_workflow(data, shown), []
    if executed is None:
        with suppress(WorkflowError):
            return read_picture(data, shown, executed=True)
    return read_picture(data, shown, bool(executed))


def _stdin() -> bytes:
    data = sys.stdin.buffer.read(LARGEST_WORKFLOW + 1)
    if len(data) > LARGEST_WORKFLOW:
        message = f"standard input has more than {LARGEST_WORKFLOW // 2**20} MiB"
        fix = "check that it is the right one; write a large picture to a file, and name that"
        raise WorkflowError(Finding("file-too-large", message, Where(_shown(STDIN)), fix=fix))
    return data


def _bytes(path: Path, shown: str) -> bytes:
    picture = path.suffix.lower() in (".png", ".webp")
    largest = LARGEST_PICTURE if picture else LARGEST_WORKFLOW
    return read_file(path, shown, largest, WorkflowError)


def _expected(path: Path) -> Mapping[str, Any]:
    """The nodes of a prompt file as they stand there, whatever they are."""
    shown = path.as_posix()
    data = _bytes(path, shown)
    if picture_kind(data):
        workflow, _ = read_picture(data, shown, executed=True)
    else:
        workflow = read_workflow(data, shown)
    if workflow.format == "graph":
        message = f"{shown} is an editor graph, and not a prompt to compare with"
        fix = "name a file that Workflow > Export (API) or `runflow convert` wrote"
        raise WorkflowError(Finding("prompt-expected", message, Where(shown), fix=fix))
    return workflow.data


def _shared(files: Mapping[str, Path]) -> list[Finding]:
    """A finding for each prompt that would go to the file of another, on any file system."""
    first: dict[str, str] = {}
    findings = []
    for name, path in files.items():
        other = first.setdefault(str(path).casefold(), name)
        if other != name:
            message = (
                f"its prompt and that of {_shown(other)} would go to one file: {path.as_posix()}"
            )
            fix = "rename one of the two, or convert them into folders of their own"
            findings.append(Finding("output-clash", message, Where(_shown(name)), fix=fix))
    return findings


def _over_workflows(files: Mapping[str, Path]) -> list[Finding]:
    """A finding for each prompt that would replace a workflow, its own or another."""
    workflows = {_identity(Path(name)) for name in files if name != STDIN} - {None}
    fix = "name another file or folder with -o"
    return [
        Finding(
            "output-clash",
            f"the prompt would replace the workflow {path.as_posix()}",
            Where(_shown(name)),
            fix=fix,
        )
        for name, path in files.items()
        if _identity(path) in workflows
    ]


def _identity(path: Path) -> tuple[int, int] | None:
    """What two names of one file have in common; None where there is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
