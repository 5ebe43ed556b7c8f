"""The editor in a real browser, on the stand-in for ComfyUI and, where there is one, on a real one.

A browser test asks for `editor` (the editor, open) or for `page` and `comfyui_host`. It fails when
the page logs an error, when a request fails, and when anything is asked of another machine, unless
it says `seen.allow(…)` before.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHECKOUT = Path(__file__).resolve().parents[3]
HOST = CHECKOUT / "tests" / "host" / "host.py"
HOST_STARTS_S = 60
PACK = "runflow-build"  # the pack's folder below custom_nodes

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
FOREIGN = re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1[:/])")
ASKED_IN_VAIN = ("/user.css", "/favicon.ico")  # by the frontend itself, of every ComfyUI

# What the editor would ask for in vain, or greet a new user with.
USER_FILES = {
    "comfy.settings.json": json.dumps(
        {
            "Comfy.Canvas.NavigationMode": "custom",  # frontend 1.27.10 throws in setting another
            "Comfy.InstalledVersion": "1.35.9",
            "Comfy.Notification.ShowVersionUpdates": False,  # asks api.comfy.org
            "Comfy.TutorialCompleted": True,
        }
    ),
    "comfy.templates.json": "[]",
    "subgraphs/.keep": "",
    "user.css": "",
    "workflows/.keep": "",
}

NEEDED_IN_COMFYUI = "pydantic, yaml, httpx, doit, git, argon2"

READY = """() => {
  const app = window.app
  return app?.vueAppReady && app.api.clientId && app.graph.nodes.length
    && app.extensions.some(one => one.name === "runflow")
}"""
LOAD = """async graph => {
  const quiet = { showMissingNodesDialog: false, showMissingModelsDialog: false }
  await window.app.loadGraphData(graph, true, true, null, quiet)
}"""


@dataclass(frozen=True)
class ComfyUI:
    """A running ComfyUI, or the stand-in for one."""

    url: str
    base: Path  # its input, output, user, custom_nodes
    real: bool = False

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, value: Any) -> tuple[int, Any]:
        """Status and body of the answer; the body as JSON, where it is JSON."""
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self._ask(path, data, "application/json")

    def upload(self, name: str, data: bytes, **fields: str) -> tuple[int, Any]:
        """What /upload/image answers."""
        parts = [f'name="{key}"\r\n\r\n{value}'.encode() for key, value in fields.items()]
        parts.append(f'name="image"; filename="{name}"\r\n\r\n'.encode() + data)
        body = b"".join(b"--x\r\nContent-Disposition: form-data; %b\r\n" % one for one in parts)
        return self._ask("/upload/image", body + b"--x--\r\n", "multipart/form-data; boundary=x")

    def status(self, path: str, **headers: str) -> int:
        """Of the answer to a GET."""
        return self._ask(path, None, None, **headers)[0]

    def _ask(
        self, path: str, data: bytes | None, content_type: str | None, **headers: str
    ) -> tuple[int, Any]:
        request = urllib.request.Request(self.url + path, data, headers)
        if content_type:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read()
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body


@dataclass
class Seen:
    """What a page has done that a test wants to know of."""

    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # URLs on other machines; none was reached
    _allowed: list[str] = field(default_factory=list)

    def allow(self, text: str) -> None:
        """A problem or a foreign URL that holds this text is expected."""
        self._allowed.append(text)

    def unexpected(self) -> list[str]:
        found = self.problems + [f"asked of another machine: {url}" for url in self.foreign]
        return [one for one in found if not any(text in one for text in self._allowed)]

    def watch(self, page: Page) -> None:
        page.context.route(FOREIGN, lambda route: (self._refuse(route.request.url), route.abort()))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"thrown: {error}"))
        page.on("response", self._response)
        page.on("websocket", lambda one: FOREIGN.match(one.url) and self._refuse(one.url))

    def _refuse(self, url: str) -> None:
        self.foreign.append(url)

    def _response(self, response: Any) -> None:
        path = response.url.partition("://")[2].partition("/")[2]
        if response.status >= 400 and f"/{path}" not in ASKED_IN_VAIN:
            method = response.request.method
            self.problems.append(f"{method} /{path} answered {response.status}")

    def _console(self, message: Any) -> None:
        # What the network refused is told by the responses, with their paths.
        about_us = "runflow" in f"{message.text} {message.location.get('url', '')}".lower()
        wrong = message.type == "error" or (message.type == "warning" and about_us)
        if wrong and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")


@dataclass
class Editor:
    """The editor, open on a ComfyUI."""

    page: Page
    host: ComfyUI
    seen: Seen

    def open(self) -> None:
        """Open it, or load it anew; returns when the first graph is there."""
        self.page.goto(self.host.url)
        self.page.wait_for_function(READY, timeout=60_000)

    def load(self, graph: Mapping[str, Any]) -> None:
        """Show a workflow, as the editor saves it."""
        self.page.evaluate(LOAD, dict(graph))

    def prompt(self) -> Any:
        """The prompt that the editor makes of the graph."""
        return self.page.evaluate("async () => (await window.app.graphToPrompt()).output")

    def run(self) -> None:
        """Press Run."""
        self.page.get_by_test_id("queue-button").click()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def started_host() -> Callable[..., AbstractContextManager[ComfyUI]]:
    """`with started_host(base, *options, env={}) as host`: the stand-in for ComfyUI.

    `base` holds its input, output, user and custom_nodes, and `log.txt`. Skips without what the
    stand-in needs.
    """

    @contextlib.contextmanager
    def start(base: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[ComfyUI]:
        for module in ("aiohttp", "comfyui_frontend_package", "numpy", "PIL"):
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"{module} is not installed: pip install 'runflow-build[dev]'")
        url, log = f"http://127.0.0.1:{(port := free_port())}", base / "log.txt"
        command = [sys.executable, str(HOST), "--base-directory", str(base), "--port", str(port)]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, *options],
                env={**os.environ, **by_itself(base), **(env or {})},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            end = time.monotonic() + HOST_STARTS_S
            while not answers(url):
                late = time.monotonic() > end or process.poll() is not None
                assert not late, "the stand-in does not start:\n" + log.read_text()[-4000:]
                time.sleep(0.1)
            yield ComfyUI(url, base)
        finally:
            process.terminate()
            process.wait(timeout=30)

    return start


def answers(url: str) -> bool:
    """Whether a ComfyUI is there; one that wants a password is."""
    try:
        urllib.request.urlopen(f"{url}/system_stats", timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return True


@pytest.fixture(
    scope="module",
    params=["host", pytest.param("comfyui", marks=[pytest.mark.comfyui, pytest.mark.slow])],
)
def comfyui_host(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    comfyui_environ: Mapping[str, str],
    prepared: Callable[[Path], Path],
) -> Iterator[ComfyUI]:
    """A ComfyUI with our pack in it: the stand-in, and then the real one where it is installed."""
    base = prepared(tmp_path_factory.mktemp(request.param))
    if request.param == "host":
        with request.getfixturevalue("started_host")(base, env=comfyui_environ) as host:
            yield host
        return
    _require_dependencies_in_comfyui()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**by_itself(base), **comfyui_environ}.items():
            patch.setenv(name, value)
        with request.getfixturevalue("started_comfyui")(base) as url:
            yield ComfyUI(url, base, real=True)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this module's ComfyUI keeps the user's keys."""
    folder = tmp_path_factory.mktemp("config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        for name in ("RUNFLOW_API_URL", "RUNFLOW_API_KEY"):
            patch.delenv(name, raising=False)
        yield folder / "runflow" / "config.yaml"


@pytest.fixture(scope="module")
def comfyui_environ() -> Mapping[str, str]:
    """What a module of tests wants in the environment of its ComfyUI."""
    return {}


def by_itself(base: Path) -> dict[str, str]:
    """The environment of a process that asks no other machine and remembers nothing."""
    return {"RUNFLOW_OFFLINE": "1", "RUNFLOW_CACHE_DIR": str(base / "runflow-cache")}


@pytest.fixture(scope="session")
def prepared() -> Callable[[Path], Path]:
    """Makes a base folder with our pack in it, and with a user who has been here before."""

    def prepare(base: Path) -> Path:
        (base / "custom_nodes").mkdir(parents=True)
        (base / "custom_nodes" / PACK).symlink_to(CHECKOUT, target_is_directory=True)
        (base / "input").mkdir()
        for name, text in USER_FILES.items():
            path = base / "user" / "default" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return base

    return prepare


def _require_dependencies_in_comfyui() -> None:
    comfyui = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()
    python = Path(os.environ.get("COMFYUI_PYTHON", comfyui / ".venv" / "bin" / "python"))
    if python.exists():  # else the start itself says what is lacking
        command = [python, "-c", f"import {NEEDED_IN_COMFYUI}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1]
            pytest.skip(f"the pack's packages are not in ComfyUI's environment: {reason}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Of one module only: while it runs, this thread has a running event loop."""
    wished = os.environ.get("RUNFLOW_CHROMIUM")
    path = wished or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on the PATH; install one or set RUNFLOW_CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=list(BROWSER_OPTIONS))
        yield one
        one.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(browser: Browser, comfyui_host: ComfyUI, seen: Seen) -> Iterator[Page]:
    """A page of a new browser profile, watched; `page.goto("/…")` is on the host."""
    context = browser.new_context(
        base_url=comfyui_host.url, viewport={"width": 1280, "height": 800}
    )
    one = context.new_page()
    seen.watch(one)
    yield one
    context.close()
    assert seen.unexpected() == []


@pytest.fixture
def editor(page: Page, comfyui_host: ComfyUI, seen: Seen) -> Editor:
    """The editor, open."""
    one = Editor(page, comfyui_host, seen)
    one.open()
    return one
