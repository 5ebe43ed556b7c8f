"""Auto setup's routes and the restart: what a page may say, and that ComfyUI goes on meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp_server import Running
from loaded_pack import part
from pack_server import end_of, kept_going, routes_of
from restorable import Restorable, sha256
from running_comfyui import LOADER, PACK, public_hosts, publish_pack
from waiting import until

TRUST = "trust:kijai/ComfyUI-Tiny"
MODEL = hashlib.shake_128(b"a model").digest(300_001)
BIG = 512 << 20  # bytes, sparse
LORA = "LoraLoaderModelOnly"


class Lora:
    """ComfyUI's own, as far as its registry is asked."""

    RETURN_TYPES = ("MODEL",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        strength = ("FLOAT", {"default": 1.0})
        return {"required": {"model": ("MODEL",), "lora_name": ([],), "strength_model": strength}}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restorable]:
    (tmp_path / "outside").mkdir()
    with public_hosts(tmp_path / "outside") as one:
        for name, value in one.environ.items():
            monkeypatch.setenv(name, value)
        yield one


@pytest.fixture
def comfyui(comfyui_modules: SimpleNamespace, outside: Restorable) -> SimpleNamespace:
    """ComfyUI's modules, with a queue and the classes of a ComfyUI that has no packs."""
    world = comfyui_modules
    for name in ("custom_nodes", "models", "input"):
        (world.base / name).mkdir()
    world.classes[LORA] = Lora
    world.prompts = 0
    world.server.prompt_queue = SimpleNamespace(get_tasks_remaining=lambda: world.prompts)
    world.arguments.auto_launch = False
    return world


@pytest.fixture
def server(comfyui: SimpleNamespace) -> Iterator[Running]:
    with routes_of("job_routes", "auto_setup", "restart") as one:
        yield one


def graph(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": list(nodes), "links": [], "version": 0.4}


def tiny(**properties: Any) -> dict[str, Any]:
    return {"id": 1, "type": LOADER, "mode": 0, "pos": [0, 0], "properties": properties}


def lora(**row: Any) -> dict[str, Any]:
    models = [{"name": "style.safetensors", "directory": "loras", **row}]
    values = {"widgets_values": ["style.safetensors", 1.0], "properties": {"models": models}}
    return {"id": 2, "type": LORA, "mode": 0, "pos": [0, 0], **values}


def ended(server: Running, path: str, body: Any) -> dict[str, Any]:
    """The last event of the job that a request starts."""
    return end_of(server, server.post(path, body))


def plan(server: Running, *nodes: dict[str, Any]) -> dict[str, Any]:
    told = ended(server, "/runflow/auto-setup/plan", {"graph": graph(*nodes)})
    assert told["state"] == "done", told
    return told


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# -- plan and start


def test_a_plan_is_kept_here_and_its_rows_are_started(
    server: Running, comfyui: SimpleNamespace, outside: Restorable
) -> None:
    publish_pack(outside)
    pin = outside.model("style.safetensors", MODEL)
    told = plan(server, tiny(), lora(url=pin.url))
    rows = {row["id"]: row["state"] for row in told["rows"]}
    assert rows == {"pack:ComfyUI-Tiny": "missing", "model:loras/style.safetensors": "missing"}
    body = {"plan": told["plan"], "rows": list(rows), "yes": [TRUST]}
    last = ended(server, "/runflow/auto-setup/start", body)
    assert (last["state"], last["rows"], last["restart"]) == (
        "done",
        dict.fromkeys(rows, "done"),
        True,
    )
    assert (comfyui.base / "custom_nodes/ComfyUI-Tiny/__init__.py").is_file()
    assert (comfyui.base / "models/loras/style.safetensors").read_bytes() == MODEL
    assert server.get("/runflow/auto-setup").json == {"restart": True}
    assert {event["kind"] for event in comfyui.sent} == {"auto_setup_plan", "auto_setup"}


@pytest.mark.parametrize(
    "more",
    [
        {"models": [{"rel_path": "../custom_nodes/x/__init__.py", "url": "http://127.0.0.1/x"}]},
        {"custom_nodes": [{"name": "../victim", "url": PACK}]},
        {"plan": {"rows": [{"id": "model:x", "place": "../custom_nodes/x/__init__.py"}]}},
        {"rows": ["model:../custom_nodes/x/__init__.py"]},
        {"rows": [{"id": "pack:ComfyUI-Tiny", "place": "../victim"}]},
        {"rows": ["pack:../victim"]},
    ],
    ids=str,
)
def test_s2_start_takes_neither_a_plan_nor_a_place_from_the_page(
    server: Running, comfyui: SimpleNamespace, outside: Restorable, more: dict[str, Any]
) -> None:
    publish_pack(outside)
    told = plan(server, tiny())
    body = {"plan": told["plan"], "rows": ["pack:ComfyUI-Tiny"], "yes": [TRUST], **more}
    before = files_below(comfyui.base)
    answer = server.post("/runflow/auto-setup/start", body)
    if answer.status == 200:  # a row that is not in the plan is what the job says no to
        last = end_of(server, answer)
        assert (last["state"], last["findings"][0]["code"]) == ("failed", "restore-not-done")
    else:
        assert answer.error in ("bad-body", "plan-unknown")
    assert files_below(comfyui.base) == before


@pytest.mark.parametrize(
    "said", [{"cnr_id": "../victim"}, {"aux_id": "a/.."}, {"aux_id": "../victim"}], ids=str
)
def test_s3_a_workflow_cannot_name_a_folder_elsewhere(
    server: Running, comfyui: SimpleNamespace, said: dict[str, str]
) -> None:
    victim = comfyui.base / "victim"
    victim.mkdir()
    (victim / "mine.txt").write_text("mine")
    before = files_below(comfyui.base)
    told = plan(server, tiny(**said))
    assert {row["state"] for row in told["rows"]} <= {"refused", "unresolved"}
    body = {"plan": told["plan"], "rows": [row["id"] for row in told["rows"]], "yes": []}
    assert ended(server, "/runflow/auto-setup/start", body)["state"] == "failed"
    assert files_below(comfyui.base) == before


def test_nothing_is_started_without_the_yes_that_it_wants(
    server: Running, comfyui: SimpleNamespace, outside: Restorable
) -> None:
    publish_pack(outside)
    told = plan(server, tiny())
    body = {"plan": told["plan"], "rows": ["pack:ComfyUI-Tiny"], "yes": []}
    last = ended(server, "/runflow/auto-setup/start", body)
    assert (last["state"], last["findings"][0]["code"]) == ("failed", "restore-not-done")
    assert files_below(comfyui.base / "custom_nodes") == []


def test_a_plan_of_before_the_restart_is_not_known(server: Running) -> None:
    answer = server.post("/runflow/auto-setup/start", {"plan": "0" * 16, "rows": ["a"], "yes": []})
    assert (answer.status, answer.error) == (409, "plan-unknown")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("plan", {}),
        ("plan", {"graph": []}),
        ("plan", {"graph": {"nodes": {}}}),
        ("plan", {"graph": {"nodes": []}, "unknown": [1]}),
        ("start", {"rows": "all"}),
        ("start", {"rows": [], "yes": [], "path": "/"}),
    ],
)
def test_a_body_of_another_shape_is_refused(server: Running, path: str, body: Any) -> None:
    answer = server.post(f"/runflow/auto-setup/{path}", body)
    assert (answer.status, answer.error) == (400, "bad-body")


def test_one_installation_at_a_time(server: Running, outside: Restorable) -> None:
    publish_pack(outside)
    told = plan(server, tiny())
    jobs, go_on = part("nodes.jobs").JOBS, threading.Event()
    jobs.start("auto_setup", lambda job: {"done": go_on.wait(30)})
    try:
        body = {"plan": told["plan"], "rows": ["pack:ComfyUI-Tiny"], "yes": [TRUST]}
        for path, sent in (("start", body), ("plan", {"graph": graph()})):
            answer = server.post(f"/runflow/auto-setup/{path}", sent)
            assert (answer.status, answer.error) == (409, "setup-running")
        assert server.post("/runflow/restart").error == "job-running"
    finally:
        go_on.set()


def test_another_page_learns_what_is_being_installed_and_nothing_else_of_the_plan(
    server: Running, outside: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_pack(outside)
    told = plan(server, tiny(), lora(url=outside.model("style.safetensors", MODEL).url))
    jobs, go_on = part("nodes.jobs").JOBS, threading.Event()
    held = lambda *args, **more: {"done": go_on.wait(30)}  # noqa: E731
    monkeypatch.setattr(part("runflow_build.tasks.auto_setup"), "install", held)
    try:
        body = {"plan": told["plan"], "rows": ["model:loras/style.safetensors"], "yes": []}
        job = server.post("/runflow/auto-setup/start", body).json["job"]
        state = server.get("/runflow/auto-setup").json
        assert (state["job"], [row["id"] for row in state["rows"]]) == (job, body["rows"])
    finally:
        go_on.set()
    until(lambda: not jobs.running("auto_setup"))


def test_two_pages_look_at_once(server: Running, outside: Restorable) -> None:
    jobs, go_on = part("nodes.jobs").JOBS, threading.Event()
    jobs.start("auto_setup_plan", lambda job: {"done": go_on.wait(30)})
    try:
        assert plan(server, tiny())["rows"]
    finally:
        go_on.set()


@pytest.mark.skipif(os.name != "posix", reason="a line that a shell holds open")
def test_a_cancelled_look_ends_while_git_waits_for_its_host(
    server: Running, outside: Restorable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_pack(outside)
    settings, line = tmp_path / "gitconfig", tmp_path / "open"
    settings.write_text('[url "ssh://silent.example/"]\n\tinsteadOf = https://github.com/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {line}; sleep 3600 #")
    begun = server.post("/runflow/auto-setup/plan", {"graph": graph(tiny())})
    until(line.exists)
    server.post(f"/runflow/jobs/{begun.json['job']}/cancel")
    assert end_of(server, begun)["state"] == "cancelled"


def test_no_answer_names_a_folder_of_the_machine(
    server: Running, comfyui: SimpleNamespace, outside: Restorable
) -> None:
    publish_pack(outside)
    clash = comfyui.base / "custom_nodes/ComfyUI-Tiny"
    clash.mkdir()
    (clash / "mine.py").write_text("mine")
    told = plan(server, tiny(), lora(url="https://huggingface.co/a/b/resolve/main/x.safetensors"))
    assert str(comfyui.base) not in str(told)
    assert told["rows"][0]["findings"][-1]["code"] == "restore-in-the-way"


# -- the event loop


def test_e2_hashing_a_large_model_does_not_hold_up_comfyui(
    server: Running, comfyui: SimpleNamespace
) -> None:
    place = comfyui.base / "models/loras/style.safetensors"
    place.parent.mkdir()
    with place.open("wb") as file:
        file.truncate(BIG)
    with kept_going(server):
        told = plan(server, lora(hash=sha256(b""), hash_type="SHA256"))
    assert told["rows"][0]["findings"][0]["code"] == "content-differs"  # so it was read


# -- restart


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the process would have become."""
    found: list[str] = []
    module = part("nodes.routes.restart")
    monkeypatch.setattr(module, "restart", lambda: found.append("ComfyUI"))
    return found


def test_a_restart_comes_after_its_answer(server: Running, restarts: list[str]) -> None:
    answer = server.post("/runflow/restart")
    assert restarts == []
    assert answer.json == server.get("/runflow/restart").json
    until(lambda: restarts == ["ComfyUI"])


def test_prompts_that_run_are_not_lost_without_a_word(
    server: Running, comfyui: SimpleNamespace, restarts: list[str]
) -> None:
    comfyui.prompts = 2
    answer = server.post("/runflow/restart")
    assert (answer.status, answer.error) == (409, "prompts-running")
    assert answer.json["error"]["message"] == "2 prompts are running or waiting"
    assert server.post("/runflow/restart", {"anyway": True}).status == 200
    assert server.post("/runflow/restart", {"anyway": "yes"}).status == 409


def test_what_was_typed_is_started_again_on_the_same_python() -> None:
    command_of = part("nodes.routes.restart").command_of
    argv = ["python", "-s", "main.py", "--listen", "127.0.0.1"]
    assert command_of("/a/python", argv, False) == ["/a/python", *argv[1:]]
    assert command_of("/a/python", argv, True) == ["/a/python", *argv[1:], "--disable-auto-launch"]


STARTED_ANEW = """
import json, os, sys
if "STARTED" in os.environ:
    print(json.dumps({"pid": os.getpid(), "cwd": os.getcwd(), "argv": sys.orig_argv}))
    sys.exit()
os.environ["STARTED"] = "yes"
sys.path.insert(0, os.environ["WORLDS"])
from loaded_pack import part
restart = part("nodes.routes.restart")
restart.opens_browser = lambda: False
os.chdir("/")  # some pack has changed the folder meanwhile
restart.restart()
"""


@pytest.mark.skipif(os.name == "nt", reason="has a test of its own")
@pytest.mark.parametrize("folder", [".", "Comfy UI"], ids=["here", "from its parent"])
def test_the_process_becomes_the_new_comfyui_as_it_was_typed(tmp_path: Path, folder: str) -> None:
    """By a relative path, whatever its folder is by now; with its number, for who watches it."""
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "main.py").write_text(STARTED_ANEW)
    typed = ["-X", "utf8", f"{folder}/main.py", "--output-directory", "a b", 'it\'s "é"', "$HOME"]
    process = subprocess.Popen(
        [sys.executable, *typed],
        cwd=tmp_path,
        env={**os.environ, "WORLDS": str(Path(__file__).parents[1] / "worlds")},
        stdout=subprocess.PIPE,
    )
    told = json.loads(process.communicate(timeout=60)[0])
    assert told["argv"][1:] == typed
    assert (told["pid"], told["cwd"]) == (process.pid, str(tmp_path.resolve()))


def test_on_windows_a_new_comfyui_is_started_before_this_one_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the same console, as it was typed; at once, so that the port is free when it wants it."""
    restart, done = part("nodes.routes.restart"), []
    monkeypatch.chdir(tmp_path)  # some pack has changed the folder meanwhile
    monkeypatch.setattr(restart, "opens_browser", lambda: False)
    monkeypatch.setattr(restart.sys, "orig_argv", ["python", "-s", "ComfyUI\\main.py"])
    started = lambda command, **more: done.append(("started", command, more))  # noqa: E731
    monkeypatch.setattr(restart.subprocess, "Popen", started)
    monkeypatch.setattr(restart.os, "_exit", lambda code: done.append(("ended", code)))
    with monkeypatch.context() as windows:
        windows.setattr(restart.os, "name", "nt")
        restart.restart()
    command = [sys.executable, "-s", "ComfyUI\\main.py"]
    assert done == [("started", command, {"cwd": restart._FOLDER}), ("ended", 0)]
