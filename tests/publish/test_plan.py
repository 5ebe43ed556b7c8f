"""Created, updated, unchanged or refused: what decides, and what does not count."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.bundle import Bundle
from runflow_build.errors import ApiError
from runflow_build.lock.model import GPUPin, ModelPin, ResourcePin
from runflow_build.publish.plan import normal, plan, to_reset
from runflow_build.publish.provenance import Provenance
from runflow_build.publish.record import fingerprint
from runflow_build.publish.wire import Asset, body_of

Card = Callable[..., Bundle]
ASSET = Asset("asset-1", "https://storage.example/get?sig=1", "image/png", 5)
RESOURCE = {"input/a.png": ResourcePin(sha256="12" * 32, size=5)}


def record_of(bundle: Bundle, source: Provenance) -> dict[str, Any]:
    """What an API shows after a publish of the bundle: a copy, with its own fields."""
    body = body_of(bundle, source, {pin.sha256: ASSET for pin in bundle.resources.values()})
    own = {"id": "01", "is_public": False, "created_at": "2026-01-01T00:00:00+00:00"}
    return {**json.loads(json.dumps(body)), **own}


def fields(bundle: Bundle, source: Provenance, remote: dict[str, Any]) -> list[str]:
    return [change.field for change in plan(bundle, source, remote).changes]


def test_what_is_not_there_is_created(card: Card, source: Provenance) -> None:
    step = plan(card(), source, None)
    assert step.action == "created"
    assert [change.field for change in step.changes] == [
        "name",
        "slug",
        "workflow_json",
        "graph",
        "environment",
        "custom_nodes",
        "models",
        "description",
    ]


def test_what_was_published_is_unchanged(card: Card, source: Provenance) -> None:
    bundle = card(resources=RESOURCE)
    assert plan(bundle, source, record_of(bundle, source)).action == "unchanged"


def _reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reordered(value[key]) for key in reversed(value)}
    return [_reordered(inner) for inner in value] if isinstance(value, list) else value


def _as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_floats(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _with_nulls(record: dict[str, Any]) -> dict[str, Any]:
    nodes = {
        node: {**shape, "inputs": {**shape["inputs"], "more": None}}
        for node, shape in record["workflow_json"].items()
    }
    return {**record, "workflow_json": nodes, "resources": None, "gpu_mode": None}


def _retitled(record: dict[str, Any]) -> dict[str, Any]:
    nodes = {
        node: {**shape, "_meta": {"title": "other"}}
        for node, shape in record["workflow_json"].items()
    }
    return {**record, "workflow_json": nodes}


def _packages_shuffled(record: dict[str, Any]) -> dict[str, Any]:
    environment = record["environment"]
    packages = list(reversed(environment["packages"]))
    return {**record, "environment": {**environment, "packages": packages}}


def _by_another_tool(record: dict[str, Any]) -> dict[str, Any]:
    environment = record["environment"]
    runflow = {**environment["runflow"], "tool": "runflow-build 9", "lock": "99"}
    return {**record, "environment": {**environment, "runflow": runflow}}


@pytest.mark.parametrize(
    "same",
    [_reordered, _as_floats, _with_nulls, _retitled, _packages_shuffled, _by_another_tool],
)
def test_another_way_to_write_it_is_no_change(
    card: Card, source: Provenance, same: Callable[[Any], Any]
) -> None:
    bundle = card()
    assert plan(bundle, source, same(record_of(bundle, source))).action == "unchanged"


def test_a_resource_is_its_content(card: Card, source: Provenance) -> None:
    bundle = card(resources=RESOURCE)
    remote = record_of(bundle, source)
    remote["resources"]["a.png"] |= {"asset_id": "other", "url": "https://storage.example/new"}
    assert plan(bundle, source, remote).action == "unchanged"
    remote["resources"]["a.png"]["sha256"] = "99" * 32
    assert fields(bundle, source, remote) == ["resources.a.png"]


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *front, last = path.split("/")

    def change(record: dict[str, Any]) -> None:
        inner: Any = record
        for name in front:
            inner = inner[name]
        inner[last] = value

    return change


@pytest.mark.parametrize(
    ("edit", "field", "shown"),
    [
        (_set("name", "Theirs"), "name", '"Theirs" → "Card"'),
        (_set("description", None), "description", 'nothing → "A plain card."'),
        (_set("workflow_json/2/inputs/height", 9), "workflow_json.2.inputs.height", "9 → 8"),
        (_set("workflow_json/2/inputs/height", True), "workflow_json.2.inputs.height", "true → 8"),
        (_set("workflow_json/9", {"class_type": "X"}), "workflow_json.9", "1 entry → nothing"),
        (_set("models", {}), "models", "nothing → 1 entry"),
        (_set("custom_nodes/Pack/dirty", True), "custom_nodes.Pack.dirty", "true → false"),
        (
            _set("environment/packages", [{"name": "torch", "version": "2.8.0"}]),
            "environment.packages.aiohttp",
            'nothing → "3.12.13"',
        ),
    ],
)
def test_an_edit_at_the_api_is_drift_that_names_the_field(
    card: Card, source: Provenance, edit: Callable[[Any], None], field: str, shown: str
) -> None:
    bundle = card()
    remote = record_of(bundle, source)
    edit(remote)
    step = plan(bundle, source, remote)
    assert (step.action, step.drifted) == ("updated", True)
    assert [str(change) for change in step.changes] == [f"{field}: {shown}"]
    (finding,) = step.findings
    assert finding.message == "somebody changed card at the API since it was published"
    assert finding.also == (("fields", field),)


def test_an_edit_of_ours_is_an_update_and_no_drift(card: Card, source: Provenance) -> None:
    remote = record_of(card(), source)
    step = plan(card(name="Newer"), source, remote)
    assert (step.action, step.drifted) == ("updated", False)
    assert [change.field for change in step.changes] == ["name", "environment.runflow.bundle"]


def test_a_new_layout_is_sent_and_no_drift(card: Card, source: Provenance) -> None:
    remote = record_of(card(), source)
    step = plan(card(graph={"nodes": [{"id": 1, "pos": [99, 99]}], "version": 0.4}), source, remote)
    assert (step.action, step.drifted) == ("updated", False)
    assert [str(change) for change in step.changes] == ["graph: changed"]


def test_a_new_place_of_the_same_model_is_drift_only_when_the_lock_is_the_same(
    card: Card, source: Provenance
) -> None:
    model = {"loras/style.safetensors": ModelPin(sha256="cd" * 32, url="https://new.example/s")}
    remote = record_of(card(), source)
    moved = plan(card(models=model), replace(source, lock="00" * 32), remote)
    assert (moved.action, moved.drifted) == ("updated", False)
    assert plan(card(models=model), source, remote).drifted


# -- whose it is


def test_another_projects_endpoint_is_refused(card: Card, source: Provenance) -> None:
    bundle = card()
    step = plan(bundle, source, record_of(bundle, replace(source, project="theirs")))
    assert step.action == "refused"
    (finding,) = step.findings
    assert finding.message == (
        "the endpoint card at the API belongs to the project theirs; this one is cards"
    )
    assert finding.fix == "choose another slug in runflow.yaml, or take it over with --adopt"


def test_adopting_writes_our_name_even_when_all_else_is_equal(
    card: Card, source: Provenance
) -> None:
    bundle = card()
    step = plan(bundle, source, record_of(bundle, replace(source, project="theirs")), adopt=True)
    assert [str(change) for change in step.changes] == [
        'environment.runflow.project: "theirs" → "cards"'
    ]


def test_what_no_project_published_is_refused_unless_adopted(
    card: Card, source: Provenance
) -> None:
    bundle = card()
    remote = record_of(bundle, source) | {"name": "By hand"}
    del remote["environment"]["runflow"]
    refused = plan(bundle, source, remote)
    assert refused.action == "refused"
    assert "was not published by a project" in refused.findings[0].message
    adopted = plan(bundle, source, remote, adopt=True)
    assert (adopted.action, adopted.changes[0].field) == ("updated", "name")


def test_an_api_that_keeps_no_record_is_compared_by_fields_with_one_finding(
    card: Card, source: Provenance
) -> None:
    bundle = card()
    remote = record_of(bundle, source)
    del remote["environment"]["runflow"]
    step = plan(bundle, source, remote)
    assert step.action == "unchanged"
    assert [finding.code for finding in step.findings] == ["remote-no-record"]
    assert step.findings[0].severity == "warning"


# -- optional fields


def test_a_gpu_is_compared_in_both_forms_that_an_api_may_show(
    card: Card, source: Provenance
) -> None:
    bundle = card(gpu=GPUPin(mode="model", model="l40s"))
    remote = record_of(bundle, source)
    remote["gpu_models"] = [{"gpu_model_code": "l40s", "sort_order": 0}]
    assert plan(bundle, source, remote).action == "unchanged"
    remote["gpu_models"] = ["H100"]
    assert fields(bundle, source, remote) == ["gpu_models"]


def test_what_the_spec_does_not_set_is_not_ours(card: Card, source: Provenance) -> None:
    bundle = card(description=None)
    remote = record_of(bundle, source)
    remote |= {"description": "by hand", "gpu_mode": "pinned", "gpu_models": ["H100"]}
    assert plan(bundle, source, remote).action == "unchanged"


def test_what_the_spec_set_before_is_taken_back(card: Card, source: Provenance) -> None:
    remote = record_of(card(gpu=GPUPin(mode="model", model="h100")), source)
    bundle = card(description=None)
    assert to_reset(bundle, remote) == {
        "description": None,
        "gpu_mode": "auto",
        "gpu_models": [],
    }
    assert fields(bundle, source, remote) == [
        "description",
        "gpu_mode",
        "gpu_models",
        "environment.runflow.bundle",
    ]


def test_rows_that_the_api_adds_to_ours_do_not_count(card: Card, source: Provenance) -> None:
    prompt = {
        **card().prompt,
        "4": {"class_type": "ImageBlend", "inputs": {"mode": "screen"}},
    }
    contract = card().contract
    mode = contract.inputs["width"].model_copy(
        update={"type": "COMBO", "node": "4", "class_type": "ImageBlend", "field": "mode"}
    )
    inputs = {**contract.inputs, "mode": mode}
    bundle = card(prompt=prompt, contract=contract.model_copy(update={"inputs": inputs}))
    remote = record_of(bundle, source)
    (row,) = remote["inputs"]
    remote["inputs"] = [{"name": "width", "is_required": False}, {**row, "id": "x"}]
    assert plan(bundle, source, remote).action == "unchanged"
    remote["inputs"][1]["comfyui_field_name"] = "other"
    assert fields(bundle, source, remote) == ["inputs.mode.comfyui_field_name"]
    remote["inputs"] = []
    assert fields(bundle, source, remote) == ["inputs"]


def test_a_gpu_that_nobody_has_is_a_finding(card: Card, source: Provenance) -> None:
    with pytest.raises(ApiError, match="no GPU of the API has 96 GB; the largest have 80"):
        plan(card(gpu=GPUPin(min_vram_gb=96)), source, None)


# -- any record at all

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(json_values)
def test_normalising_twice_is_normalising_once(value: Any) -> None:
    assert normal(normal(value)) == normal(value)


NAMES = (
    "name", "workflow_json", "graph", "environment", "custom_nodes", "models", "resources",
    "description", "inputs", "outputs", "gpu_mode", "gpu_models",
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(remote=st.dictionaries(st.sampled_from(NAMES), json_values))
def test_no_record_whatever_it_holds_is_a_crash(
    remote: dict[str, Any], card: Card, source: Provenance
) -> None:
    remote.setdefault("environment", {})
    if isinstance(remote["environment"], dict):
        remote["environment"]["runflow"] = {"project": "cards", "sets": ["gpu_mode", 5, "x"]}
    step = plan(card(gpu=GPUPin(min_vram_gb=40)), source, remote, adopt=True)
    assert step.action == "updated"
    assert [str(change) for change in step.changes]


def test_a_fingerprint_sees_every_change_and_no_new_signature(
    card: Card, source: Provenance
) -> None:
    remote = record_of(card(resources=RESOURCE), source)
    before = fingerprint(remote)
    remote["resources"]["a.png"]["url"] = "https://storage.example/get?sig=2"
    assert fingerprint(remote) == before
    assert fingerprint({**remote, "is_public": True}) != before
