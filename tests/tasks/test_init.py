"""`init` on folders as people have them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import RunflowError, SaveError, SpecError, UsageError, WorkflowError
from runflow_build.findings import Finding
from runflow_build.project.load import load
from runflow_build.spec.schema import schema_text
from runflow_build.tasks.fresh import require_fresh
from runflow_build.tasks.init import start
from runflow_build.tasks.lock import relock

PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
RUNFLOW_PROMPT = {
    "1": {
        "class_type": "RunflowInputImage",
        "inputs": {"input_id": "photo", "display_name": "", "description": "", "value": ["2", 0]},
    },
    "2": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "3": {
        "class_type": "RunflowOutputImage",
        "inputs": {"output_id": "result", "output_name": "", "value": ["1", 0]},
    },
}


def workflow(root: Path, name: str, content: Any) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def deploy_graph(name: str) -> dict[str, Any]:
    node = {"id": 1, "type": "RunflowDeploy", "widgets_values": [name, "", ""]}
    return {"nodes": [node], "links": [], "version": 0.4}


def refused(kind: type[RunflowError], root: Path, *paths: Path) -> list[Finding]:
    before = sorted(root.rglob("*"))
    with pytest.raises(kind) as caught:
        start(root, paths)
    assert sorted(root.rglob("*")) == before, "nothing is written"
    return list(caught.value.findings)


def test_a_workflow_without_runflow_nodes_can_be_locked_at_once(tmp_path: Path) -> None:
    done = start(tmp_path, [workflow(tmp_path, "flows/Old Photo.json", PROMPT)])
    assert done.written == (
        ".runflow/runflow.v1.schema.json", ".gitattributes", ".gitignore", "runflow.yaml",
    )  # fmt: skip
    endpoint = load(tmp_path).spec.endpoints["old-photo"]
    assert (endpoint.name, endpoint.workflow) == ("Old Photo", "flows/Old Photo.json")
    assert set(endpoint.outputs) == {"image"}
    assert '#   image: {node: "1", field: image}' in (tmp_path / "runflow.yaml").read_text()
    assert relock(tmp_path).lock.endpoints["old-photo"].outputs["image"].node == "2"


def test_what_the_runflow_nodes_declare_is_listed(tmp_path: Path) -> None:
    done = start(tmp_path, [workflow(tmp_path, "cut.json", RUNFLOW_PROMPT)])
    text = (tmp_path / "runflow.yaml").read_text(encoding="utf-8")
    assert "#   photo: IMAGE, required" in text
    assert "#   result: IMAGE" in text
    assert load(tmp_path).spec.endpoints["cut"].outputs == {}
    assert "input   photo: IMAGE, required" in done.summary()


def test_the_commit_of_the_newest_known_release_is_pinned(tmp_path: Path) -> None:
    start(tmp_path, [workflow(tmp_path, "a.json", PROMPT)])
    assert "comfyui: {ref: 3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce}  # v0.8.0\n" in (
        tmp_path / "runflow.yaml"
    ).read_text(encoding="utf-8")


def test_project_and_comfyui_can_be_chosen(tmp_path: Path) -> None:
    path = workflow(tmp_path, "a.json", PROMPT)
    start(tmp_path, [path], project="acme tools", comfyui="v0.3.64")
    spec = load(tmp_path).spec
    assert (spec.project, spec.comfyui.ref) == ("acme tools", "v0.3.64")


def test_several_workflows_give_several_endpoints(tmp_path: Path) -> None:
    paths = [workflow(tmp_path, f"{name}.json", PROMPT) for name in "ab"]
    done = start(tmp_path, [*paths, paths[0]])
    assert [one.slug for one in done.endpoints] == ["a", "b"]


def test_the_name_on_the_deploy_node_goes_before_the_file_s(tmp_path: Path) -> None:
    graph = deploy_graph("Background Removal v2.1")
    (draft,) = start(tmp_path, [workflow(tmp_path, "untitled.json", graph)]).endpoints
    assert (draft.slug, draft.name) == ("background-removal-v21", "Background Removal v2.1")


def test_an_empty_deploy_node_leaves_it_to_the_file(tmp_path: Path) -> None:
    (draft,) = start(tmp_path, [workflow(tmp_path, "cut.json", deploy_graph("  "))]).endpoints
    assert draft.slug == "cut"


def test_the_schema_lies_where_the_first_line_points_to(tmp_path: Path) -> None:
    start(tmp_path, [workflow(tmp_path, "a.json", PROMPT)])
    first = (tmp_path / "runflow.yaml").read_text(encoding="utf-8").splitlines()[0]
    path = tmp_path / first.partition("$schema=")[2]
    assert path.read_text(encoding="utf-8") == schema_text()


def test_files_for_git_keep_their_lines_and_get_each_missing_one_once(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"*.tmp\r\n/.runflow\r\nlast line")
    path = workflow(tmp_path, "a.json", PROMPT)
    for _ in range(2):
        start(tmp_path, [path], force=True)
    assert (tmp_path / ".gitignore").read_bytes() == (
        b"*.tmp\r\n/.runflow\r\nlast line\r\nrunflow.local.yaml\r\n__pycache__/\r\n"
    )
    assert (tmp_path / ".gitattributes").read_text(encoding="utf-8") == (
        "runflow.lock text eol=lf\n"
        "runflow.definitions.json text eol=lf linguist-generated\n"
        "pylock.*.toml text eol=lf linguist-generated\n"
        "input/** -text\n"
    )


def test_a_clone_with_other_line_ends_has_the_files_that_the_lock_holds(
    new_clone: Callable[..., Any], tmp_path: Path
) -> None:
    origin = new_clone(tmp_path / "origin")
    flow = json.loads(json.dumps(PROMPT).replace("a.png", "notes.txt"))
    path = workflow(origin.path, "a.json", flow)
    origin.write({"input/notes.txt": "two\nlines\n"})
    start(origin.path, [path])
    relock(origin.path)
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "one")
    clone = tmp_path / "clone"
    origin.git("clone", "--quiet", "-c", "core.autocrlf=true", ".", str(clone))
    assert b"\r\n" in (clone / "runflow.yaml").read_bytes()
    assert (clone / "input/notes.txt").read_bytes() == b"two\nlines\n"
    require_fresh(clone)


# -- what is refused


def test_a_runflow_yaml_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = workflow(tmp_path, "a.json", PROMPT)
    (tmp_path / "runflow.yaml").write_text("precious")
    (finding,) = refused(SpecError, tmp_path, path)
    assert (finding.code, finding.where.file) == ("spec-exists", "runflow.yaml")
    assert "--force" in (finding.fix or "")
    start(tmp_path, [path], force=True)
    assert load(tmp_path).spec.endpoints


def test_a_workflow_outside_the_folder_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (finding,) = refused(UsageError, root, workflow(tmp_path, "a.json", PROMPT))
    assert finding.code == "workflow-outside"
    assert "copy it into the folder" in (finding.fix or "")


def test_the_problems_of_all_workflows_come_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    paths = [broken, tmp_path / "gone.json", workflow(tmp_path, "inputs.json", PROMPT), tmp_path]
    codes = [one.code for one in refused(WorkflowError, tmp_path, *paths)]
    assert codes == ["workflow-syntax", "file-missing", "slug-invalid", "file-unreadable"]


def test_two_workflows_of_one_slug_are_refused(tmp_path: Path) -> None:
    paths = [workflow(tmp_path, name, PROMPT) for name in ("a/x.json", "b/X.json")]
    (finding,) = refused(WorkflowError, tmp_path, *paths)
    assert finding.message == "a/x.json gives the slug x already"


def test_a_runflow_node_with_a_mistake_is_refused(tmp_path: Path) -> None:
    node = RUNFLOW_PROMPT["1"]
    blank = {**RUNFLOW_PROMPT, "1": {**node, "inputs": {**node["inputs"], "input_id": " "}}}
    (finding,) = refused(WorkflowError, tmp_path, workflow(tmp_path, "a.json", blank))
    assert finding.code == "contract-id-blank"


def test_a_path_that_no_other_system_has_is_refused(tmp_path: Path) -> None:
    path = workflow(tmp_path, "a\\b.json", PROMPT)
    if path.name != "a\\b.json":
        pytest.skip("this system cannot have such a name either")
    (finding,) = refused(UsageError, tmp_path, path)
    assert finding.code == "workflow-name"


def test_a_list_for_git_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").mkdir()
    path = workflow(tmp_path, "poster.json", PROMPT)
    (finding,) = refused(SaveError, tmp_path, path)
    assert finding.message == ".gitignore cannot be read: Is a directory"
