"""/v1/comfyui-workflows: publish, look up, change and delete endpoints."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy import RowMapping

from ...workflow.contract_model import Contract
from ..access import WorkflowCreator, WorkflowDeleter, WorkflowEditor, WorkflowReader
from ..clock import iso, uuid7
from ..contract_rows import input_rows, output_rows
from ..engine_check import require_engine
from ..keys import Caller
from ..pages import Wanted, list_body
from ..problem import Problem, not_found
from ..publishing import (
    WorkflowChange,
    WorkflowCreate,
    changed_columns,
    changed_revision,
    new_revision,
    new_row,
)
from ..services import Services, ServicesOf
from ..wire import Reply, body_of, described
from ..workflow_store import SlugTakenError, StaleError

router = APIRouter(prefix="/v1/comfyui-workflows", tags=["workflows"])

_SHOWN = (
    "id", "org_id", "slug", "name", "description", "workflow_json", "version", "is_public",
    "status_code", "category_code", "created_by", "environment", "models", "custom_nodes",
    "graph", "resources", "gpu_mode", "gpu_models", "created_at", "updated_at", "deleted_at",
    "deleted_by",
)  # fmt: skip

_PROMPT = ("body", "workflow_json")


@router.get("")
def search(caller: WorkflowReader, services: ServicesOf, wanted: Wanted) -> Reply:
    """The organization's workflows, whole records; `fields` makes them smaller."""
    page = services.workflows.search(caller.org_id, wanted)
    return Reply(list_body([_record(row) for row in page.rows], page, wanted))


@router.post("", status_code=201, openapi_extra=described(WorkflowCreate))
def create(
    caller: WorkflowCreator,
    services: ServicesOf,
    body: Annotated[WorkflowCreate, Depends(body_of(WorkflowCreate))],
) -> Reply:
    """Publish a new workflow; its contract comes from the Runflow nodes of `workflow_json`.

    One that the engine could never run is refused, with an entry for each node.
    """
    row = new_row(body)
    revision = new_revision(body, services.assets, caller.org_id)
    require_engine(services.settings.engine, revision, _PROMPT)
    now = services.settings.now()
    row |= {"id": uuid7(now), "org_id": caller.org_id, "created_by": caller.key_id}
    row |= {"created_at": iso(now), "updated_at": iso(now)}
    try:
        services.workflows.add(row, revision)
    except SlugTakenError:
        raise _slug_taken(row["slug"]) from None
    return Reply(_record(_visible(services, caller, row["id"])), 201)


@router.get("/{workflow_id}")
def get(workflow_id: str, caller: WorkflowReader, services: ServicesOf) -> Reply:
    """One workflow by id."""
    return Reply(_record(_visible(services, caller, workflow_id)))


@router.patch("/{workflow_id}", openapi_extra=described(WorkflowChange))
def change(
    workflow_id: str,
    caller: WorkflowEditor,
    services: ServicesOf,
    body: Annotated[WorkflowChange, Depends(body_of(WorkflowChange))],
) -> Reply:
    """Change some fields. Runs under way keep what they were dispatched with."""
    row = _own(services, caller, workflow_id)
    columns = changed_columns(body)
    if body.updated_at not in (None, row["updated_at"]):
        raise _changed_since()
    revision = changed_revision(body, row, services.assets, caller.org_id)
    if revision is not None:  # a name, say, can be changed whatever the engine has come to lack
        require_engine(services.settings.engine, revision, _PROMPT)
    try:
        services.workflows.change(row["id"], row["updated_at"], columns, revision)
    except StaleError:
        raise _changed_since() from None
    except SlugTakenError:
        raise _slug_taken(columns["slug"]) from None
    return Reply(_record(_visible(services, caller, row["id"])))


@router.delete("/{workflow_id}", status_code=204)
def delete(workflow_id: str, caller: WorkflowDeleter, services: ServicesOf) -> Response:
    """Hide a workflow; its slug is free again and its runs stay."""
    services.workflows.delete(_own(services, caller, workflow_id)["id"], caller.key_id)
    return Response(status_code=204)


# `{id}/inputs` comes before `{owner}/{slug}`; both words are reserved as slugs.
@router.get("/{workflow_id}/inputs")
def inputs(workflow_id: str, caller: WorkflowReader, services: ServicesOf) -> Reply:
    """What a request may give."""
    return _rows(_record(_visible(services, caller, workflow_id))["inputs"])


@router.get("/{workflow_id}/outputs")
def outputs(workflow_id: str, caller: WorkflowReader, services: ServicesOf) -> Reply:
    """What a run gives back."""
    return _rows(_record(_visible(services, caller, workflow_id))["outputs"])


@router.get("/{owner}/{slug}")
def get_by_slug(owner: str, slug: str, caller: WorkflowReader, services: ServicesOf) -> Reply:
    """One workflow by its place in the URL."""
    return Reply(_record(workflow_at(services, caller, owner, slug)))


def workflow_at(services: Services, caller: Caller, owner: str, slug: str) -> RowMapping:
    """The row of a workflow that the caller may see. Raises Problem 404."""
    row = services.workflows.at(owner, slug, caller.org_id)
    if row is None:
        raise not_found(f"workflow {owner}/{slug}")
    return row


def _visible(services: Services, caller: Caller, workflow_id: str) -> RowMapping:
    row = services.workflows.get(workflow_id.lower(), caller.org_id)
    if row is None:
        raise not_found(f"workflow {workflow_id}")
    return row


def _own(services: Services, caller: Caller, workflow_id: str) -> RowMapping:
    row = _visible(services, caller, workflow_id)
    if row["org_id"] != caller.org_id:
        raise Problem(403, "another organization's workflow can only be read")
    return row


def _record(row: RowMapping) -> dict[str, Any]:
    contract = Contract.model_validate(row["contract"])
    return {name: row[name] for name in _SHOWN} | {
        "inputs": input_rows(row["id"], contract, row["given_inputs"] or []),
        "outputs": output_rows(row["id"], contract, row["given_outputs"] or []),
    }


def _rows(rows: list[dict[str, Any]]) -> Reply:
    cursors = dict.fromkeys(("first", "next", "previous", "next_pq", "prev_pq"))
    return Reply({"items": rows, **cursors})


def _slug_taken(slug: str) -> Problem:
    return Problem(409, f"there is a workflow with the slug `{slug}` already")


def _changed_since() -> Problem:
    return Problem(409, "the workflow was changed since it was read; read it again")
