"""Publishing endpoints, and finding, changing and deleting them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from runflow_build.engines.base import Lack
from runflow_build.workflow.model import Prompt

Api = Any

PATH = "/v1/comfyui-workflows"
MANIFEST: dict[str, Any] = {
    "environment": {
        "packages": [{"name": "torch", "version": "2.7.0"}],
        "runflow": {"bundle": "0" * 64, "float": 1.0, "large": 2**70, "null": None},
    },
    "custom_nodes": {"Pack": {"origin": "https://github.com/a/b", "commit": "0" * 40}},
    "models": {"unet/flux.safetensors": {"sha256": "1" * 64}},
    "graph": {"nodes": [{"title": "half a pair \ud83d"}], "version": 0.4},
}


def slugs(listing: dict[str, Any]) -> list[str]:
    return [item["slug"] for item in listing["items"]]


# ---- create


def test_a_workflow_is_published_with_a_name_and_a_prompt(api: Api, colour: Prompt) -> None:
    made = api.post(PATH, {"name": "Poster v2.1", "workflow_json": colour})
    assert made["slug"] == "poster-v21"
    assert made["workflow_json"] == colour
    assert (made["status_code"], made["is_public"], made["deleted_at"]) == ("active", False, None)
    assert made["created_at"].endswith("+00:00")
    assert [row["name"] for row in made["inputs"]] == ["colour"]
    assert [row["name"] for row in made["outputs"]] == ["picture"]


def test_the_record_hands_back_exactly_what_was_published(api: Api) -> None:
    made = api.publish(**MANIFEST, description="Big ones", gpu_mode="pinned", gpu_models=["L40S"])
    for shown in (
        made,
        api.get(f"{PATH}/{made['id']}"),
        api.get(f"{PATH}/{made['id'].upper()}"),
        api.get(f"{PATH}/local/poster"),
        api.get(PATH, q="slug.eq:'poster'", limit=1)["items"][0],
    ):
        assert shown == made
    assert {name: made[name] for name in MANIFEST} == MANIFEST
    assert (made["gpu_mode"], made["gpu_models"]) == ("pinned", ["L40S"])
    assert list(made["environment"]["runflow"]) == ["bundle", "float", "large", "null"]


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        ({"slug": "Not A Slug"}, ["body", "slug"], "as a slug it would be not-a-slug"),
        ({"slug": "inputs"}, ["body", "slug"], "the API keeps this word for itself"),
        ({"slug": None, "name": "!!"}, ["body", "slug"], "nothing is left of it as a slug"),
        ({"name": ""}, ["body", "name"], "String should have at least 1 character"),
        ({"is_public": "yes"}, ["body", "is_public"], "Input should be a valid boolean"),
        ({"workflow_json": {}}, ["body", "workflow_json"], "has no nodes"),
        (
            {"workflow_json": {"1": {"class_type": "A"}}},
            ["body", "workflow_json", "1", "inputs"],
            "must be an object from name to value",
        ),
        (
            {"inputs": [{"name": "a", "comfyui_node_id": "77"}]},
            ["body", "inputs", 0, "comfyui_node_id"],
            "workflow_json has no node 77",
        ),
        (
            {"resources": {"../up.png": {}}},
            ["body", "resources", "../up.png"],
            "must be a POSIX path below the input folder",
        ),
        (
            {"resources": {"a.png": {"asset_id": "nothing"}}},
            ["body", "resources", "a.png", "asset_id"],
            "there is no asset nothing; upload and confirm it first",
        ),
    ],
)
def test_what_cannot_be_published_is_named(
    body: dict[str, Any], place: list[Any], message: str, shared: Api, colour: Prompt
) -> None:
    shape = {"slug": "poster", "name": "Poster", "workflow_json": colour, **body}
    answer = shared.post(PATH, shape, 422)
    assert [(error["loc"], error["msg"]) for error in answer["errors"]] == [(place, message)]


def test_two_runflow_nodes_of_one_id_are_refused(shared: Api, colour: Prompt) -> None:
    shape = {"name": "Poster", "workflow_json": {**colour, "4": colour["1"]}}
    (error,) = shared.post(PATH, shape, 422)["errors"]
    assert error["loc"] == ["body", "workflow_json"]
    assert "colour" in error["msg"]


def test_a_prompt_over_its_limit_is_refused(shared: Api, colour: Prompt) -> None:
    large = {**colour, "9": {"class_type": "Note", "inputs": {"text": "x" * (16 << 20)}}}
    answer = shared.post(PATH, {"name": "Large", "workflow_json": large}, 422)
    assert "the limit is 16777216" in answer["message"]


def test_resources_must_be_what_the_assets_are(api: Api, png: bytes) -> None:
    asset = api.upload(png)
    row = {"asset_id": asset["id"], "sha256": asset["sha256"]}
    assert api.publish(resources={"sub/a.png": row})["resources"] == {"sub/a.png": row}
    wrong = {"a.png": {**row, "sha256": "0" * 64}}
    answer = api.post(
        PATH, {"name": "B", "workflow_json": api.get(f"{PATH}/local/poster")["workflow_json"],
               "resources": wrong}, 422
    )  # fmt: skip
    assert answer["errors"][0]["loc"] == ["body", "resources", "a.png", "sha256"]


def test_a_slug_belongs_to_one_workflow_of_an_organization(api: Api, colour: Prompt) -> None:
    api.publish("poster")
    shape = {"slug": "poster", "name": "Other", "workflow_json": colour}
    answer = api.post(PATH, shape, 409)
    assert answer["code"] == "CONFLICT"
    assert answer["message"] == "there is a workflow with the slug `poster` already"
    other = api.with_key(organization="acme")
    other.post(PATH, shape)
    other.client.close()


def test_of_many_that_publish_one_slug_at_once_one_wins(api: Api, colour: Prompt) -> None:
    shape = {"slug": "poster", "name": "Poster", "workflow_json": colour}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: api.send("POST", PATH, json=shape), range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11


# ---- what the engine cannot run


def lacks_bicubic(prompt: Prompt) -> list[Lack]:
    """An engine without torch: one value of one field is beyond it."""
    wished = [node["inputs"].get("upscale_method") for node in prompt.values()]
    return [Lack("ImageScale with upscale_method bicubic", "torch")] if "bicubic" in wished else []


def scaling(prompt: Prompt) -> Prompt:
    scale = {"image": ["2", 0], "upscale_method": "bicubic", "width": 4, "height": 4}
    scale["crop"] = "disabled"
    return {
        **prompt,
        "3": {**prompt["3"], "inputs": {**prompt["3"]["inputs"], "value": ["4", 0]}},
        "4": {"class_type": "ImageScale", "inputs": scale},
    }


def test_what_the_engine_could_never_run_is_not_published(api: Api, colour: Prompt) -> None:
    api.engine.missing = ["EmptyImage", "KSampler"]
    sampler = {"class_type": "KSampler", "inputs": {}}
    prompt = {**colour, "5": sampler, "6": sampler}
    answer = api.post(PATH, {"name": "Poster", "workflow_json": prompt}, 422)
    assert answer == {
        "code": "ENGINE_CLASS_MISSING",
        "message": "this endpoint needs ComfyUI: EmptyImage, KSampler",
        "errors": [
            {
                "loc": ["body", "workflow_json", node],
                "msg": f"the scripted engine does not have {name}",
                "type": "value_error",
            }
            for node, name in (("2", "EmptyImage"), ("5", "KSampler"), ("6", "KSampler"))
        ],
    }
    assert slugs(api.get(PATH)) == []


def test_of_a_great_many_nodes_some_are_named_and_every_class(api: Api, colour: Prompt) -> None:
    names = [f"Class{number:03}" for number in range(120)]
    api.engine.missing = names
    prompt = {**colour, **{name: {"class_type": name, "inputs": {}} for name in names}}
    answer = api.post(PATH, {"name": "Poster", "workflow_json": prompt}, 422)
    assert answer["message"] == f"this endpoint needs ComfyUI: {', '.join(names)}"
    assert len(answer["errors"]) == 50


def test_a_change_to_what_the_engine_could_never_run_is_refused(api: Api, colour: Prompt) -> None:
    made = api.publish()
    api.engine.missing = ["KSampler"]
    prompt = {**colour, "5": {"class_type": "KSampler", "inputs": {}}}
    answer = api.patch(f"{PATH}/{made['id']}", {"workflow_json": prompt}, 422)
    assert [error["loc"] for error in answer["errors"]] == [["body", "workflow_json", "5"]]
    assert api.get(f"{PATH}/{made['id']}") == made


def test_a_workflow_that_another_engine_ran_can_still_be_renamed_and_deleted(api: Api) -> None:
    made = api.publish()
    api.engine.missing = ["EmptyImage"]
    assert api.patch(f"{PATH}/{made['id']}", {"name": "Old"})["name"] == "Old"
    api.delete(f"{PATH}/{made['id']}")


def test_a_package_that_the_engine_lacks_is_named_with_what_needs_it(
    api: Api, colour: Prompt
) -> None:
    api.engine.lacking = lacks_bicubic
    answer = api.post(PATH, {"name": "Poster", "workflow_json": scaling(colour)}, 422)
    assert (answer["code"], answer["message"]) == (
        "ENGINE_EXTRA_MISSING",
        "the scripted engine needs torch for ImageScale with upscale_method bicubic, which is not "
        "installed",
    )
    assert [error["msg"] for error in answer["errors"]] == [
        "ImageScale with upscale_method bicubic needs torch, which is not installed"
    ]


def test_what_callers_may_choose_is_judged_by_what_they_choose(api: Api, colour: Prompt) -> None:
    api.engine.lacking = lacks_bicubic
    row = {"name": "method", "comfyui_node_id": "4", "comfyui_field_name": "upscale_method"}
    row |= {"variable_type_code": "string", "is_required": False}
    api.publish(prompt=scaling(colour), inputs=[row])
    run = api.dispatch(input={"method": "lanczos"})
    assert api.ended(run["id"])["status_code"] == "succeeded"
    for given in ({}, {"method": "bicubic"}):
        answer = api.dispatch(status=422, input=given)
        assert answer["code"] == "ENGINE_EXTRA_MISSING"
        assert answer["errors"][0]["loc"] == ["workflow_json", "4"]
    assert len(api.get("/v1/runs")["items"]) == 1


def test_the_embedded_engine_says_what_needs_comfyui(
    serve: Any, tmp_path: Path, embedded: Any, colour: Prompt
) -> None:
    with serve(tmp_path, embedded) as api:
        prompt = {**colour, "5": {"class_type": "KSampler", "inputs": {}}}
        answer = api.post(PATH, {"name": "Poster", "workflow_json": prompt}, 422)
        assert answer["message"] == "this endpoint needs ComfyUI: KSampler"
        assert answer["errors"][0]["msg"] == "the embedded engine does not have KSampler"
        api.publish()


# ---- find


@pytest.fixture(scope="module")
def gallery(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Seven workflows, `w0` to `w6`, in this order; the even ones public."""
    with serve(tmp_path_factory.mktemp("gallery")) as api:
        for number in range(7):
            api.publish(f"w{number}", is_public=number % 2 == 0, description=None)
        yield api


def test_a_list_is_newest_first(gallery: Api) -> None:
    listing = gallery.get(PATH)
    assert slugs(listing) == ["w6", "w5", "w4", "w3", "w2", "w1", "w0"]
    assert {name: listing[name] for name in listing if name != "items"} == {
        "first": None, "next": None, "previous": None, "next_pq": None, "prev_pq": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("slug.eq:'w3'", ["w3"]),
        ("slug:w3 OR slug:w4", ["w3", "w4"]),
        ("is_public:true AND NOT slug.in:('w0','w2')", ["w4", "w6"]),
        ("slug>w4", ["w5", "w6"]),
        ("description:null AND created_at>2020-01-01 AND slug.like:'%1'", ["w1"]),
        ("slug.eq:'W3'", []),
    ],
)
def test_a_list_is_filtered(q: str, found: list[str], gallery: Api) -> None:
    assert slugs(gallery.get(PATH, q=q, sort_by="slug")) == found


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"q": "slug"}, ["query", "q"]),
        ({"q": "workflow_json:a"}, ["query", "q"]),
        ({"sort_by": "graph"}, ["query", "sort_by"]),
        ({"sort_by": "slug:up"}, ["query", "sort_by"]),
        ({"fields": "id,slugg"}, ["query", "fields"]),
        ({"pq": "bm90IGEgY3Vyc29y"}, ["query", "pq"]),
        ({"pq": "é"}, ["query", "pq"]),
        ({"limit": 501}, ["query", "limit"]),
    ],
)
def test_a_list_that_cannot_be_made_says_why(
    params: dict[str, Any], place: list[str], gallery: Api
) -> None:
    answer = gallery.get(PATH, 422, **params)
    assert answer["errors"][0]["loc"] == place


def test_fields_make_the_rows_smaller(gallery: Api) -> None:
    listing = gallery.get(PATH, fields="slug, is_public", limit=1)
    assert listing["items"] == [{"slug": "w6", "is_public": True}]


@pytest.mark.parametrize("sort_by", ["slug", "slug:desc", "status_code,created_at:desc", "name,id"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_join_to_the_whole_list_in_both_directions(
    sort_by: str, limit: int, gallery: Api
) -> None:
    whole = slugs(gallery.get(PATH, sort_by=sort_by))
    pages, cursor = [], None
    while True:
        more = {} if cursor is None else {"pq": cursor}
        pages.append(gallery.get(PATH, sort_by=sort_by, limit=limit, **more))
        assert pages[-1]["next_pq"] == pages[-1]["next"]
        cursor = pages[-1]["next"]
        if cursor is None:
            break
    assert [slug for page in pages for slug in slugs(page)] == whole
    back = [slugs(pages[-1])]
    cursor = pages[-1]["previous"]
    while cursor is not None:
        page = gallery.get(PATH, sort_by=sort_by, limit=limit, pq=cursor, from_prev=True)
        back.insert(0, slugs(page))
        cursor = page["previous"]
    assert [slug for page in back for slug in page] == whole


def test_a_cursor_is_good_for_its_own_order_only(gallery: Api) -> None:
    cursor = gallery.get(PATH, sort_by="slug", limit=2)["next"]
    gallery.get(PATH, 422, sort_by="name", pq=cursor)


def test_inputs_and_outputs_are_lists_of_their_own(gallery: Api) -> None:
    record = gallery.get(f"{PATH}/local/w1")
    assert gallery.get(f"{PATH}/{record['id']}/inputs")["items"] == record["inputs"]
    assert gallery.get(f"{PATH}/{record['id']}/outputs")["items"] == record["outputs"]


def test_others_see_only_what_is_public_and_change_nothing(gallery: Api) -> None:
    public, own = gallery.get(f"{PATH}/local/w0"), gallery.get(f"{PATH}/local/w1")
    other = gallery.with_key(organization="acme")
    assert other.get(PATH)["items"] == []
    assert other.get(f"{PATH}/{public['id']}")["slug"] == "w0"
    assert other.get(f"{PATH}/local/w0")["id"] == public["id"]
    other.get(f"{PATH}/{own['id']}", 404)
    other.get(f"{PATH}/local/w1", 404)
    other.patch(f"{PATH}/{public['id']}", {"name": "Mine"}, 403)
    other.delete(f"{PATH}/{public['id']}", 403)
    other.patch(f"{PATH}/{own['id']}", {"name": "Mine"}, 404)
    other.client.close()


# ---- change


def test_a_patch_changes_what_it_names_and_nothing_else(api: Api) -> None:
    before = api.publish(**MANIFEST, description="Old")
    after = api.patch(f"{PATH}/{before['id']}", {"name": "New", "description": None})
    assert (after["name"], after["description"]) == ("New", None)
    assert after["updated_at"] > before["updated_at"]
    changed = ("name", "description", "updated_at")
    assert {k: after[k] for k in after if k not in changed} == {
        k: before[k] for k in before if k not in changed
    }


def test_a_new_prompt_brings_its_own_contract(api: Api, invert: Prompt) -> None:
    before = api.publish()
    after = api.patch(f"{PATH}/{before['id']}", {"workflow_json": invert})
    assert [row["name"] for row in after["inputs"]] == ["photo"]
    assert after["workflow_json"] == invert


def test_rows_that_were_given_stay_until_they_are_replaced(api: Api, invert: Prompt) -> None:
    row = {"name": "size", "variable_type_code": "integer", "comfyui_node_id": "2",
           "comfyui_field_name": "width"}  # fmt: skip
    made = api.publish(inputs=[row])
    assert [item["name"] for item in made["inputs"]] == ["colour", "size"]
    path = f"{PATH}/{made['id']}"
    assert len(api.patch(path, {"name": "New"})["inputs"]) == 2
    refused = api.patch(path, {"workflow_json": invert}, 422)
    assert refused["errors"][0]["loc"] == ["body", "inputs", 0, "comfyui_field_name"]
    assert len(api.patch(path, {"workflow_json": invert, "inputs": []})["inputs"]) == 1


@pytest.mark.parametrize("field", ["name", "slug", "workflow_json", "is_public", "status_code"])
def test_what_every_workflow_has_cannot_be_null(field: str, api: Api) -> None:
    made = api.publish()
    answer = api.patch(f"{PATH}/{made['id']}", {field: None}, 422)
    assert answer["errors"][0]["loc"] == ["body", field]


def test_a_workflow_is_renamed_to_a_free_slug_only(api: Api) -> None:
    made = api.publish("poster")
    api.publish("flyer")
    assert api.patch(f"{PATH}/{made['id']}", {"slug": "flyer"}, 409)["code"] == "CONFLICT"
    api.patch(f"{PATH}/{made['id']}", {"slug": "banner"})
    api.get(f"{PATH}/local/banner")
    api.get(f"{PATH}/local/poster", 404)


def test_a_change_made_for_an_older_state_is_refused(api: Api) -> None:
    made = api.publish()
    path = f"{PATH}/{made['id']}"
    newer = api.patch(path, {"name": "One", "updated_at": made["updated_at"]})
    assert api.patch(path, {"name": "Two", "updated_at": made["updated_at"]}, 409)
    assert api.get(path) == newer


# ---- delete


def test_a_deleted_workflow_is_gone_and_its_slug_free(api: Api) -> None:
    made = api.publish()
    api.delete(f"{PATH}/{made['id']}")
    api.delete(f"{PATH}/{made['id']}", 404)
    api.get(f"{PATH}/{made['id']}", 404)
    api.patch(f"{PATH}/{made['id']}", {"name": "Back"}, 404)
    assert api.get(PATH)["items"] == []
    assert api.publish()["id"] != made["id"]


def test_the_runs_of_a_deleted_workflow_stay(api: Api) -> None:
    made = api.publish()
    run = api.ended(api.dispatch()["id"])
    api.delete(f"{PATH}/{made['id']}")
    assert api.get(f"/v1/runs/{run['id']}")["comfyui_workflow_id"] == made["id"]
