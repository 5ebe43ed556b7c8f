"""Calling an endpoint: checked, uploaded, dispatched once, watched, fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runflow_build.bundle import Bundle
from runflow_build.errors import ApiError, ApiRefusedError, BindError, EngineError
from runflow_build.publish.call import Progress, call, wait_for
from runflow_build.publish.client import Client
from runflow_build.publish.provenance import Provenance
from runflow_build.publish.push import push

Card = Callable[..., Bundle]
RUNS = "/v1/comfyui-workflows/acme/card/runs"
ENDPOINT = "/v1/comfyui-workflows/acme/card"


def run(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "r1", "status_code": status, **more}


@pytest.fixture
def endpoint(api: Any, reply: Any) -> Any:
    """The scripted API with one endpoint that takes a prompt and a photo."""
    rows = [
        {"name": "prompt", "variable_type_code": "string", "is_required": True},
        {"name": "photo", "variable_type_code": "image", "is_required": False},
    ]
    api.on("GET", "/v1/auth/me", reply({"memberships": [{"org": {"slug": "acme"}}]}))
    api.on("GET", ENDPOINT, reply({"inputs": rows}))
    api.on("POST", RUNS, reply(run("queued"), 201))
    return api


def test_a_call_waits_reports_and_saves(
    endpoint: Any, client: Client, reply: Any, tmp_path: Path, pauses: list[float]
) -> None:
    output = {"outputs": [{"output_id": "picture", "url": f"{endpoint.url}/get/x.png"}]}
    endpoint.on(
        "GET",
        "/v1/runs/r1",
        reply(run("dispatching")),
        reply(run("running", nodes_completed=1, nodes_total=3)),
        reply(run("running", nodes_completed=1, nodes_total=3)),
        reply(run("succeeded", nodes_completed=3, nodes_total=3, output=output)),
    )
    endpoint.on("GET", "/get/x.png", reply(b"picture"))
    told: list[Progress] = []
    called = call(client, "card", {"prompt": "otter"}, into=tmp_path, report=told.append)

    assert (called.run_id, called.status) == ("r1", "succeeded")
    assert called.endpoint == f"{endpoint.url}{RUNS}"
    assert called.input_json == '{"prompt": "otter"}'
    assert [path.read_bytes() for path in called.files] == [b"picture"]
    assert called.to_json()["files"] == [(tmp_path / "picture.png").as_posix()]
    assert [(one.status, one.completed) for one in told] == [
        ("queued", None),
        ("dispatching", None),
        ("running", 1),
        ("succeeded", 3),
    ]
    assert pauses[0] < pauses[-1] <= 0.5  # one's own server may be asked more often


def test_without_waiting_the_run_is_only_started(endpoint: Any, client: Client) -> None:
    called = call(client, "card", {"prompt": "otter"}, wait=False)
    assert (called.status, called.files) == ("queued", ())
    assert endpoint.calls() == ["GET /v1/auth/me", f"GET {ENDPOINT}", f"POST {RUNS}"]


def test_a_dispatch_whose_answer_gets_lost_is_repeated_with_its_key(
    endpoint: Any, client: Client, reply: Any
) -> None:
    endpoint.on("POST", RUNS, reply(None, fault="reset"), reply(run("succeeded"), 201))
    assert call(client, "card", {"prompt": "otter"}).status == "succeeded"
    posts = [seen for seen in endpoint.seen if seen.method == "POST"]
    assert len(posts) == 2
    assert len({seen.headers["idempotency-key"] for seen in posts}) == 1


def test_files_go_up_and_are_named_by_their_asset(
    endpoint: Any, client: Client, reply: Any, tmp_path: Path
) -> None:
    session = {"asset_id": "a1", "upload_url": f"{endpoint.url}/put"}
    row = {"id": "a1", "url": "https://s/a1", "mime_type": "image/png", "size_bytes": 3}
    endpoint.on("POST", "/v1/asset-uploads", reply(session, 201))
    endpoint.on("PUT", "/put", reply(b""))
    endpoint.on("POST", "/v1/asset-uploads/a1/confirmations", reply(row, 201))
    (tmp_path / "me.png").write_bytes(b"PNG")
    called = call(
        client,
        "card",
        {"prompt": "otter", "photo": f"@{tmp_path / 'me.png'}"},
        as_text=True,
        wait=False,
    )
    assert json.loads(called.input_json) == {"prompt": "otter", "photo": "runflow://assets/a1"}
    announced = next(seen for seen in endpoint.seen if seen.path == "/v1/asset-uploads")
    assert announced.json == {"filename": "me.png", "mime_type": "image/png", "size_bytes": 3}


@pytest.mark.parametrize(
    ("name", "why"),
    [("gone.png", "cannot be read: No such file"), ("empty.png", "is empty"), (".", "cannot be")],
)
def test_a_file_that_cannot_go_up_stops_the_call_before_it_starts(
    endpoint: Any, client: Client, tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(BindError) as refused:
        call(client, "card", {"prompt": "x", "photo": tmp_path / name})
    assert f"the file for `photo` {why}" in str(refused.value)
    assert not [seen for seen in endpoint.seen if seen.method == "POST"]


def test_values_are_checked_before_anything_is_sent(endpoint: Any, client: Client) -> None:
    with pytest.raises(BindError, match="input-missing: `prompt` is required"):
        call(client, "card", {})
    assert not [seen for seen in endpoint.seen if seen.method == "POST"]


def test_a_key_that_may_only_run_leaves_the_check_to_the_api(
    endpoint: Any, client: Client, reply: Any
) -> None:
    endpoint.on("GET", ENDPOINT, reply({"code": "PERMISSION_DENIED", "message": "no"}, 403))
    call(client, "card", {"n": "5", "t": "x"}, as_text=True, wait=False)
    assert endpoint.seen[-1].json == {"input": {"n": 5, "t": "x"}}


def test_an_endpoint_that_is_not_there(endpoint: Any, client: Client) -> None:
    with pytest.raises(ApiError) as error:
        call(client, "crad", {})
    assert str(error.value) == (
        f"error endpoint-unknown: {client.host} has no endpoint acme/crad that the key may see\n"
        "  fix       publish it (`runflow publish`), or look at `runflow status`"
    )


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            run(
                "failed",
                failure_code="NODE_FAILED",
                failure_stage_code="execution",
                failure_message='node 3 "Crop" (ImageCrop): the picture is too small.',
            ),
            """\
error run-failed: run r1 failed: node 3 "Crop" (ImageCrop): the picture is too small
  code      NODE_FAILED
  stage     execution
  fix       correct the values, or the workflow, and call it again""",
        ),
        (
            run("failed", error={"code": "X", "message": "from the SDK's field"}),
            """\
error run-failed: run r1 failed: from the SDK's field
  code      X
  fix       correct the values, or the workflow, and call it again""",
        ),
        (
            run("failed"),
            """\
error run-failed: run r1 failed: the API gives no reason
  fix       correct the values, or the workflow, and call it again""",
        ),
        (
            run("canceled"),
            """\
error run-canceled: run r1 was cancelled
  fix       call the endpoint again""",
        ),
        (
            run("cancelled"),
            """\
error run-canceled: run r1 was cancelled
  fix       call the endpoint again""",
        ),
    ],
)
def test_a_run_that_does_not_succeed_is_a_finding(
    endpoint: Any, client: Client, reply: Any, record: dict[str, Any], told: str
) -> None:
    endpoint.on("GET", "/v1/runs/r1", reply(record))
    with pytest.raises(EngineError) as error:
        call(client, "card", {"prompt": "otter"})
    assert str(error.value) == told


def test_waiting_ends_some_day(endpoint: Any, client: Client, reply: Any) -> None:
    endpoint.on("GET", "/v1/runs/r1", reply(run("running")))
    with pytest.raises(ApiError, match="run-timeout: run r1 is still queued after 0 s"):
        wait_for(client, run("queued"), timeout_s=0)


def test_a_server_that_does_not_come_back_leaves_the_way_to_the_run(
    endpoint: Any, client: Client, reply: Any, pauses: list[float]
) -> None:
    endpoint.on("GET", "/v1/runs/r1", reply(fault="reset"))
    with pytest.raises(ApiError) as lost:
        wait_for(client, run("running"))
    (finding,) = lost.value.findings
    assert finding.code == "api-unreachable"
    assert finding.also[-1] == (
        "run",
        f"r1 was running; look at it later: GET {endpoint.url}/v1/runs/r1",
    )


def test_an_answer_that_is_no_run(endpoint: Any, client: Client, reply: Any) -> None:
    endpoint.on("POST", RUNS, reply({"ok": True}, 201))
    with pytest.raises(ApiError, match="api-unexpected"):
        call(client, "card", {"prompt": "otter"})


# -- the real server


def test_a_server_that_restarts_is_waited_for(
    card: Card, source: Provenance, tmp_path: Path
) -> None:
    from runflow_build.server.keys import create_key
    from runflow_build.server.serve import running
    from runflow_build.server.settings import Settings

    with ExitStack() as restarted:
        attempts = 0

        def pause(seconds: float) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 3:  # two in vain; for the third the server is back
                port = int(url.rpartition(":")[2])
                restarted.enter_context(running(Settings(data_dir=tmp_path, port=port)))

        with running(Settings(data_dir=tmp_path, port=0)) as url:
            client = restarted.enter_context(Client(url, create_key(tmp_path), pause=pause))
            push(card(), client, source, {})
            started = call(client, "card", {"width": 4}, wait=False)
        assert wait_for(client, started.record or {})["status_code"] == "succeeded"


def test_a_published_endpoint_makes_its_picture(
    real: Any, card: Card, source: Provenance, tmp_path: Path
) -> None:
    push(card(), real.client, source, {})
    called = call(real.client, "card", {"width": "12"}, as_text=True, into=tmp_path)
    assert called.status == "succeeded"
    (path,) = called.files
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BindError, match="input-wrong-type"):
        call(real.client, "card", {"width": "wide"}, as_text=True)
    with (
        Client(real.url, real.key("comfyui-workflows:read")) as reader,
        pytest.raises(ApiRefusedError, match="has the scope runs:create"),
    ):
        call(reader, "card", {})
