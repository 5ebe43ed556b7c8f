"""`runflow keys`: make, list, revoke."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runflow_build.cli.main import main


def keys(*arguments: str) -> int:
    return main(["keys", *arguments])


def test_a_key_is_printed_once_and_listed_without_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    assert keys("create", "--label", "ci", "--scopes", "runs:create,runs:read", *data) == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("rf_live_")
    assert keys("list", *data) == 0
    listed = capsys.readouterr().out
    assert key not in listed
    assert f"{key[:12]}…  local  valid  ci  runs:create runs:read" in listed
    assert keys("revoke", "ci", *data) == 0
    assert keys("list", *data, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["keys"]
    assert row["revoked_at"]


def test_json_is_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys("create", "--organization", "acme", "--data", str(tmp_path), "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["organization"] == "acme"
    assert made["key"].startswith("rf_live_")
    assert "runs:create" in made["scopes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "--scopes", "runs:red"], "did you mean `runs:read`?"),
        (["create", "--scopes", ""], "a key needs at least one scope"),
        (["revoke", "nobody"], "there is no valid key called `nobody`"),
    ],
)
def test_wrong_use_is_exit_2(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(*arguments, "--data", str(tmp_path)) == 2
    assert said in capsys.readouterr().err
