"""The database: what each table holds. Nothing here is SQLite's alone.

Instants are text as `clock.iso` writes it. JSON columns hand back exactly what went in.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA_VERSION = 1

metadata = MetaData()

_JSON = JSON(none_as_null=True)

meta = Table(  # facts about this database: `schema`, `signing_secret`
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", String, primary_key=True),
    Column("slug", String, nullable=False, unique=True),
    Column("created_at", String, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("digest", String, nullable=False, unique=True),  # sha256 of the key; never the key
    Column("prefix", String, nullable=False),  # its first characters, to tell keys apart
    Column("label", String, nullable=False),
    Column("scopes", _JSON, nullable=False),
    Column("created_at", String, nullable=False),
    Column("revoked_at", String),
)

workflows = Table(
    "workflows",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("slug", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("version", Text),  # whatever the publisher calls it
    Column("revision", Integer, nullable=False),  # counts what can be executed
    Column("is_public", Boolean, nullable=False),
    Column("status_code", String, nullable=False),
    Column("category_code", String),
    Column("graph", _JSON),
    Column("environment", _JSON),
    Column("custom_nodes", _JSON),
    Column("models", _JSON),
    Column("gpu_mode", String),
    Column("gpu_models", _JSON),
    Column("given_inputs", _JSON),  # rows as published, beside what the prompt says by itself
    Column("given_outputs", _JSON),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("deleted_at", String),
    Column("deleted_by", String),
)
# A slug is free again once its workflow is deleted.
Index(
    "workflows_slug",
    workflows.c.org_id,
    workflows.c.slug,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)

revisions = Table(  # what runs execute; a row never changes, so a run keeps what it was sent to
    "revisions",
    metadata,
    Column("workflow_id", ForeignKey("workflows.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("workflow_json", _JSON, nullable=False),
    Column("contract", _JSON, nullable=False),
    Column("resources", _JSON),
)

assets = Table(
    "assets",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("mime_type", String, nullable=False),
    Column("size_bytes", Integer, nullable=False),  # as declared; the upload must match
    Column("sha256", String),  # null until the bytes are here
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("confirmed_at", String),  # null: not usable yet
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("workflow_id", ForeignKey("workflows.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status_code", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("input", _JSON, nullable=False),
    Column("metadata", _JSON),
    Column("client_ref", String),
    Column("request_id", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("started_at", String),
    Column("completed_at", String),
    Column("duration_ms", Integer),
    Column("nodes_total", Integer),
    Column("nodes_completed", Integer),
    Column("failure_code", String),
    Column("failure_message", Text),
    Column("failure_stage_code", String),
    # The queue: the oldest row in a state. The lists: an organization's rows, newest first.
    Index("runs_queue", "status_code", "created_at", "id"),
    Index("runs_list", "org_id", "created_at", "id"),
)

run_outputs = Table(
    "run_outputs",
    metadata,
    Column("id", String, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("output_id", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", String, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", String, nullable=False),
)

run_logs = Table(
    "run_logs",
    metadata,
    Column("id", String, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("level_code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("timestamp", String, nullable=False),
)

replays = Table(  # dispatches that carried an Idempotency-Key, with their answer
    "replays",
    metadata,
    Column("org_id", ForeignKey("organizations.id"), primary_key=True),
    Column("path", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("body_sha256", String, nullable=False),
    Column("answer", _JSON, nullable=False),
    Column("created_at", String, nullable=False),
)
