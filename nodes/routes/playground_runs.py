"""What has become of a playground's runs: noted on the disk, looked up in ComfyUI's queue."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .comfyui import finished_prompt, folder_of, queue_place

if TYPE_CHECKING:
    from ...runflow_build.playground.captures import Captures
    from ...runflow_build.playground.results import ResultFile
    from ...runflow_build.playground.runs import RunNote, Runs

ON_ITS_WAY_S = 30.0  # between the making of a prompt and its arrival in the queue


def runs_of(captures: Captures, slug: str) -> Runs:
    from ...runflow_build.playground.runs import Runs

    return Runs(captures.runs_file(slug))


def settled(runs: Runs, note: RunNote, process: str) -> RunNote:
    """The note, with the end of the run if it has ended meanwhile."""
    if note.state != "queued" or queue_place(note.id) is not None:
        return note
    from ...runflow_build.playground.results import outcome

    entry = finished_prompt(note.id)  # asked for after the queue: it is in one of the two
    if entry is not None:
        end = outcome(entry, note.outputs, note.titles)
        changes: dict[str, Any] = {
            "state": end.state,
            "files": end.files,
            "error": end.error,
            "seconds": end.seconds,
        }
    elif note.process == process and _age_s(note) < ON_ITS_WAY_S:
        return note
    else:
        changes = {"state": "lost"}
    return runs.change(note.id, lambda one: one.model_copy(update=changes)) or note


def told(note: RunNote) -> dict[str, Any]:
    """The run as the page gets it; `before`: how many prompts wait before it, 0 while it runs."""
    shape: dict[str, Any] = {
        "id": note.id,
        "state": note.state,
        "started_at": note.started_at,
        "seconds": note.seconds,
        "values": note.values,
        "wired": note.wired,
        "error": note.error,
        "files": {name: [_file(one) for one in files] for name, files in note.files.items()},
    }
    if note.state == "queued":
        shape |= {"titles": note.titles, "before": queue_place(note.id)}
    return shape


def _file(file: ResultFile) -> dict[str, Any]:
    from ...runflow_build.playground.results import kind_of

    return {
        "name": file.filename,
        "kind": kind_of(file.filename),
        "size": _size(file),
        "query": urlencode(file.model_dump()),
    }


def _size(file: ResultFile) -> int | None:
    """Bytes; None: the file is gone, or never lay where it says."""
    root = folder_of(file.type)
    if root is None:
        return None
    path = Path(root, file.subfolder, file.filename).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    return path.stat().st_size


def _age_s(note: RunNote) -> float:
    started = datetime.fromisoformat(note.started_at)
    return (datetime.now(timezone.utc) - started).total_seconds()
