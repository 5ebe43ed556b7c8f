"""/v1/runs, and the runs of a workflow: dispatch, watch, list, cancel."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field

from ... import digest
from ..access import RunCreator, RunReader
from ..clock import iso, uuid7
from ..engine_check import require_engine
from ..keys import Caller
from ..pages import Page, PageQuery, Wanted, list_body
from ..problem import Problem, invalid, not_found
from ..run_store import Replay, ReplayMismatchError
from ..runs import STATUSES, TERMINAL, Output, Run, record
from ..services import BaseUrl, Services, ServicesOf
from ..wire import Body, Reply, body_of, described
from ..workflow_store import Revision, revision_of
from .workflows import workflow_at

router = APIRouter(prefix="/v1", tags=["runs"])


class Dispatch(Body):
    """One request to a workflow."""

    input: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    client_ref: str | None = Field(default=None, max_length=255)
    callback_url: str | None = Field(default=None, max_length=2048)


class Cancellation(Body):
    """Why a run is taken back."""

    reason: str | None = Field(default=None, min_length=3, max_length=500)


# The SDK knows only the second path.
@router.post(
    "/comfyui-workflows/{owner}/{slug}/runs", status_code=201, openapi_extra=described(Dispatch)
)
@router.post("/models/{owner}/{slug}/runs", status_code=201, openapi_extra=described(Dispatch))
def dispatch(
    owner: str,
    slug: str,
    request: Request,
    caller: RunCreator,
    services: ServicesOf,
    base_url: BaseUrl,
    body: Annotated[Dispatch, Depends(body_of(Dispatch))],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Reply:
    """Queue a run; 201 with the record, `status_code` `queued`."""
    replay = _replay(caller, f"{owner}/{slug}", idempotency_key, body)
    try:
        if replay and (former := services.runs.replayed(replay)):
            return Reply(former, 201)
        row = workflow_at(services, caller, owner, slug)
        revision = revision_of(row)
        run = _new_run(services, caller, body, row["id"], row["revision"], request, revision)
        answer = services.runs.add(run, _record(services, base_url, run, []), replay)
    except ReplayMismatchError:
        raise Problem(409, "the Idempotency-Key was used before with another body") from None
    services.dispatcher.wake()
    return Reply(answer, 201)


@router.get("/comfyui-workflows/{owner}/{slug}/runs")
def search_of_workflow(
    owner: str,
    slug: str,
    caller: RunReader,
    services: ServicesOf,
    base_url: BaseUrl,
    wanted: Wanted,
) -> Reply:
    """The organization's runs of one workflow, newest first."""
    row = workflow_at(services, caller, owner, slug)
    found = services.runs.search(caller.org_id, wanted, row["id"])
    return _list(services, base_url, wanted, *found)


@router.get("/runs")
def search(
    caller: RunReader,
    services: ServicesOf,
    base_url: BaseUrl,
    wanted: Wanted,
) -> Reply:
    """The organization's runs, newest first."""
    return _list(services, base_url, wanted, *services.runs.search(caller.org_id, wanted))


@router.get("/runs/statuses")
def statuses(_caller: RunReader) -> Reply:
    """Every `status_code`, and whether a run stays in it."""
    return Reply(
        {"items": [{"code": status, "is_terminal": status in TERMINAL} for status in STATUSES]}
    )


@router.get("/runs/{run_id}")
def get(run_id: str, caller: RunReader, services: ServicesOf, base_url: BaseUrl) -> Reply:
    """One run; links to outputs are signed anew at each read."""
    return Reply(_record(services, base_url, *_found(services, caller, run_id)))


@router.get("/runs/{run_id}/logs")
def logs(run_id: str, caller: RunReader, services: ServicesOf, wanted: Wanted) -> Reply:
    """What happened to a run, oldest first."""
    run, _ = _found(services, caller, run_id)
    page = services.runs.logs(run.id, wanted)
    return Reply(list_body([dict(row) | {"meta": None} for row in page.rows], page, wanted))


@router.post(
    "/runs/{run_id}/cancellation",
    status_code=201,
    openapi_extra=described(Cancellation, required=False),
)
def cancel(
    run_id: str,
    caller: RunCreator,
    services: ServicesOf,
    base_url: BaseUrl,
    _body: Annotated[Cancellation, Depends(body_of(Cancellation))],
) -> Reply:
    """Take a run back: 201 when that changed it, 200 when it had ended already."""
    run, _ = _found(services, caller, run_id)
    changed = services.runs.cancel(run.id)
    services.dispatcher.interrupt(run.id)
    found = _found(services, caller, run.id)
    return Reply(_record(services, base_url, *found), 201 if changed else 200)


def _replay(caller: Caller, path: str, key: str | None, body: Dispatch) -> Replay | None:
    if key is None:
        return None
    return Replay(caller.org_id, path, key, digest.of(body.model_dump(exclude_unset=True)))


def _new_run(
    services: Services,
    caller: Caller,
    body: Dispatch,
    workflow_id: str,
    revision_number: int,
    request: Request,
    revision: Revision,
) -> Run:
    if body.callback_url is not None:
        message = "this server delivers no callbacks; leave it out and poll the run"
        raise invalid(("body", "callback_url"), message)
    require_engine(services.settings.engine, revision, ("workflow_json",), body.input)
    now = services.settings.now()
    return Run(
        id=uuid7(now),
        org_id=caller.org_id,
        workflow_id=workflow_id,
        revision=revision_number,
        status="queued",
        attempt=0,
        input=services.input_files.accept(revision.contract, body.input, caller),
        metadata=body.metadata,
        client_ref=body.client_ref,
        request_id=request.state.request_id,
        created_by=caller.key_id,
        created_at=iso(now),
        updated_at=iso(now),
        started_at=None,
        completed_at=None,
        duration_ms=None,
        nodes_total=None,
        nodes_completed=None,
        failure=None,
    )


def _found(services: Services, caller: Caller, run_id: str) -> tuple[Run, list[Output]]:
    found = services.runs.get(run_id.lower(), caller.org_id)
    if found is None:
        raise not_found(f"run {run_id}", "RUN_NOT_FOUND")
    return found


def _record(services: Services, base_url: str, run: Run, outputs: list[Output]) -> dict[str, Any]:
    return record(run, outputs, lambda file_id, name: services.file_url(base_url, file_id, name))


def _list(
    services: Services,
    base_url: str,
    wanted: PageQuery,
    page: Page,
    found: list[tuple[Run, list[Output]]],
) -> Reply:
    items = [_record(services, base_url, run, outputs) for run, outputs in found]
    return Reply(list_body(items, page, wanted))
