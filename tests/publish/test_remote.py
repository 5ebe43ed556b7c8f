"""Looking up what is published: by slug, many at once, and by project."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from runflow_build.errors import ApiError, ApiRefusedError
from runflow_build.publish.client import Client
from runflow_build.publish.remote import AT_ONCE, Lookups, find, look_up, published_by

COLLECTION = "/v1/comfyui-workflows"
FULL = dict.fromkeys(
    ("name", "workflow_json", "graph", "environment", "custom_nodes", "models", "resources")
)


def record(slug: str, project: str | None = None) -> dict[str, Any]:
    environment = {"runflow": {"project": project}} if project else {}
    return {**FULL, "id": f"id-{slug}", "slug": slug, "environment": environment}


def test_one_filtered_look_up_finds_an_endpoint(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", COLLECTION, reply({"items": [record("card")]}))
    found = find(client, "card")
    assert found and found["id"] == "id-card"
    assert [seen.query for seen in api.seen] == [{"q": "slug.eq:'card'", "limit": "1"}]


def test_a_row_that_lacks_fields_is_asked_for_by_id(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", COLLECTION, reply({"items": [{"id": "a/b", "slug": "card", "name": "Card"}]}))
    api.on("GET", f"{COLLECTION}/a%2Fb", reply(record("card")))
    assert find(client, "card") == record("card")


@pytest.mark.parametrize("items", [[], [{**record("card"), "deleted_at": "2026-01-01"}]])
def test_what_is_not_there_or_deleted_is_none(
    api: Any, client: Client, reply: Any, items: Any
) -> None:
    api.on("GET", COLLECTION, reply({"items": items}))
    assert find(client, "card") is None


@pytest.mark.parametrize("page", [{}, {"items": None}, {"items": ["card"]}])
def test_an_answer_without_a_list_is_a_finding(
    api: Any, client: Client, reply: Any, page: Any
) -> None:
    api.on("GET", COLLECTION, reply(page))
    with pytest.raises(ApiError, match="has no list of endpoints"):
        find(client, "card")


def test_an_api_that_ignores_the_filter_is_not_believed(
    api: Any, client: Client, reply: Any
) -> None:
    api.on("GET", COLLECTION, reply({"items": [record("other")]}))
    with pytest.raises(ApiError, match="to a look-up of card is another endpoint"):
        find(client, "card")


def test_a_quote_in_a_slug_stays_inside_the_filter(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", COLLECTION, reply({"items": []}))
    find(client, "a' or slug.ne:'b")
    assert api.seen[0].query["q"] == "slug.eq:'a'' or slug.ne:''b'"


def test_a_failed_look_up_is_its_own_slugs_result(api: Any, client: Client, reply: Any) -> None:
    def answer(seen: Any) -> Any:
        if "bad" in seen.query["q"]:
            return reply({"code": "X", "message": "no"}, 400)
        return reply({"items": [record("good")] if "good" in seen.query["q"] else []})

    api.on("GET", COLLECTION, answer)
    found = look_up(client, ["good", "bad", "none"])
    assert found["good"] == record("good")
    assert isinstance(found["bad"], ApiError)
    assert found["none"] is None


def test_look_ups_start_together_and_eight_at_a_time(api: Any, client: Client, reply: Any) -> None:
    together = threading.Barrier(AT_ONCE)
    running: list[int] = []
    most: list[int] = []

    def answer(seen: Any) -> Any:
        running.append(1)
        most.append(len(running))
        together.wait(20)  # breaks unless eight are here at once
        running.pop()
        return reply({"items": []})

    api.on("GET", COLLECTION, answer)
    slugs = [f"s{number}" for number in range(2 * AT_ONCE)]
    lookups = Lookups(lambda: client, slugs)
    assert api.seen == []
    assert lookups.get("s3") is None
    assert [lookups.get(slug) for slug in slugs] == [None] * len(slugs)
    assert (len(api.seen), max(most)) == (2 * AT_ONCE, AT_ONCE)


def test_look_ups_from_many_threads_are_made_once(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", COLLECTION, reply({"items": []}))
    connected: list[int] = []

    def connect() -> Client:
        connected.append(1)
        return client

    lookups = Lookups(connect, ["a", "b", "a"])
    threads = [threading.Thread(target=lookups.get, args=(slug,)) for slug in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(connected), len(api.seen)) == (1, 2)


def test_a_missing_key_is_every_slugs_result(api: Any) -> None:
    def connect() -> Client:
        raise ApiRefusedError()

    lookups = Lookups(connect, ["a", "b"])
    assert isinstance(lookups.get("a"), ApiRefusedError)
    assert isinstance(lookups.get("b"), ApiRefusedError)


def test_look_ups_for_another_organization_fail(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", "/v1/auth/me", reply({"memberships": [{"org": {"slug": "other"}}]}))
    found = Lookups(lambda: client, ["a"], organization="acme").get("a")
    assert isinstance(found, ApiRefusedError)
    assert api.calls() == ["GET /v1/auth/me"]


def test_a_projects_endpoints_are_found_on_all_pages(api: Any, client: Client, reply: Any) -> None:
    pages = {
        None: {"items": [record("b", "ours"), record("x", "theirs")], "next": "2"},
        "2": {"items": [{"id": "id-a", "slug": "a"}, record("p")], "next_pq": "3"},
        "3": {"items": [{**record("z", "ours"), "deleted_at": "now"}], "next": None},
    }
    api.on("GET", COLLECTION, lambda seen: reply(pages[seen.query.get("pq")]))
    api.on("GET", f"{COLLECTION}/id-a", reply(record("a", "ours")))
    assert [row["slug"] for row in published_by(client, "ours")] == ["a", "b"]


def test_a_cursor_that_never_moves_ends(api: Any, client: Client, reply: Any) -> None:
    api.on("GET", COLLECTION, reply({"items": [record("a", "ours")], "next": "same"}))
    assert len(published_by(client, "ours")) == 2
