"""API keys: shown once, kept as a digest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runflow_build.errors import UsageError
from runflow_build.server.database import open_database
from runflow_build.server.keys import (
    SCOPES,
    caller_of,
    create_key,
    has_key,
    list_keys,
    renew_key,
    revoke_key,
)


def scopes_of(data_dir: Path, key: str) -> frozenset[str] | None:
    database = open_database(data_dir / "runflow.db")
    try:
        caller = caller_of(database, key)
        return caller.scopes if caller else None
    finally:
        database.close()


def test_a_key_has_the_hosted_shape_and_all_scopes(tmp_path: Path) -> None:
    key = create_key(tmp_path)
    assert re.fullmatch(r"rf_live_[a-z0-9]{32}", key)
    assert scopes_of(tmp_path, key) == set(SCOPES)
    assert scopes_of(tmp_path, key + "x") is None
    assert scopes_of(tmp_path, "") is None


def test_no_key_is_ever_written_down(tmp_path: Path) -> None:
    key = create_key(tmp_path, label="ci")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes()
            assert key[8:20].encode() not in file.read_bytes()
    (row,) = list_keys(tmp_path)
    assert key not in repr(row)
    assert key.startswith(row.prefix)


def test_a_key_may_be_narrow_and_of_another_organization(tmp_path: Path) -> None:
    key = create_key(tmp_path, ["runs:read", "runs:read"], "acme", "dashboard")
    assert scopes_of(tmp_path, key) == {"runs:read"}
    (row,) = list_keys(tmp_path)
    assert (row.organization, row.label, row.scopes) == ("acme", "dashboard", ("runs:read",))


@pytest.mark.parametrize("name", ["id", "label", "prefix"])
def test_a_revoked_key_opens_nothing(name: str, tmp_path: Path) -> None:
    key, other = create_key(tmp_path, label="ci"), create_key(tmp_path)
    revoke_key(tmp_path, getattr(list_keys(tmp_path)[0], name))
    assert scopes_of(tmp_path, key) is None
    assert scopes_of(tmp_path, other) is not None
    assert [row.revoked_at is None for row in list_keys(tmp_path)] == [False, True]


@pytest.mark.parametrize("name", ["nobody", ""])
def test_revoking_what_is_not_there_is_said(name: str, tmp_path: Path) -> None:
    key = create_key(tmp_path)
    with pytest.raises(UsageError) as caught:
        revoke_key(tmp_path, name)
    assert caught.value.findings[0].code == "key-unknown"
    assert scopes_of(tmp_path, key) is not None


def test_renewing_replaces_the_keys_of_that_label_only(tmp_path: Path) -> None:
    other, first = create_key(tmp_path, label="other"), renew_key(tmp_path, "demo")
    second = renew_key(tmp_path, "demo")
    assert scopes_of(tmp_path, first) is None
    assert scopes_of(tmp_path, second) == set(SCOPES)
    assert scopes_of(tmp_path, other) is not None


def test_wrong_scopes_and_organizations_are_named_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        create_key(tmp_path, ["runs:red", "all"], "Acme Inc")
    first, second, third = caught.value.findings
    assert first.message == "there is no scope `runs:red`; did you mean `runs:read`?"
    assert second.message == "there is no scope `all`"
    assert third.message == "organization `Acme Inc`: as a slug it would be acme-inc"
    assert not (tmp_path / "runflow.db").exists()
    with pytest.raises(UsageError):
        create_key(tmp_path, [])


def test_whether_anybody_could_come_in(tmp_path: Path) -> None:
    database = open_database(tmp_path / "runflow.db")
    assert not has_key(database)
    renew_key(tmp_path, "demo")
    assert has_key(database)
    revoke_key(tmp_path, "demo")
    assert not has_key(database)
    database.close()
