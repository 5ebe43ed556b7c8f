"""Publishing with an API that fails in every way, and with the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runflow_build.bundle import Bundle
from runflow_build.errors import ApiError, ApiRefusedError, CheckError
from runflow_build.lock.model import GPUPin, ResourcePin
from runflow_build.publish.assets import LARGEST, Assets
from runflow_build.publish.client import Client
from runflow_build.publish.provenance import Provenance
from runflow_build.publish.push import Published, delete, prune, push
from runflow_build.publish.remote import find

Card = Callable[..., Bundle]
COLLECTION = "/v1/comfyui-workflows"
PIXEL = b"\x89PNG and more"


def pin(data: bytes) -> ResourcePin:
    return ResourcePin(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def writes(api: Any) -> list[str]:
    return [call for call in api.calls() if not call.startswith("GET ")]


# -- against the script


def test_an_endpoint_is_created_then_unchanged_then_updated(
    api: Any, client: Client, scripted_store: dict[str, Any], card: Card, source: Provenance
) -> None:
    url = f"{api.url}{COLLECTION}/acme/card/runs"
    first = push(card(), client, source, {})
    assert (first.action, first.url) == ("created", url)
    assert push(card(), client, source, {}).action == "unchanged"
    assert writes(api) == [f"POST {COLLECTION}"]

    second = push(card(name="Newer"), client, source, {})
    assert second.action == "updated"
    assert second.summary() == f"updated {url}\n  changed   name, environment.runflow.bundle"
    assert "slug" not in api.seen[-1].json
    assert scripted_store["record"]["name"] == "Newer"


def test_a_dry_run_sends_only_gets_and_tells_every_change(
    api: Any, client: Client, scripted_store: dict[str, Any], card: Card, source: Provenance
) -> None:
    push(card(), client, source, {})
    api.seen.clear()
    told = push(card(name="N" * 200, description=None), client, source, {}, dry_run=True)
    assert told.summary().splitlines()[:3] == [
        "would update",
        f'  name: "Card" → "{"N" * 59}…',
        '  description: "A plain card." → nothing',
    ]
    assert told.to_json()["changes"][0] == {"field": "name", "before": "Card", "after": "N" * 200}
    assert writes(api) == []
    assert scripted_store["record"]["name"] == "Card"


@pytest.mark.parametrize("fault", ["reset", "cut", "silence"])
def test_a_create_whose_answer_gets_lost_creates_once(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
    fault: str,
) -> None:
    def arrives_and_breaks(seen: Any) -> Any:
        return replace(scripted_store["created"](seen), fault=fault)

    api.on("POST", COLLECTION, arrives_and_breaks)
    assert push(card(), client, source, {}).action == "created"
    assert writes(api) == [f"POST {COLLECTION}"]


def test_a_create_that_never_arrived_is_sent_again_with_its_key(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
) -> None:
    api.on("POST", COLLECTION, reply({}, 502), reply({}, 429), scripted_store["created"])
    assert push(card(), client, source, {}).action == "created"
    posts = [seen for seen in api.seen if seen.method == "POST"]
    assert len(posts) == 3
    assert len({seen.headers["idempotency-key"] for seen in posts}) == 1
    looks = [seen for seen in api.seen if seen.method == "GET" and seen.path == COLLECTION]
    assert len(looks) == 3  # the first one, and one after each attempt that may have arrived


def test_a_create_that_arrives_late_is_found_when_the_second_is_refused(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
) -> None:
    def arrives_meanwhile(seen: Any) -> Any:
        scripted_store["created"](seen)
        return reply({"code": "CONFLICT", "message": "taken"}, 409)

    api.on("POST", COLLECTION, reply(None, fault="reset"), arrives_meanwhile)
    assert push(card(), client, source, {}).action == "created"


def test_a_slug_that_somebody_else_takes_meanwhile_is_a_conflict(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
) -> None:
    api.on("POST", COLLECTION, reply({"code": "CONFLICT", "message": "taken"}, 409))
    with pytest.raises(ApiError) as error:
        push(card(), client, source, {})
    assert error.value.findings[0].code == "api-conflict"
    assert len(writes(api)) == 1


def test_a_create_that_fails_for_good_says_so_after_five_attempts(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
    pauses: list[float],
) -> None:
    api.on("POST", COLLECTION, reply({}, 503))
    with pytest.raises(ApiError, match="api-server-error"):
        push(card(), client, source, {})
    assert (len(writes(api)), len(pauses)) == (5, 4)


def test_a_422_leads_to_the_line_of_runflow_yaml(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
) -> None:
    refusal = {
        "code": "VALIDATION_ERROR",
        "message": "Request is not valid.",
        "errors": [{"loc": ["body", "gpu_models"], "msg": "extra fields not permitted"}],
    }
    api.on("POST", COLLECTION, reply(refusal, 422))
    with pytest.raises(ApiError) as error:
        push(card(gpu=GPUPin(mode="model", model="l4")), client, source, {})
    (finding,) = error.value.findings
    assert finding.message.endswith("refuses `gpu_models`: extra fields not permitted")
    assert finding.where.key == ("endpoints", "card", "gpu")
    assert finding.fix == "change it in runflow.yaml, at endpoints.card.gpu"


def test_an_api_that_drops_our_record_is_told_once(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
) -> None:
    def forgets(seen: Any) -> Any:
        made = scripted_store["created"](seen)
        del scripted_store["record"]["environment"]["runflow"]
        return made

    api.on("POST", COLLECTION, forgets)
    first = push(card(), client, source, {})
    assert [finding.code for finding in first.findings] == ["remote-no-record"]
    again = push(card(), client, source, {})
    assert (again.action, len(again.findings)) == ("unchanged", 1)


def test_a_published_endpoint_without_a_known_owner_has_no_url(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
) -> None:
    api.on("GET", "/v1/auth/me", reply({"code": "X", "message": "no"}, 403))
    done = push(card(), client, source, {})
    assert (done.action, done.url) == ("created", None)


def test_another_organizations_key_sends_nothing(
    api: Any, client: Client, scripted_store: dict[str, Any], card: Card
) -> None:
    with pytest.raises(ApiRefusedError, match="organization-mismatch"):
        push(card(), client, Provenance("cards", "other", "00"), {})
    assert api.calls() == ["GET /v1/auth/me"]


# -- files, against the script


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("POST /v1/asset-uploads", 422),
        ("PUT /put", 403),
        ("POST /v1/asset-uploads/a1/confirmations", 409),
    ],
)
def test_a_failed_upload_fails_the_publish(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
    tmp_path: Path,
    step: str,
    status: int,
) -> None:
    _storage(api, reply)
    method, path = step.split(" ")
    api.on(method, path, reply({"code": "X", "message": "no"}, status))
    (tmp_path / "a.png").write_bytes(PIXEL)
    bundle = card(resources={"input/a.png": pin(PIXEL)})
    with pytest.raises(ApiError):
        push(bundle, client, source, {"input/a.png": tmp_path / "a.png"})
    assert writes(api)[-1] == step
    assert "record" not in scripted_store


def test_uploads_survive_lost_connections(
    api: Any,
    reply: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
    tmp_path: Path,
) -> None:
    stored = _storage(api, reply, faults=1)
    (tmp_path / "a.png").write_bytes(PIXEL)
    bundle = card(resources={"input/a.png": pin(PIXEL)})
    assert push(bundle, client, source, {"input/a.png": tmp_path / "a.png"}).action == "created"
    assert stored[-1] == PIXEL
    assert scripted_store["record"]["resources"]["a.png"]["asset_id"] == "a1"


def test_everything_is_checked_before_the_first_byte_is_sent(
    api: Any,
    client: Client,
    scripted_store: dict[str, Any],
    card: Card,
    source: Provenance,
    tmp_path: Path,
) -> None:
    (tmp_path / "good.png").write_bytes(PIXEL)
    (tmp_path / "changed.png").write_bytes(b"other")
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(LARGEST + 1)
    names = ("good.png", "changed.png", "huge.bin", "gone.png")
    bundle = card(
        resources={f"input/{name}": pin(PIXEL + name.encode()) for name in names}
        | {"input/good.png": pin(PIXEL)}
    )
    files = {f"input/{name}": tmp_path / name for name in names}
    for dry_run in (False, True):
        with pytest.raises(CheckError) as error:
            push(bundle, client, source, files, dry_run=dry_run)
        assert str(error.value) == (
            "input/changed.png: error resource-changed: input/changed.png is not the file that "
            "runflow.lock holds\n"
            f"  locked    {hashlib.sha256(PIXEL + b'changed.png').hexdigest()}\n"
            f"  found     {hashlib.sha256(b'other').hexdigest()}\n"
            "  fix       run `runflow lock`, and review the change\n"
            "input/gone.png: error resource-missing: input/gone.png cannot be read: No such file "
            "or directory\n"
            "  fix       put the file back, or run `runflow lock` when the workflow no longer "
            "needs it\n"
            "input/huge.bin: error resource-too-large: input/huge.bin is larger than 50 MiB, the "
            "most that can be uploaded\n"
            "  fix       store it where it can be downloaded, and name the place in runflow.yaml "
            "under resources:  input/huge.bin: {url: https://…}"
        )
    assert writes(api) == []


def _storage(api: Any, reply: Any, faults: int = 0) -> list[bytes]:
    stored: list[bytes] = []
    row = {"id": "a1", "url": f"{api.url}/get", "mime_type": "image/png", "size_bytes": len(PIXEL)}

    def put(seen: Any) -> Any:
        stored.append(seen.body)
        return reply(b"", 200)

    lost = [reply(None, fault="reset")] * faults
    session = {"asset_id": "a1", "upload_url": f"{api.url}/put"}
    api.on("POST", "/v1/asset-uploads", *lost, reply(session, 201))
    api.on("PUT", "/put", *lost, put)
    api.on("POST", "/v1/asset-uploads/a1/confirmations", *lost, reply(row, 201))
    return stored


# -- against the real server


def test_the_life_of_an_endpoint(real: Any, card: Card, source: Provenance) -> None:
    client = real.client

    def publish(bundle: Bundle, **options: Any) -> Published:
        return push(bundle, client, options.pop("source", source), {}, **options)

    assert publish(card(), dry_run=True).action == "created"
    assert find(client, "card") is None
    created = publish(card())
    assert (created.action, created.findings) == ("created", ())
    assert created.url == f"{real.url}{COLLECTION}/{real.organization}/card/runs"
    assert publish(card()).action == "unchanged"
    assert publish(card(gpu=GPUPin(mode="model", model="l40s"))).action == "updated"
    assert publish(card(gpu=GPUPin(mode="model", model="l40s"))).action == "unchanged"

    record = find(client, "card")
    assert record is not None
    client.patch(f"{COLLECTION}/{record['id']}", {"name": "By hand", "gpu_models": ["H100"]})
    drifted = publish(card(gpu=GPUPin(mode="model", model="l40s")))
    assert drifted.action == "updated"
    assert [change.field for change in drifted.changes] == ["name", "gpu_models"]
    assert [finding.code for finding in drifted.findings] == ["endpoint-drifted"]

    unpinned = publish(card(description=None))
    assert unpinned.action == "updated"
    record = find(client, "card")
    assert record is not None
    assert (record["gpu_mode"], record["gpu_models"], record["description"]) == ("auto", [], None)
    assert publish(card(description=None)).action == "unchanged"

    theirs = replace(source, project="theirs")
    with pytest.raises(ApiRefusedError) as refused:
        publish(card(), source=theirs)
    assert (refused.value.exit_code, refused.value.findings[0].code) == (4, "endpoint-not-ours")
    assert publish(card(), source=theirs, adopt=True).action == "updated"
    with pytest.raises(ApiRefusedError):
        publish(card())


def test_a_file_goes_up_once_whatever_it_is_called(
    real: Any, card: Card, source: Provenance, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(PIXEL)
    (tmp_path / "b.png").write_bytes(PIXEL)
    files = {"input/a.png": tmp_path / "a.png", "input/sub/b.png": tmp_path / "b.png"}
    bundle = card(resources={name: pin(PIXEL) for name in files})
    first = push(bundle, real.client, source, files)
    assert first.uploads == ("input/a.png",)
    record = find(real.client, "card")
    assert record is not None
    rows = record["resources"]
    assert rows["a.png"]["asset_id"] == rows["sub/b.png"]["asset_id"]
    assert push(bundle, real.client, source, files).action == "unchanged"

    # An update needs the file no more: the API has it.
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    renamed = card(name="Newer", resources={"input/c.png": pin(PIXEL)})
    second = push(renamed, real.client, source, {"input/c.png": tmp_path / "a.png"})
    assert (second.action, second.uploads) == ("updated", ())
    record = find(real.client, "card")
    assert record is not None
    assert record["resources"]["c.png"]["asset_id"] == rows["a.png"]["asset_id"]


def test_two_endpoints_share_an_upload(
    real: Any, card: Card, source: Provenance, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(PIXEL)
    assets = Assets(real.client)
    ids = set()
    for slug in ("one", "two"):
        bundle = card(slug=slug, resources={"input/a.png": pin(PIXEL)})
        files = {"input/a.png": tmp_path / "a.png"}
        push(bundle, real.client, source, files, assets=assets)
        record = find(real.client, slug)
        assert record is not None
        ids.add(record["resources"]["a.png"]["asset_id"])
    assert len(ids) == 1


def test_a_key_without_the_scope_is_refused_by_name(
    real: Any, card: Card, source: Provenance
) -> None:
    with Client(real.url, real.key("comfyui-workflows:read")) as reader:
        with pytest.raises(ApiRefusedError) as refused:
            push(card(), reader, source, {})
        assert "has the scope comfyui-workflows:create" in str(refused.value)
        push(card(), real.client, source, {})
        with pytest.raises(ApiRefusedError) as refused:
            push(card(name="Newer"), reader, source, {})
        assert "has the scope comfyui-workflows:edit" in str(refused.value)
        assert refused.value.exit_code == 4


def test_a_revoked_or_mistyped_key_is_refused(real: Any, card: Card, source: Provenance) -> None:
    with (
        Client(real.url, "rf_live_" + "x" * 32) as stranger,
        pytest.raises(ApiRefusedError, match="api-unauthorized"),
    ):
        push(card(), stranger, source, {})


def test_endpoints_that_left_the_project_are_pruned_and_no_others(
    real: Any, card: Card, source: Provenance
) -> None:
    for slug in ("kept", "gone", "also-gone"):
        push(card(slug=slug), real.client, source, {})
    push(card(slug="theirs"), real.client, replace(source, project="theirs"), {})
    real.client.post(COLLECTION, {"name": "By hand", "workflow_json": card().prompt})

    told = prune(real.client, "cards", ["kept"], dry_run=True)
    assert [(one.slug, one.summary()) for one in told] == [
        ("also-gone", "would delete"),
        ("gone", "would delete"),
    ]
    assert find(real.client, "gone") is not None
    done = prune(real.client, "cards", ["kept"])
    assert [(one.slug, one.action) for one in done] == [
        ("also-gone", "deleted"),
        ("gone", "deleted"),
    ]
    left = real.client.get(COLLECTION, fields="slug")["items"]
    assert {row["slug"] for row in left} == {"kept", "theirs", "by-hand"}


def test_a_deletion_asks_whose_it_is(real: Any, card: Card, source: Provenance) -> None:
    push(card(), real.client, source, {})
    with pytest.raises(ApiRefusedError, match="belongs to the project cards; this one is theirs"):
        delete(real.client, "card", "theirs")
    assert delete(real.client, "card", "theirs", adopt=True, dry_run=True).action == "deleted"
    assert delete(real.client, "card", "cards").action == "deleted"
    with pytest.raises(ApiError, match="endpoint-unknown"):
        delete(real.client, "card", "cards")
