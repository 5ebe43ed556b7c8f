"""Deploy and save from the editor: files first, then the stages of the build, on a real server."""

from __future__ import annotations

import copy
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import ApiError, RunflowError, SaveError, SpecError, WorkflowError
from runflow_build.project.catalogue import shipped
from runflow_build.publish.settings import Connection
from runflow_build.server.keys import create_key
from runflow_build.server.serve import running
from runflow_build.server.settings import Settings
from runflow_build.sources.install import Install
from runflow_build.tasks.deploy import deploy, deployed_url, project_folder, save
from runflow_build.tasks.from_editor import Editor, graph_bytes
from runflow_build.workflow.runflow_nodes import definitions as runflow_definitions
from tests.worlds.git_host import GitHost, git_host

__all__ = ["git_host"]

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "postcard"
CODE = {"main.py": "", "nodes.py": "", "comfyui_version.py": '__version__ = "0.8.0"\n'}
KEY = "rf_live_0123456789abcdefghijklmnopqrstuv"
SECRET = "the local test text"


def deploy_node(name: str = "Postcard", host: str = "", key: str = "") -> dict[str, Any]:
    return {
        "id": 90,
        "type": "RunflowDeploy",
        "pos": [0, 0],
        "size": [200, 100],
        "mode": 0,
        "flags": {},
        "properties": {},
        "widgets_values": [name, host, key],
    }


def example(**deploy: str) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads((EXAMPLE / "postcard.json").read_bytes())
    graph["nodes"].append(deploy_node(**deploy))
    graph["extra"]["ds"] = {"scale": 1, "offset": [3, 4]}
    return graph


def nodes(classes: Collection[str]) -> dict[str, Any]:
    known = {**shipped("0.8.0"), **runflow_definitions()}
    return {name: known[name] for name in classes if name in known}


class Told:
    """What was told, and a user who cancels at a step."""

    def __init__(self, cancel_at: str = "") -> None:
        self.events: list[dict[str, Any]] = []
        self._cancel_at = cancel_at

    def tell(self, **event: Any) -> None:
        self.events.append(event)

    def check(self) -> None:
        if self._cancel_at and self._cancel_at in [one["step"] for one in self.events]:
            raise KeyboardInterrupt

    @property
    def steps(self) -> list[str]:
        return [f"{one['step']} {one['status']}" for one in self.events]

    @property
    def arguments(self) -> dict[str, Any]:
        return {"tell": self.tell, "check": self.check}


@pytest.fixture
def editor(tmp_path: Path, new_install: Callable[..., Path]) -> Editor:
    """A ComfyUI whose models, input and packs lie elsewhere than its code (--base-directory)."""
    told = {"remote": "https://github.com/comfyanonymous/ComfyUI", "commits": [CODE]}
    code = new_install({"clones": {"": told}, "packages": {"numpy": "2.0.0"}})
    base = tmp_path / "base"
    (base / "input").mkdir(parents=True)
    (base / "custom_nodes").mkdir()
    (base / "input" / "photo.png").write_bytes((EXAMPLE / "input" / "photo.png").read_bytes())
    return Editor(Install(code, base, code / ".venv"), base / "input", "0.8.0", nodes)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Connection]:
    key = create_key(tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", port=0)
    with running(settings) as url:
        yield Connection(url, key)


def codes(caught: pytest.ExceptionInfo[RunflowError]) -> list[str]:
    return [one.code for one in caught.value.findings]


def bundle_of(root: Path, slug: str = "postcard") -> bytes:
    return (root / ".runflow" / "build" / f"{slug}.json").read_bytes()


def test_the_example_is_deployed_and_each_step_is_told(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    told = Told()
    done = deploy(tmp_path / "p", example(), "Postcard", editor, api, **told.arguments)
    assert (done.published.action, done.published.slug) == ("created", "postcard")
    assert done.published.url == f"{api.base_url}/v1/comfyui-workflows/local/postcard/runs"
    names = ("connect", "capture", "lock", "validate", "rewrite", "publish")
    assert told.steps == [f"{name} {state}" for name in names for state in ("running", "done")]
    assert done.curl and done.published.url in done.curl
    assert api.api_key not in json.dumps([told.events, done.to_json()])
    assert deployed_url(tmp_path / "p") == done.published.url


def test_the_same_graph_again_sends_nothing(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    root = tmp_path / "p"
    deploy(root, example(), "Postcard", editor, api, **Told().arguments)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    told = Told()
    done = deploy(root, example(), "Postcard", editor, api, **told.arguments)
    assert done.published.action == "unchanged"
    assert told.events[3] == {"step": "capture", "status": "done", "text": "nothing has changed"}
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert before == after


def test_doit_publish_on_the_same_folder_finds_the_same_bundle(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    root = tmp_path / "p"
    deploy(root, example(), "Postcard", editor, api, **Told().arguments)
    bundle = bundle_of(root)
    (root / "dodo.py").write_text(
        "from runflow_build.tasks import DOIT_CONFIG, projects\n\nbuild = projects('.')\n"
    )
    env = {**os.environ, "RUNFLOW_API_URL": api.base_url, "RUNFLOW_API_KEY": api.api_key}
    for command in (["publish"], ["run", "-a", "rewrite:postcard"]):
        done = subprocess.run(
            [sys.executable, "-m", "doit", *command],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert bundle_of(root) == bundle
    published = subprocess.run(
        [sys.executable, "-m", "runflow_build", "publish"],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
    )
    assert published.stdout.startswith("postcard") and "unchanged" in published.stdout


def test_files_saved_elsewhere_and_locked_anew_give_the_same_bundle(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    deploy(tmp_path / "p", example(), "Postcard", editor, api, **Told().arguments)
    saved = tmp_path / "saved"
    done = save(saved, example(), "Postcard", editor, **Told().arguments)
    assert set(done.files) == {
        ".gitattributes",
        ".gitignore",
        ".runflow/drafted",
        ".runflow/runflow.v1.schema.json",
        "runflow.definitions.json",
        "runflow.lock",
        "runflow.yaml",
        "workflow.json",
    }
    assert not [one for one in done.findings if one.severity == "error"]
    (saved / "runflow.lock").unlink()
    assert editor.install.code
    for command in (["lock", "--from", str(editor.install.code)], ["build"]):
        ran = subprocess.run(
            [sys.executable, "-m", "runflow_build", *command],
            cwd=saved,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert bundle_of(saved) == bundle_of(tmp_path / "p")


def test_comfyuis_commit_comes_from_its_code_wherever_the_base_folder_is(
    tmp_path: Path, editor: Editor
) -> None:
    repository = editor.install.repository()
    assert repository
    head = repository.head()
    save(tmp_path / "p", example(), "Postcard", editor, **Told().arguments)
    assert f"comfyui: {{ref: {head}}}" in (tmp_path / "p" / "runflow.yaml").read_text()
    assert f"commit: {head}" in (tmp_path / "p" / "runflow.lock").read_text()


def test_a_new_commit_of_comfyui_is_taken_along_as_long_as_nobody_touched_the_draft(
    tmp_path: Path, editor: Editor, new_clone: Callable[..., Any]
) -> None:
    root = tmp_path / "p"
    save(root, example(), "Postcard", editor, **Told().arguments)
    code = editor.install.code
    assert code
    head = new_clone(code, "https://github.com/comfyanonymous/ComfyUI").commit({"new.py": "1\n"})
    save(root, example(), "Postcard", editor, **Told().arguments)
    assert head in (root / "runflow.yaml").read_text()
    assert f"commit: {head}" in (root / "runflow.lock").read_text()


@pytest.mark.parametrize("where", ["root", "subgraph", "group"])
@pytest.mark.parametrize("shape", ["list", "dict"])
def test_no_saved_file_holds_a_deploy_nodes_key_or_host(where: str, shape: str) -> None:
    node = deploy_node("A", "https://other.example", KEY)
    if shape == "dict":
        names = ("endpoint_name", "host", "api_key")
        node["widgets_values"] = dict(zip(names, node["widgets_values"], strict=True))
    node["properties"] = {"note": KEY, "Node name for S&R": "RunflowDeploy"}
    holder = {"nodes": [node], "links": []}
    graph = {
        "root": {**holder, "version": 0.4},
        "subgraph": {"nodes": [], "links": [], "definitions": {"subgraphs": [{**holder}]}},
        "group": {"nodes": [], "links": [], "extra": {"groupNodes": {"g": holder}}},
    }[where]
    before = copy.deepcopy(graph)
    text = graph_bytes(graph).decode()
    assert KEY not in text and "other.example" not in text
    assert '"A"' in text
    assert graph == before


def test_neither_the_key_nor_the_host_of_the_node_gets_anywhere(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    graph = example(host="https://other.example", key=KEY)
    deploy(tmp_path / "p", graph, "Postcard", editor, api, **Told().arguments)
    for path in (one for one in (tmp_path / "p").rglob("*") if one.is_file()):
        data = path.read_bytes()
        assert KEY.encode() not in data and b"other.example" not in data, path
        assert api.api_key.encode() not in data, path


def test_a_key_in_a_note_stops_everything_before_a_file_is_written(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    graph = example()
    graph["nodes"][3]["widgets_values"] = [f"my key is {api.api_key}"]
    with pytest.raises(RunflowError) as caught:
        deploy(tmp_path / "p", graph, "Postcard", editor, api, **Told().arguments)
    assert codes(caught) == ["secret-in-workflow"]
    assert not (tmp_path / "p" / "workflow.json").exists()
    assert api.api_key not in str(caught.value)


def default_file(graph: dict[str, Any], name: str) -> dict[str, Any]:
    """The photo is optional now, and this file is what it is without a caller's."""
    graph["nodes"][0]["widgets_values"] = [name, "image"]
    photo = next(one for one in graph["nodes"] if one["type"] == "RunflowInputImage")
    photo["widgets_values"][3] = False
    return graph


def test_input_files_are_taken_by_exact_name_and_only_where_the_endpoint_reads_them(
    tmp_path: Path, editor: Editor
) -> None:
    for name in ("11.png", "1.png", "a", "sub/11.png"):
        path = editor.inputs / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((EXAMPLE / "input" / "photo.png").read_bytes())
    save(tmp_path / "p", default_file(example(), "11.png"), "A", editor, **Told().arguments)
    there = [path for path in (tmp_path / "p" / "input").rglob("*") if path.is_file()]
    assert [path.name for path in there] == ["11.png"]
    # What only tries a required input out stays at home.
    save(tmp_path / "q", example(), "A", editor, **Told().arguments)
    assert not (tmp_path / "q" / "input").exists()


def test_an_input_file_that_nobody_may_write_can_be_followed_by_its_next_version(
    tmp_path: Path, editor: Editor
) -> None:
    path, there = editor.inputs / "1.png", tmp_path / "p" / "input" / "1.png"
    for content in (b"first", b"second"):
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)
        os.utime(path, ns=(1, 2_000_000_000))
        save(tmp_path / "p", default_file(example(), "1.png"), "A", editor, **Told().arguments)
        stat = there.stat()
        assert (there.read_bytes(), stat.st_mtime_ns) == (content, 2_000_000_000)
        assert stat.st_mode & 0o200  # Windows renames over no other


def test_an_input_file_that_is_missing_fails_and_names_the_node(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    graph = default_file(example(), "gone.png")
    with pytest.raises(RunflowError) as caught:
        deploy(tmp_path / "p", graph, "Postcard", editor, api, **Told().arguments)
    (finding,) = caught.value.findings
    assert finding.code == "resource-missing"
    assert (finding.where.node, finding.where.class_type) == ("1", "LoadImage")
    assert str(tmp_path) not in str(caught.value)


def test_the_local_text_of_an_input_is_not_published_in_a_subgraph_either(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    graph = json.loads((ROOT / "tests/cases/deploy/subgraph.json").read_bytes())
    assert SECRET in json.dumps(graph)
    deploy(tmp_path / "p", graph, "Deep", editor, api, **Told().arguments)
    assert SECRET.encode() not in bundle_of(tmp_path / "p", "deep")


def test_a_runflow_yaml_of_somebodys_stays_and_gets_the_endpoint(
    tmp_path: Path, editor: Editor
) -> None:
    root = tmp_path / "p"
    root.mkdir()
    repository = editor.install.repository()
    text = (
        f"# ours\nversion: 1\nproject: team\ncomfyui: {{ref: {repository and repository.head()}}}\n"
        "endpoints:\n    other:   # the first\n        workflow: other.json\n"
    )
    (root / "runflow.yaml").write_text(text)
    (root / "other.json").write_bytes(graph_bytes(example()))
    done = save(root, example(), "Postcard", editor, **Told().arguments)
    after = (root / "runflow.yaml").read_text()
    assert after.startswith(text)
    assert (
        "\n    postcard:\n      name: Postcard\n      workflow: workflows/postcard.json\n" in after
    )
    assert "workflows/postcard.json" in done.files
    # Again: the entry is its author's now.
    (root / "runflow.yaml").write_text(after.replace("name: Postcard", "name: Mine"))
    save(root, example(), "Postcard", editor, **Told().arguments)
    assert (root / "runflow.yaml").read_text() == after.replace("name: Postcard", "name: Mine")


def test_a_file_that_is_another_ones_is_not_replaced(tmp_path: Path, editor: Editor) -> None:
    root = tmp_path / "p"
    root.mkdir()
    (root / "workflow.json").write_text("{}")
    with pytest.raises(SaveError) as caught:
        save(root, example(), "Postcard", editor, **Told().arguments)
    assert codes(caught) == ["file-exists"]
    assert (root / "workflow.json").read_text() == "{}"


def test_a_runflow_yaml_that_nothing_can_be_added_to_is_said(
    tmp_path: Path, editor: Editor
) -> None:
    (tmp_path / "p").mkdir()
    text = "{version: 1, comfyui: {ref: v0.8.0}, endpoints: {a: {workflow: a.json}}}\n"
    (tmp_path / "p" / "runflow.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        save(tmp_path / "p", example(), "Postcard", editor, **Told().arguments)
    assert codes(caught) == ["spec-not-edited"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the endpoint has no name"),
        ("✨", "`✨` gives no slug: nothing is left of it as a slug"),
        ("workflows", "`workflows` gives no slug: the API keeps this word for itself"),
    ],
)
def test_a_name_without_a_slug_is_said_before_anything_is_asked(
    name: str, message: str, tmp_path: Path, editor: Editor
) -> None:
    told = Told()
    nowhere = Connection("http://127.0.0.1:9", KEY)
    with pytest.raises(RunflowError) as caught:
        deploy(tmp_path / "p", example(), name, editor, nowhere, **told.arguments)
    assert [one.message for one in caught.value.findings] == [message]
    assert told.events == []


def test_a_key_that_is_refused_lets_nobody_wait_for_a_lock(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    told = Told()
    wrong = Connection(api.base_url, KEY)
    with pytest.raises(ApiError) as caught:
        deploy(tmp_path / "p", example(), "Postcard", editor, wrong, **told.arguments)
    assert codes(caught) == ["api-unauthorized"]
    assert told.steps == ["connect running", "connect failed"]
    assert deployed_url(tmp_path / "p") is None
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("step", ["capture", "lock", "validate", "rewrite"])
def test_it_ends_between_two_steps_and_nothing_is_published(
    step: str, tmp_path: Path, editor: Editor, api: Connection
) -> None:
    told = Told(cancel_at=step)
    with pytest.raises(KeyboardInterrupt):
        deploy(tmp_path / "p", example(), "Postcard", editor, api, **told.arguments)
    assert told.events[-1]["step"] == step
    again = deploy(tmp_path / "p", example(), "Postcard", editor, api, **Told().arguments)
    assert again.published.action == "created"


def test_a_node_that_this_comfyui_does_not_know_is_named_and_nothing_is_written(
    tmp_path: Path, editor: Editor, api: Connection
) -> None:
    graph = example()
    [blend] = [one for one in graph["nodes"] if one["type"] == "ImageBlend"]
    blend |= {"type": "FancyBlend", "properties": {}}
    told = Told()
    with pytest.raises(WorkflowError) as caught:
        deploy(tmp_path / "p", graph, "Postcard", editor, api, **told.arguments)
    [finding] = caught.value.findings
    assert finding.severity == "error"
    assert finding.message == "this ComfyUI has no node class FancyBlend"
    assert "Auto setup" in (finding.fix or "")
    assert finding.where.node == str(blend["id"])
    assert told.steps[-1] == "capture failed"
    assert not (tmp_path / "p" / "runflow.yaml").exists()
    # One that is not served, such as a preview of a pack that is gone, stands in nobody's way.
    graph = example()
    lost = {**graph["nodes"][0], "id": 95, "type": "FancyPreview", "inputs": [], "outputs": []}
    graph["nodes"].append({**lost, "widgets_values": [], "properties": {}})
    done = deploy(tmp_path / "p", graph, "Postcard", editor, api, **Told().arguments)
    assert done.published.action == "created"


def test_a_server_that_goes_away_in_the_middle_is_said_at_the_step_that_needed_it(
    tmp_path: Path, editor: Editor
) -> None:
    key, told, data = create_key(tmp_path / "data"), Told(), tmp_path / "data"
    with ExitStack() as server:
        url = server.enter_context(running(Settings(data_dir=data, port=0)))

        def tell(**event: Any) -> None:
            told.tell(**event)
            if (event["step"], event["status"]) == ("rewrite", "done"):
                server.close()

        with pytest.raises(ApiError) as caught:
            api = Connection(url, key)
            root = tmp_path / "p"
            deploy(root, example(), "Postcard", editor, api, tell=tell, check=told.check)
    assert codes(caught) == ["api-unreachable"]
    assert told.steps[-2:] == ["publish running", "publish failed"]
    assert deployed_url(root) is None


WANTS_A_PACK = """
version: 1
comfyui: {ref: v0.8.0}
nodes: {pack: {repository: https://example.org/o/pack}}
endpoints: {postcard: {workflow: workflows/postcard.json}}
"""


def test_a_git_that_runs_for_its_lock_ends_with_it(
    tmp_path: Path, editor: Editor, git_host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNFLOW_OFFLINE")
    root, stop = tmp_path / "p", threading.Event()
    root.mkdir()
    (root / "runflow.yaml").write_text(WANTS_A_PACK.lstrip())
    stop.set()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git_host.leads_to(f"https://127.0.0.1:{silent.getsockname()[1]}/")
        done = save(root, example(), "Postcard", editor, stop=stop, **Told().arguments)
    said = "pack could not be looked up: the work on https://example.org/o/pack was stopped"
    assert said in [one.message for one in done.findings]


class Busy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "60")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_it_ends_while_it_waits_for_a_busy_server(tmp_path: Path, editor: Editor) -> None:
    told = Told(cancel_at="connect")
    with http.server.HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = Connection(f"http://127.0.0.1:{server.server_port}", KEY)
        with pytest.raises(KeyboardInterrupt):  # and not what is said after the last attempt
            deploy(tmp_path / "p", example(), "Postcard", editor, api, **told.arguments)
        server.shutdown()


def test_a_dirty_pack_that_is_used_stops_it_and_one_that_is_not_does_not_matter(
    tmp_path: Path, editor: Editor, new_clone: Callable[..., Any], api: Connection
) -> None:
    packs = editor.install.base / "custom_nodes"
    for name in ("used", "unused"):
        url = f"https://github.com/somebody/{name}"
        new_clone(packs / name, url).commit({"__init__.py": "x = 1\n"})
        (packs / name / "__init__.py").write_text("x = 2\n")
    deploy(tmp_path / "p", example(), "Postcard", editor, api, **Told().arguments)
    assert "used" not in (tmp_path / "p" / "runflow.lock").read_text()

    def with_pack(classes: Collection[str]) -> dict[str, Any]:
        invert = {**shipped("0.8.0")["ImageInvert"], "python_module": "custom_nodes.used"}
        own = {"PackInvert": invert} if "PackInvert" in classes else {}
        return {**nodes(classes), **own}

    graph = example()
    invert = {
        "id": 91,
        "type": "PackInvert",
        "pos": [0, 0],
        "size": [1, 1],
        "mode": 0,
        "flags": {},
        "properties": {},
        "inputs": [{"name": "image", "type": "IMAGE", "link": 900}],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [901]}],
        "widgets_values": [],
    }
    graph["nodes"].append(invert)
    output = next(one for one in graph["nodes"] if one["type"] == "RunflowOutputImage")
    entry = next(one for one in output["inputs"] if one["name"] == "value")
    link = next(one for one in graph["links"] if one[0] == entry["link"])
    graph["links"] += [[900, link[1], link[2], 91, 0, "IMAGE"], [901, 91, 0, *link[3:]]]
    graph["links"].remove(link)
    entry["link"] = 901
    source = next(one for one in graph["nodes"] if one["id"] == link[1])
    source["outputs"][link[2]]["links"] = [900]
    editor = Editor(editor.install, editor.inputs, editor.comfyui, with_pack)
    with pytest.raises(RunflowError) as caught:
        deploy(tmp_path / "q", graph, "Postcard", editor, api, **Told().arguments)
    assert "repository-dirty" in codes(caught)
    assert "used" in str(caught.value) and "unused" not in str(caught.value)


def test_a_folder_that_comfyui_reads_by_itself_is_refused(tmp_path: Path, editor: Editor) -> None:
    home = tmp_path / "home"
    home.mkdir()
    base, code = editor.install.base, editor.install.code
    (home / "link").symlink_to(base / "custom_nodes")
    (home / "file").write_text("")
    refused = [
        "",
        "   ",
        "~",
        "/",
        "~root/x",
        "file",
        "link/x",
        "a\0b",
        str(base / "custom_nodes"),
        str(base / "custom_nodes" / "x"),
        str(base / "input" / ".." / "models" / "x"),
        str(code and code / "custom_nodes" / "x"),
    ]
    for typed in refused:
        with pytest.raises(SaveError) as caught:
            project_folder(typed, editor, home)
        assert codes(caught) == ["folder-unsuitable"], typed
    for typed in ("work/p", "~/work/p", str(home / "work" / "p")):
        assert project_folder(typed, editor, home) == (home / "work" / "p").resolve()
    assert project_folder(str(base / "models-of-mine"), editor, home)
