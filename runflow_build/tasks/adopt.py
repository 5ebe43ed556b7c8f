"""`models adopt` on a project's folder: public sources for local model files, into runflow.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import SpecError, UsageError
from ..file_names import SPEC_FILE
from ..findings import Finding, Where, has_errors, render
from ..lock.needs import all_needs
from ..project.files import spec_bytes, text_of
from ..project.load import load
from ..project.paths import ProjectPaths
from ..project.save import exclusive, save_files
from ..project.spec_edit import with_models
from ..redact import redacted, shown
from ..resolve.adoption import Found, sources_of
from ..resolve.inquiry import Inquiry
from ..sources import Sources
from ..sources.digests import DigestCache
from ..sources.files import Content
from ..sources.install import model_file
from ..sources.world import World
from ..spec.read import read_spec
from ..spec.rules import ModelPath
from ..workflow.model_files import SUFFIXES

_PATHS: TypeAdapter[str] = TypeAdapter(ModelPath)


@dataclass(frozen=True)
class Adopted:
    """What became of the local model files, each list in the order of paths."""

    found: tuple[Found, ...]
    absent: tuple[str, ...]  # models of the project that the folder does not have
    findings: tuple[Finding, ...]
    is_written: bool  # runflow.yaml has new entries now
    is_trial: bool

    @property
    def adopted(self) -> list[Found]:
        """Those that got a source which nothing named before."""
        return [one for one in self.found if one.state == "adopted"]

    @property
    def is_whole(self) -> bool:
        return not has_errors(self.findings)

    def summary(self) -> str:
        """What was found, for a person."""
        return "\n".join(filter(None, (render(self.findings), *self._lines())))

    def _lines(self) -> Iterator[str]:
        if self.adopted:
            did = "would write" if self.is_trial else "wrote"
            yield f"{did} {_count(len(self.adopted))} to {SPEC_FILE}"
            yield from (f"  {shown(one.path)}  {redacted(one.url or '')}" for one in self.adopted)
        else:
            yield f"{SPEC_FILE} stays as it is"
        if sourced := [one for one in self.found if one.state == "sourced"]:
            yield f"{_count(len(sourced))} had a source already"
        if unknown := [one for one in self.found if one.state == "unknown"]:
            yield f"{_count(len(unknown))} without a public source:"
            yield from (f"  {shown(one.path)}  sha256 {one.content.sha256}" for one in unknown)
        if self.absent:
            yield f"{_count(len(self.absent))} of the project not there:"
            yield from (f"  {shown(path)}" for path in self.absent)


def adopt(
    root: Path,
    folder: Path,
    *,
    world: World,
    digests: DigestCache,
    everything: bool = False,
    dry_run: bool = False,
) -> Adopted:
    """Write the public source of each model in `folder` that the project uses to runflow.yaml.

    `folder` is a models folder, or an installation that has one. A source counts only where its
    host says that it holds just the content of the file. `everything`: all model files of the
    folder, used or not. `dry_run`: nothing is written.

    Reports `source-unchecked`, `install-differs`. Raises SpecError (`spec-not-edited` too, and then
    nothing is written), LockError, UsageError (`file-missing`), SaveError.
    """
    models = _models_folder(folder)
    project = load(root)
    needs, _ = all_needs(project.spec, project.workflows, project.definitions)
    findings: list[Finding] = []
    inquiry = Inquiry(
        project.spec,
        needs,
        Sources(project.paths.inputs, None, world, digests),
        project.lock,
        findings.append,
        (),
    )
    wanted = _wanted(inquiry)
    files = {path: file for path in wanted if (file := model_file(models, path))}
    if everything:
        files |= {path: file for path, file in _all(models).items() if file not in files.values()}
    read = digests.contents_of(files.values())
    contents: dict[str, Content] = {}
    for path, file in sorted(files.items()):
        content = read[file]
        if isinstance(content, Content):
            contents[path] = content
        else:
            findings.append(_unreadable(path, content))
    found = sources_of(inquiry, contents)
    entries = {
        one.path: {"url": one.url, "sha256": one.content.sha256}
        for one in found
        if one.state == "adopted" and one.url
    }
    is_written = _write(project.paths, entries, dry_run) if entries else False
    placed = tuple(project.locate(one) for one in findings)
    absent = tuple(path for path in wanted if path not in files)
    return Adopted(tuple(found), absent, placed, is_written, dry_run)


def _wanted(inquiry: Inquiry) -> list[str]:
    used = {one.path for needs in inquiry.needs.values() for one in needs.models}
    return sorted(used | set(inquiry.spec.models))


def _write(paths: ProjectPaths, entries: dict[str, dict[str, str]], dry_run: bool) -> bool:
    """Add the entries to runflow.yaml as it is now; whether it changed."""
    if dry_run:
        _edited(paths, entries)
        return False
    with exclusive(paths):
        return bool(save_files({paths.spec: _edited(paths, entries)}))


def _edited(paths: ProjectPaths, entries: dict[str, dict[str, str]]) -> str:
    text = with_models(text_of(spec_bytes(paths), SPEC_FILE, SpecError), entries)
    read_spec(text)  # as whoever reads it next will
    return text


def _models_folder(folder: Path) -> Path:
    """The models folder that a folder is or has. Raises UsageError `file-missing`."""
    for path in (folder / "models", folder / "ComfyUI" / "models", folder):
        if path.is_dir():
            return path
    message = f"there is no folder {folder}"
    fix = "name ComfyUI's models folder, or the folder of an installation"
    raise UsageError(Finding("file-missing", message, fix=fix))


def _all(models: Path) -> dict[str, Path]:
    """All model files below a folder of the models folder, by the path that runflow.yaml takes."""
    found = {}
    for file in sorted(models.glob("*/**/*")):
        path = file.relative_to(models)
        hidden = any(part.startswith(".") for part in path.parts)
        is_model = file.suffix.lower() in SUFFIXES and file.is_file()
        if is_model and not hidden and _can_be_named(path.as_posix()):
            found[path.as_posix()] = file
    return found


def _can_be_named(path: str) -> bool:
    """Whether runflow.yaml takes the path."""
    try:
        _PATHS.validate_python(path)
    except ValidationError:
        return False
    return True


def _unreadable(path: str, error: OSError) -> Finding:
    reason = error.strerror or "unreadable"
    where = Where(SPEC_FILE, key=("models", path))
    message = f"{path} cannot be read in the folder: {reason}"
    return Finding("install-differs", message, where, fix="make the file readable")


def _count(number: int) -> str:
    return f"{number} model{'' if number == 1 else 's'}"
