"""`runflow check`, as it is typed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from runflow_build.cli.main import main

SPEC = "version: 1\ncomfyui: {ref: v0.8.0}\nendpoints:\n  poster: {workflow: flow.json}\n"
PROMPT = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project below the top of a repository, without a lock."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    project = tmp_path / "services" / "poster"
    project.mkdir(parents=True)
    (project / "runflow.yaml").write_text(SPEC, encoding="utf-8")
    (project / "flow.json").write_text(json.dumps(PROMPT), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return project


def test_annotations_name_files_from_the_top_of_the_repository(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", "services/poster", "check", "--format", "github"]) == 1
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("::error file=services/poster/runflow.lock,title=lock-missing::there")


def test_a_log_for_code_scanning_is_all_of_the_output(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", "services/poster", "check", "--format", "sarif"]) == 1
    told = capsys.readouterr()
    (run,) = json.loads(told.out)["runs"]
    assert "lock-missing" in {one["ruleId"] for one in run["results"]}
    assert told.err == ""


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_a_broken_runflow_yaml_is_told_in_the_same_form(
    form: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "runflow.yaml").write_text("version: 1\nendpoint: {}\n", encoding="utf-8")
    assert main(["-C", "services/poster", "check", "--format", form]) == 1
    told = capsys.readouterr()
    assert told.err == ""
    if form == "github":
        place = "file=services/poster/runflow.yaml,line=2,col=1"
        assert f"::error {place},title=spec-unknown-key::" in told.out
    else:
        results = json.loads(told.out)["runs"][0]["results"]
        assert "spec-unknown-key" in {one["ruleId"] for one in results}


def test_a_wrong_use_keeps_its_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", "services/poster", "check", "poter", "--format", "github"]) == 2
    assert "title=endpoint-unknown::" in capsys.readouterr().out


def test_the_other_forms_are_as_they_were(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", "services/poster", "check"]) == 1
    assert "runflow.lock: error lock-missing: " in capsys.readouterr().out
    assert main(["-C", "services/poster", "check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["error"] >= 1
