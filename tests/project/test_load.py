"""A project's folder as values, and findings at their place in runflow.yaml."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runflow_build.errors import LockError, SpecError
from runflow_build.findings import Finding, Where
from runflow_build.project.documents import version_wished
from runflow_build.project.load import load
from runflow_build.project.paths import ProjectPaths

SPEC = """\
version: 1
comfyui: {ref: v0.8.0}
endpoints:
  poster:
    workflow: flows/poster.json
  card:
    workflow: flows/card.json
  again:
    workflow: flows/poster.json
"""
PROMPT = {"1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """`folder(**files)`: a project with the two workflows; `None` leaves a file out."""

    def make(**files: str | bytes | None) -> Path:
        root = tmp_path / "my-photos"
        (root / "flows").mkdir(parents=True)
        prompt = json.dumps(PROMPT)
        there = {"runflow.yaml": SPEC, "flows/poster.json": prompt, "flows/card.json": prompt}
        for name, content in {**there, **files}.items():
            if content is not None:
                data = content.encode() if isinstance(content, str) else content
                (root / name).write_bytes(data)
        return root

    return make


def test_a_project_is_loaded_whole(folder: Callable[..., Path]) -> None:
    project = load(folder())
    assert project.name == "my-photos", "the folder's name, where the spec says none"
    assert set(project.workflows) == {"flows/poster.json", "flows/card.json"}
    assert project.workflows["flows/card.json"].format == "prompt"
    assert project.definitions.source("SaveImage") == "catalogue"
    assert (project.broken, project.lock) == ({}, None)


def test_the_spec_may_name_the_project(folder: Callable[..., Path]) -> None:
    assert load(folder(**{"runflow.yaml": SPEC + "project: acme-tools\n"})).name == "acme-tools"


def test_only_the_workflows_of_the_named_endpoints_are_read(folder: Callable[..., Path]) -> None:
    project = load(folder(**{"flows/card.json": "{"}), only=["again"])
    assert set(project.workflows) == {"flows/poster.json"}
    assert project.broken == {}


def test_a_broken_workflow_fails_alone(folder: Callable[..., Path]) -> None:
    project = load(folder(**{"flows/card.json": "{"}))
    assert set(project.workflows) == {"flows/poster.json"}
    (finding,) = project.broken["flows/card.json"].findings
    assert finding.where.file == "flows/card.json"
    assert finding.also[-1] == ("named by", "runflow.yaml:7:5")


def test_a_missing_workflow_is_a_mistake_of_runflow_yaml(folder: Callable[..., Path]) -> None:
    project = load(folder(**{"flows/card.json": None, "flows/cards.json": "{}"}))
    (finding,) = project.broken["flows/card.json"].findings
    assert str(finding.where) == "runflow.yaml:7:5"
    assert finding.message == ("flows/card.json does not exist; did you mean `flows/cards.json`?")


def test_a_workflow_over_64_mib_is_not_read(folder: Callable[..., Path]) -> None:
    root = folder()
    with (root / "flows" / "card.json").open("wb") as stream:
        stream.truncate(64 * 2**20 + 1)
    (finding,) = load(root).broken["flows/card.json"].findings
    assert finding.code == "file-too-large"


def test_a_finding_gets_its_line_in_runflow_yaml(folder: Callable[..., Path]) -> None:
    project = load(folder())
    key = ("endpoints", "card", "gpu", "model")
    assert str(project.locate(Finding("gpu", "x", Where(key=key))).where) == "runflow.yaml:6:3"


def test_a_finding_of_another_file_or_of_none_stays(folder: Callable[..., Path]) -> None:
    project = load(folder())
    for where in (Where(), Where(file="runflow.lock", key=("endpoints", "card"))):
        assert project.locate(Finding("x", "x", where)).where == where


def test_the_definitions_file_goes_before_the_catalogue(folder: Callable[..., Path]) -> None:
    definition = {"input": {"required": {}}, "output": ["IMAGE"], "output_node": False}
    text = json.dumps({"definitions": 1, "nodes": {"SaveImage": definition}})
    project = load(folder(**{"runflow.definitions.json": text}))
    assert project.definitions.source("SaveImage") == "file"


@pytest.mark.parametrize("text", ["{", "[]", b"\xff"])
def test_a_damaged_definitions_file_is_named(
    folder: Callable[..., Path], text: str | bytes
) -> None:
    with pytest.raises(LockError) as caught:
        load(folder(**{"runflow.definitions.json": text}))
    assert caught.value.findings[0].where.file == "runflow.definitions.json"
    assert caught.value.findings[0].fix


def test_a_lock_that_cannot_be_read_is_refused(folder: Callable[..., Path]) -> None:
    with pytest.raises(LockError):
        load(folder(**{"runflow.lock": "lock: 1\nlock: 2\n"}))


@pytest.mark.parametrize("spec", [None, b"\xff\xfe", "a: 1\n", "a: &x 1\n"])
def test_a_spec_that_cannot_be_read_is_refused(
    folder: Callable[..., Path], spec: str | bytes | None
) -> None:
    with pytest.raises(SpecError):
        load(folder(**{"runflow.yaml": spec}))


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("v0.8.0", "0.8.0"),
        ("3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce", "0.8.0"),
        ("master", None),
        ("a" * 40, None),
    ],
)
def test_the_wish_for_comfyui_picks_the_catalogue(ref: str, version: str | None) -> None:
    assert version_wished(ref) == version


def test_the_paths_of_a_project(tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    assert paths.spec == tmp_path / "runflow.yaml"
    assert paths.lock == tmp_path / "runflow.lock"
    assert paths.definitions == tmp_path / "runflow.definitions.json"
    assert paths.bundle("poster") == tmp_path / ".runflow" / "build" / "poster.json"
    assert paths.inputs == tmp_path / "input"
    assert paths.workflow("flows/a.json") == tmp_path / "flows" / "a.json"


def test_tasks_of_one_process_share_what_was_parsed_until_the_file_is_edited(
    folder: Callable[..., Path],
) -> None:
    root = folder()
    first = load(root)
    assert load(root, ["card"]).spec is first.spec
    (root / "runflow.yaml").write_text(SPEC.replace("v0.8.0", "v0.7.0"))
    assert load(root).spec.comfyui.ref == "v0.7.0"
    (root / "runflow.yaml").write_text("version: 1\n")
    with pytest.raises(SpecError):
        load(root)
