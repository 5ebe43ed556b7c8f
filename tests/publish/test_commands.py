"""A project goes to the API and comes back, by the commands and the tasks that people use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.cli.main import main
from runflow_build.errors import StaleLockError, UsageError
from runflow_build.publish.client import Client
from runflow_build.publish.remote import COLLECTION, find
from runflow_build.tasks.lock import relock
from runflow_build.tasks.publish import publish, publish_built
from runflow_build.tasks.published import is_published, lookups

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def runflow(capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a command: its exit code, standard output and standard error."""

    def run(*argv: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(arg) for arg in argv])
        except SystemExit as stop:
            code = int(str(stop.code))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def edit(project: Path, slug: str, height: int) -> None:
    path = project / f"{slug}.json"
    prompt = json.loads(path.read_text(encoding="utf-8"))
    prompt["2"]["inputs"]["height"] = height
    path.write_text(json.dumps(prompt), encoding="utf-8")


# -- publish


def test_publishing_twice_sends_once(project: Path, connected: Any, runflow: Told) -> None:
    url = f"{connected.url}{COLLECTION}/{connected.organization}"
    assert runflow("publish", "-C", project) == (
        0,
        f"one: created {url}/one/runs\ntwo: created {url}/two/runs\n",
        "",
    )
    assert runflow("publish", "-C", project, "two") == (0, f"two: unchanged {url}/two/runs\n", "")


def test_a_dry_run_says_what_would_change(project: Path, published: Client, runflow: Told) -> None:
    edit(project, "one", 9)
    relock(project)
    code, out, _ = runflow("publish", "-C", project, "--dry-run")
    lines = out.splitlines()
    assert (code, lines[0], lines[-1]) == (0, "one: would update", "two: unchanged")
    assert "  workflow_json.2.inputs.height: 8 → 9" in lines
    assert runflow("publish", "-C", project, "--dry-run")[1] == out


def test_a_program_reads_json(project: Path, published: Client, runflow: Told) -> None:
    code, out, _ = runflow("publish", "-C", project, "one", "--json")
    (one,) = json.loads(out)["endpoints"]
    assert (code, one["slug"], one["action"], one["changes"]) == (0, "one", "unchanged", [])


def test_a_stale_lock_is_never_published_or_rewritten(
    project: Path, published: Client, runflow: Told
) -> None:
    before = (project / "runflow.lock").read_bytes()
    edit(project, "one", 9)
    code, out, err = runflow("publish", "-C", project)
    assert (code, out) == (3, "")
    assert "lock-stale" in err
    with pytest.raises(StaleLockError):
        publish(project)
    assert (project / "runflow.lock").read_bytes() == before


def test_one_endpoint_that_is_refused_does_not_stop_the_others(
    project: Path, connected: Any, runflow: Told
) -> None:
    theirs = {"name": "one", "slug": "one", "workflow_json": {}}
    theirs["workflow_json"] = json.loads((project / "two.json").read_text(encoding="utf-8"))
    connected.client.post(COLLECTION, theirs)
    code, out, _ = runflow("publish", "-C", project)
    assert code == 4
    assert out.splitlines() == [
        "one: failed",
        "error endpoint-not-ours: the endpoint one at the API was not published by a project; this "
        "one is cards",
        "  fix       choose another slug in runflow.yaml, or take it over with --adopt",
        f"two: created {connected.url}{COLLECTION}/{connected.organization}/two/runs",
    ]
    assert [one.action for one in publish(project, adopt=True)] == ["updated", "unchanged"]


def test_one_endpoint_that_is_not_valid_does_not_stop_the_others(
    project: Path, connected: Any
) -> None:
    (project / "one.json").write_text("{", encoding="utf-8")
    one, two = publish(project)
    assert (one.action, two.action) == ("failed", "created")
    assert one.exit_code == 1


def test_an_endpoint_that_needs_comfyui_is_one_finding_with_its_classes(
    project: Path, connected: Any, runflow: Told
) -> None:
    path = project / "one.json"
    prompt = json.loads(path.read_text(encoding="utf-8"))
    prompt["2"] = {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["5", 2]}}
    prompt["4"] = {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1}}
    prompt["4"]["inputs"] |= {"width": ["1", 0], "height": 64}
    prompt["5"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}}
    path.write_text(json.dumps(prompt), encoding="utf-8")
    url = f"https://huggingface.co/acme/a/resolve/{'b' * 40}/a.safetensors"
    with (project / "runflow.yaml").open("a", encoding="utf-8") as spec:
        spec.write("models:\n  checkpoints/a.safetensors:\n")
        spec.write(f"    {{sha256: {'a' * 64}, url: {url}}}\n")
    relock(project)
    code, out, _ = runflow("publish", "-C", project)
    said = re.sub(r"(?<=  id        )\S+", "REQUEST", out).splitlines()
    assert code == 1
    assert said[:-1] == [
        "one: failed",
        "runflow.yaml:5:3: error engine-class-missing: this endpoint needs ComfyUI: "
        "CheckpointLoaderSimple, EmptyLatentImage, VAEDecode",
        "  nodes     2, 4, 5",
        "  answer    422 ENGINE_CLASS_MISSING",
        "  request   POST /v1/comfyui-workflows",
        "  id        REQUEST",
        "  fix       use a server that runs ComfyUI, or take these nodes out of the workflow",
    ]
    assert said[-1].startswith("two: created ")
    code, out = doit(project, "publish:one")
    assert code == 1
    assert "this endpoint needs ComfyUI: CheckpointLoaderSimple" in out


def test_pruning_deletes_what_left_the_project(
    project: Path, published: Client, runflow: Told, write_spec: Callable[..., None]
) -> None:
    write_spec(project, "one")
    relock(project)
    assert runflow("publish", "-C", project)[1].startswith("one: unchanged")
    assert find(published, "two") is not None
    assert runflow("publish", "-C", project, "--prune", "--dry-run")[1].splitlines()[1] == (
        "two: would delete"
    )
    code, out, _ = runflow("publish", "-C", project, "--prune")
    assert (code, out.splitlines()[1]) == (0, "two: deleted")
    assert find(published, "two") is None


def test_nothing_is_pruned_after_a_failure(
    project: Path, published: Client, write_spec: Callable[..., None]
) -> None:
    write_spec(project, "one", "three")
    (project / "three.json").write_bytes((project / "one.json").read_bytes())
    relock(project)
    (project / "three.json").write_text("{", encoding="utf-8")
    assert "deleted" not in [one.action for one in publish(project, prune_others=True)]
    assert find(published, "two") is not None


def test_an_unknown_slug_gets_the_nearest_one(project: Path, connected: Any) -> None:
    with pytest.raises(UsageError, match="no endpoint `tow`; did you mean `two`"):
        publish(project, ["tow"])


def test_without_a_key_nothing_is_sent_and_the_exit_code_is_4(
    project: Path, runflow: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("RUNFLOW_API_URL", "RUNFLOW_API_KEY", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    code, _, err = runflow("publish", "-C", project)
    assert code == 4
    assert err.startswith("error api-key-missing: there is no API key for api.runflow.io\n")


def test_a_missing_input_file_is_told_in_the_projects_words(
    project: Path, connected: Any, card: Callable[..., Any]
) -> None:
    prompt = card().prompt | {
        "2": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "3": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "picture", "output_name": "", "value": ["2", 0]},
        },
    }
    (project / "one.json").write_text(json.dumps(prompt), encoding="utf-8")
    (project / "input").mkdir()
    (project / "input" / "photo.png").write_bytes(b"before")
    relock(project)
    publish(project, ["two"])
    (project / "input" / "photo.png").write_bytes(b"after")
    (one,) = publish(project, ["one"])
    assert (one.action, one.findings[0].code) == ("failed", "resource-changed")


@pytest.mark.parametrize(
    ("way", "code", "told"),
    [
        (
            "nobody answers",
            1,
            "error api-unreachable: nothing answers at HOST\n"
            "  request   GET /v1/comfyui-workflows\n"
            "  fix       start the server (`runflow serve`), or check the port in the API's "
            "address (RUNFLOW_API_URL; in ComfyUI its settings, or the Deploy node)\n",
        ),
        (
            "a web page",
            1,
            "error api-not-json: HOST answered with a web page; is the address right?\n"
            "  request   GET /v1/comfyui-workflows\n"
            "  fix       name the API itself, not the app or the documentation, as the API's "
            "address (RUNFLOW_API_URL; in ComfyUI its settings, or the Deploy node)\n",
        ),
        (
            "no scope",
            4,
            "error api-forbidden: the API key may not do this: the API key lacks the scope "
            "comfyui-workflows:create\n"
            "  answer    403 PERMISSION_DENIED\n"
            "  request   POST /v1/comfyui-workflows\n"
            "  id        REQUEST\n"
            "  fix       use a key that has the scope comfyui-workflows:create; scopes are chosen "
            "when a key is made\n",
        ),
        (
            "another organization",
            4,
            "error organization-mismatch: runflow.yaml is for the organization acme, and the key "
            "for HOST is of ORGANIZATION\n"
            "  fix       use a key of acme, or change `organization:` in runflow.yaml\n",
        ),
    ],
)
def test_what_stands_in_the_way_is_told_as_a_whole(
    way: str,
    code: int,
    told: str,
    project: Path,
    connected: Any,
    api: Any,
    reply: Any,
    runflow: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if way == "nobody answers":
        monkeypatch.setenv("RUNFLOW_API_URL", "http://127.0.0.1:9")
    elif way == "a web page":
        monkeypatch.setenv("RUNFLOW_API_URL", api.url)
        page = reply(b"<html>hello</html>", headers={"Content-Type": "text/html"})
        api.on("GET", COLLECTION, page)
    elif way == "no scope":
        monkeypatch.setenv("RUNFLOW_API_KEY", connected.key("comfyui-workflows:read"))
    else:
        spec = project / "runflow.yaml"
        spec.write_text(f"organization: acme\n{spec.read_text('utf-8')}", encoding="utf-8")
    host = os.environ["RUNFLOW_API_URL"].removeprefix("http://")
    expected = told.replace("HOST", host).replace("ORGANIZATION", connected.organization)
    done, out, err = runflow("publish", "-C", project, "one")
    said = re.sub(r"(?<=  id        )\S+", "REQUEST", out)
    assert (done, said, err) == (code, f"one: failed\n{expected}", "")


# -- what doit asks


def doit(project: Path, *argv: str) -> tuple[int, str]:
    """Exit code and output of `doit` in the project, against the API of the environment."""
    (project / "dodo.py").write_text(
        "from runflow_build.tasks import DOIT_CONFIG, projects\n\nbuild = projects('.')\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "doit", *argv]
    done = subprocess.run(
        command,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_doit_publishes_only_what_the_api_does_not_have(project: Path, connected: Any) -> None:
    code, told = doit(project, "publish")
    assert code == 0, told
    assert {slug: f"publish:{slug}: created" in told for slug in ("one", "two")} == {
        "one": True,
        "two": True,
    }
    code, told = doit(project, "publish")
    assert (code, told.startswith("nothing to do")) == (0, True), told
    record = find(connected.client, "two")
    assert record is not None
    connected.client.patch(f"{COLLECTION}/{record['id']}", {"name": "By hand"})
    code, told = doit(project, "publish")
    assert code == 0, told
    assert "publish:one" not in told
    assert "publish:two: updated" in told
    assert "endpoint-drifted" in told


def test_doit_reports_a_look_up_that_failed_as_the_tasks_failure(
    project: Path, published: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    doit(project, "publish")
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_" + "x" * 32)
    code, told = doit(project, "publish:one")
    assert code == 1
    assert "publish:one: failed\nerror api-unauthorized: " in told
    assert "Traceback" not in told


def test_doit_finds_a_published_endpoint_up_to_date(project: Path, published: Client) -> None:
    slugs = ["one", "two"]
    for _ in range(2):  # compared, then remembered
        found = lookups(slugs)
        assert [is_published(project, slug, found) for slug in slugs] == [True, True]
    memory = project / ".runflow" / "published"
    assert sorted(path.name for path in memory.iterdir()) == slugs


def test_doit_sees_drift_though_it_remembers(project: Path, published: Client) -> None:
    assert is_published(project, "one", lookups(["one"]))
    record = find(published, "one")
    assert record is not None
    published.patch(f"{COLLECTION}/{record['id']}", {"name": "By hand"})
    assert not is_published(project, "one", lookups(["one"]))
    assert publish_built(project, "one").action == "updated"
    assert is_published(project, "one", lookups(["one"]))


def test_doit_sees_that_the_project_has_another_name(project: Path, published: Client) -> None:
    assert is_published(project, "one", lookups(["one"]))
    text = (project / "runflow.yaml").read_text(encoding="utf-8")
    (project / "runflow.yaml").write_text(text.replace("cards", "mine"), encoding="utf-8")
    assert not is_published(project, "one", lookups(["one"]))


def test_a_look_up_that_fails_is_not_up_to_date_and_raises_nothing(
    project: Path, published: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_" + "x" * 32)
    assert not is_published(project, "one", lookups(["one"]))
    monkeypatch.setenv("RUNFLOW_API_KEY", "not a key")
    assert not is_published(project, "one", lookups(["one"]))


def test_a_bundle_that_is_gone_or_damaged_is_not_up_to_date(
    project: Path, published: Client
) -> None:
    path = project / ".runflow" / "build" / "one.json"
    path.write_text("{", encoding="utf-8")
    assert not is_published(project, "one", lookups(["one"]))
    path.unlink()
    assert not is_published(project, "one", lookups(["one"]))


# -- delete, status, run


def test_a_deletion_wants_a_yes(project: Path, published: Client, runflow: Told) -> None:
    code, _, err = runflow("delete", "-C", project, "one")
    assert (code, err.splitlines()[0]) == (
        2,
        "error delete-not-confirmed: one was not deleted, because nobody said yes",
    )
    assert runflow("delete", "-C", project, "one", "--dry-run") == (0, "one: would delete\n", "")
    assert find(published, "one") is not None
    assert runflow("delete", "-C", project, "one", "--yes") == (0, "one: deleted\n", "")
    assert find(published, "one") is None
    code, _, err = runflow("delete", "-C", project, "one", "--yes")
    assert (code, "endpoint-unknown" in err) == (1, True)


def test_status_shows_each_endpoint_in_a_line(
    project: Path, published: Client, runflow: Told
) -> None:
    edit(project, "two", 9)
    assert runflow("status", "-C", project) == (
        0,
        "one  lock fresh           published\ntwo  lock stale           published\n",
        "",
    )
    rows = json.loads(runflow("status", "-C", project, "--json")[1])["endpoints"]
    assert [(row["slug"], row["lock"], row["remote"]) for row in rows] == [
        ("one", "fresh", "published"),
        ("two", "stale", "published"),
    ]


def test_status_without_a_server_tells_the_local_part(
    project: Path, runflow: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_" + "x" * 32)
    code, out, _ = runflow("status", "-C", project)
    assert code == 0
    assert out.splitlines()[:5] == [
        "one  lock fresh           unknown",
        "two  lock fresh           unknown",
        "",
        "the API could not be asked, so what is published is not known:",
        "error api-unreachable: nothing answers at 127.0.0.1:9",
    ]


def test_run_calls_and_saves(
    project: Path, published: Client, connected: Any, runflow: Told, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, told, _ = runflow("run", "-C", project, "one", "-i", "width=4", "-o", out)
    assert code == 0
    (path,) = out.iterdir()
    assert told.splitlines()[0].startswith("run ")
    assert told.splitlines()[1] == path.as_posix()
    code, told, _ = runflow(
        "run", "-C", project, f"{connected.organization}/one", "--no-wait", "--json"
    )
    assert json.loads(told)["status"] == "queued"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["width"], "the input `width` is not of the form KEY=VALUE"),
        (["=4"], "the input `` is not of the form KEY=VALUE"),
        (["width=4", "width=5"], "the input `width` comes twice"),
    ],
)
def test_run_explains_its_arguments(
    project: Path, connected: Any, runflow: Told, inputs: list[str], message: str
) -> None:
    flags = [part for one in inputs for part in ("-i", one)]
    code, _, err = runflow("run", "-C", project, "one", *flags)
    assert code == 2
    assert err.splitlines()[0] == f"error input-malformed: {message}"


def test_no_output_of_any_command_holds_the_key(
    project: Path, published: Client, connected: Any, runflow: Told, tmp_path: Path
) -> None:
    told = [
        str(runflow(*argv))
        for argv in (
            ("publish", "-C", project),
            ("publish", "-C", project, "--json"),
            ("publish", "-C", project, "--dry-run", "--adopt"),
            ("status", "-C", project, "--json"),
            ("run", "-C", project, "one", "--json", "-o", tmp_path / "out"),
            ("run", "-C", project, "nope"),
            ("delete", "-C", project, "nope", "--yes"),
        )
    ]
    left = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert not [text for text in told if connected.full_key in text]
    assert not [data for data in left if connected.full_key.encode() in data]
