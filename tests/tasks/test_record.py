"""Recording the definitions of the classes in use, from files and over HTTP."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from runflow_build.cli.main import main
from runflow_build.errors import RunflowError
from runflow_build.project.catalogue import shipped
from runflow_build.project.load import load
from runflow_build.tasks import record as module
from runflow_build.tasks.fresh import staleness
from runflow_build.tasks.lock import relock
from runflow_build.tasks.record import record

CATALOGUES = Path(__file__).parents[2] / "runflow_build" / "catalogue"
COMFYUI = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()

MASKS = {
    "input": {"required": {"image": ["IMAGE"], "grow": ["INT", {"default": 1, "tooltip": "help"}]}},
    "output": ["IMAGE"],
    "display_name": "Mask Magic",
    "python_module": "custom_nodes.Masks",
}
LOAD = {
    "input": {"required": {"image": [["anna.png", "example.png"], {"image_upload": True}]}},
    "output": ["IMAGE", "MASK"],
    "python_module": "nodes",
}
BLANK = {"input": {"required": {"width": ["INT", {"default": 5}]}}, "output": ["IMAGE"]}
ANSWER = {"LoadImage": LOAD, "MaskMagic": MASKS, "EmptyImage": BLANK, "NotInUse": BLANK}

Serve = Callable[..., str]


@pytest.fixture
def comfyui() -> Iterator[Serve]:
    """`comfyui(answer, version)` -> the address of a server with that /object_info."""
    servers = []

    def start(answer: Any = ANSWER, version: str | None = "0.8.0") -> str:
        stats = {"system": {"comfyui_version": version}}
        told = {"/object_info": answer, "/system_stats": stats}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(told[self.path]).encode())

            def log_message(self, *args: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def project(new_project: Any) -> Any:
    """One endpoint that masks a picture inside of a subgraph, for ComfyUI 0.8.0."""
    made = new_project("poster")
    made.spec.write_text(
        made.spec.read_text().replace(made.spec.read_text().split("ref: ")[1][:40], "v0.8.0")
    )
    inner = "0a1b2c3d-0000-4000-8000-000000000001"
    graph = {
        "nodes": [
            {"id": 1, "type": "LoadImage"},
            {"id": 2, "type": inner},
            {"id": 3, "type": "Note"},
        ],
        "links": [],
        "definitions": {"subgraphs": [{"id": inner, "nodes": [{"id": 5, "type": "MaskMagic"}]}]},
        "version": 0.4,
    }
    made.workflow("poster").write_text(json.dumps(graph))
    return made


def file_of(project: Any) -> Any:
    return json.loads((project.root / "runflow.definitions.json").read_text())


def nodes_of(project: Any) -> Any:
    return file_of(project)["nodes"]


def test_the_classes_in_use_are_recorded_and_nothing_of_the_machine(
    project: Any, comfyui: Serve
) -> None:
    done = record(project.root, comfyui())
    assert (done.comfyui, done.classes, done.findings) == ("0.8.0", ("LoadImage", "MaskMagic"), ())
    text = (project.root / "runflow.definitions.json").read_text()
    assert "anna" not in text and "help" not in text
    assert file_of(project)["comfyui"] == "0.8.0"
    assert nodes_of(project)["LoadImage"]["input"]["required"]["image"][0] == ["example.png"]
    assert nodes_of(project)["MaskMagic"]["python_module"] == "custom_nodes.Masks"
    assert [line[:12] for line in text.splitlines()] == [
        '{"definition', '"LoadImage":', '"MaskMagic":', "}}"
    ]  # fmt: skip
    assert done.summary() == (
        "runflow.definitions.json is written: 2 classes, of ComfyUI 0.8.0\nnext: `runflow lock`"
    )


def test_recording_the_same_again_writes_nothing(project: Any, comfyui: Serve) -> None:
    url = comfyui()
    record(project.root, url)
    again = record(project.root, url)
    assert again.written == ()
    assert again.summary() == "runflow.definitions.json is up to date: 2 classes, of ComfyUI 0.8.0"


def test_classes_that_are_no_longer_in_use_leave_the_file(project: Any, comfyui: Serve) -> None:
    record(project.root, comfyui())
    project.workflow("poster").write_text(
        json.dumps({"1": {"class_type": "LoadImage", "inputs": {}}})
    )
    record(project.root, comfyui())
    assert list(nodes_of(project)) == ["LoadImage"]


def test_a_class_that_is_not_known_is_told_and_keeps_what_the_file_had(
    project: Any, comfyui: Serve
) -> None:
    record(project.root, comfyui())
    before = nodes_of(project)["MaskMagic"]
    without = {name: node for name, node in ANSWER.items() if name != "MaskMagic"}
    done = record(project.root, comfyui(without))
    assert nodes_of(project)["MaskMagic"] == before
    (finding,) = done.findings
    assert (finding.code, finding.severity) == ("class-not-recorded", "warning")
    assert finding.message.endswith(
        "does not know the class MaskMagic; its definition in the file stays"
    )
    assert str(finding.where).startswith("poster.json")
    (project.root / "runflow.definitions.json").unlink()
    (finding,) = record(project.root, comfyui(without)).findings
    assert finding.message.endswith("does not know the class MaskMagic")
    assert list(nodes_of(project)) == ["LoadImage"]


def test_where_no_class_is_known_nothing_is_written(project: Any, comfyui: Serve) -> None:
    done = record(project.root, comfyui({"Other": BLANK}))
    assert done.written == () and not (project.root / "runflow.definitions.json").exists()
    assert done.summary().endswith("the workflows use no class that it defines")


def test_another_version_than_the_locked_one_is_told(project: Any, comfyui: Serve) -> None:
    (finding,) = record(project.root, comfyui(version="0.3.64")).findings
    assert finding.code == "definitions-version"
    assert "ComfyUI 0.3.64, and the project is for 0.8.0" in finding.message
    assert file_of(project)["comfyui"] == "0.3.64"
    definitions = load(project.root).definitions
    assert [definitions.source(name) for name in ("LoadImage", "MaskMagic")] == [
        "catalogue",
        "file",
    ]


def test_locking_takes_what_was_recorded(project: Any, comfyui: Serve) -> None:
    relock(project.root)
    record(project.root, comfyui())
    assert "lock-companion" in [one.code for one in staleness(load(project.root))]
    relock(project.root)
    assert staleness(load(project.root)) == []
    assert nodes_of(project)["MaskMagic"]["display_name"] == "Mask Magic"


# -- where from


def test_a_saved_answer_will_do(project: Any, tmp_path: Path) -> None:
    saved = tmp_path / "object_info.json"
    saved.write_text(json.dumps(ANSWER))
    done = record(project.root, str(saved))
    assert (done.comfyui, done.classes) == (None, ("LoadImage", "MaskMagic"))
    assert "comfyui" not in file_of(project)
    assert done.summary().startswith(
        "runflow.definitions.json is written: 2 classes, of a ComfyUI of unknown version"
    )


@pytest.mark.parametrize("version", ["0.3.64", "0.8.0"])
def test_a_whole_comfyui_gives_what_ships_of_it(project: Any, comfyui: Serve, version: str) -> None:
    answer = {name: {**node} for name, node in shipped(version).items()}
    record(project.root, comfyui(answer, version))
    lines = (project.root / "runflow.definitions.json").read_text().splitlines()
    catalogue = CATALOGUES / f"nodes-{version}.json"
    assert [line for line in lines if line.startswith('"LoadImage"')] == [
        line.removesuffix(",")
        for line in catalogue.read_text().splitlines()
        if line.startswith('"LoadImage"')
    ]


def test_the_environment_names_the_comfyui_that_is_meant(
    project: Any, comfyui: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_COMFYUI_URL", comfyui())
    assert record(project.root).comfyui == "0.8.0"
    assert record(project.root, comfyui(version="0.3.64")).comfyui == "0.3.64", "named beats both"


def test_else_it_is_the_one_on_this_machine(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNFLOW_COMFYUI_URL", raising=False)
    monkeypatch.setattr(module, "DEFAULT_URL", "http://127.0.0.1:1")
    with pytest.raises(RunflowError, match=r"ComfyUI at http://127\.0\.0\.1:1 cannot be reached"):
        record(project.root)


@pytest.mark.parametrize(
    ("content", "code"), [(None, "file-missing"), ("{", "definitions-malformed")]
)
def test_a_file_that_holds_no_answer(
    project: Any, tmp_path: Path, content: str | None, code: str
) -> None:
    saved = tmp_path / "saved.json"
    if content:
        saved.write_text(content)
    with pytest.raises(RunflowError, match=code):
        record(project.root, str(saved))
    assert not (project.root / "runflow.definitions.json").exists()


def test_a_folder_that_is_no_installation(project: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunflowError, match="install-missing"):
        record(project.root, str(tmp_path / "empty"))


def test_a_broken_workflow_is_told_before_anything_is_asked(project: Any) -> None:
    project.workflow("poster").write_text("{")
    with pytest.raises(RunflowError, match="workflow-syntax"):
        record(project.root, "http://127.0.0.1:1")


@pytest.mark.comfyui
@pytest.mark.slow
def test_a_real_installation_is_started_for_it(project: Any) -> None:
    if not (COMFYUI / "main.py").is_file():
        pytest.skip(f"no ComfyUI in {COMFYUI}; set COMFYUI_PATH")
    done = record(project.root, str(COMFYUI))
    assert done.comfyui and done.comfyui[0].isdigit()
    assert "LoadImage" in done.classes
    assert [one.code for one in done.findings if one.code != "definitions-version"] == [
        "class-not-recorded"  # MaskMagic
    ]


# -- while locking


def test_locking_from_a_running_comfyui_records_on_the_way(project: Any, comfyui: Serve) -> None:
    done = relock(project.root, running=comfyui())
    assert done.lock.comfyui.version == file_of(project)["comfyui"] == "0.8.0"
    kept = nodes_of(project)
    assert set(kept) == {"LoadImage", "MaskMagic"}
    assert "anna" not in json.dumps(kept)
    assert staleness(load(project.root)) == []
    assert relock(project.root).written == (), "and without it nothing changes"


def test_locking_from_one_of_another_version_takes_the_classes_of_packs_only(
    project: Any, comfyui: Serve
) -> None:
    done = relock(project.root, running=comfyui(version="0.3.64"))
    assert "definitions-version" in [one.code for one in done.findings]
    kept = nodes_of(project)
    assert kept["MaskMagic"]["display_name"] == "Mask Magic"
    assert kept["LoadImage"]["display_name"] == "Load Image", "of the catalogue of 0.8.0"
    assert staleness(load(project.root)) == []


def test_locking_keeps_what_the_running_one_does_not_know(project: Any, comfyui: Serve) -> None:
    record(project.root, comfyui())
    relock(project.root, running=comfyui({"LoadImage": LOAD}))
    assert "MaskMagic" in nodes_of(project)


# -- the commands


def test_the_commands(project: Any, comfyui: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["-C", str(project.root), "--from", comfyui()]
    assert main(["record", *where]) == 0
    assert "is written: 2 classes" in capsys.readouterr().out
    assert main(["record", *where, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "comfyui": "0.8.0",
        "classes": ["LoadImage", "MaskMagic"],
        "written": [],
        "findings": [],
    }
    assert main(["lock", *where]) == 1, "nothing says which pack brings MaskMagic"
    assert "MaskMagic" in capsys.readouterr().out


def test_a_comfyui_that_does_not_run_is_one_line_and_a_way_out(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("record", "lock"):
        assert main([command, "-C", str(project.root), "--from", "http://127.0.0.1:1"]) == 1
        told = capsys.readouterr().err
        assert told.startswith("error comfyui-unreachable: ComfyUI at http://127.0.0.1:1 cannot be")
        assert "fix" in told and "Traceback" not in told
    assert main(["record", "-C", str(project.root), "--from", "ftp://x"]) == 2
    assert main(["lock", "-C", str(project.root), "--from", "http://x", "--offline"]) == 2
