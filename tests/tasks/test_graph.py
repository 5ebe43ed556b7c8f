"""The task graph, as `doit` in CI runs it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doit.reporter import ConsoleReporter

from runflow_build.project.paths import ProjectPaths
from runflow_build.tasks.graph import DOIT_CONFIG, projects

ROOT = Path(__file__).parent.parent.parent

NOTHING = re.compile(r"nothing to do, \d+ up to date")
FAILED = (1, 2)  # doit: a task failed, or one that needs it could not run


def test_the_first_lock_writes_and_the_second_has_nothing_to_do(new_project: Any) -> None:
    project = new_project("poster")
    code, told = project.doit("lock")
    assert (code, project.lock.exists()) == (0, True), told
    written = project.lock.stat().st_mtime_ns
    code, told = project.doit("lock")
    assert code == 0
    assert NOTHING.search(told), told
    assert project.lock.stat().st_mtime_ns == written


def test_a_lock_edited_by_hand_is_locked_again(new_project: Any) -> None:
    project = new_project("poster")
    project.doit("lock")
    right = project.lock.read_bytes()
    project.lock.write_bytes(right + b"\n")
    code, told = project.doit("lock")
    assert code == 0, told
    assert project.lock.read_bytes() == right


def test_without_arguments_everything_is_validated(locked_project: Any) -> None:
    project = locked_project("poster", "card")
    code, told = project.doit()
    assert code == 0, told
    assert "validate:poster: " in told
    assert "validate:card: " in told
    assert not project.bundle("poster").exists()


def test_nothing_changed_and_nothing_is_done(locked_project: Any) -> None:
    project = locked_project("poster", "card")
    project.doit("rewrite")
    code, told = project.doit("rewrite")
    assert code == 0
    assert NOTHING.search(told), told


def test_only_the_endpoint_whose_workflow_changed_is_done_again(locked_project: Any) -> None:
    project = locked_project("poster", "card")
    project.doit("rewrite")
    changed = json.loads(project.workflow("card").read_text())
    changed["1"]["inputs"]["color"] = 255
    project.workflow("card").write_text(json.dumps(changed))
    before = project.bundle("poster").stat().st_mtime_ns
    project.doit("lock")
    code, told = project.doit("rewrite")
    assert code == 0, told
    assert "rewrite:card: " in told
    assert project.bundle("poster").stat().st_mtime_ns == before


def test_a_stale_lock_fails_everything_behind_it_and_is_never_rewritten(
    locked_project: Any,
) -> None:
    project = locked_project("poster")
    locked = project.lock.read_bytes()
    project.write_spec(["poster"], "project: renamed\n")
    project.spec.write_text(project.spec.read_text().replace("3cd7b32f", "4cd7b32f"))
    for task in ("fresh", "validate", "rewrite", "publish"):
        code, told = project.doit(task)
        assert code in FAILED, told
        assert "lock-stale" in told
        assert "run `runflow lock`" in told
        assert project.lock.read_bytes() == locked
    assert not project.bundle("poster").exists()


def test_without_a_lock_every_stage_says_how_to_get_one(new_project: Any) -> None:
    project = new_project("poster")
    code, told = project.doit("publish")
    assert code in FAILED, told
    assert "lock-missing: there is no runflow.lock" in told
    assert not project.lock.exists()


def test_one_failing_endpoint_among_five_fails_alone(locked_project: Any) -> None:
    slugs = ["one", "two", "three", "four", "five"]
    project = locked_project(*slugs)
    project.workflow("three").write_text('{"1": {"class_type": "Empty')
    code, told = project.doit("rewrite")
    assert code in FAILED, told
    assert "three.json" in told
    assert [slug for slug in slugs if project.bundle(slug).exists()] == [
        "one", "two", "four", "five",
    ]  # fmt: skip


def test_a_missing_workflow_is_a_finding_and_fails_alone(locked_project: Any) -> None:
    project = locked_project("one", "two")
    project.workflow("one").unlink()
    code, told = project.doit("rewrite")
    assert code in FAILED, told
    assert "file-missing" in told
    assert "Traceback" not in told
    assert project.bundle("two").exists()


def test_four_at_once_do_the_same_as_one(locked_project: Any) -> None:
    slugs = [f"endpoint-{number}" for number in range(8)]
    project = locked_project(*slugs)
    code, told = project.doit("-n", "4", "rewrite")
    assert code == 0, told
    alone = {slug: project.bundle(slug).read_bytes() for slug in slugs}
    shutil.rmtree(project.root / ".runflow")
    project.doit("rewrite")
    assert {slug: project.bundle(slug).read_bytes() for slug in slugs} == alone


def test_two_locks_at_once_leave_one_whole_lock(new_project: Any) -> None:
    project = new_project(*(f"endpoint-{number}" for number in range(20)))
    both = [project.start("lock"), project.start("lock")]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    locked = project.lock.read_bytes()
    project.lock.unlink()
    project.doit("lock")
    assert project.lock.read_bytes() == locked


def test_the_state_can_be_deleted_at_any_time(locked_project: Any) -> None:
    project = locked_project("poster")
    project.doit("rewrite")
    bundle, lock = project.bundle("poster").read_bytes(), project.lock.read_bytes()
    shutil.rmtree(project.root / ".runflow")
    code, told = project.doit("rewrite")
    assert code == 0, told
    assert project.bundle("poster").read_bytes() == bundle
    assert project.lock.read_bytes() == lock


def test_the_state_of_another_release_counts_for_nothing(locked_project: Any) -> None:
    project = locked_project("poster")
    project.doit("rewrite")
    state = sqlite3.connect(project.root / ".runflow" / "doit.db")
    with state:
        rows = state.execute("select task_id, task_data from doit").fetchall()
        for task, data in rows:
            older = json.loads(data)
            older["_values_:"]["tool"] = "0.0.1"
            state.execute(
                "update doit set task_data = ? where task_id = ?", (json.dumps(older), task)
            )
    state.close()
    code, told = project.doit("rewrite")
    assert code == 0
    assert "rewrite:poster: " in told


def test_a_broken_runflow_yaml_is_one_line_and_exit_3(new_project: Any) -> None:
    project = new_project("poster")
    project.write_spec(["poster"], "modles: {}\n")
    code, told = project.doit("lock")
    assert code == 3
    assert told.startswith("ERROR: runflow.yaml:5:1: spec-unknown-key: ")
    assert len(told.splitlines()) == 1


def test_a_folder_without_a_project_says_how_to_begin(new_project: Any) -> None:
    project = new_project("poster")
    project.spec.unlink()
    code, told = project.doit()
    assert code == 3
    assert "runflow init" in told


def test_several_projects_have_their_folder_in_the_names(
    new_project: Callable[..., Any],
) -> None:
    one = new_project("poster", folder="all/one")
    new_project("poster", folder="all/two")
    (one.root.parent / "dodo.py").write_text(
        (one.root / "dodo.py").read_text().replace('"."', '"*"')
    )
    one.root = one.root.parent
    code, told = one.doit("lock")
    assert code == 0, told
    code, told = one.doit("rewrite:two:poster")
    assert code == 0, told
    assert "validate:two:poster: " in told
    assert (one.root / "two/.runflow/build/poster.json").exists()
    assert not (one.root / "one/.runflow/build/poster.json").exists()


def test_no_task_runs_the_lock_because_nothing_is_made_of_it(
    locked_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = locked_project("poster")
    monkeypatch.chdir(project.root)
    tasks = list(projects(".").create_doit_tasks())
    (lock,) = [task for task in tasks if task["basename"] == "lock" and task.get("actions")]
    assert "targets" not in lock
    needed = [name for task in tasks for name in task.get("task_dep", ())]
    assert sorted(needed) == ["fresh", "validate:poster"]
    targets = {target for task in tasks for target in task.get("targets", ())}
    assert targets == {str(ProjectPaths(Path(".")).bundle("poster"))}


def test_doit_is_set_up_for_many_endpoints() -> None:
    assert {name: value for name, value in DOIT_CONFIG.items() if name != "reporter"} == {
        "default_tasks": ["validate"],
        "continue": True,
        "par_type": "thread",
        "backend": "sqlite3",
        "dep_file": ".runflow/doit.db",
    }
    assert issubclass(DOIT_CONFIG["reporter"], ConsoleReporter)


def test_the_checkout_builds_its_examples(tmp_path: Path) -> None:
    """The dodo.py of this repository: a few lines that name its projects."""
    text = (ROOT / "dodo.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 10
    assert 'projects("examples/*")' in text
    (tmp_path / "dodo.py").write_text(text, encoding="utf-8")
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".runflow")
    )
    done = subprocess.run(
        [sys.executable, "-m", "doit", "rewrite"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    bundles = [path.parts[-4] for path in tmp_path.glob("examples/*/.runflow/build/*.json")]
    assert sorted(set(bundles)) == sorted(path.name for path in (tmp_path / "examples").iterdir())


def test_cleaning_removes_the_bundles_and_never_the_lock(locked_project: Any) -> None:
    project = locked_project("poster")
    project.doit("rewrite")
    code, told = project.doit("clean", "--clean-all")
    assert code == 0, told
    assert not project.bundle("poster").exists()
    assert project.lock.exists()


def test_every_stage_is_listed_with_what_it_does(new_project: Any) -> None:
    project = new_project("poster", folder="all/one")
    code, told = project.doit("list")
    assert code == 0, told
    assert dict(re.findall(r"^(\w+)  +(\S.*)", told, re.MULTILINE)) == {
        "call": "call an endpoint: doit call:SLUG --input=KEY=VALUE",
        "demo": "the whole way on embedded defaults, in seconds",
        "diff": "what the lock's change since HEAD means",
        "fresh": "fail when runflow.lock does not answer runflow.yaml and the workflows",
        "lock": "resolve runflow.yaml and the workflows into runflow.lock",
        "publish": "create or update every endpoint",
        "restore": "a ComfyUI with all that the lock holds, in a folder: --into=DIR",
        "rewrite": "the bundle of every endpoint",
        "serve": "the self-hosted server, until Ctrl-C",
        "status": "each endpoint: lock fresh? published? drifted?",
        "validate": "findings on every endpoint",
    }
    new_project("card", folder="all/two")
    (project.root / "dodo.py").write_text(
        (project.root / "dodo.py").read_text().replace('"."', '"../*"')
    )
    code, told = project.doit("list", "--all")
    assert code == 0, told
    assert re.search(r"^lock  +resolve every project into its runflow.lock", told, re.MULTILINE)
    assert re.search(r"^validate:two:card  +findings on card", told, re.MULTILINE)


def test_definitions_edited_behind_the_lock_are_named(locked_project: Any) -> None:
    project = locked_project("poster")
    definitions = project.root / "runflow.definitions.json"
    right = definitions.read_bytes()
    for wrong in (right + b"\n", None):
        definitions.unlink() if wrong is None else definitions.write_bytes(wrong)
        code, told = project.doit("validate")
        assert code in FAILED
        assert "lock-companion: the lock's companion runflow.definitions.json" in told
        project.doit("lock")
        assert definitions.read_bytes() == right


def test_an_api_key_in_a_title_never_gets_into_the_lock(new_project: Any) -> None:
    project = new_project("poster")
    workflow = json.loads(project.workflow("poster").read_text())
    key = "rf_live_" + "a1" * 16
    workflow["2"]["inputs"]["output_name"] = key
    project.workflow("poster").write_text(json.dumps(workflow))
    code, told = project.doit("lock")
    assert code in FAILED
    assert "secret-in-workflow" in told
    assert key not in told
    assert not project.lock.exists()


def test_a_damaged_state_is_forgotten(new_project: Any) -> None:
    project = new_project("poster")
    project.doit("lock")
    (project.root / ".runflow" / "doit.db").write_text("no database\n" * 100)
    code, told = project.doit()
    assert code == 0, told
    assert "validate:poster: ok" in told
    code, told = project.doit()
    assert NOTHING.search(told), told


def test_a_file_in_the_place_of_the_state_is_one_line(new_project: Any) -> None:
    project = new_project("poster")
    (project.root / ".runflow").write_text("")
    code, told = project.doit()
    assert code == 3, told
    assert told.strip() == (
        "ERROR: .runflow: file-not-written: .runflow cannot be written: File exists; "
        "delete the file that stands where a folder has to be, and run the command again"
    )


def test_a_terminal_without_unicode_gets_escapes(new_project: Any) -> None:
    project = new_project("poster")
    project.write_spec(["poster"], "models: {loras/Tür.safetensors: {}}\n")
    code, told = project.doit("lock", encoding="ascii")
    assert code == 1, told
    assert "loras/T\\xfcr.safetensors" in told
