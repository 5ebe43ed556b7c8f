"""Call a published endpoint as an API user would: dispatch, wait, fetch what it made."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ApiError, BindError, EngineError, RunflowError
from ..findings import Finding, Where
from ..workflow.contract_model import Contract
from .assets import LARGEST, Assets
from .client import ATTEMPTS, Client, backoff, part
from .outputs import output_files, save
from .refusals import Call, clean, unexpected
from .remote import find_at, runs_path
from .values import Value, check, contract_of, from_texts

HOSTED_POLL_S = 2.0
LOCAL_POLL_S = (0.05, 0.5)  # first and longest; one's own server may be asked more often
LONGEST_WAIT_S = 3600.0  # the hosted API ends a run after 30 minutes, and may queue it before

_ENDED = ("succeeded", "failed", "canceled", "cancelled", "partial_succeeded")


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    run_id: str
    status: str  # queued, dispatching, running, …
    completed: int | None = None  # nodes
    total: int | None = None


@dataclass(frozen=True)
class Called:
    """One call of an endpoint."""

    run_id: str
    status: str
    endpoint: str  # the URL that was called
    input_json: str  # what was sent as `input`; files as references to assets
    files: tuple[Path, ...] = ()  # what was saved
    record: Mapping[str, Any] | None = None  # the run as the API showed it last

    def to_json(self) -> dict[str, Any]:
        """A JSON object for programs."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "endpoint": self.endpoint,
            "files": [path.as_posix() for path in self.files],
            "output": (self.record or {}).get("output"),
        }


def call(
    client: Client,
    slug: str,
    values: Mapping[str, Value],
    *,
    owner: str | None = None,
    into: Path | None = None,
    wait: bool = True,
    as_text: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    timeout_s: float = LONGEST_WAIT_S,
) -> Called:
    """Run the endpoint once with these values; a Path as a value is uploaded.

    `owner` is the organization's slug, None: the key's own. Outputs are saved into `into`; None
    leaves them where they are. `as_text` means that all values are text as typed by a person.

    Raises BindError for values that do not fit, before anything is sent; EngineError: `run-failed`,
    `run-canceled`; ApiError: `run-timeout`, `endpoint-unknown` and whatever the API refuses.
    """
    owner = client.owner(owner)
    path = runs_path(owner, slug)
    contract = _contract(client, owner, slug)
    given = from_texts(contract, values) if as_text else dict(values)
    check(contract, given)
    sent = _uploaded(client, given)
    run = client.post(path, {"input": sent})
    run_id = _run_id(client, path, run)
    started = Called(
        run_id, str(run.get("status_code")), f"{client.base_url}{path}", json.dumps(sent), (), run
    )
    if not wait:
        return started
    ended = wait_for(client, run, report, timeout_s)
    files = [save(client, file, into) for file in output_files(ended.get("output"))] if into else []
    return Called(
        run_id,
        str(ended.get("status_code")),
        started.endpoint,
        started.input_json,
        tuple(files),
        ended,
    )


def wait_for(
    client: Client,
    run: Mapping[str, Any],
    report: Callable[[Progress], None] = lambda progress: None,
    timeout_s: float = LONGEST_WAIT_S,
) -> dict[str, Any]:
    """The run's record when it has succeeded. Raises EngineError, ApiError (`run-timeout`)."""
    path = f"/v1/runs/{part(str(run['id']))}"
    pause_s, longest_s = LOCAL_POLL_S if client.is_local else (HOSTED_POLL_S, HOSTED_POLL_S)
    deadline = time.monotonic() + timeout_s
    record = dict(run)
    told: Progress | None = None
    while record.get("status_code") not in _ENDED:
        if (progress := _progress(record)) != told:
            report(progress)
            told = progress
        if time.monotonic() >= deadline:
            raise _too_long(client, record, timeout_s)
        client.pause(pause_s)
        pause_s = min(longest_s, pause_s * 1.5)
        record = _looked_up(client, path, record)
    report(_progress(record))
    if record["status_code"] not in ("succeeded", "partial_succeeded"):
        raise _no_success(record)
    return record


def _looked_up(client: Client, path: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """The run's record now. It outlives a restart of a server on this machine, and so do we."""
    attempts = ATTEMPTS if client.is_local else 1  # for other hosts the client itself is patient
    for attempt in range(1, attempts + 1):
        try:
            return client.get(path)
        except ApiError as error:
            if error.findings[0].code != "api-unreachable":
                raise
            if attempt == attempts:
                raise _lost_sight(client, run, error) from None
        client.pause(backoff(attempt))
    raise AssertionError("at least one attempt")


def _lost_sight(client: Client, run: Mapping[str, Any], error: ApiError) -> ApiError:
    row = (
        "run",
        f"{run['id']} was {run.get('status_code')}; look at it later: {_link(client, run)}",
    )
    first, *rest = error.findings
    return type(error)(replace(first, also=(*first.also, row)), *rest)


def _link(client: Client, run: Mapping[str, Any]) -> str:
    return f"GET {client.base_url}/v1/runs/{run.get('id')}"


def _contract(client: Client, owner: str, slug: str) -> Contract | None:
    """What the endpoint takes; None for a key that may run it and not read it."""
    try:
        return contract_of(find_at(client, owner, slug))
    except ApiError as error:
        if error.status == 404:
            raise ApiError(
                Finding(
                    "endpoint-unknown",
                    f"{client.host} has no endpoint {owner}/{slug} that the key may see",
                    fix="publish it (`runflow publish`), or look at `runflow status`",
                ),
                status=404,
                code=error.code,
            ) from None
        if error.status == 403:
            return None
        raise


def _uploaded(client: Client, values: Mapping[str, Value]) -> dict[str, Any]:
    """The values with each file replaced by a reference to its asset. All files are read first."""
    contents = {name: _read(name, file) for name, file in values.items() if isinstance(file, Path)}
    assets = Assets(client)
    references = {
        name: f"runflow://assets/{assets.send(values[name].name, data).id}"
        for name, data in contents.items()
    }
    return {**values, **references}


def _read(name: str, path: Path) -> bytes:
    reason = f"is larger than {LARGEST >> 20} MiB, the most that can be uploaded"
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        data, reason = b"", f"cannot be read: {error.strerror}"
    else:
        if 0 < len(data) <= LARGEST:
            return data
        reason = reason if data else "is empty"
    raise BindError(
        Finding(
            "input-file-missing",
            f"the file for `{name}` {reason}",
            Where(file=path.as_posix(), field=name),
            fix=f"give `{name}` as @FILE with a file that can be sent",
        )
    )


def _run_id(client: Client, path: str, run: Mapping[str, Any]) -> str:
    if isinstance(run.get("id"), str):
        return str(run["id"])
    raise unexpected(Call("POST", path, client.host), "is no run")


def _progress(record: Mapping[str, Any]) -> Progress:
    completed, total = record.get("nodes_completed"), record.get("nodes_total")
    return Progress(
        str(record.get("id")),
        str(record.get("status_code")),
        completed if isinstance(completed, int) else None,
        total if isinstance(total, int) else None,
    )


def _no_success(record: Mapping[str, Any]) -> RunflowError:
    run_id, status = record.get("id"), record["status_code"]
    if status != "failed":
        return EngineError(
            Finding("run-canceled", f"run {run_id} was cancelled", fix="call the endpoint again")
        )
    inner = record.get("error")
    error: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
    message = record.get("failure_message") or error.get("message") or "the API gives no reason"
    rows = {
        "code": record.get("failure_code") or error.get("code"),
        "stage": record.get("failure_stage_code") or record.get("failure_stage"),
    }
    also = tuple((label, clean(text, "")) for label, text in rows.items() if text)
    return EngineError(
        Finding(
            "run-failed",
            f"run {run_id} failed: {clean(message, '')}",
            also=also,
            fix="correct the values, or the workflow, and call it again",
        )
    )


def _too_long(client: Client, record: Mapping[str, Any], timeout_s: float) -> ApiError:
    run_id = record.get("id")
    return ApiError(
        Finding(
            "run-timeout",
            f"run {run_id} is still {record.get('status_code')} after {timeout_s:g} s",
            fix=f"look at it later: {_link(client, record)}",
        )
    )
