"""The queue and its workers: many at once, crashes, restarts, engines that misbehave."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from waiting import until

from runflow_build.engines.base import OutputFile, RunFolders
from runflow_build.errors import EngineError
from runflow_build.findings import Finding, Where
from runflow_build.server.keys import create_key
from runflow_build.workflow.model import Prompt

Api = Any
SLOW_SERVER = Path(__file__).parent / "slow_server.py"


def test_twenty_dispatches_at_once_run_once_each(serve: Any, tmp_path: Path) -> None:
    with serve(tmp_path, workers=4) as api:
        api.publish()
        with ThreadPoolExecutor(20) as pool:
            runs = list(pool.map(lambda n: api.dispatch(input={"colour": n}), range(20)))
        ended = [api.ended(run["id"]) for run in runs]
        assert {run["status_code"] for run in ended} == {"succeeded"}
        for number, run in enumerate(ended):
            (output,) = run["output"]["outputs"]
            assert api.web.get(output["url"]).text == str(number)
        assert api.engine.executed == 20


def test_runs_start_in_the_order_in_which_they_came(
    serve: Any, tmp_path: Path, scripted: Any
) -> None:
    order: list[int] = []

    def behaviour(prompt: Prompt, _folders: RunFolders, _cancelled: Any) -> list[OutputFile]:
        order.append(prompt["1"]["inputs"]["value"])
        return []

    with serve(tmp_path, scripted(behaviour), workers=1) as api:
        api.publish()
        for run in [api.dispatch(input={"colour": number}) for number in range(10)]:
            api.ended(run["id"])
    assert order == list(range(10))


# ---- engines that misbehave


def failing(error: Exception) -> Callable[..., list[OutputFile]]:
    def behaviour(*_: Any) -> list[OutputFile]:
        raise error

    return behaviour


def test_the_engines_word_on_a_failure_reaches_the_caller(api: Api) -> None:
    where = Where(node="7", title="Make it fit", class_type="ImageScale", field="width")
    api.engine.behaviour = failing(EngineError(Finding("node-failed", "too wide", where)))
    api.publish()
    run = api.ended(api.dispatch()["id"])
    assert run["failure_code"] == "NODE_FAILED"
    assert run["failure_message"] == ('node 7 "Make it fit" (ImageScale), field width: too wide')
    logs = api.get(f"/v1/runs/{run['id']}/logs")["items"]
    assert (logs[-1]["level_code"], logs[-1]["message"]) == ("error", run["failure_message"])


def test_a_defect_fails_the_run_and_not_the_worker(
    serve: Any, tmp_path: Path, scripted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(tmp_path, scripted(failing(ZeroDivisionError("secret"))), workers=1) as api:
        api.publish()
        run = api.ended(api.dispatch()["id"])
        assert run["failure_code"] == "INTERNAL_ERROR"
        assert "secret" not in run["failure_message"]
        assert run["id"] in run["failure_message"]
        assert "ZeroDivisionError" in caplog.text
        api.engine.behaviour = lambda *_: []
        assert api.ended(api.dispatch()["id"])["status_code"] == "succeeded"


def test_a_class_that_went_missing_while_the_run_waited_is_named(
    serve: Any, tmp_path: Path, scripted: Any
) -> None:
    gate = threading.Event()

    def behaviour(*_: Any) -> list[OutputFile]:
        gate.wait(10)
        return []

    with serve(tmp_path, scripted(behaviour), workers=1) as api:
        api.publish()
        first, second = api.dispatch(), api.dispatch()
        api.until(first["id"], {"running"})
        api.engine.missing = ["EmptyImage"]
        gate.set()
        run = api.ended(second["id"])
        assert run["failure_code"] == "ENGINE_CLASS_MISSING"
        assert run["failure_stage_code"] == "dispatch"
        assert run["failure_message"] == "this endpoint needs ComfyUI: EmptyImage"


@pytest.mark.parametrize(
    ("name", "code"),
    [("../../escape.txt", "OUTPUT_REFUSED"), ("nothing.txt", "STORAGE_ERROR")],
)
def test_an_output_that_is_not_there_or_elsewhere_fails_the_run(
    name: str, code: str, api: Api
) -> None:
    def behaviour(_prompt: Prompt, folders: RunFolders, _cancelled: Any) -> list[OutputFile]:
        (folders.output / "../../escape.txt").resolve().write_text("x")
        return [OutputFile("3", folders.output / name, "text/plain")]

    api.engine.behaviour = behaviour
    api.publish()
    assert api.ended(api.dispatch()["id"])["failure_code"] == code


def test_only_declared_outputs_are_kept(api: Api) -> None:
    def behaviour(_prompt: Prompt, folders: RunFolders, _cancelled: Any) -> list[OutputFile]:
        files = []
        for node in ("2", "3", "3"):
            path = folders.output / f"{len(files)}.txt"
            path.write_text(node)
            files.append(OutputFile(node, path, "text/plain"))
        return files

    api.engine.behaviour = behaviour
    api.publish()
    run = api.ended(api.dispatch()["id"])
    assert [output["name"] for output in run["output"]["outputs"]] == ["1.txt", "2.txt"]
    assert {output["output_id"] for output in run["output"]["outputs"]} == {"picture"}


def test_a_finished_run_leaves_no_working_files(api: Api) -> None:
    api.publish()
    api.ended(api.dispatch()["id"])
    until(lambda: not list((api.data_dir / "work").iterdir()))
    assert list((api.data_dir / "files" / "incoming").iterdir()) == []


# ---- stopping and starting again


def test_a_stopping_server_gives_its_runs_back_and_the_next_one_ends_them(
    serve: Any, tmp_path: Path, scripted: Any
) -> None:
    def until_cancelled(_: Prompt, __: RunFolders, cancelled: Any) -> list[OutputFile]:
        while not cancelled():
            time.sleep(0.005)
        raise EngineError(Finding("run-canceled", "stopped"))

    with serve(tmp_path, scripted(until_cancelled), workers=2) as api:
        api.publish()
        runs = [api.dispatch() for _ in range(5)]
        for run in runs[:2]:
            api.until(run["id"], {"running"})
    with serve(tmp_path) as api:
        for run in runs:
            assert api.ended(run["id"])["status_code"] == "succeeded"
        logs = api.get(f"/v1/runs/{runs[0]['id']}/logs")["items"]
        assert [row["message"] for row in logs] == [
            "queued",
            "attempt 1 began",
            "stopped with the server; queued again",
            "attempt 1 began",
            "succeeded",
        ]


def test_an_engine_that_does_not_listen_ends_nothing_twice(
    serve: Any, tmp_path: Path, scripted: Any
) -> None:
    """Its run is canceled, its late result dropped; the row says so and so does the log."""
    gate, entered = threading.Event(), threading.Event()

    def deaf(_: Prompt, folders: RunFolders, __: Any) -> list[OutputFile]:
        entered.set()
        gate.wait(10)
        path = folders.output / "late.txt"
        path.write_text("late")
        return [OutputFile("3", path, "text/plain")]

    with serve(tmp_path, scripted(deaf), workers=1) as api:
        api.publish()
        run = api.dispatch()
        assert entered.wait(10)
        api.post(f"/v1/runs/{run['id']}/cancellation")
        gate.set()
        assert api.ended(api.dispatch()["id"])["status_code"] == "succeeded"
        late = api.get(f"/v1/runs/{run['id']}")
        assert (late["status_code"], late["output"]) == ("canceled", None)
        ends = [row["message"] for row in api.get(f"/v1/runs/{run['id']}/logs")["items"]]
        assert ends == ["queued", "attempt 1 began", "canceled"]


@contextmanager
def process(data: Path, marks: Path) -> Any:
    """`slow_server.py` as a child process; yields it with a client."""
    key = create_key(data)
    child = subprocess.Popen(
        [sys.executable, str(SLOW_SERVER), str(data), str(marks)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout
        url = child.stdout.readline().split()[3]
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=20, verify=False) as client:
            yield child, client
    finally:
        child.kill()
        child.wait(10)
        if child.stdout:
            child.stdout.close()


def statuses(client: httpx.Client) -> Counter[str]:
    items = client.get("/v1/runs", params={"limit": 500}).json()["items"]
    return Counter(run["status_code"] for run in items)


def executed(marks: Path) -> list[str]:
    file = marks / "executed"
    return file.read_text().split() if file.exists() else []


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal")
def test_no_accepted_run_is_lost_and_none_ends_twice_when_the_server_is_killed(
    tmp_path: Path, colour: Prompt
) -> None:
    data, marks = tmp_path / "data", tmp_path
    with process(data, marks) as (child, client):
        shape = {"slug": "poster", "name": "Poster", "workflow_json": colour}
        assert client.post("/v1/comfyui-workflows", json=shape).status_code == 201
        path = "/v1/comfyui-workflows/local/poster/runs"
        runs = [client.post(path, json={}).json()["id"] for _ in range(6)]
        until(lambda: len(executed(marks)) == 2)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    (marks / "go").touch()
    with process(data, marks) as (_, client):
        until(lambda: statuses(client)["succeeded"] == 6)
        for run in runs:
            logs = client.get(f"/v1/runs/{run}/logs").json()["items"]
            assert [row["message"] for row in logs].count("succeeded") == 1
            outputs = client.get(f"/v1/runs/{run}").json()["output"]["outputs"]
            assert [output["output_id"] for output in outputs] == ["picture"]
            assert client.get(outputs[0]["url"]).text == "done"
    assert len(executed(marks)) == 8  # two of them twice
    assert len(set(executed(marks))) == 8


@pytest.mark.parametrize(("attempts", "ends"), [(2, "succeeded"), (3, "failed")])
def test_a_run_that_killed_the_server_three_times_is_given_up(
    attempts: int, ends: str, serve: Any, tmp_path: Path
) -> None:
    with serve(tmp_path) as api:
        api.publish()
        run = api.ended(api.dispatch()["id"])
    # As a server leaves it that dies in the middle of that attempt.
    connection = sqlite3.connect(tmp_path / "runflow.db")
    with connection:
        connection.execute("DELETE FROM run_outputs")
        connection.execute("UPDATE runs SET status_code = 'running', attempt = ?", [attempts])
    connection.close()
    with serve(tmp_path) as api:
        run = api.ended(run["id"])
        assert run["status_code"] == ends
        if ends == "failed":
            assert run["failure_code"] == "RUN_INTERRUPTED"
            message = "the server died 3 times while it executed this run"
            assert run["failure_message"] == message
            assert api.engine.executed == 0


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process there")
def test_sigterm_ends_the_server_in_order(tmp_path: Path) -> None:
    with process(tmp_path / "data", tmp_path) as (child, client):
        assert client.get("/v1/health").is_success
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) in (0, -signal.SIGTERM)
    # The write-ahead log was folded into the database: it was closed.
    assert not (tmp_path / "data" / "runflow.db-wal").exists()


def test_a_database_that_others_keep_busy_is_waited_for(api: Api) -> None:
    api.publish()
    other = sqlite3.connect(api.data_dir / "runflow.db", check_same_thread=False)
    other.isolation_level = None
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.rollback)
    release.start()
    run = api.dispatch()
    release.join()
    other.close()
    assert api.ended(run["id"])["status_code"] == "succeeded"
