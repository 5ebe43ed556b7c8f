"""The states of a run as a table, and the record that the API shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runflow_build.server.runs import (
    STATUSES,
    TERMINAL,
    TRANSITIONS,
    Failure,
    Output,
    Run,
    Status,
    media_type,
    origins,
    record,
)

RUN = Run(
    id="0197c0de-0000-7000-8000-0000000000aa",
    org_id="org",
    workflow_id="workflow",
    revision=2,
    status="running",
    attempt=1,
    input={"prompt": "a sea otter"},
    metadata={"campaign": "july"},
    client_ref="order-42",
    request_id="request",
    created_by="key",
    created_at="2026-07-01T10:00:00.000000+00:00",
    updated_at="2026-07-01T10:00:01.000000+00:00",
    started_at="2026-07-01T10:00:01.000000+00:00",
    completed_at=None,
    duration_ms=None,
    nodes_total=3,
    nodes_completed=1,
    failure=None,
)
PICTURE = Output("file", "image", "a b.png", "image/png", 8123)


@pytest.mark.parametrize(
    ("status", "next_ones"),
    [
        ("queued", {"dispatching", "canceled"}),
        ("dispatching", {"queued", "running", "failed", "canceled"}),
        ("running", {"queued", "succeeded", "failed", "canceled"}),
        ("succeeded", set()),
        ("failed", set()),
        ("canceled", set()),
    ],
)
def test_a_run_goes_only_where_the_table_says(status: Status, next_ones: set[Status]) -> None:
    assert TRANSITIONS[status] == next_ones


def test_origins_are_the_table_read_backwards() -> None:
    pairs = {(origin, status) for origin in STATUSES for status in TRANSITIONS[origin]}
    assert {(origin, status) for status in STATUSES for origin in origins(status)} == pairs


def test_every_state_leads_to_an_end_and_no_end_leads_on() -> None:
    assert set(TERMINAL) == {"succeeded", "failed", "canceled"}
    reached: set[Status] = {"queued"}
    while more := {after for status in reached for after in TRANSITIONS[status]} - reached:
        reached |= more
    assert reached == set(STATUSES)


def test_a_finished_run_has_the_shape_of_the_product_page() -> None:
    shown = record(replace(RUN, status="succeeded"), [PICTURE], lambda file, name: f"{file}/{name}")
    assert shown["output"] == {
        "kind": "comfyui_outputs",
        "outputs": [
            {
                "output_id": "image",
                "url": "file/a b.png",
                "content_type": "image/png",
                "size_bytes": 8123,
                "name": "a b.png",
                "type": "image",
                "mime_type": "image/png",
            }
        ],
    }
    assert shown["failure_code"] is None
    assert shown["error"] is None


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "succeeded"])
def test_only_a_run_that_succeeded_has_an_output(status: Status) -> None:
    assert record(replace(RUN, status=status), [PICTURE], lambda *_: "")["output"] is None


def test_a_failure_is_told_in_both_forms_that_clients_read() -> None:
    failure = Failure("NODE_FAILED", 'node 4 "Scale" (ImageScale): too large', "execution")
    shown = record(replace(RUN, status="failed", failure=failure), [], lambda *_: "")
    assert shown["failure_code"] == "NODE_FAILED"
    assert shown["failure_message"] == 'node 4 "Scale" (ImageScale): too large'
    assert shown["failure_stage_code"] == "execution"
    assert shown["error"] == {"code": "NODE_FAILED", "message": failure.message}


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/png", "image"),
        ("video/mp4", "video"),
        ("audio/flac", "audio"),
        ("model/gltf-binary", "file"),
        ("", "file"),
    ],
)
def test_the_type_of_an_output_is_its_family(content_type: str, kind: str) -> None:
    assert media_type(content_type) == kind
