"""The routes of Deploy and Save as files: jobs on real folders, errors in words, no lag."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp_server import Answer, Running
from loaded_pack import part
from pack_server import end_of, kept_going, routes_of
from waiting import until

from runflow_build.project.catalogue import shipped
from runflow_build.workflow.runflow_nodes import definitions as runflow_definitions

KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "examples" / "postcard"
BIG = 512 << 20  # bytes, sparse
ENDLESS = 1 << 40  # bytes, sparse: reading them takes longer than any test


def class_of(raw: Any) -> type:
    members = {
        "INPUT_TYPES": classmethod(lambda cls: raw["input"]),
        "RETURN_TYPES": raw["output"],
        "OUTPUT_NODE": raw.get("output_node", False),
    }
    return type("Node", (), members)


class Broken:
    """Of a pack that fails when it is asked."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        raise RuntimeError("no")


@pytest.fixture
def comfyui(
    comfyui_modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> SimpleNamespace:
    """ComfyUI's modules: a release without git, and its registry of classes."""
    for name in ("RUNFLOW_API_URL", "RUNFLOW_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for name in ("custom_nodes", "models", "input"):
        (comfyui_modules.base / name).mkdir()
    shutil.copy(EXAMPLE / "input" / "photo.png", comfyui_modules.base / "input")
    for name in ("main.py", "nodes.py"):
        (comfyui_modules.code / name).write_text("")
    (comfyui_modules.code / "comfyui_version.py").write_text('__version__ = "0.8.0"\n')
    known = {**shipped("0.8.0"), **runflow_definitions()}
    comfyui_modules.classes.update({name: class_of(raw) for name, raw in known.items()})
    comfyui_modules.classes["Broken"] = Broken
    return comfyui_modules


@pytest.fixture
def server(comfyui: SimpleNamespace) -> Iterator[Running]:
    with routes_of("job_routes", "connection", "deploy") as one:
        yield one


def graph() -> dict[str, Any]:
    one: dict[str, Any] = json.loads((EXAMPLE / "postcard.json").read_bytes())
    return one


def upscaling(model: str) -> dict[str, Any]:
    """A workflow that needs this file of upscale_models/."""
    one: dict[str, Any] = json.loads((CHECKOUT / "tests/cases/deploy/upscale.json").read_bytes())
    one["nodes"][0]["widgets_values"] = [model]
    return one


def save(server: Running, folder: str, **more: Any) -> dict[str, Any]:
    body = {"graph": graph(), "name": "Postcard", "folder": folder, **more}
    return end_of(server, server.post("/runflow/save", body))


def test_files_are_saved_in_the_folder_that_was_typed(server: Running, tmp_path: Path) -> None:
    last = save(server, "work/card")
    folder = tmp_path / "home" / "work" / "card"
    assert (last["state"], last["folder"]) == ("done", str(folder))
    assert (folder / "runflow.lock").is_file()
    assert {"runflow.yaml", "workflow.json", "runflow.lock"} <= set(last["files"])


def test_a_model_is_found_wherever_this_comfyui_looks_for_it(
    server: Running, comfyui: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_OFFLINE", "1")
    disk = tmp_path / "another disk"
    disk.mkdir()
    (disk / "4x.pth").write_bytes(b"weights")
    comfyui.folders["upscale_models"] = [str(comfyui.base / "models/upscale_models"), str(disk)]
    body = {"graph": upscaling("4x.pth"), "name": "Upscale", "folder": "upscale"}
    last = end_of(server, server.post("/runflow/save", body))
    assert last["state"] == "done"
    lock = (Path(last["folder"]) / "runflow.lock").read_text()
    assert f"upscale_models/4x.pth:\n    sha256: {sha256(b'weights').hexdigest()}\n" in lock


def test_a_refused_key_ends_the_job_with_the_apis_words(
    server: Running, comfyui: SimpleNamespace
) -> None:
    body = {"graph": graph(), "name": "Postcard", "host": "127.0.0.1:9", "key": KEY}
    told = server.post("/runflow/deploy", body)
    assert (told.status, told.error) == (409, "host-not-confirmed")
    last = end_of(server, server.post("/runflow/deploy", {**body, "allow_host": "127.0.0.1:9"}))
    assert (last["state"], last["findings"][0]["code"]) == ("failed", "api-unreachable")
    assert KEY not in json.dumps(comfyui.sent)
    assert not any(KEY.encode() in path.read_bytes() for path in files_below(comfyui.base))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("deploy", {}, 400, "bad-body"),
        ("deploy", {"graph": [], "name": "A"}, 400, "bad-body"),
        ("deploy", {"graph": {"nodes": []}}, 400, "bad-body"),
        ("deploy", {"graph": {"nodes": []}, "name": "A", "host": 5}, 400, "bad-body"),
        ("deploy", {"graph": {"nodes": []}, "name": "A"}, 403, "api-key-missing"),
        ("deploy", {"graph": {"nodes": []}, "name": "", "key": "k"}, 400, "slug-invalid"),
        ("deploy", {"graph": {"nodes": []}, "name": "runs", "key": "k"}, 400, "slug-invalid"),
        ("save", {"graph": {"nodes": []}, "name": "A"}, 400, "bad-body"),
        ("save", {"graph": {"nodes": []}, "name": "A", "folder": "~"}, 422, "folder-unsuitable"),
    ],
)
def test_what_makes_no_sense_starts_no_job(
    server: Running, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = server.post(f"/runflow/{path}", body)
    assert (answer.status, answer.error) == (status, code)
    assert "job" not in answer.json


def test_a_page_of_another_site_deploys_nothing(server: Running) -> None:
    body = {"graph": graph(), "name": "A", "folder": "a"}
    for path in ("deploy", "save"):
        answer = server.post(f"/runflow/{path}", body, {"Origin": "https://evil.example"})
        assert (answer.status, answer.error) == (403, "foreign-origin")


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, the saving of a project does not begin."""
    event = threading.Event()
    module = part("runflow_build.tasks.deploy")
    real: Callable[..., Any] = module.save
    monkeypatch.setattr(module, "save", lambda *a, **k: event.wait(30) and real(*a, **k))
    return event


def test_one_at_a_time(server: Running, go_on: threading.Event) -> None:
    body = {"graph": graph(), "name": "Postcard", "folder": "a"}
    first = server.post("/runflow/save", body)
    second = server.post("/runflow/save", {**body, "folder": "b"})
    assert (second.status, second.error) == (409, "deploy-running")
    go_on.set()
    assert end_of(server, first)["state"] == "done"


def test_a_page_that_was_away_is_told_of_what_runs_and_once_of_how_it_ended(
    server: Running, go_on: threading.Event, tmp_path: Path
) -> None:
    body = {"graph": graph(), "name": "My Card", "folder": "a"}
    begun = server.post("/runflow/save", body)
    job = {"job": begun.json["job"]}
    assert begun.json == {**job, "slug": "my-card", "folder": str(tmp_path / "home" / "a")}
    told = {**begun.json, "kind": "save", "name": "My Card"}
    assert server.get("/runflow/deploy").json == told
    server.post("/runflow/deploy/shown", job)  # but it has no end yet
    assert server.get("/runflow/deploy").json == told
    go_on.set()
    end_of(server, begun)
    assert server.get("/runflow/deploy").json == told
    assert server.post("/runflow/deploy/shown", {"job": "unknown"}).status == 200
    assert server.get("/runflow/deploy").json == told
    server.post("/runflow/deploy/shown", job)
    assert server.get("/runflow/deploy").json == {}


def test_a_cancelled_job_stops_before_its_next_step(
    server: Running, go_on: threading.Event, tmp_path: Path
) -> None:
    begun = server.post("/runflow/save", {"graph": graph(), "name": "A", "folder": "a"})
    server.post(f"/runflow/jobs/{begun.json['job']}/cancel")
    go_on.set()
    assert end_of(server, begun)["state"] == "cancelled"
    assert not (tmp_path / "home" / "a" / "runflow.lock").exists()


@pytest.mark.skipif(os.name != "posix", reason="a line that a shell holds open")
def test_a_cancelled_job_ends_while_git_waits_for_its_host(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, folder, line = tmp_path / "gitconfig", tmp_path / "home" / "a", tmp_path / "open"
    settings.write_text('[url "ssh://silent.example/"]\n\tinsteadOf = https://example.org/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {line}; sleep 3600 #")
    monkeypatch.setenv("RUNFLOW_OFFLINE", "0")
    folder.mkdir()
    (folder / "runflow.yaml").write_text(
        "version: 1\ncomfyui: {ref: v0.8.0}\n"
        "nodes: {pack: {repository: https://example.org/o/pack}}\n"
        "endpoints: {a: {workflow: a.json}}\n"
    )
    begun = server.post("/runflow/save", {"graph": graph(), "name": "A", "folder": "a"})
    until(line.exists)
    server.post(f"/runflow/jobs/{begun.json['job']}/cancel")
    assert end_of(server, begun)["state"] == "cancelled"


def test_a_cancelled_job_ends_while_a_large_file_is_read(
    server: Running, comfyui: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_OFFLINE", "1")
    comfyui.folders["upscale_models"] = [str(tmp_path)]
    with (tmp_path / "4x.pth").open("wb") as file:
        file.truncate(ENDLESS)
    body = {"graph": upscaling("4x.pth"), "name": "Upscale", "folder": "upscale"}
    begun = server.post("/runflow/save", body)
    until(lambda: "running" in steps_of(server, begun, "lock"))
    server.post(f"/runflow/jobs/{begun.json['job']}/cancel")
    assert end_of(server, begun)["state"] == "cancelled"
    folder = tmp_path / "home" / "upscale"
    names = {one.name for one in folder.iterdir() if not one.name.startswith(".git")}
    assert names == {"runflow.yaml", "workflow.json", ".runflow"}  # of the step that was done
    # The folder is free, and the next one has nothing to clear away.
    (tmp_path / "4x.pth").write_bytes(b"weights")
    assert end_of(server, server.post("/runflow/save", body))["state"] == "done"


def steps_of(server: Running, begun: Answer, step: str) -> list[str]:
    events = server.get(f"/runflow/jobs/{begun.json['job']}").json["events"]
    return [one["status"] for one in events if one.get("step") == step]


def test_definitions_come_from_the_registry_and_a_broken_class_costs_itself_alone(
    comfyui: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    told = part("nodes.routes.comfyui").node_info(["EmptyImage", "Broken", "Unknown"])
    assert list(told) == ["EmptyImage"]
    assert told["EmptyImage"]["input"] == shipped("0.8.0")["EmptyImage"]["input"]
    assert "Broken" in caplog.text


def test_the_editor_is_not_held_up_while_a_large_file_is_read(
    server: Running, comfyui: SimpleNamespace
) -> None:
    big = comfyui.base / "input" / "long.png"
    with big.open("wb") as file:
        file.truncate(BIG)
    told = graph()
    told["nodes"][0]["widgets_values"] = ["long.png", "image"]
    photo = next(one for one in told["nodes"] if one["type"] == "RunflowInputImage")
    photo["widgets_values"][3] = False
    body = {"graph": told, "name": "Big", "folder": "big"}
    with kept_going(server):
        last = end_of(server, server.post("/runflow/save", body))
    assert last["state"] == "done", last
    assert f"size: {BIG}" in (Path(last["folder"]) / "runflow.lock").read_text()
