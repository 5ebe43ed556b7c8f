"""The wish for a ComfyUI, as its repository answers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twins import world_of

from runflow_build.errors import ResolveError
from runflow_build.spec.model import UPSTREAM_COMFYUI
from runflow_build.tasks.lock import Relocked, relock

A, B = "a" * 40, "b" * 40
CODE = {"comfyui_version.py": '__version__ = "0.9.2"\n'}


def locked(root: Path, ref: str, outside: dict[str, Any], repository: str = "") -> Relocked:
    wish = f'ref: "{ref}"' + (f", repository: {repository}" if repository else "")
    root.joinpath("runflow.yaml").write_text(
        f"version: 1\ncomfyui: {{{wish}}}\nendpoints: {{}}\n", encoding="utf-8"
    )
    return relock(root, world=world_of(outside))


def pinned(done: Relocked) -> tuple[str, str | None]:
    assert done.lock.comfyui
    return done.lock.comfyui.commit, done.lock.comfyui.version


@pytest.mark.parametrize(("ref", "commit"), [("v0.9.2", A), ("master", B), (A, A)])
def test_a_tag_a_branch_and_a_commit(tmp_path: Path, ref: str, commit: str) -> None:
    git = {"head": B, "tags": {"v0.9.2": A}, "branches": {"master": B, "v0.9.2": B}}
    git["commits"] = {A: CODE, B: {}}
    done = locked(tmp_path, ref, {"git": {UPSTREAM_COMFYUI: git}})
    assert pinned(done) == (commit, "0.9.2" if commit == A else None)
    assert done.findings == ()


def test_a_release_that_is_known_asks_nobody(tmp_path: Path) -> None:
    done = locked(tmp_path, "v0.8.0", {"unanswered": {"git": "nobody is there"}})
    assert pinned(done)[1] == "0.8.0"
    again = locked(tmp_path, pinned(done)[0], {"unanswered": {"git": "nobody is there"}})
    assert pinned(again) == pinned(done)
    assert done.findings == again.findings == ()


def test_a_release_of_a_fork_is_the_fork_s(tmp_path: Path) -> None:
    fork = "https://github.com/me/ComfyUI"
    outside = {"git": {fork: {"head": B, "tags": {"v0.8.0": A}, "commits": {A: CODE}}}}
    assert pinned(locked(tmp_path, "v0.8.0", outside, fork)) == (A, "0.9.2")


def test_a_commit_that_nobody_could_be_asked_for_stands_as_it_is_wished(tmp_path: Path) -> None:
    done = locked(tmp_path, A, {"unanswered": {"git": "github.com cannot be reached"}})
    assert pinned(done) == (A, None)
    assert [(one.code, one.severity) for one in done.findings] == [("commit-unchecked", "warning")]


def test_a_commit_that_is_gone_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ResolveError) as raised:
        locked(tmp_path, A, {"git": {UPSTREAM_COMFYUI: {"head": B}}})
    assert [one.code for one in raised.value.findings] == ["commit-missing"]
    assert not (tmp_path / "runflow.lock").exists()


def test_a_branch_stays_where_it_was_until_it_is_renewed(tmp_path: Path) -> None:
    def outside(commit: str) -> dict[str, Any]:
        return {"git": {UPSTREAM_COMFYUI: {"head": commit, "branches": {"master": commit}}}}

    locked(tmp_path, "master", outside(A))
    assert pinned(locked(tmp_path, "master", outside(B)))[0] == A
    renewed = relock(tmp_path, world=world_of(outside(B)), upgrade=["comfyui"])
    assert pinned(renewed)[0] == B
    away = {"unanswered": {"git": "github.com cannot be reached"}}
    kept = relock(tmp_path, world=world_of(away), upgrade=["comfyui"])
    assert pinned(kept)[0] == B
    assert [one.code for one in kept.findings] == ["not-resolved"]
