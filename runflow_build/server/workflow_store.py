"""Published workflows in the database, with every revision that a run may still need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..workflow.contract_model import Contract
from ..workflow.model import Prompt
from .clock import iso, seconds
from .database import Database
from .filters import Field
from .pages import Listing, Page, PageQuery, page
from .tables import organizations, revisions, workflows

LISTING = Listing(
    fields={
        "id": Field(workflows.c.id),
        "slug": Field(workflows.c.slug),
        "name": Field(workflows.c.name),
        "description": Field(workflows.c.description),
        "version": Field(workflows.c.version),
        "status_code": Field(workflows.c.status_code),
        "category_code": Field(workflows.c.category_code),
        "created_by": Field(workflows.c.created_by),
        "is_public": Field(workflows.c.is_public, "boolean"),
        "created_at": Field(workflows.c.created_at, "time"),
        "updated_at": Field(workflows.c.updated_at, "time"),
    },
    sortable=("id", "slug", "name", "status_code", "created_at", "updated_at"),
)


@dataclass(frozen=True)
class Revision:
    """What a run executes; never changes once it is written."""

    workflow_json: Prompt
    contract: Contract
    resources: dict[str, Any] | None


class SlugTakenError(Exception):
    """The organization has a workflow of this slug already."""


class StaleError(Exception):
    """The workflow was changed since the caller read it."""


class WorkflowStore:
    """All that is ever written about workflows. A row is a mapping with the tables' columns."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, row: Mapping[str, Any], revision: Revision) -> None:
        """Write a new workflow. Raises SlugTakenError."""
        try:
            with self._database.write() as connection:
                connection.execute(insert(workflows).values({**row, "revision": 1}))
                _add_revision(connection, row["id"], 1, revision)
        except IntegrityError as error:
            raise SlugTakenError from error

    def change(
        self,
        workflow_id: str,
        seen: str,
        values: Mapping[str, Any],
        revision: Revision | None,
    ) -> None:
        """Change columns, and what runs execute when `revision` is given.

        `seen` is the `updated_at` that the change was made for. Raises SlugTakenError, StaleError.
        """
        workflow = and_(workflows.c.id == workflow_id, workflows.c.deleted_at.is_(None))
        try:
            with self._database.write() as connection:
                row = connection.execute(
                    select(workflows.c.revision).where(workflow, workflows.c.updated_at == seen)
                ).one_or_none()
                if row is None:
                    raise StaleError
                number = row.revision + 1 if revision else row.revision
                if revision:
                    _add_revision(connection, workflow_id, number, revision)
                # Two changes within a microsecond, or a clock set back, still differ.
                now = iso(max(self._now(), seconds(seen) + 2e-6))
                changes = {**values, "revision": number, "updated_at": now}
                connection.execute(update(workflows).where(workflow).values(changes))
        except IntegrityError as error:
            raise SlugTakenError from error

    def delete(self, workflow_id: str, key_id: str) -> None:
        """Hide the workflow; its runs keep what they were sent to, and the slug is free again."""
        now = iso(self._now())
        with self._database.write() as connection:
            connection.execute(
                update(workflows)
                .where(workflows.c.id == workflow_id, workflows.c.deleted_at.is_(None))
                .values(deleted_at=now, deleted_by=key_id, updated_at=now)
            )

    def get(self, workflow_id: str, org_id: str) -> RowMapping | None:
        """A workflow that this organization may see, by id."""
        return self._one(_rows(org_id).where(workflows.c.id == workflow_id))

    def at(self, owner: str, slug: str, org_id: str) -> RowMapping | None:
        """A workflow that this organization may see, by its place in the URL."""
        statement = _rows(org_id).join(organizations, organizations.c.id == workflows.c.org_id)
        return self._one(statement.where(organizations.c.slug == owner, workflows.c.slug == slug))

    def search(self, org_id: str, wanted: PageQuery) -> Page:
        """One page of an organization's own workflows."""
        statement = _rows(org_id).where(workflows.c.org_id == org_id)
        with self._database.read() as connection:
            return page(connection, statement, LISTING, wanted)

    def revision(self, workflow_id: str, number: int) -> Revision:
        """What a run of that revision executes."""
        wanted = select(revisions).where(
            revisions.c.workflow_id == workflow_id, revisions.c.revision == number
        )
        with self._database.read() as connection:
            return revision_of(connection.execute(wanted).mappings().one())

    def _one(self, statement: Select[Any]) -> RowMapping | None:
        with self._database.read() as connection:
            return connection.execute(statement).mappings().one_or_none()


def revision_of(row: RowMapping) -> Revision:
    """The revision that stands in a row."""
    contract = Contract.model_validate(row["contract"])
    return Revision(row["workflow_json"], contract, row["resources"])


def _rows(org_id: str) -> Select[Any]:
    """Workflows with their current revision: the organization's own, and public ones."""
    current = and_(
        revisions.c.workflow_id == workflows.c.id, revisions.c.revision == workflows.c.revision
    )
    return (
        select(workflows, revisions.c.workflow_json, revisions.c.contract, revisions.c.resources)
        .join(revisions, current)
        .where(
            workflows.c.deleted_at.is_(None),
            or_(workflows.c.org_id == org_id, workflows.c.is_public.is_(True)),
        )
    )


def _add_revision(
    connection: Connection, workflow_id: str, number: int, revision: Revision
) -> None:
    connection.execute(
        insert(revisions).values(
            workflow_id=workflow_id,
            revision=number,
            workflow_json=revision.workflow_json,
            contract=revision.contract.model_dump(mode="json", by_alias=True),
            resources=revision.resources,
        )
    )
