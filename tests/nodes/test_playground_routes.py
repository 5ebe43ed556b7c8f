"""The playground's routes and the upload of files: what a page may send, and what it is told."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp_server import Answer, Running
from canvas import Canvas
from loaded_pack import part
from pack_server import routes_of

CAPTURES = "/runflow/playground/_captures"
MIB = 1 << 20


class Queue:
    """ComfyUI's, as far as it is asked."""

    def __init__(self) -> None:
        self.running: list[Any] = []
        self.waiting: list[Any] = []
        self.history: dict[str, Any] = {}

    def get_current_queue(self) -> tuple[list[Any], list[Any]]:
        return self.running, self.waiting

    def get_history(self, prompt_id: str) -> dict[str, Any]:
        return {prompt_id: self.history[prompt_id]} if prompt_id in self.history else {}


@pytest.fixture
def comfyui(comfyui_modules: SimpleNamespace) -> SimpleNamespace:
    world = comfyui_modules
    for name in ("input", "output", "user"):
        (world.base / name).mkdir()
    folders = sys.modules["folder_paths"]
    kinds = ("input", "output", "temp")
    folders.get_directory_by_type = lambda kind: (  # type: ignore[attr-defined]
        str(world.base / kind) if kind in kinds else None
    )
    world.queue = world.server.prompt_queue = Queue()
    world.arguments.max_upload_size = 1.0
    return world


@pytest.fixture
def server(comfyui: SimpleNamespace) -> Iterator[Running]:
    playground = ("playground", "playground_page", "playground_runs")
    with routes_of(*playground, "files", client_max_size=MIB) as one:
        yield one


def graph() -> dict[str, Any]:
    canvas = Canvas()
    photo = canvas.add("LoadImage", "photo.png", "image", gives="IMAGE")
    image = canvas.add("RunflowInputImage", "photo", "", "", True, gives="IMAGE", value=photo)
    given = ("RunflowInputInt", "seed", "", "", False, "0", "18446744073709551615", "")
    seed = canvas.add(*given, gives="INT")
    scaled = canvas.add(
        "ImageScale", "area", 8, 8, "disabled", gives="IMAGE", image=image, width=seed
    )
    canvas.add("RunflowOutputImage", "card", "The card", value=scaled)
    return canvas.graph()


def capture(server: Running, name: str = "A card", body: Any = None) -> Answer:
    sent = {"name": name, "graph": graph(), "mark": "m"} if body is None else body
    return server.post(CAPTURES, sent)


def run(server: Running, values: Any, **more: Any) -> Answer:
    return server.post("/runflow/playground/a-card/prompt", {"values": values, **more})


@pytest.fixture
def started(server: Running, comfyui: SimpleNamespace) -> Callable[..., str]:
    """`started(values)`: a run of the card; its id."""
    (comfyui.base / "input" / "photo.png").write_bytes(b"x")
    assert capture(server).status == 200

    def start(**values: Any) -> str:
        answer = run(server, {"photo": "photo.png", **values})
        assert answer.status == 200, answer.json
        return str(answer.json["run"])

    return start


def looked_up(server: Running, run_id: str) -> Any:
    return server.get(f"/runflow/playground/a-card/runs/{run_id}").json


# ---- captures ----


def test_a_capture_gives_a_form(server: Running) -> None:
    answer = capture(server).json
    assert (answer["slug"], answer["runnable"]) == ("a-card", True)
    assert [one["code"] for one in answer["findings"]] == ["input-no-default"]
    form = server.get("/runflow/playground/a-card/capture").json
    assert [one["id"] for one in form["inputs"]] == ["photo", "seed"]
    assert [one["label"] for one in form["outputs"]] == ["The card"]
    assert form["mark"] == "m"
    assert server.get(CAPTURES).json == {"captures": ["a-card"]}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "", "graph": {"nodes": []}}, 400, "slug-invalid"),
        ({"name": "workflows", "graph": {"nodes": []}}, 400, "slug-invalid"),
        ({"name": "../x", "graph": {"nodes": 1}}, 400, "bad-body"),
        ({"name": "x", "graph": []}, 400, "bad-body"),
        ({"name": 1, "graph": {"nodes": []}}, 400, "bad-body"),
        ({"name": "x", "graph": {"nodes": []}, "mark": "x" * 300}, 400, "bad-body"),
        ({}, 400, "bad-body"),
    ],
)
def test_what_is_no_capture_is_refused(
    body: Any, status: int, code: str, server: Running, comfyui: SimpleNamespace
) -> None:
    answer = capture(server, body=body)
    assert (answer.status, answer.error) == (status, code)
    assert not list(comfyui.base.rglob("captures/*"))


def test_a_graph_beyond_the_limit_is_refused(server: Running) -> None:
    limit = part("nodes.routes.playground").MOST_GRAPH_BYTES
    headers = {"Content-Type": "application/json", "Content-Length": str(limit + 1)}
    answer = server.ask("POST", CAPTURES, headers, b"")
    assert (answer.status, answer.error) == (413, "too-large")


@pytest.mark.parametrize("slug", ["unknown", "Workflows", "a..b", "con", "%2e%2e"])
def test_a_name_that_was_not_captured_is_told(slug: str, server: Running) -> None:
    capture(server)
    base = f"/runflow/playground/{slug}"
    for answer in (
        server.get(f"{base}/capture"),
        server.get(f"{base}/runs"),
        server.get(f"{base}/runs/x"),
        server.post(f"{base}/prompt", {"values": {}}),
        server.post(f"{base}/calls", {"values": {}}),
        server.post(f"{base}/runs/x", {"state": "cancelled"}),
    ):
        assert answer.status == 404


def test_the_page_and_its_files_are_served_and_nothing_else(server: Running) -> None:
    page = server.get("/runflow/playground/any-slug")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert b"<script" in page.body
    assert page.body.count(b"<script") == page.body.count(b'src="_static/main.js"')
    script = server.get("/runflow/playground/_static/main.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("index.html", "..%2fjobs.py", "playground.py", "", "model-viewer.js", "x.js"):
        assert server.get(f"/runflow/playground/_static/{name}").status == 404, name
    for slug in ("Workflows", "con", "a b"):
        assert server.get(f"/runflow/playground/{slug.replace(' ', '%20')}").status == 404


def test_every_file_that_the_page_names_is_there(server: Running) -> None:
    """And each that is there is named. Google's viewer is there once somebody has asked for it."""
    folder = Path(__file__).parents[2] / "nodes" / "playground"
    texts = [path.read_text() for path in folder.iterdir()]
    named = {name for text in texts for name in re.findall(r'"(?:\./|_static/)([\w.-]+)"', text)}
    assert {path.name for path in folder.iterdir()} - named == {"index.html"}
    for name in sorted(named - {"model-viewer.js"}):
        assert server.get(f"/runflow/playground/_static/{name}").status == 200, name


# ---- runs ----


def test_a_prompt_is_made_and_noted(server: Running, started: Callable[..., str]) -> None:
    answer = run(server, {"photo": "photo.png", "seed": 2**64 - 1}).json
    prompt = json.loads(answer["prompt"])
    assert prompt["3"]["inputs"]["value"] == 2**64 - 1
    assert prompt["2-image"]["inputs"] == {"image": "photo.png"}
    assert set(answer["titles"]) == set(prompt)
    [noted] = server.get("/runflow/playground/a-card/runs").json["runs"]
    assert noted["id"] == answer["run"]
    assert noted["values"] == {"photo": '"photo.png"', "seed": "18446744073709551615"}
    assert noted["state"] == "queued"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"values": {"photo": "photo.png", "seed": NaN}}', 400, None),
        (b'{"values": {"photo": "photo.png", "seed": Infinity}}', 400, None),
        (b'{"values": {"photo": "photo.png", "seed": 1e999}}', 400, None),
        (b'{"values": {"photo": "photo.png", "seed": 7.9}}', 422, "seed"),
        (b'{"values": {"photo": "photo.png", "seed": -1}}', 422, "seed"),
        (b'{"values": {"photo": "photo.png", "other": 1}}', 422, "other"),
        (b'{"values": {"photo": "../../x"}}', 422, "photo"),
        (b'{"values": {"photo": "nowhere.png"}}', 422, "photo"),
        (b'{"values": {"photo": ""}}', 422, "photo"),
        (b'{"values": {}}', 422, "photo"),
        (b'{"values": []}', 422, None),
        (b'{"values": {}, "wired": [1]}', 400, None),
        (b"[]", 400, None),
        (b"{", 400, None),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_noted(
    body: bytes, status: int, field: str | None, server: Running, started: Callable[..., str]
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = server.ask("POST", "/runflow/playground/a-card/prompt", headers, body)
    assert answer.status == status
    findings = answer.json["error"].get("findings", [{}])
    assert [one.get("where", {}).get("field") for one in findings] == [field]
    assert len(answer.body) < 1000
    assert server.get("/runflow/playground/a-card/runs").json == {"runs": []}


def test_a_run_is_looked_up_in_the_queue_and_then_in_the_history(
    server: Running, comfyui: SimpleNamespace, started: Callable[..., str]
) -> None:
    run_id = started()
    assert looked_up(server, run_id)["before"] is None  # on its way
    comfyui.queue.running = [(1, "other")]
    comfyui.queue.waiting = [(7, run_id), (3, "earlier"), (9, "later")]
    assert looked_up(server, run_id)["before"] == 2
    comfyui.queue.running, comfyui.queue.waiting = [(7, run_id)], []
    assert looked_up(server, run_id)["before"] == 0
    comfyui.queue.running = []
    (comfyui.base / "output" / "card.png").write_bytes(b"12345")
    shown = [
        {"filename": name, "subfolder": "", "type": "output"} for name in ("card.png", "b.png")
    ]
    escaping = {"filename": "x", "subfolder": "../user", "type": "output"}
    (comfyui.base / "user" / "x").write_bytes(b"1")
    done = {"status_str": "success", "completed": True, "messages": []}
    outputs = {"5": {"images": [*shown, escaping]}}
    comfyui.queue.history[run_id] = {"outputs": outputs, "status": done}
    told = looked_up(server, run_id)
    assert told["state"] == "done"
    assert [(one["name"], one["size"]) for one in told["files"]["card"]] == [
        ("card.png", 5),
        ("b.png", None),
        ("x", None),
    ]
    assert told["files"]["card"][0]["query"] == "filename=card.png&subfolder=&type=output"
    comfyui.queue.history.clear()  # ComfyUI forgets; the note stays
    assert looked_up(server, run_id) == told


def test_a_run_that_comfyui_knows_nothing_of_is_lost_after_a_while(
    server: Running, started: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = started()
    monkeypatch.setattr(part("nodes.routes.playground_runs"), "ON_ITS_WAY_S", -1.0)
    assert looked_up(server, run_id)["state"] == "lost"


def test_a_run_of_an_earlier_comfyui_is_lost_at_once(
    server: Running, started: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = started()
    monkeypatch.setattr(part("nodes.routes.playground_runs"), "PROCESS", secrets.token_hex(4))
    assert looked_up(server, run_id)["state"] == "lost"


def test_a_run_that_never_began_is_ended_by_the_page(
    server: Running, started: Callable[..., str]
) -> None:
    path = f"/runflow/playground/a-card/runs/{started()}"
    assert server.post(path, {"state": "done"}).error == "bad-body"
    told = server.post(path, {"state": "failed", "message": "no such file"}).json
    assert (told["state"], told["error"]["message"]) == ("failed", "no such file")
    assert server.post(path, {"state": "cancelled"}).json["state"] == "failed"
    unknown = server.post("/runflow/playground/a-card/runs/x", {"state": "cancelled"})
    assert unknown.error == "run-unknown"


def test_calls_name_the_address_of_the_settings_and_no_key(
    server: Running, started: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFLOW_API_URL", "https://api.example.com")
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_secret")
    answer = server.post("/runflow/playground/a-card/calls", {"values": {"seed": 3}})
    url = "https://api.example.com/v1/comfyui-workflows/YOUR-ORGANIZATION/a-card/runs"
    assert (answer.json["url"], answer.json["is_deployed"]) == (url, False)
    for language in ("curl", "python", "javascript"):
        assert url in answer.json[language]
    assert b"rf_live_secret" not in answer.body


def test_calls_name_the_address_that_the_api_gave_a_deployed_endpoint(
    server: Running, comfyui: SimpleNamespace, started: Callable[..., str]
) -> None:
    url = "https://api.example.com/v1/comfyui-workflows/acme/a-card/runs"
    for slug in ("a-card", "other"):
        state = comfyui.base / "user" / "runflow" / "projects" / slug / ".runflow"
        state.mkdir(parents=True)
        (state / "url").write_text(url.replace("a-card", slug))
    answer = server.post("/runflow/playground/a-card/calls", {"values": {"seed": 3}})
    assert (answer.json["url"], answer.json["is_deployed"]) == (url, True)
    for language in ("curl", "python", "javascript"):
        assert url in answer.json[language]
    assert b"YOUR-ORGANIZATION" not in answer.body


def test_a_page_of_another_site_changes_nothing(
    server: Running, started: Callable[..., str], comfyui: SimpleNamespace
) -> None:
    headers = {"Content-Type": "application/json", "Origin": "https://evil.example"}
    for path in (
        CAPTURES,
        "/runflow/playground/_viewer",
        "/runflow/playground/a-card/prompt",
        "/runflow/playground/a-card/calls",
    ):
        assert server.ask("POST", path, headers, b"{}").error == "foreign-origin"
    plain = server.ask("POST", CAPTURES, {"Content-Type": "text/plain"}, b"{}")
    assert plain.error == "bad-content-type"


def test_the_viewer_is_offered_and_not_fetched_where_nothing_is_to_be_asked(
    server: Running,
) -> None:
    state = server.get("/runflow/playground/_viewer").json
    assert (state["here"], state["hosts"]) == (False, ["cdn.jsdelivr.net", "unpkg.com"])
    refused = server.post("/runflow/playground/_viewer", {})
    assert refused.error == "download-failed"


# ---- uploads ----


def send(server: Running, name: str, data: bytes, place: str = "", part_: str = "file") -> Answer:
    parts = [b'name="place"\r\n\r\n' + place.encode()] if place else []
    parts.append(f'name="{part_}"; filename="{name}"\r\n\r\n'.encode() + data)
    body = b"".join(b"--x\r\nContent-Disposition: form-data; %b\r\n" % one for one in parts)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return server.ask("POST", "/runflow/upload-input-file", headers, body + b"--x--\r\n")


def files(comfyui: SimpleNamespace) -> list[str]:
    folder = comfyui.base / "input"
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_a_file_lies_below_the_input_folder_and_over_no_other(
    server: Running, comfyui: SimpleNamespace
) -> None:
    contents = (b"one", b"two", b"one", b"three")
    names = [send(server, "a.wav", data).json["name"] for data in contents]
    assert names == ["a.wav", "a (2).wav", "a.wav", "a (3).wav"]
    assert files(comfyui) == sorted(set(names))
    assert (comfyui.base / "input" / "a.wav").read_bytes() == b"one"


def test_the_playgrounds_files_have_a_folder_each(
    server: Running, comfyui: SimpleNamespace
) -> None:
    names = [send(server, "a.wav", b"one", "playground").json["name"] for _ in range(2)]
    assert len(set(names)) == 2
    assert all(one.startswith("runflow-playground/") for one in names)
    assert files(comfyui) == sorted(names)


def test_a_new_capture_removes_what_no_history_and_no_prompt_in_the_queue_names(
    server: Running, comfyui: SimpleNamespace, started: Callable[..., str]
) -> None:
    def sent() -> str:
        name: str = send(server, "a.png", b"one", "playground").json["name"]
        path = comfyui.base / "input" / name
        for one in (path, path.parent):
            os.utime(one, (1e9, 1e9))
        return name

    in_history, in_queue, waiting = sent(), sent(), sent()
    started(photo=in_history)
    for _ in range(2):
        sent()
    image = {"class_type": "LoadImage", "inputs": {"image": in_queue}}
    later = {"class_type": "LoadImage", "inputs": {"image": waiting}}
    comfyui.queue.running = [(1, "a", {"1": image}, {}, ["1"])]
    comfyui.queue.waiting = [(2, "b", {"1": later}, {}, ["1"])]
    assert capture(server).status == 200
    assert files(comfyui) == sorted(["photo.png", in_history, in_queue, waiting])


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("..", "file"),
        ("../../custom_nodes/x.py", "x.py"),
        ("..\\\\..\\\\x.py", "x.py"),
        ("con.png", "_con.png"),
        ("工 ü.bin", "工 ü.bin"),
        ("x [output]", "x _output_"),
        (".hidden", "hidden"),
    ],
)
def test_a_name_leads_nowhere_else(
    sent: str, name: str, server: Running, comfyui: SimpleNamespace
) -> None:
    assert send(server, sent, b"1").json["name"] == name
    assert files(comfyui) == [name]
    assert sorted(one.name for one in comfyui.base.iterdir()) == ["input", "output", "user"]


def test_a_file_beyond_the_limit_of_comfyui_is_refused_and_leaves_nothing(
    server: Running, comfyui: SimpleNamespace
) -> None:
    assert send(server, "fits.bin", b"x" * MIB).status == 200
    answer = send(server, "a.bin", b"x" * (MIB + 1), "playground")
    assert (answer.status, answer.error) == (413, "too-large")
    assert "--max-upload-size" in answer.json["error"]["fix"]
    assert files(comfyui) == ["fits.bin"]


@pytest.mark.parametrize("body", [b"", b"--x", b"--x--\r\n", b"no form at all"])
def test_a_body_that_is_no_form_is_refused_as_json(body: bytes, server: Running) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = server.ask("POST", "/runflow/upload-input-file", headers, body)
    assert (answer.status, answer.error) == (400, "bad-body")


def test_a_form_without_the_file_is_refused(server: Running, comfyui: SimpleNamespace) -> None:
    assert send(server, "a.bin", b"1", part_="other").error == "bad-body"
    foreign = {"Content-Type": "multipart/form-data; boundary=x", "Origin": "https://evil.example"}
    refused = server.ask("POST", "/runflow/upload-input-file", foreign, b"")
    assert refused.error == "foreign-origin"
    assert files(comfyui) == []
