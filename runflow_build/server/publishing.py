"""What a publisher sends, checked, and turned into a workflow's row and the revision that runs."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import RowMapping

from ..errors import RunflowError
from ..spec.slug import problem, slug_of
from .asset_store import AssetStore
from .contract_rows import InputRow, OutputRow, RowsError, contract_of_record
from .problem import FieldError, invalid, invalid_fields, of_finding
from .prompt_shape import prompt_problems
from .wire import Body
from .workflow_store import Revision

MAX_PROMPT = 16 * 1024 * 1024  # bytes of workflow_json

# Fields that decide what a run executes: a change of one of them makes a revision.
_EXECUTED = ("workflow_json", "resources", "inputs", "outputs")
_NOT_NULL = ("name", "slug", "workflow_json", "is_public", "status_code")
_COLUMNS = (
    "slug", "name", "description", "version", "is_public", "status_code", "category_code",
    "graph", "environment", "custom_nodes", "models", "gpu_mode", "gpu_models",
)  # fmt: skip

JsonObject = dict[str, Any]


class WorkflowChange(Body):
    """The body of a PATCH: what is left out stays as it is."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    slug: str | None = None
    workflow_json: JsonObject | None = None
    graph: JsonObject | None = None
    environment: JsonObject | None = None
    custom_nodes: JsonObject | None = None
    models: JsonObject | None = None
    resources: dict[str, JsonObject] | None = None
    description: str | None = None
    version: str | None = None
    is_public: bool | None = None
    status_code: Literal["draft", "active", "archived"] | None = None
    category_code: str | None = None
    gpu_mode: str | None = None
    gpu_models: list[Any] | None = None
    inputs: list[InputRow] | None = None
    outputs: list[OutputRow] | None = None
    updated_at: str | None = None  # as last read: a workflow changed since is refused


class WorkflowCreate(WorkflowChange):
    """The body of a POST."""

    name: str = Field(min_length=1, max_length=255)
    workflow_json: JsonObject


def new_row(body: WorkflowCreate) -> dict[str, Any]:
    """The columns of a new workflow. Raises Problem 422."""
    slug = body.slug if body.slug is not None else slug_of(body.name)
    row: dict[str, Any] = {name: getattr(body, name) for name in _COLUMNS}
    row |= {
        "slug": _checked_slug(slug),
        "is_public": bool(body.is_public),
        "status_code": body.status_code or "active",
    }
    return row | _given_rows(body)


def changed_columns(body: WorkflowChange) -> dict[str, Any]:
    """The columns that a PATCH names. Raises Problem 422."""
    named = body.model_fields_set
    nulls = [name for name in _NOT_NULL if name in named and getattr(body, name) is None]
    if nulls:
        raise invalid_fields([FieldError(("body", name), "cannot be null") for name in nulls])
    if body.slug is not None:
        _checked_slug(body.slug)
    row = {name: getattr(body, name) for name in _COLUMNS if name in named}
    given = _given_rows(body)
    return row | {name: given[name] for name in given if name.removeprefix("given_") in named}


def new_revision(body: WorkflowCreate, assets: AssetStore, org_id: str) -> Revision:
    """What runs of a new workflow execute. Raises Problem 422."""
    return _revision(
        body.workflow_json, body.resources, body.inputs or [], body.outputs or [], assets, org_id
    )


def changed_revision(
    body: WorkflowChange, row: RowMapping, assets: AssetStore, org_id: str
) -> Revision | None:
    """What runs execute from now on; None when the PATCH leaves that as it is.

    Rows that were given before and not now are kept, so they must fit a new prompt.
    Raises Problem 422.
    """
    named = body.model_fields_set
    if not named.intersection(_EXECUTED):
        return None
    inputs = body.inputs if "inputs" in named else _rows(InputRow, row["given_inputs"])
    outputs = body.outputs if "outputs" in named else _rows(OutputRow, row["given_outputs"])
    return _revision(
        body.workflow_json if body.workflow_json is not None else row["workflow_json"],
        body.resources if "resources" in named else row["resources"],
        inputs or [],
        outputs or [],
        assets,
        org_id,
    )


def _revision(
    prompt: JsonObject,
    resources: dict[str, JsonObject] | None,
    inputs: list[InputRow],
    outputs: list[OutputRow],
    assets: AssetStore,
    org_id: str,
) -> Revision:
    errors = _size_problems(prompt) or prompt_problems(prompt)
    errors += _resource_problems(resources or {}, assets, org_id)
    if errors:
        raise invalid_fields(errors)
    try:
        contract = contract_of_record(prompt, inputs, outputs)
    except RowsError as error:
        raise invalid_fields(error.errors) from None
    except RunflowError as error:
        place = ("body", "workflow_json")
        raise invalid_fields([of_finding(finding, place) for finding in error.findings]) from None
    return Revision(prompt, contract, resources)


def _size_problems(prompt: JsonObject) -> list[FieldError]:
    size = len(json.dumps(prompt, separators=(",", ":")))
    if size <= MAX_PROMPT:
        return []
    message = f"is {size} bytes; the limit is {MAX_PROMPT}"
    return [FieldError(("body", "workflow_json"), message)]


def _resource_problems(
    resources: dict[str, JsonObject], assets: AssetStore, org_id: str
) -> list[FieldError]:
    errors = []
    ids = [row["asset_id"] for row in resources.values() if isinstance(row.get("asset_id"), str)]
    known = assets.usable(ids, org_id)
    for path, row in resources.items():
        place = ("body", "resources", path)
        asset_id = row.get("asset_id")
        if not _is_safe(path):
            errors.append(FieldError(place, "must be a POSIX path below the input folder"))
        elif not isinstance(asset_id, str | None):
            errors.append(FieldError((*place, "asset_id"), "must be text"))
        elif asset_id is not None and asset_id not in known:
            message = f"there is no asset {asset_id}; upload and confirm it first"
            errors.append(FieldError((*place, "asset_id"), message))
        elif asset_id is not None and row.get("sha256") not in (None, known[asset_id].sha256):
            message = f"asset {asset_id} holds other bytes; its sha256 is {known[asset_id].sha256}"
            errors.append(FieldError((*place, "sha256"), message))
    return errors


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    bad = any(part in ("", ".", "..") for part in parts) or "\\" in path or ":" in path
    return not bad and path.isprintable() and str(PurePosixPath(path)) == path


def _checked_slug(slug: str) -> str:
    if said := problem(slug):
        raise invalid(("body", "slug"), said)
    return slug


def _given_rows(body: WorkflowChange) -> dict[str, Any]:
    """The rows as they came, less what they left out."""
    return {
        "given_inputs": [row.model_dump(exclude_unset=True) for row in body.inputs or []],
        "given_outputs": [row.model_dump(exclude_unset=True) for row in body.outputs or []],
    }


def _rows(model: Any, given: list[JsonObject] | None) -> list[Any]:
    return [model.model_validate(row) for row in given or []]
