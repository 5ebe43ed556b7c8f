"""Locking a project's folder: what is written, what is left alone, what never gets into a lock."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runflow_build.bundle import read_bundle
from runflow_build.cli.main import main
from runflow_build.errors import RunflowError, WorkflowError
from runflow_build.project.load import load
from runflow_build.project.settled import is_settled
from runflow_build.tasks.fresh import staleness
from runflow_build.tasks.lock import relock
from runflow_build.tasks.rewrite import build
from runflow_build.tasks.validate import validate
from runflow_build.workflow.convert import prompt_digest

ROOT = Path(__file__).parent.parent.parent
UPSTREAM = "https://github.com/comfyanonymous/ComfyUI"
CODE = {"main.py": "", "nodes.py": "", "comfyui_version.py": '__version__ = "9.9.0"\n'}


def files_of(root: Path) -> dict[str, tuple[bytes, int]]:
    """Everything in the folder but the state: content and time of the last change."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and ".runflow" not in path.parts
    }


def test_the_lock_and_its_definitions_are_written_together(new_project: Any) -> None:
    root = new_project("poster").root
    done = relock(root)
    assert [path.name for path in done.written] == ["runflow.definitions.json", "runflow.lock"]
    assert done.summary() == "runflow.lock is new: 1 endpoint"


def test_a_lock_that_needs_no_change_is_not_touched(new_project: Any) -> None:
    root = new_project("poster").root
    relock(root)
    before = files_of(root)
    again = relock(root)
    assert again.written == ()
    assert again.summary() == "runflow.lock is up to date"
    assert files_of(root) == before


def test_a_companion_that_was_lost_is_written_again_and_said(new_project: Any) -> None:
    root = new_project("poster").root
    relock(root)
    (root / "runflow.definitions.json").unlink()
    assert relock(root).summary() == (
        "runflow.lock is up to date; its companion runflow.definitions.json is written anew"
    )


def test_what_changed_is_said(new_project: Any) -> None:
    project = new_project("poster")
    relock(project.root)
    text = project.spec.read_text()
    project.spec.write_text(text.replace("{workflow", "{name: Poster, workflow"))
    assert relock(project.root).summary() == (
        "runflow.lock is written\n  safe: 1 safe\n  Endpoints\n    poster: name poster → Poster"
    )


def test_a_long_list_of_changes_is_cut(new_project: Any) -> None:
    project = new_project("poster")
    relock(project.root)
    requirements = ", ".join(f"'p{number}==1'" for number in range(3))
    digests = [f"{n:02}".ljust(64, "0") for n in range(50)]
    models = "".join(f'  loras/{one}.safetensors: {{sha256: "{one}"}}\n' for one in digests)
    text = project.spec.read_text()
    project.spec.write_text(f"{text}models:\n{models}python: {{requirements: [{requirements}]}}\n")
    lines = relock(project.root).summary().splitlines()
    assert len(lines) < 50
    assert "more" in lines[-1]


def test_anything_wrong_writes_nothing(new_project: Any) -> None:
    project = new_project("good", "bad")
    relock(project.root)
    project.workflow("bad").write_text("{")
    project.workflow("good").write_text(project.workflow("good").read_text().replace("8", "9"))
    before = files_of(project.root)
    with pytest.raises(WorkflowError, match="workflow-syntax"):
        relock(project.root)
    assert files_of(project.root) == before


def test_the_folder_the_time_zone_the_locale_and_local_mirrors_leave_no_trace(
    new_project: Any, tmp_path: Path
) -> None:
    one = new_project("poster", folder="one").root
    other = new_project("poster", folder="ünter wegs").root
    relock(one)
    environment = {"PATH": os.environ["PATH"], "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    for mirror in ("HF_ENDPOINT", "PIP_INDEX_URL", "UV_INDEX_URL"):
        environment[mirror] = "http://mirror.local"
    code = "import sys; sys.path.insert(0, sys.argv[1])\n"
    code += "from pathlib import Path; from runflow_build.tasks.lock import relock\n"
    code += "relock(Path('.'))"
    subprocess.run(
        [sys.executable, "-c", code, str(ROOT)],
        cwd=other,
        env={**environment, "PYTHONHASHSEED": "7"},
        check=True,
    )
    for name in ("runflow.lock", "runflow.definitions.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def installed(new_project: Any, new_install: Any, **told: Any) -> tuple[Any, Path]:
    project = new_project("poster")
    text = project.spec.read_text()
    project.spec.write_text(text.replace(text.split("ref: ")[1][:40], "v9.9.0"))
    comfyui = {"remote": UPSTREAM, "commits": [CODE], "tags": ["v9.9.0"], **told}
    return project, new_install({"clones": {"": comfyui}})


def test_no_path_no_user_and_no_secret_of_this_machine_gets_into_the_lock(
    new_project: Any, new_install: Any
) -> None:
    project, install = installed(
        new_project, new_install, remote="https://me:s3cret@github.com/comfyanonymous/ComfyUI.git"
    )
    lock = relock(project.root, install=install).lock
    text = project.lock.read_text()
    assert lock.comfyui.repository == UPSTREAM
    for trace in (str(install), str(project.root), "s3cret", "me@", f"/{getpass.getuser()}/"):
        assert trace not in text


def test_an_installation_s_changed_code_is_marked_until_it_is_looked_at_again(
    new_project: Any, new_install: Any
) -> None:
    project, install = installed(new_project, new_install, changed={"nodes.py": "changed"})
    assert relock(project.root, install=install).lock.comfyui.dirty
    assert relock(project.root).lock.comfyui.dirty
    (install / "nodes.py").write_text("")
    assert not relock(project.root, install=install).lock.comfyui.dirty


def test_a_worktree_is_captured_like_a_clone(
    new_project: Any, new_install: Any, tmp_path: Path
) -> None:
    project, install = installed(new_project, new_install)
    subprocess.run(
        ["git", "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), "v9.9.0"],
        cwd=install,
        check=True,
        capture_output=True,
    )
    pin = relock(project.root, install=tmp_path / "tree").lock.comfyui
    assert (pin.version, len(pin.commit), pin.dirty) == ("9.9.0", 40, False)


def test_a_pin_is_renewed_only_when_asked(new_project: Any, new_install: Any) -> None:
    project, install = installed(new_project, new_install)
    project.spec.write_text(project.spec.read_text().replace("v9.9.0", "main"))
    first = relock(project.root, install=install).lock.comfyui.commit
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com"]
    commit = [*git, "commit", "--quiet", "--allow-empty", "--message", "more"]
    subprocess.run(commit, cwd=install, check=True)
    update = ["git", "update-ref", "refs/remotes/origin/main", "HEAD"]
    subprocess.run(update, cwd=install, check=True)
    assert relock(project.root, install=install).lock.comfyui.commit == first
    assert relock(project.root, install=install, upgrade=["python"]).lock.comfyui.commit == first
    renewed = relock(project.root, install=install, upgrade=["comfyui"]).lock.comfyui.commit
    assert renewed != first
    kept = relock(project.root, upgrade=None)
    assert kept.lock.comfyui.commit == renewed, "an upgrade that finds nothing loses nothing"
    assert [finding.code for finding in kept.findings] == ["not-resolved"]


def test_without_git_an_installation_cannot_be_captured(new_project: Any, new_install: Any) -> None:
    project, install = installed(new_project, new_install)
    done = subprocess.run(
        [sys.executable, "-m", "runflow_build", "lock", "-C", project.root, "--from", install],
        cwd=ROOT,
        env={"PATH": str(project.root / "empty"), "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, project.lock.exists()) == (1, False)
    assert done.stderr.startswith("error git-missing: the git program was not found\n")


def test_an_exposed_node_s_new_class_is_accepted_by_naming_the_endpoint(new_project: Any) -> None:
    project = new_project("poster")
    text = project.spec.read_text()
    exposed = "{workflow: poster.json, inputs: {size: {node: '1', field: width}}}"
    project.spec.write_text(text.replace("{workflow: poster.json}", exposed))
    relock(project.root)
    workflow = json.loads(project.workflow("poster").read_text())
    workflow["1"]["class_type"] = "EmptyLatentImage"
    workflow["1"]["inputs"].pop("color")
    project.workflow("poster").write_text(json.dumps(workflow))
    with pytest.raises(RunflowError, match="exposed-node-changed"):
        relock(project.root)
    done = relock(project.root, upgrade=["poster"])
    assert done.lock.endpoints["poster"].inputs["size"].class_type == "EmptyLatentImage"


def test_a_class_that_nobody_defines_gives_one_prompt_at_every_stage(new_project: Any) -> None:
    """It converts by the slots that it saved: at every stage, and before and after locking."""
    project = new_project("poster")
    mystery = {
        "id": 2,
        "type": "Mystery",
        "inputs": [
            {"name": "image", "type": "IMAGE", "link": 1},
            {"name": "strength", "type": "FLOAT", "link": None, "widget": {"name": "strength"}},
        ],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}],
        "widgets_values": [0.5],
    }
    output = {"id": 3, "type": "RunflowOutputImage", "widgets_values": ["image", ""]}
    graph = {
        "nodes": [
            {"id": 1, "type": "EmptyImage", "outputs": [{}], "widgets_values": [8, 8, 1, 0]},
            mystery,
            {**output, "inputs": [{"name": "value", "type": "IMAGE", "link": 2}]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
        "version": 0.4,
    }
    project.workflow("poster").write_text(json.dumps(graph))
    locked = relock(project.root).lock
    definitions = json.loads((project.root / "runflow.definitions.json").read_text())["nodes"]
    assert list(definitions) == ["EmptyImage"]
    assert relock(project.root).written == ()
    codes = [one.code for one in validate(project.root)]
    assert sorted(codes) == ["node-class-unknown", "pack-unlocked"]
    (path,) = build(project.root)
    prompt = read_bundle(path.read_text()).prompt
    assert prompt["2"]["inputs"] == {"strength": 0.5, "image": ["1", 0]}
    assert prompt_digest(prompt) == locked.endpoints["poster"].prompt


# -- the command


def test_offline_locks_without_the_network(new_project: Any) -> None:
    """Whatever the files can answer is answered; a connection would be an error here."""
    project = new_project("poster")
    code = (
        "import socket, sys\n"
        "def refuse(*arguments): raise AssertionError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from runflow_build.cli.main import main\n"
        "sys.exit(main(['lock', '--offline']))"
    )
    for said in ("runflow.lock is new: 1 endpoint", "runflow.lock is up to date"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(ROOT)],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(f"{said}\n")


def test_frozen_names_each_disagreement_and_writes_nothing(
    new_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new_project("poster")
    assert main(["lock", "-C", str(project.root)]) == 0
    assert main(["lock", "-C", str(project.root), "--frozen"]) == 0
    project.write_spec(["poster", "second"])
    project.workflow("second").write_text(project.workflow("poster").read_text())
    before = files_of(project.root)
    capsys.readouterr()
    assert main(["lock", "-C", str(project.root), "--frozen"]) == 3
    assert "the lock lacks the endpoint second" in capsys.readouterr().err
    assert files_of(project.root) == before


def test_a_program_reads_what_locking_did(
    new_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new_project("poster")
    assert main(["lock", "-C", str(project.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["written"] == ["runflow.definitions.json", "runflow.lock"]
    assert [finding["code"] for finding in told["findings"]] == ["commit-unchecked"]
    assert {change["section"] for change in told["changes"]} >= {"API", "Code"}


# -- the definitions beside the lock


def graph_of(*nodes: dict[str, Any]) -> str:
    """Nodes in a row, each handing its first output to the next one's first input."""
    for index, one in enumerate(nodes, 1):
        one.update(id=index, outputs=[{"name": "IMAGE", "type": "IMAGE", "links": [index]}])
        link = index - 1 or None
        one["inputs"] = [{"name": one.pop("takes", "image"), "type": "IMAGE", "link": link}]
    links = [[index, index, 0, index + 1, 0, "IMAGE"] for index in range(1, len(nodes))]
    return json.dumps({"nodes": nodes, "links": links, "version": 0.4})


def file_of(project: Any) -> Any:
    return json.loads((project.root / "runflow.definitions.json").read_text())


def lock_at(project: Any, ref: str) -> Any:
    text = project.spec.read_text()
    project.spec.write_text(re.sub(r"ref: [\w.]+", f"ref: {ref}", text))
    return relock(project.root).lock


def scaled(project: Any) -> dict[str, Any]:
    """What the prompt of the built endpoint gives to ImageScaleToTotalPixels."""
    (path,) = build(project.root)
    prompt = read_bundle(path.read_text()).prompt
    (inputs,) = (
        node["inputs"]
        for node in prompt.values()
        if node["class_type"] == "ImageScaleToTotalPixels"
    )
    return inputs


def test_another_comfyui_is_locked_with_its_own_definitions(new_project: Any) -> None:
    """ImageScaleToTotalPixels of 0.8.0 has an input more than that of 0.3.64."""
    project = new_project("poster")
    picture = {"type": "EmptyImage", "widgets_values": [8, 8, 1, 0]}
    smaller = {"type": "ImageScaleToTotalPixels", "widgets_values": ["area", 1.0]}
    output = {"type": "RunflowOutputImage", "takes": "value", "widgets_values": ["image", ""]}
    project.workflow("poster").write_text(graph_of(picture, smaller, output))
    prompts = set()
    for ref in ("v0.3.64", "v0.8.0", "v0.3.64"):
        lock = lock_at(project, ref)
        assert file_of(project)["comfyui"] == lock.comfyui.version == ref[1:]
        assert staleness(load(project.root)) == []
        assert relock(project.root).written == ()
        assert ("resolution_steps" in scaled(project)) is (ref == "v0.8.0")
        prompts.add(lock.endpoints["poster"].prompt)
    assert len(prompts) == 2


def test_a_node_pack_s_definitions_stay_when_comfyui_changes(new_project: Any) -> None:
    project = new_project("poster")
    answer = {"input": {"required": {"amount": ["INT", {"default": 1}]}}, "output": ["IMAGE"]}
    answer["python_module"] = "custom_nodes.Noise"
    known = {"MakeNoise": answer, "NotInUse": {"input": {}, "output": []}}
    (project.root / "runflow.definitions.json").write_text(json.dumps(known))
    noise = {"type": "MakeNoise", "widgets_values": [7]}
    project.workflow("poster").write_text(graph_of(noise, {"type": "SaveImage"}))
    for ref in ("v0.3.64", "v0.8.0"):
        lock_at(project, ref)
        kept = file_of(project)["nodes"]
        assert kept["MakeNoise"] == answer
        assert set(kept) == {"MakeNoise", "SaveImage"}


def test_the_definitions_of_bypassed_nodes_are_kept_too(new_project: Any) -> None:
    """Which of its inputs a bypassed node hands on is read off its definition."""
    project = new_project("poster")
    picture = {"type": "EmptyImage", "widgets_values": [8, 8, 1, 0]}
    output = {"type": "RunflowOutputImage", "takes": "value", "widgets_values": ["image", ""]}
    project.workflow("poster").write_text(
        graph_of(picture, {"type": "ImageInvert", "mode": 4}, output)
    )
    relock(project.root)
    assert set(file_of(project)["nodes"]) == {"EmptyImage", "ImageInvert"}


def test_files_of_the_machine_that_answered_do_not_get_into_the_lock(new_project: Any) -> None:
    """What was saved by hand is converted as it will be once the lock has written it anew."""
    project = new_project("poster")
    answer = {"input": {"required": {"image": [["anna.png"]]}}, "output": ["IMAGE", "MASK"]}
    (project.root / "runflow.definitions.json").write_text(json.dumps({"LoadImage": answer}))
    project.workflow("poster").write_text(graph_of({"type": "LoadImage"}, {"type": "SaveImage"}))
    relock(project.root)
    for name in ("runflow.definitions.json", "runflow.lock"):
        assert "anna" not in (project.root / name).read_text()
    assert staleness(load(project.root)) == []


def test_locking_again_reads_no_workflow(
    new_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new_project("poster")
    where = ["lock", "-C", str(project.root)]
    assert main(where) == 0  # says that nobody could be asked about the commit
    assert main(where) == 0
    assert is_settled(project.root, "")
    capsys.readouterr()
    assert main([*where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": [], "changes": [], "findings": []}

    project.workflow("poster").write_text("{")
    assert main(where) == 1
    assert "poster.json" in capsys.readouterr().err


def test_a_lock_with_something_to_say_is_not_settled(new_project: Any) -> None:
    project = new_project("poster")
    project.write_spec(["poster"], "models: {loras/x.safetensors: {}}\n")
    for _ in range(2):
        assert main(["lock", "-C", str(project.root)]) == 1
        assert not is_settled(project.root, "")
