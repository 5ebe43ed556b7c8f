"""The task graph through doit's API: the same tasks and the same state as `doit` has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import RunflowError
from runflow_build.tasks.run import run


def states(root: Any, *tasks: str) -> dict[str, str]:
    return {one.task: one.state for one in run(root, list(tasks))}


def test_tasks_run_with_what_they_depend_on(new_project: Any) -> None:
    project = new_project("poster")
    assert states(project.root, "lock") == {"lock": "done"}
    assert states(project.root, "rewrite") == {
        "fresh": "done",
        "validate:poster": "done",
        "rewrite:poster": "done",
    }
    assert project.bundle("poster").exists()


def test_what_doit_did_is_not_done_again_and_the_other_way_round(
    new_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project("poster")
    project.doit("lock")
    monkeypatch.chdir(project.root)
    assert states(Path("."), "lock") == {"lock": "up to date"}
    run(Path("."), ["rewrite"])
    code, told = project.doit("rewrite")
    assert (code, told.startswith("nothing to do")) == (0, True), told


def test_a_failure_says_what_the_stage_found(new_project: Any) -> None:
    project = new_project("poster")
    (outcome,) = run(project.root, ["rewrite"])
    assert (outcome.task, outcome.state) == ("fresh", "failed")
    assert outcome.text.startswith("runflow.lock: error lock-missing: ")


def test_what_doit_refuses_to_begin_is_no_success(
    new_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new_project("poster")
    with pytest.raises(RunflowError):
        run(project.root, ["no-such-task"])
    assert "no-such-task" in capsys.readouterr().err
