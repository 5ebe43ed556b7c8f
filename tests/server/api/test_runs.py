"""Dispatching runs, and reading what became of them."""

from __future__ import annotations

import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from runflow_build.engines.base import OutputFile
from runflow_build.workflow.model import Prompt

Api = Any

MISSING = "runflow://assets/0197c0de-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def poster(serve: Any, tmp_path_factory: pytest.TempPathFactory, colour: Prompt) -> Any:
    """A server with the endpoint `poster`."""
    with serve(tmp_path_factory.mktemp("runs")) as api:
        api.publish("poster", colour)
        yield api


@pytest.fixture(scope="module")
def real(
    serve: Any, tmp_path_factory: pytest.TempPathFactory, embedded: Any, invert: Prompt,
    colour: Prompt,
) -> Any:  # fmt: skip
    """A server with the embedded engine and the endpoints `invert` and `poster`."""
    with serve(tmp_path_factory.mktemp("real"), embedded) as api:
        api.publish("invert", invert)
        api.publish("poster", colour)
        yield api


# ---- from the request to the picture


def test_a_run_is_queued_and_then_has_its_picture(real: Api, png: bytes) -> None:
    asset = real.upload(png)
    reference = f"runflow://assets/{asset['id']}"
    queued = real.dispatch(
        "invert", input={"photo": reference}, client_ref="order-42", metadata={"campaign": "july"}
    )
    assert UUID(queued["id"]).version == 7
    assert (queued["status_code"], queued["output"]) == ("queued", None)
    assert queued["input"] == {"photo": reference}
    run = real.ended(queued["id"])
    assert run["status_code"] == "succeeded", run
    assert (run["client_ref"], run["metadata"]) == ("order-42", {"campaign": "july"})
    assert run["nodes_completed"] == run["nodes_total"] == 4
    assert run["completed_at"] >= run["started_at"] >= run["created_at"]
    assert run["duration_ms"] >= 0
    assert set(run["output"]) == {"kind", "outputs"}
    assert run["output"]["kind"] == "comfyui_outputs"
    (output,) = run["output"]["outputs"]
    answer = real.web.get(output["url"])
    assert answer.headers["content-type"] == output["content_type"] == "image/png"
    assert len(answer.content) == output["size_bytes"]
    assert (output["output_id"], output["type"]) == ("picture", "image")
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert [picture.getpixel((x, 0)) for x in (0, 3)] == [(255, 255, 255), (0, 0, 0)]


def test_a_data_uri_becomes_an_asset(real: Api, png: bytes) -> None:
    text = base64.b64encode(png).decode()
    queued = real.dispatch("invert", input={"photo": f"data:image/png;base64,{text}"})
    reference = queued["input"]["photo"]
    asset = real.get(f"/v1/assets/{reference.removeprefix('runflow://assets/')}")
    assert real.web.get(asset["url"]).content == png
    assert (asset["name"], asset["mime_type"]) == ("photo.png", "image/png")
    assert real.ended(queued["id"])["status_code"] == "succeeded"


def test_links_to_outputs_are_signed_anew_at_each_read(real: Api) -> None:
    run = real.ended(real.dispatch("poster")["id"])
    old = run["output"]["outputs"][0]["url"]
    real.clock.ahead_s += 25 * 3600
    assert real.web.get(old).status_code == 403
    new = real.get(f"/v1/runs/{run['id']}")["output"]["outputs"][0]["url"]
    assert real.web.get(new).status_code == 200


def test_an_optional_input_that_is_left_out_has_its_default(real: Api) -> None:
    pictures = []
    for given in ({}, {"colour": 0xFF0000}):
        run = real.ended(real.dispatch("poster", input=given)["id"])
        picture = Image.open(io.BytesIO(real.web.get(run["output"]["outputs"][0]["url"]).content))
        pictures.append(picture.convert("RGB").getpixel((0, 0)))
    assert pictures == [(0, 0, 255), (255, 0, 0)]


def test_published_resources_lie_in_the_input_folder(
    serve: Any, tmp_path: Path, embedded: Any, png: bytes
) -> None:
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "sub/photo.png"}},
        "2": {"class_type": "RunflowOutputImage",
              "inputs": {"output_id": "out", "output_name": "Out", "value": ["1", 0]}},
    }  # fmt: skip
    with serve(tmp_path, embedded) as api:
        asset = api.upload(png)
        row = {"asset_id": asset["id"], "sha256": asset["sha256"]}
        api.publish("poster", prompt, resources={"sub/photo.png": row})
        assert api.ended(api.dispatch()["id"])["status_code"] == "succeeded"
        # The stored bytes rot: the run must say so rather than use them.
        path = api.data_dir / "files" / asset["id"][-2:] / asset["id"]
        path.write_bytes(b"rotten")
        run = api.ended(api.dispatch()["id"])
        assert run["failure_code"] == "ASSET_DAMAGED"
        assert "resource sub/photo.png" in run["failure_message"]
        path.unlink()
        assert api.ended(api.dispatch()["id"])["failure_code"] == "ASSET_MISSING"


def test_a_resource_that_is_only_an_address_is_named(api: Api) -> None:
    api.publish(resources={"long.mp4": {"url": "https://example.com/long.mp4"}})
    run = api.ended(api.dispatch()["id"])
    assert (run["failure_code"], run["failure_stage_code"]) == ("RESOURCE_MISSING", "preprocess")
    assert "long.mp4" in run["failure_message"]


def test_the_sdk_path_serves_workflows_too(poster: Api) -> None:
    run = poster.post("/v1/models/local/poster/runs", {"input": {}})
    assert poster.ended(run["id"])["status_code"] == "succeeded"


def test_a_run_keeps_what_it_was_dispatched_with(
    serve: Any, tmp_path: Path, scripted: Any, colour: Prompt
) -> None:
    gate = threading.Event()
    seen: list[int] = []

    def behaviour(prompt: Prompt, _folders: Any, _cancelled: Any) -> list[OutputFile]:
        gate.wait(10)
        seen.append(prompt["2"]["inputs"]["width"])
        return []

    with serve(tmp_path, scripted(behaviour), workers=1) as api:
        made = api.publish()
        first, second = api.dispatch(), api.dispatch()
        wider = {**colour, "2": {**colour["2"], "inputs": {**colour["2"]["inputs"], "width": 99}}}
        api.patch(f"/v1/comfyui-workflows/{made['id']}", {"workflow_json": wider})
        third = api.dispatch()
        gate.set()
        versions = [api.ended(run["id"])["target_version"] for run in (first, second, third)]
    assert seen == [8, 8, 99]
    assert versions == ["1", "1", "2"]


# ---- what is refused


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"colour": "red"}, "colour", "must be a whole number, not text"),
        ({"colour": 7.9}, "colour", "must be a whole number, not 7.9"),
        ({"colour": -1}, "colour", "must be at least 0, not -1"),
        ({"color": 1}, "color", "there is no input `color`; did you mean `colour`?"),
    ],
)
def test_an_input_that_does_not_fit_is_named(
    given: dict[str, Any], field: str, message: str, poster: Api
) -> None:
    (error,) = poster.dispatch(status=422, input=given)["errors"]
    assert error["loc"] == ["body", "input", field]
    assert message in error["msg"]


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (None, "`photo` is required"),
        (5, "must be text, not a number"),
        (MISSING, f"there is no asset {MISSING}; upload and confirm it first"),
        ("runflow://assets/none", "must be an image; upload it as an asset"),
        ("photo.png", "must be an image; upload it as an asset"),
        ("../photo.png", "must be an image; upload it as an asset"),
        ("https://example.com/a.png", "this server fetches nothing from other hosts; upload it"),
        ("HTTP://169.254.169.254/", "this server fetches nothing from other hosts; upload it"),
        ("data:image/png", "is no valid data: URI"),
        ("data:image/png;base64,a", "is no valid base64"),
        ("data:image/png;base64,", "is an empty data: URI"),
        ("data:text/plain,hello", "must be an image, not text/plain"),
        ("data:,hello", "must be an image, not text/plain"),
    ],
)
def test_a_picture_that_cannot_be_taken_is_named(photo: Any, message: str, real: Api) -> None:
    given = {} if photo is None else {"photo": photo}
    (error,) = real.dispatch("invert", 422, input=given)["errors"]
    assert error["loc"] == ["body", "input", "photo"]
    assert message in error["msg"]


def test_an_asset_must_be_ones_own_and_confirmed_and_a_picture(real: Api, png: bytes) -> None:
    other = real.with_key(organization="acme")
    foreign = other.upload(png)["id"]
    other.client.close()
    announced = real.post(
        "/v1/asset-uploads", {"filename": "a.png", "mime_type": "image/png", "size_bytes": 3}
    )["asset_id"]
    text = real.upload(b"abc", "a.txt", "text/plain")["id"]
    for asset_id, message in (
        (foreign, "there is no asset"),
        (announced, "there is no asset"),
        (text, "must be an image, not text/plain"),
    ):
        given = {"photo": f"runflow://assets/{asset_id}"}
        assert message in real.dispatch("invert", 422, input=given)["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"callback_url": "https://app.example.com/hook"}, "callback_url"),
        ({"client_ref": "x" * 256}, "client_ref"),
        ({"metadata": []}, "metadata"),
        ({"input": []}, "input"),
        ({"priority": 1}, "priority"),
    ],
)
def test_a_dispatch_that_asks_for_more_is_refused(
    body: dict[str, Any], field: str, poster: Api
) -> None:
    assert poster.dispatch(status=422, **body)["errors"][0]["loc"] == ["body", field]


def test_a_refused_dispatch_leaves_nothing(poster: Api) -> None:
    before = len(poster.get("/v1/runs", limit=500)["items"])
    poster.dispatch(status=422, input={"color": 1})
    assert len(poster.get("/v1/runs", limit=500)["items"]) == before


def test_a_class_that_the_engine_lacks_is_named_before_anything_is_queued(api: Api) -> None:
    api.publish()
    api.engine.missing = ["EmptyImage"]
    answer = api.dispatch(status=422)
    assert answer["code"] == "ENGINE_CLASS_MISSING"
    assert answer["message"] == "this endpoint needs ComfyUI: EmptyImage"
    assert [error["loc"] for error in answer["errors"]] == [["workflow_json", "2"]]
    assert api.get("/v1/runs")["items"] == []


def test_a_run_of_anothers_private_workflow_is_not_found(poster: Api) -> None:
    other = poster.with_key(organization="acme")
    other.dispatch(status=404)
    other.client.close()


def test_a_run_of_a_public_workflow_is_the_callers(api: Api) -> None:
    api.publish(is_public=True)
    other = api.with_key(organization="acme")
    run = other.ended(other.dispatch()["id"])
    assert run["status_code"] == "succeeded"
    api.get(f"/v1/runs/{run['id']}", 404)
    other.client.close()


# ---- idempotency


def test_the_same_key_and_body_is_one_run(poster: Api) -> None:
    headers = {"Idempotency-Key": "order-1"}
    path = "/v1/comfyui-workflows/local/poster/runs"
    first = poster.post(path, {"input": {"colour": 1}}, headers=headers)
    poster.ended(first["id"])
    assert poster.post(path, {"input": {"colour": 1}}, headers=headers) == first
    assert poster.post("/v1/models/local/poster/runs", {"input": {"colour": 1}}, headers=headers)
    answer = poster.post(path, {"input": {"colour": 2}}, 409, headers=headers)
    assert answer["code"] == "CONFLICT"


def test_of_many_equal_dispatches_at_once_one_run_comes(poster: Api) -> None:
    headers = {"Idempotency-Key": "order-2"}
    body = {"input": {}, "client_ref": "crowd"}
    path = "/v1/comfyui-workflows/local/poster/runs"
    with ThreadPoolExecutor(12) as pool:
        runs = list(pool.map(lambda _: poster.post(path, body, headers=headers), range(12)))
    assert len({run["id"] for run in runs}) == 1
    assert len(poster.get("/v1/runs", q="client_ref.eq:'crowd'")["items"]) == 1


def test_a_key_is_forgotten_after_a_day_and_is_one_organizations(api: Api) -> None:
    api.publish(is_public=True)
    other = api.with_key(organization="acme")
    path, headers = "/v1/comfyui-workflows/local/poster/runs", {"Idempotency-Key": "k"}
    first = api.post(path, {"input": {}}, headers=headers)
    assert other.post(path, {"input": {"colour": 3}}, headers=headers)["id"] != first["id"]
    api.clock.ahead_s = 24 * 3600 + 1
    assert api.post(path, {"input": {"colour": 3}}, headers=headers)["id"] != first["id"]
    other.client.close()


def test_without_a_key_every_call_is_a_run(poster: Api) -> None:
    assert poster.dispatch()["id"] != poster.dispatch()["id"]


# ---- reading


def test_runs_are_found_by_reference_status_and_workflow(api: Api) -> None:
    api.publish("poster")
    api.publish("flyer")
    ids = [api.dispatch("poster", client_ref=f"batch-{n}")["id"] for n in range(3)]
    ids.append(api.dispatch("flyer", client_ref="batch-1")["id"])
    for run_id in ids:
        api.ended(run_id)

    def found(path: str = "/v1/runs", **params: Any) -> list[str]:
        return [item["id"] for item in api.get(path, **params)["items"]]

    assert found() == ids[::-1]
    assert found(q="client_ref.EQ:'batch-1'") == [ids[3], ids[1]]
    assert found("/v1/comfyui-workflows/local/flyer/runs") == [ids[3]]
    assert found(q="status_code:succeeded AND created_at>2020-01-01", limit=1) == [ids[3]]
    assert found(q="status_code.in:('queued','running')") == []
    assert api.get("/v1/runs", limit=1)["items"][0]["output"]["outputs"][0]["url"]
    rows = api.get("/v1/runs", fields="id,status_code", limit=1)["items"]
    assert rows == [{"id": ids[3], "status_code": "succeeded"}]


def test_the_statuses_are_listed(poster: Api) -> None:
    items = poster.get("/v1/runs/statuses")["items"]
    assert [item["code"] for item in items if item["is_terminal"]] == [
        "succeeded",
        "failed",
        "canceled",
    ]


def test_a_run_is_its_organizations_alone(poster: Api) -> None:
    run = poster.ended(poster.dispatch()["id"])
    other = poster.with_key(organization="acme")
    for path in (f"/v1/runs/{run['id']}", f"/v1/runs/{run['id']}/logs"):
        assert other.get(path, 404)["code"] == "RUN_NOT_FOUND"
    other.post(f"/v1/runs/{run['id']}/cancellation", {}, 404)
    assert other.get("/v1/runs")["items"] == []
    other.client.close()


def test_the_log_tells_what_happened(poster: Api) -> None:
    run = poster.ended(poster.dispatch()["id"])
    logs = poster.get(f"/v1/runs/{run['id']}/logs")["items"]
    assert [row["message"] for row in logs] == ["queued", "attempt 1 began", "succeeded"]
    assert {row["run_id"] for row in logs} == {run["id"]}
    assert len(poster.get(f"/v1/runs/{run['id']}/logs", limit=2)["items"]) == 2


# ---- failures and cancellation


def test_a_failure_names_the_node(real: Api) -> None:
    asset = real.upload(b"no picture at all", "a.png", "image/png")
    given = {"photo": f"runflow://assets/{asset['id']}"}
    run = real.ended(real.dispatch("invert", input=given)["id"])
    assert run["status_code"] == "failed"
    assert run["output"] is None
    assert run["failure_stage_code"] == "execution"
    assert "node 1-image" in run["failure_message"]
    assert "(LoadImage)" in run["failure_message"]
    assert run["error"] == {"code": run["failure_code"], "message": run["failure_message"]}


def test_cancelling_is_201_once_and_200_after(serve: Any, tmp_path: Path, scripted: Any) -> None:
    started = threading.Event()

    def behaviour(_prompt: Prompt, folders: Any, cancelled: Any) -> list[OutputFile]:
        started.set()
        while not cancelled():
            pass
        path = folders.output / "late.txt"
        path.write_text("late")
        return [OutputFile("3", path, "text/plain")]  # too late: nobody may see it

    with serve(tmp_path, scripted(behaviour), workers=1) as api:
        api.publish()
        running, waiting = api.dispatch(), api.dispatch()
        assert started.wait(10)
        for run in (waiting, running):
            path = f"/v1/runs/{run['id']}/cancellation"
            assert api.post(path, {"reason": "no longer needed"})["status_code"] == "canceled"
            again = api.post(path, None, 200)
            assert again["status_code"] == "canceled"
            assert again["output"] is None
        assert api.engine.executed == 1


@pytest.mark.parametrize("reason", ["no", 5, "x" * 501])
def test_a_reason_is_a_sentence(reason: Any, poster: Api) -> None:
    run = poster.dispatch()
    poster.post(f"/v1/runs/{run['id']}/cancellation", {"reason": reason}, 422)
