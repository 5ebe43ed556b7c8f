"""Which definitions serve a workflow that is named on its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import LockError, RunflowError, WorkflowError
from runflow_build.project import definitions as module
from runflow_build.project.definitions import combined, definitions_for
from runflow_build.project.documents import load_version
from runflow_build.project.paths import ProjectPaths
from runflow_build.workflow.definitions_text import DefinitionsFile


def raw(title: str) -> dict[str, Any]:
    return {"input": {"required": {}}, "output": ["IMAGE"], "display_name": title}


def write(folder: Path, **titles: str) -> Path:
    """A definitions file in the folder: class -> title."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "runflow.definitions.json"
    nodes = {name: raw(title) for name, title in titles.items()}
    path.write_text(json.dumps({"definitions": 1, "nodes": nodes}), encoding="utf-8")
    return path


def title(folder: Path, root: Path, class_type: str = "Mine", **more: Any) -> str | None:
    definition = definitions_for(folder, root, **more).get(class_type)
    return definition.title if definition else None


def test_the_file_beside_the_workflow_goes_before_the_projects(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    assert title(flows, tmp_path) is None
    write(tmp_path, Mine="the project's")
    assert title(flows, tmp_path) == "the project's"
    write(flows, Mine="beside")
    assert title(flows, tmp_path) == "beside"


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_named_file_stands_in_for_both(tmp_path: Path, wrapped: bool) -> None:
    write(tmp_path, Mine="the project's", Other="the project's")
    named = tmp_path / "object_info.json"
    nodes = {"Mine": raw("named")}
    named.write_text(json.dumps({"definitions": 1, "nodes": nodes} if wrapped else nodes))
    assert title(tmp_path, tmp_path, file=named) == "named"
    assert title(tmp_path, tmp_path, "Other", file=named) is None


def test_what_the_file_lacks_is_what_ships(tmp_path: Path) -> None:
    write(tmp_path, SaveImage="mine")
    assert title(tmp_path, tmp_path, "SaveImage") == "mine"
    assert title(tmp_path, tmp_path, "LoadImage") == "Load Image"


@pytest.fixture
def catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue for every version, with one class that is called as the version is."""
    monkeypatch.setattr(module, "shipped", lambda version: {version or "newest": raw("")})


@pytest.mark.usefixtures("catalogues")
def test_the_catalogue_is_the_newest_or_the_one_that_is_asked_for(tmp_path: Path) -> None:
    assert definitions_for(tmp_path, tmp_path).get("newest") is not None
    assert definitions_for(tmp_path, tmp_path, comfyui="0.3.64").get("0.3.64") is not None


@pytest.mark.usefixtures("catalogues")
def test_a_project_has_the_catalogue_of_its_comfyui(tmp_path: Path) -> None:
    (tmp_path / "runflow.yaml").write_text("version: 1\ncomfyui: {ref: v0.3.64}\nendpoints: {}\n")
    assert definitions_for(tmp_path / "flows", tmp_path).get("0.3.64") is not None
    (tmp_path / "runflow.lock").write_text(
        "lock: 1\ncomfyui:\n  repository: https://github.com/comfyanonymous/ComfyUI\n"
        f"  ref: v0.8.0\n  commit: {'a' * 40}\n  version: 0.8.0\n"
        'python:\n  version: "3.12"\n'
    )
    definitions = definitions_for(tmp_path / "flows", tmp_path)
    assert definitions.get("0.8.0") is not None, "the lock decides"
    assert definitions.get("0.3.64") is None


def test_the_project_is_not_read_where_the_file_has_the_class(tmp_path: Path) -> None:
    write(tmp_path, Mine="mine")
    (tmp_path / "runflow.yaml").write_text("nonsense: [\n")
    definitions = definitions_for(tmp_path, tmp_path)
    assert definitions.get("Mine") is not None
    with pytest.raises(RunflowError):
        definitions.get("LoadImage")


def test_a_damaged_file_says_how_to_have_it_again(tmp_path: Path) -> None:
    path = tmp_path / "runflow.definitions.json"
    path.write_text("{")
    with pytest.raises(LockError) as caught:
        definitions_for(tmp_path, tmp_path)
    assert "restore it with git" in (caught.value.findings[0].fix or "")
    with pytest.raises(WorkflowError) as named:
        definitions_for(tmp_path, tmp_path, file=path)
    (finding,) = named.value.findings
    assert (finding.code, finding.where.file) == ("definitions-malformed", path.as_posix())
    assert "/object_info" in (finding.fix or "")


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        definitions_for(tmp_path, tmp_path, file=tmp_path / "gone.json")
    assert caught.value.findings[0].code == "file-missing"


def test_the_version_is_the_one_that_the_whole_project_has() -> None:
    example = Path(__file__).parents[2] / "examples" / "postcard"
    assert module._version_in(example) == load_version(ProjectPaths(example)) == "0.8.0"


def test_a_lock_in_conflict_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runflow.yaml").write_text("version: 1\ncomfyui: {ref: v0.8.0}\nendpoints: {}\n")
    (tmp_path / "runflow.lock").write_text(
        "lock: 1\ncomfyui:\n<<<<<<< ours\n  version: 0.8.0\n=======\n  version: 0.3.64\n>>>>>>> x\n"
    )
    with pytest.raises(LockError):
        definitions_for(tmp_path, tmp_path).get("LoadImage")


# -- a file that is for another ComfyUI

COMMIT = "a" * 40
MASKS = "custom_nodes.Masks"


def source(own: str | None, wanted: str | None, name: str = "SaveImage", **more: Any) -> str | None:
    """Where a class is taken from that stands in a file for `own`, while `wanted` is locked."""
    file = DefinitionsFile({name: {**raw("the file's"), **more}}, own)
    return combined(file, wanted).source(name)


@pytest.mark.parametrize("version", ["0.3.64", "0.8.0", "0.9.1", COMMIT])
def test_a_file_for_the_locked_comfyui_counts(version: str) -> None:
    assert source(version, version) == "file"


@pytest.mark.parametrize(
    ("own", "wanted", "found"),
    [
        ("0.3.64", "0.8.0", "catalogue"),  # after an upgrade
        ("0.8.0", "0.3.64", "catalogue"),  # and after going back
        ("0.8.0", "0.9.1", "catalogue"),  # 0.8.0 ships, too
        ("0.9.0", "0.9.1", "file"),  # nearer than all that ships
        ("0.9.2", "0.9.1", "catalogue"),  # newer than what is locked
        (COMMIT, "0.8.0", "catalogue"),
        ("0.8.0", COMMIT, "catalogue"),
        ("0.9.0", None, "file"),
        ("0.8.0", None, "catalogue"),
        (None, "0.8.0", "file"),  # it does not say what it is for
    ],
)
def test_a_file_for_another_comfyui_counts_where_it_is_nearer_than_what_ships(
    own: str | None, wanted: str | None, found: str
) -> None:
    assert source(own, wanted) == found


def test_the_classes_of_packs_count_in_any_file() -> None:
    assert source("0.3.64", "0.8.0", "MaskMagic") == "file"
    assert source("0.3.64", "0.8.0", "SaveImage", python_module=MASKS) == "file"


def test_a_class_that_comfyui_gave_up_goes_with_it() -> None:
    assert source("0.3.64", "0.8.0", "Load3DAnimation") is None
    assert source("0.3.64", "0.3.64", "Load3DAnimation") == "file"


def test_a_file_beside_a_workflow_is_held_to_the_projects_comfyui(tmp_path: Path) -> None:
    path = write(tmp_path, SaveImage="the file's", MaskMagic="the pack's")
    path.write_text(path.read_text().replace('1, "nodes"', '1, "comfyui": "0.3.64", "nodes"'))
    (tmp_path / "runflow.yaml").write_text("version: 1\ncomfyui: {ref: v0.8.0}\nendpoints: {}\n")
    assert title(tmp_path, tmp_path, "SaveImage") == "Save Image"
    assert title(tmp_path, tmp_path, "MaskMagic") == "the pack's"
    assert title(tmp_path, tmp_path, "SaveImage", comfyui="0.3.64") == "the file's"
    assert title(tmp_path, tmp_path, "SaveImage", file=path) == "the file's", "it was named"


def test_the_files_of_the_machine_that_answered_are_no_choices_of_a_project(tmp_path: Path) -> None:
    answer = {"input": {"required": {"image": [["anna.png", "example.png"]]}}, "output": []}
    folders = {"input": {"required": {"model_path": [["anna"]]}}, "output": []}
    path = tmp_path / "runflow.definitions.json"
    path.write_text(json.dumps({"LoadImage": answer, "DiffusersLoader": folders}))
    definitions = definitions_for(tmp_path, tmp_path)
    loads = [definitions.get("LoadImage"), definitions.get("DiffusersLoader")]
    assert [one.inputs[0].choices for one in loads if one] == [("example.png",), ()]
    named = definitions_for(tmp_path, tmp_path, file=path).get("LoadImage")
    assert named and named.inputs[0].choices == ("anna.png", "example.png"), "as it was saved"
