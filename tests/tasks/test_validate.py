"""Validating a project's folder: findings of all kinds, placed in their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import UsageError
from runflow_build.tasks.lock import relock
from runflow_build.tasks.validate import validate

COMMIT = "3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce"


def a_prompt(width: int = 8) -> dict[str, Any]:
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": width, "height": 8, "batch_size": 1, "color": 0},
        },
        "2": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "image", "output_name": "", "value": ["1", 0]},
        },
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two endpoints, `good` and `bad`, each with a workflow of its own; locked."""
    (tmp_path / "good.json").write_text(json.dumps(a_prompt()))
    (tmp_path / "bad.json").write_text(json.dumps(a_prompt(width=-8)))
    (tmp_path / "runflow.yaml").write_text(
        f"version: 1\ncomfyui: {{ref: {COMMIT}}}\nendpoints:\n"
        "  good: {workflow: good.json}\n  bad: {workflow: bad.json}\n"
    )
    relock(tmp_path)
    return tmp_path


def test_all_endpoints_or_those_that_are_named(project: Path) -> None:
    places = [(one.code, one.where.file) for one in validate(project)]
    assert places == [("value-out-of-range", "bad.json")]
    assert validate(project, []) == validate(project) == validate(project, ["bad"])
    assert validate(project, ["good"]) == []


def test_a_broken_workflow_fails_only_its_own_endpoint(project: Path) -> None:
    (project / "bad.json").write_text("{")
    assert [one.code for one in validate(project, ["bad"])] == ["workflow-syntax"]
    assert validate(project, ["good"]) == []


def test_a_stale_lock_is_a_finding_of_the_endpoint_that_changed(project: Path) -> None:
    (project / "bad.json").write_text(json.dumps(a_prompt(width=16)))
    assert [one.code for one in validate(project)] == ["lock-stale"]
    assert validate(project, ["good"]) == []


def test_without_a_lock_the_rest_is_checked_all_the_same(project: Path) -> None:
    (project / "runflow.lock").unlink()
    codes = [one.code for one in validate(project)]
    assert codes == ["value-out-of-range", "lock-missing"]


def test_a_place_in_runflow_yaml_has_its_line(project: Path) -> None:
    prompt = a_prompt()
    del prompt["2"]
    (project / "good.json").write_text(json.dumps(prompt))
    relock(project)
    (found,) = (one for one in validate(project, ["good"]) if one.code == "contract-no-output")
    assert str(found.where) == "runflow.yaml:4:3"


def test_an_unknown_slug_is_wrong_use(project: Path) -> None:
    with pytest.raises(UsageError) as caught:
        validate(project, ["goood"])
    assert [one.code for one in caught.value.findings] == ["endpoint-unknown"]


def test_nothing_is_written(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    validate(project)
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before
