"""Runs of a capture: the prompt that the page queues, and what has become of it.

The page queues prompts itself, by ComfyUI's own routes: whatever password or address there is, it
has. Runs are noted on the disk, and looked up in ComfyUI's queue until they have ended.
"""

from __future__ import annotations

import json
import secrets
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .comfyui import finished_prompt, folder_of, input_folder, queue_place
from .playground import MOST_VALUES_BYTES, capture_of, captures, now
from .requests import RouteError, Table, in_thread, text, texts

if TYPE_CHECKING:
    from ...runflow_build.playground.results import ResultFile
    from ...runflow_build.playground.runs import RunNote, Runs

ON_ITS_WAY_S = 30.0  # between the making of a prompt and its arrival in the queue
PROCESS = secrets.token_hex(4)  # another ComfyUI knows nothing of our runs


def add(table: Table) -> None:
    base = "/runflow/playground/{slug}"
    table.post(f"{base}/prompt", _prompt, MOST_VALUES_BYTES)
    table.get(f"{base}/runs", _list)
    table.get(f"{base}/runs/{{run}}", _run)
    table.post(f"{base}/runs/{{run}}", _end)


async def _prompt(request: Any, body: dict[str, Any]) -> Any:
    """`{"values", "wired"}`: `{"run", "prompt", "titles"}`, the prompt as JSON text.

    The page hands the text on as it is: it would lose the digits of large numbers.
    """
    slug, wired = request.match_info["slug"], texts(body, "wired")
    return await in_thread(_bound, slug, body.get("values", {}), wired)


def _bound(slug: str, values: Any, wired: list[str]) -> dict[str, Any]:
    from ...runflow_build.playground.binding import bound
    from ...runflow_build.playground.runs import RunNote
    from ...runflow_build.sources.files import below

    folder, run_id = input_folder(), str(uuid.uuid4())
    capture = capture_of(slug)

    def is_file(name: str) -> bool:
        path = below(folder, name)
        return path is not None and path.is_file()

    made = bound(capture, values, wired, is_file=is_file, seed=run_id, now=datetime.now())
    texts = {key: json.dumps(value) for key, value in made.values.items()}
    outputs = {key: row.node for key, row in capture.contract.outputs.items()}
    note = RunNote(
        id=run_id,
        process=PROCESS,
        started_at=now(),
        values=texts,
        wired=[one for one in wired if one not in texts and one in capture.contract.inputs],
        titles=made.titles,
        outputs=outputs,
    )
    _runs_of(slug).add(note)
    return {"run": run_id, "prompt": json.dumps(made.prompt), "titles": made.titles}


async def _list(request: Any) -> Any:
    """The runs of a capture, the latest first."""
    slug = request.match_info["slug"]

    def read() -> dict[str, Any]:
        runs = _runs_of(slug)
        return {"runs": [_told(_settled(runs, one)) for one in runs.all()]}

    return await in_thread(read)


async def _run(request: Any) -> Any:
    """One run: how far it is, its files, or why there are none."""
    slug, run_id = request.match_info["slug"], request.match_info["run"]

    def read() -> dict[str, Any]:
        runs = _runs_of(slug)
        return _told(_settled(runs, _known(runs.get(run_id))))

    return await in_thread(read)


async def _end(request: Any, body: dict[str, Any]) -> Any:
    """`{"state": "cancelled" | "failed", "message"}`, of a run that never began."""
    slug, run_id = request.match_info["slug"], request.match_info["run"]
    state, message = body.get("state"), text(body, "message", "")[:4000]
    if state not in ("cancelled", "failed"):
        raise RouteError(400, "bad-body", "`state` is cancelled or failed")
    error = {"message": message, "node": "", "title": ""} if message else None
    changes = {"state": state, "error": error}

    def write() -> dict[str, Any]:
        note = _runs_of(slug).change(run_id, lambda one: one.model_copy(update=changes))
        return _told(_known(note))

    return await in_thread(write)


def _runs_of(slug: str) -> Runs:
    """Raises RouteError where nothing was captured under this name."""
    from ...runflow_build.playground.runs import Runs

    capture_of(slug)
    return Runs(captures().runs_file(slug))


def _known(note: RunNote | None) -> RunNote:
    if note is None:
        raise RouteError(404, "run-unknown", "there is no such run of this workflow")
    return note


def _settled(runs: Runs, note: RunNote) -> RunNote:
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
    elif note.process == PROCESS and _age_s(note) < ON_ITS_WAY_S:
        return note
    else:
        changes = {"state": "lost"}
    return runs.change(note.id, lambda one: one.model_copy(update=changes)) or note


def _told(note: RunNote) -> dict[str, Any]:
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
