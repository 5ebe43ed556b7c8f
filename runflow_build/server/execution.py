"""One run, from its record to its output files: stage, bind, execute, store."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from ..engines.base import Engine, OutputFile, Progress, RunFolders, lacking_text
from ..errors import BindError, EngineError
from ..findings import Finding
from ..rewrite.bind import bind
from ..workflow.model import Prompt
from .asset_store import Asset, AssetStore
from .engine_check import wire_code
from .file_store import FileStore, chunks_of
from .run_input import assets_in, file_name
from .run_store import RunStore, StoredOutput
from .runs import Failure, Output, Run, Stage
from .workflow_store import Revision

_PROGRESS_S = 0.25  # between two notes of how far the engine is


class FailedError(Exception):
    """The run has failed, for a reason that its caller is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class GoneError(Exception):
    """The run is no longer this worker's: it was canceled."""


@dataclass(frozen=True)
class Execution:
    """What executing takes."""

    engine: Engine
    runs: RunStore
    assets: AssetStore
    files: FileStore
    work_dir: Path

    def execute(
        self, run: Run, revision: Revision, cancelled: Callable[[], bool]
    ) -> list[StoredOutput]:
        """Do what the run asks for, and return its outputs, already in the file store.

        Raises FailedError, GoneError; any other exception is a defect of ours.
        """
        folder = self.work_dir / f"{run.id}-{run.attempt}"
        folders = RunFolders(folder / "input", folder / "output")
        try:
            folders.input.mkdir(parents=True)
            folders.output.mkdir()
            prompt = self._prompt(run, revision, folders.input)
            if not self.runs.begin(run, nodes_total=len(prompt)):
                raise GoneError
            files = self._execute(run, prompt, folders, cancelled)
            return self._store(run, revision, files, folders.output)
        except OSError as error:
            message = f"a file could not be kept: {error.strerror}"
            raise _failed("STORAGE_ERROR", message, "dispatch") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _prompt(self, run: Run, revision: Revision, folder: Path) -> Prompt:
        """The prompt with this run's values; the files that it names lie in `folder`."""
        self._stage_resources(revision.resources or {}, run.org_id, folder)
        ids = assets_in(revision.contract, run.input)
        known = self.assets.usable(ids.values(), run.org_id)
        values = dict(run.input)
        for key, asset_id in ids.items():
            asset = known.get(asset_id)
            if asset is None:
                message = f"input {key}: asset {asset_id} is not there"
                raise _failed("ASSET_MISSING", message, "preprocess")
            values[key] = file_name(asset)
            if not (folder / values[key]).exists():  # two inputs may name one asset
                self._copy(asset, folder / values[key], f"input {key}")
        try:
            # Whichever attempt this is, the run draws the same.
            prompt = bind(
                revision.workflow_json,
                revision.contract,
                values,
                seed=run.id,
                now=datetime.fromisoformat(run.created_at),
            )
        except BindError as error:
            raise _failed_by("INPUT_VALIDATION_FAILED", error.findings, "preprocess") from None
        if lacks := self.engine.lacking(prompt):
            message = lacking_text(self.engine.name, lacks)
            raise _failed(wire_code(lacks), message, "dispatch")
        return prompt

    def _stage_resources(self, resources: Mapping[str, Any], org_id: str, folder: Path) -> None:
        known = self.assets.usable(
            [row["asset_id"] for row in resources.values() if row.get("asset_id")], org_id
        )
        for path, row in resources.items():
            asset = known.get(row.get("asset_id") or "")
            if asset is None:
                message = f"resource {path} was published without an asset of this server"
                raise _failed("RESOURCE_MISSING", message, "preprocess")
            self._copy(asset, folder / path, f"resource {path}")

    def _copy(self, asset: Asset, target: Path, what: str) -> None:
        try:
            copied = self.files.copy_to(asset.id, target)
        except FileNotFoundError:
            raise _failed("ASSET_MISSING", f"{what}: its file is gone", "preprocess") from None
        if copied.sha256 != asset.sha256:
            message = f"{what}: the stored file is damaged; its sha256 is not the recorded one"
            raise _failed("ASSET_DAMAGED", message, "preprocess")

    def _execute(
        self, run: Run, prompt: Prompt, folders: RunFolders, cancelled: Callable[[], bool]
    ) -> list[OutputFile]:
        noted = 0.0

        def report(progress: Progress) -> None:
            nonlocal noted
            if time.monotonic() - noted > _PROGRESS_S:
                noted = time.monotonic()
                self.runs.progress(run, progress.completed, progress.total)

        try:
            return self.engine.execute(prompt, folders, report, cancelled)
        except EngineError as error:
            if cancelled():
                raise GoneError from None
            code = error.findings[0].code.upper().replace("-", "_")
            raise _failed_by(code, error.findings, "execution") from None

    def _store(
        self, run: Run, revision: Revision, files: Sequence[OutputFile], folder: Path
    ) -> list[StoredOutput]:
        """Keep the files of the declared outputs; what other nodes wrote is not asked for."""
        output_ids = {item.node: name for name, item in revision.contract.outputs.items()}
        stored = []
        for index, file in enumerate(files):
            if file.node not in output_ids:
                continue
            if not file.path.resolve().is_relative_to(folder.resolve()):
                message = f"node {file.node} wrote outside the run's output folder"
                raise _failed("OUTPUT_REFUSED", message, "postprocess")
            # The same id at every attempt: what a server that died had stored is overwritten.
            file_id = str(uuid5(UUID(run.id), str(index)))
            with file.path.open("rb") as source:
                kept = self.files.store(file_id, chunks_of(source))
            output = Output(
                id=file_id,
                output_id=output_ids[file.node],
                name=file.path.name,
                content_type=file.content_type,
                size_bytes=kept.size_bytes,
            )
            stored.append(StoredOutput(output, kept.sha256))
        return stored


def _failed(code: str, message: str, stage: Stage) -> FailedError:
    return FailedError(Failure(code, message, stage))


def _failed_by(code: str, findings: Sequence[Finding], stage: Stage) -> FailedError:
    lines = []
    for finding in findings:
        node = finding.where.node_text()
        lines.append(f"{node}: {finding.message}" if node else finding.message)
    return _failed(code, "; ".join(lines), stage)
