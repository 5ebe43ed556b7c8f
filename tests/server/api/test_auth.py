"""Who a key belongs to and what it may do."""

from __future__ import annotations

from typing import Any

from runflow_build.server.keys import SCOPES, create_key, revoke_key

Api = Any


def test_me_tells_the_organization_and_the_scopes(shared: Api) -> None:
    (membership,) = shared.get("/v1/auth/me", embed="memberships")["memberships"]
    assert membership["org"]["slug"] == "local"
    assert membership["scopes"] == sorted(SCOPES)


def test_any_scope_is_enough_to_ask_who_one_is(shared: Api) -> None:
    other = shared.with_key("runs:read", organization="acme")
    (membership,) = other.get("/v1/auth/me")["memberships"]
    assert membership["org"]["slug"] == "acme"
    assert membership["scopes"] == ["runs:read"]
    other.client.close()


def test_a_key_made_while_the_server_runs_works_at_once_until_it_is_revoked(api: Api) -> None:
    key = create_key(api.data_dir, label="guest")
    headers = {"Authorization": f"Bearer {key}"}
    assert api.send("GET", "/v1/auth/me", headers=headers).json()["first_name"] == "guest"
    revoke_key(api.data_dir, "guest")
    assert api.send("GET", "/v1/auth/me", headers=headers).status_code == 401
    assert api.send("GET", "/v1/auth/me").status_code == 200
