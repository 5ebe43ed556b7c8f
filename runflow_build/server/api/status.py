"""/v1/health and /v1/readiness: whether the server is there, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ... import __version__
from ..problem import Problem
from ..services import ServicesOf
from ..wire import Reply

router = APIRouter(tags=["status"])


@router.get("/v1/health")
def health() -> Reply:
    """That something answers; needs no key."""
    return Reply({"status": "ok", "ok": True, "version": __version__})


@router.get("/v1/readiness")
def readiness(services: ServicesOf) -> Reply:
    """That the database answers too; 503 when it does not."""
    try:
        with services.database.read() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        raise Problem(503, "the database does not answer") from None
    return Reply({"status": "ok", "ok": True})
