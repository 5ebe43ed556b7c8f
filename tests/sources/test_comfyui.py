"""Asking a running ComfyUI: what it says is taken, and whatever else answers is told apart."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runflow_build.errors import ResolveError, UsageError
from runflow_build.sources import comfyui as module
from runflow_build.sources import comfyui_process
from runflow_build.sources.comfyui import Comfy
from runflow_build.sources.comfyui_process import started
from runflow_build.sources.install import find_install

NODE = {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "display_name": "Save Image"}
STATS = {"system": {"comfyui_version": "0.8.0"}}

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(object_info=…)` -> address; the answer is bytes, a status or what writes it."""
    servers = []

    def start(**answers: Any) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, self.headers.get("Authorization")))
                answer = answers.get(self.path.partition("?")[0].rpartition("/")[2], 404)
                self.send_response(answer if isinstance(answer, int) else 200)
                if answer == 302:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                if isinstance(answer, bytes) and answer[:2] == b"\x1f\x8b":
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                if callable(answer):
                    answer(self.wfile)
                elif isinstance(answer, bytes):
                    self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

        seen: list[tuple[str, str | None]] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        start.seen = seen  # type: ignore[attr-defined]
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def refused(url: str, **more: Any) -> tuple[str, str]:
    """The code and message of the one finding."""
    with pytest.raises(ResolveError) as caught:
        Comfy(url, **more).definitions()
    (finding,) = caught.value.findings
    assert finding.fix
    return finding.code, finding.message


def test_the_definitions_and_the_version_of_a_running_comfyui(serve: Serve) -> None:
    url = serve(object_info=body({"SaveImage": NODE}), system_stats=body(STATS))
    read = Comfy(url).definitions()
    assert (read.nodes, read.comfyui, read.as_answered) == ({"SaveImage": NODE}, "0.8.0", True)


@pytest.mark.parametrize(
    "stats",
    [404, b"", b"[]", b"{}", b"<html>", b'{"system": 5}', b'{"system": {"comfyui_version": 8}}'],
)
def test_the_version_may_be_unknown(serve: Serve, stats: Any) -> None:
    url = serve(object_info=body({"SaveImage": NODE}), system_stats=stats)
    assert Comfy(url).definitions().comfyui is None


@pytest.mark.parametrize("end", ["", "/", "/object_info", "#graph"])
def test_the_address_may_be_any_that_the_browser_shows(serve: Serve, end: str) -> None:
    assert Comfy(serve(object_info=body({"A": NODE})) + end).definitions().nodes == {"A": NODE}


def test_a_path_a_query_and_a_password_are_sent_and_never_shown(serve: Serve) -> None:
    url = serve(object_info=500).replace("//", "//me:s3cret@") + "/comfy/?token=t0ken"
    _, message = refused(url)
    path, authorization = serve.seen[0]  # type: ignore[attr-defined]
    assert path == "/comfy/object_info?token=t0ken" and authorization
    assert "/comfy" in message and "s3cret" not in message and "t0ken" not in message


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (404, "has the status 404"),
        (302, "has the status 302"),
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"", "is not what ComfyUI does: it is not JSON"),
        (b'{"SaveImage": {"inp', "is not what ComfyUI does: it is not JSON"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[" * 100_000, "is not what ComfyUI does: the JSON nests too deeply"),
        (
            b'{"error": "no"}',
            "is not what ComfyUI does: it does not hold a mapping of node classes",
        ),
        (b"{}", "is not what ComfyUI does: it defines no class"),
        (b'{"definitions": 1, "nodes": {}}', "is not what ComfyUI does: it defines no class"),
    ],
)
def test_what_is_no_comfyui_is_told_apart(serve: Serve, answer: Any, told: str) -> None:
    url = serve(object_info=answer)
    code, message = refused(url)
    assert code == "comfyui-answer"
    assert message.startswith(f"what {url} answers {told}")


def test_no_more_is_read_than_a_comfyui_may_say(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_ANSWER", 2**20)

    def endless(out: Any) -> None:
        while True:
            out.write(b" " * 2**16)

    _, message = refused(serve(object_info=endless))
    assert message.endswith("has more than 1 MiB")


def test_an_answer_is_measured_unpacked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_ANSWER", 2**20)
    assert Comfy(serve(object_info=gzip.compress(body({"A": NODE})))).definitions().nodes
    _, message = refused(serve(object_info=gzip.compress(b" " * 2**22)))
    assert message.endswith("has more than 1 MiB")


def test_a_server_that_is_silent_is_given_up(serve: Serve) -> None:
    url = serve(object_info=lambda out: time.sleep(5))
    code, message = refused(url, silent_s=0.2)
    assert (code, message) == ("comfyui-unreachable", f"ComfyUI at {url} said nothing for 0 s")


def test_a_server_that_trickles_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.2)

    def trickle(out: Any) -> None:
        for _ in range(100):
            out.write(b" ")
            out.flush()
            time.sleep(0.05)

    code, message = refused(serve(object_info=trickle))
    assert code == "comfyui-unreachable"
    assert "sent for more than" in message


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    code, message = refused(url.replace("//", "//me:s3cret@"))
    assert code == "comfyui-unreachable"
    assert message.startswith(f"ComfyUI at {url} cannot be reached: ")
    assert "s3cret" not in message


def test_a_proxy_of_the_environment_is_not_asked(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert Comfy(serve(object_info=body({"A": NODE}))).definitions().nodes


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host", "http://", "://", "http://host:port", "http://host:99999", "http://[::1"),
        *("file:///etc/passwd", "http://me:s3cret@"),
    ],
)
def test_what_is_no_address_is_wrong_use(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Comfy(url)
    (finding,) = caught.value.findings
    assert (finding.code, "s3cret" in str(finding)) == ("comfyui-url", False)


# -- one that we start

FAKE = """\
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"argv": sys.argv}).encode())
    def log_message(self, *args):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def installed(folder: Path, main: str, python: str | None = sys.executable) -> Path:
    """A folder like an installation's, with a ComfyUI of our making."""
    folder.mkdir()
    (folder / "main.py").write_text(main)
    (folder / "nodes.py").write_text("")
    (folder / ".venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    if python:
        (folder / ".venv" / "bin").mkdir()
        (folder / ".venv" / "bin" / "python").symlink_to(python)
    return folder


def test_an_installation_is_started_and_ended(tmp_path: Path) -> None:
    with started(find_install(installed(tmp_path / "ComfyUI", FAKE))) as comfy:
        assert comfy.is_up()
        argv = json.loads(comfy._get("anything"))["argv"]
        assert argv[:4] == ["main.py", "--cpu", "--listen", "127.0.0.1"]
    assert not comfy.is_up()


def test_it_is_ended_when_something_goes_wrong_as_well(tmp_path: Path) -> None:
    asked = []
    with (
        pytest.raises(ZeroDivisionError),
        started(find_install(installed(tmp_path / "ComfyUI", FAKE))) as comfy,
    ):
        asked.append(comfy)
        raise ZeroDivisionError
    assert [one.is_up() for one in asked] == [False]


@pytest.mark.parametrize(
    ("main", "told"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import sys; sys.exit(3)", ""),
    ],
)
def test_one_that_does_not_start_says_why(tmp_path: Path, main: str, told: str) -> None:
    with (
        pytest.raises(ResolveError) as caught,
        started(find_install(installed(tmp_path / "ComfyUI", main))),
    ):
        pass
    (finding,) = caught.value.findings
    assert finding.code == "comfyui-not-started"
    assert dict(finding.also).get("said", "") == told
    assert str(tmp_path) not in str(finding)


def test_one_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def popen(*args: Any, **more: Any) -> subprocess.Popen[bytes]:
        processes.append(real(*args, **more))
        return processes[-1]

    real = subprocess.Popen
    monkeypatch.setattr(comfyui_process.subprocess, "Popen", popen)
    monkeypatch.setattr(comfyui_process, "START_S", 0.3)
    folder = installed(tmp_path / "ComfyUI", "import time; time.sleep(60)")
    with pytest.raises(ResolveError, match="does not answer"), started(find_install(folder)):
        pass
    assert [process.poll() is not None for process in processes] == [True]


@pytest.mark.parametrize("what", ["no environment", "no code"])
def test_a_folder_that_nothing_can_be_started_from(tmp_path: Path, what: str) -> None:
    folder = installed(tmp_path / "ComfyUI", FAKE, python=None)
    if what == "no code":
        (folder / "main.py").unlink()
        (folder / "models").mkdir()
    with pytest.raises(ResolveError, match="comfyui-not-started"), started(find_install(folder)):
        pass
