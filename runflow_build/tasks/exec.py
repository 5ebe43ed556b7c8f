"""`exec` on files: prompts executed on the embedded engine, each on its own, without a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..engines.base import Lack, OutputFile, Progress, RunFolders, lacking_code, lacking_text
from ..engines.embedded import EmbeddedEngine, Limits
from ..engines.embedded.extras import INSTALL
from ..errors import RunflowError, SaveError, UsageError
from ..findings import Finding, Where, has_errors
from ..project.catalogue import shipped
from ..workflow.definitions import Definitions
from ..workflow.model import Prompt, where_in
from .convert import STDIN, Converted
from .exec_input import Ready, ready

INPUT = "input"  # the folder beside the prompt that is taken when none is named
_MOST_NODES = 20  # named one by one in a finding

# They say what others than a Runflow server make of a text. Here it is drawn.
_NOT_HERE = ("text-choice", "prefix-date")
# They say that a class is unknown, of which it is said already that ComfyUI has to run it.
_SAID = ("node-class-unknown", "node-values-unnamed")

Report = Callable[[str, Progress], None]  # gets the title of the node besides


@dataclass(frozen=True)
class Made:
    """One file of an output node."""

    node: str
    title: str  # its class where it has none
    class_type: str
    path: Path  # below the output folder as the user named it
    content_type: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object for programs, with the size and digest of what is in the file."""
        from ..sources.files import content_of

        content = content_of(self.path)
        return {
            "node": self.node,
            "title": self.title,
            "class_type": self.class_type,
            "path": self.path.as_posix(),
            "content_type": self.content_type,
            "size": content.size,
            "sha256": content.sha256,
        }


@dataclass(frozen=True)
class Executed:
    """What became of one prompt."""

    shown: str
    files: tuple[Made, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        return has_errors(self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "prompt": self.shown,
            "outputs": [one.to_json() for one in self.files],
            "findings": [finding.to_json() for finding in self.findings],
        }


def folders(names: Sequence[str], into: Path) -> dict[str, Path]:
    """Where the files of each prompt go: `into` itself, or `into/<stem>` when there are several.

    Of two with one stem the second gets `<stem>-2`. Nothing that lies there is overwritten, since
    the engine counts on from the files that it finds.

    Raises UsageError `output-clash` and SaveError `file-not-written` when `into` cannot be a
    folder; it is made only when there is something to put into it.
    """
    _require_writable(into)
    if len(names) == 1:
        return {names[0]: into}
    taken: set[str] = set()
    found = {}
    for name in names:
        stem = "stdin" if name == STDIN else Path(name).stem
        stem = stem if stem.strip(" .") else "prompt"  # `..` has a stem, and it leads out
        free = next(one for one in _numbered(stem) if one.casefold() not in taken)
        taken.add(free.casefold())
        found[name] = into / free
    return found


class Execution:
    """Executes prompts on one engine, which keeps what they have in common.

    `root` is the project's folder. `values` are those of Runflow inputs as a person types them,
    `seed` is what choices in texts are drawn from; None: each prompt draws anew.
    """

    def __init__(
        self,
        root: Path,
        *,
        input_folder: Path | None = None,
        values: Mapping[str, str] | None = None,
        seed: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        if input_folder is not None and not input_folder.is_dir():
            message = f"the input folder {input_folder.as_posix()} is not there, or is no folder"
            fix = "name the folder that LoadImage's file names are relative to"
            raise UsageError(Finding("file-missing", message, fix=fix))
        self._root = root
        self._input = input_folder
        self._values = values or {}
        self._seed = seed
        self._limits = limits or Limits()

    @cached_property
    def engine(self) -> EmbeddedEngine:
        """Made when the first prompt needs it. Raises EngineError `engine-extra-missing`."""
        return EmbeddedEngine(Definitions(None, shipped(None)), self._limits)

    def execute(
        self,
        converted: Converted,
        into: Path,
        report: Report = lambda title, progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Executed:
        """Execute one prompt; whatever goes wrong with it is in its findings.

        Raises EngineError `engine-extra-missing`, when there is no engine at all.
        """
        shown, prompt = converted.shown, converted.prompt
        findings = [one for one in converted.findings if one.code not in _NOT_HERE]
        if prompt is None:
            return Executed(shown, findings=tuple(findings))
        if lacks := [one for one in self.engine.lacking(prompt) if one.package is None]:
            other = [one for one in findings if one.code not in _SAID]
            return Executed(shown, (), (*other, self._lacking(prompt, lacks, shown)))
        if has_errors(findings):
            return Executed(shown, findings=tuple(findings))
        folder = self._input_folder(converted.name)
        try:
            seed = self._seed or uuid4().hex
            with ready(prompt, self._values, folder, seed, datetime.now()) as made:
                if packages := self.engine.lacking(made.prompt):
                    missing = self._lacking(made.prompt, packages, shown)
                    return Executed(shown, (), (*findings, missing))
                files = self._run(made, into, report, cancelled)
        except RunflowError as error:
            told = (_with_folder(one, folder).in_file(shown) for one in error.findings)
            return Executed(shown, (), (*findings, *told))
        except OSError as error:  # a given file could not be copied
            finding = Finding("input-file-missing", f"a file cannot be copied: {error.strerror}")
            return Executed(shown, (), (*findings, finding.in_file(shown)))
        return Executed(shown, tuple(_made(files, prompt, into)), tuple(findings))

    def _run(
        self, made: Ready, into: Path, report: Report, cancelled: Callable[[], bool]
    ) -> list[OutputFile]:
        def told(progress: Progress) -> None:
            report(_title(made.prompt, progress.node), progress)

        return self.engine.execute(
            made.prompt, RunFolders(made.input, into.absolute()), told, cancelled
        )

    def _input_folder(self, name: str) -> Path:
        if self._input is not None:
            return self._input
        beside = self._root if name == STDIN else Path(name).parent
        found = (base / INPUT for base in (beside, self._root) if (base / INPUT).is_dir())
        return next(found, beside / INPUT)

    def _lacking(self, prompt: Prompt, lacks: Sequence[Lack], shown: str) -> Finding:
        nodes = [node for node in prompt if self.engine.lacking({node: prompt[node]})]
        code = lacking_code(lacks)
        if code == "engine-class-missing":
            fix = "run it on ComfyUI, or take these nodes out"
            nodes = [node for node in nodes if prompt[node]["class_type"] in _names(lacks)]
        else:
            fix = f"{INSTALL}, or run it on ComfyUI"
        rows = [("at", where_in(prompt, node).node_text()) for node in nodes[:_MOST_NODES]]
        if len(nodes) > _MOST_NODES:
            rows.append(("at", f"{len(nodes) - _MOST_NODES} more nodes"))
        message = lacking_text(self.engine.name, lacks, "prompt")
        return Finding(code, message, Where(shown), tuple(rows), fix)


def _names(lacks: Sequence[Lack]) -> set[str]:
    return {one.name for one in lacks}


def _made(files: Sequence[OutputFile], prompt: Prompt, into: Path) -> Iterator[Made]:
    """The files as the user would name them; links in the way to the folder are not followed."""
    for file in files:
        path = into / file.path.relative_to(into.resolve())
        class_type = prompt[file.node]["class_type"]
        yield Made(file.node, _title(prompt, file.node), class_type, path, file.content_type)


def _title(prompt: Prompt, node: str) -> str:
    body = prompt[node]
    return body.get("_meta", {}).get("title") or str(body["class_type"])


def _with_folder(finding: Finding, folder: Path) -> Finding:
    """With the input folder, where a file of it is what the finding is about."""
    if ("kind", "custom_validation_failed") not in finding.also:
        return finding
    there = "" if folder.is_dir() else ", which does not exist"
    return replace(finding, also=(*finding.also, (INPUT, f"{folder.as_posix()}{there}")))


def _require_writable(into: Path) -> None:
    """Raise now what would otherwise be said after all the work, of the first file."""
    nearest = next(one for one in (into, *into.absolute().parents) if os.path.lexists(one))
    if not nearest.is_dir():
        message = f"{nearest.as_posix()} is no folder"
        raise UsageError(Finding("output-clash", message, fix="name a folder with -o"))
    if not os.access(nearest, os.W_OK):
        message = f"nothing can be written in {nearest.as_posix()}"
        raise SaveError(Finding("file-not-written", message, fix="name another folder with -o"))


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
