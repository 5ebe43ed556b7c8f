"""A run as a value, the states it may go through, and the record that the API shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["queued", "dispatching", "running", "succeeded", "failed", "canceled"]
Stage = Literal["dispatch", "preprocess", "execution", "postprocess"]

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    "queued": frozenset({"dispatching", "canceled"}),
    # A server that stops gives its runs back; one that died finds them at its next start.
    "dispatching": frozenset({"queued", "running", "failed", "canceled"}),
    "running": frozenset({"queued", "succeeded", "failed", "canceled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
}
STATUSES: tuple[Status, ...] = tuple(TRANSITIONS)
TERMINAL = frozenset(status for status in STATUSES if not TRANSITIONS[status])
ACTIVE = ("dispatching", "running")  # in the hands of a worker

MAX_ATTEMPTS = 3  # a run that has killed the server this often is not tried again


def origins(status: Status) -> frozenset[Status]:
    """The states from which a run may come to `status`."""
    return frozenset(origin for origin in STATUSES if status in TRANSITIONS[origin])


@dataclass(frozen=True)
class Failure:
    """Why a run did not succeed."""

    code: str  # NODE_FAILED; stable
    message: str  # names the node's id, title and class where there is one
    stage: Stage


@dataclass(frozen=True)
class Output:
    """One file that a run gave."""

    id: str
    output_id: str  # of the contract
    name: str  # the file's name
    content_type: str
    size_bytes: int


@dataclass(frozen=True)
class Run:
    """One execution of one revision of a workflow. Times are as `clock.iso` writes them."""

    id: str
    org_id: str
    workflow_id: str
    revision: int
    status: Status
    attempt: int  # how often a worker took it; 0 while it has never left the queue
    input: dict[str, Any]  # checked; assets as `runflow://assets/<id>`
    metadata: dict[str, Any] | None
    client_ref: str | None
    request_id: str
    created_by: str
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None
    duration_ms: int | None
    nodes_total: int | None
    nodes_completed: int | None
    failure: Failure | None


UrlOf = Callable[[str, str], str]  # (file id, file name) -> signed URL


def record(run: Run, outputs: Iterable[Output], url_of: UrlOf) -> dict[str, Any]:
    """The run as the API shows it; `output` is null until the run has succeeded.

    `failure_*` is what the API documents, `error` what its SDK reads.
    """
    failure = run.failure
    return {
        "id": run.id,
        "org_id": run.org_id,
        "target_type": "comfyui_workflow",
        "target_version": str(run.revision),
        "comfyui_workflow_id": run.workflow_id,
        "status_code": run.status,
        "source_code": "api",
        "input": run.input,
        "output": _output(outputs, url_of) if run.status == "succeeded" else None,
        "duration_ms": run.duration_ms,
        "cost": None,
        "nodes_total": run.nodes_total,
        "nodes_completed": run.nodes_completed,
        "client_ref": run.client_ref,
        "metadata": run.metadata,
        "callback_url": None,
        "request_id": run.request_id,
        "has_logs": True,
        "created_by": run.created_by,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "failure_code": failure.code if failure else None,
        "failure_message": failure.message if failure else None,
        "failure_stage_code": failure.stage if failure else None,
        "error": {"code": failure.code, "message": failure.message} if failure else None,
    }


def _output(outputs: Iterable[Output], url_of: UrlOf) -> dict[str, Any]:
    return {
        "kind": "comfyui_outputs",
        "outputs": [
            {
                "output_id": output.output_id,
                "url": url_of(output.id, output.name),
                "content_type": output.content_type,
                "size_bytes": output.size_bytes,
                "name": output.name,
                "type": media_type(output.content_type),
                "mime_type": output.content_type,
            }
            for output in outputs
        ],
    }


def media_type(content_type: str) -> str:
    """`image`, `video`, `audio`, or `file` for everything else."""
    family = content_type.partition("/")[0].lower()
    return family if family in ("image", "video", "audio") else "file"
