"""What tests of several packages build their worlds from."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Commits are the same in every run: who, when and how is fixed, the machine's own settings away.
GIT = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+0000",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00+0000",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@pytest.fixture(autouse=True)
def _by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test asks the internet or remembers what another one learned, unless it says so."""
    monkeypatch.setenv("RUNFLOW_OFFLINE", "1")
    monkeypatch.setenv("RUNFLOW_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "runflow-cache"))


@pytest.fixture(autouse=True, scope="session")
def _own_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's own keys, nor does a server that one starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "APPDATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp("config")))
        for name in ("RUNFLOW_API_URL", "RUNFLOW_API_KEY"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def _hears_control_c() -> Iterator[None]:
    """What a shell runs in the background ignores Ctrl-C, and with it all that the tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Clone:
    """A real git repository in a test's folder."""

    path: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**os.environ, **GIT},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")

    def commit(self, files: Mapping[str, str], pushed: bool = True) -> str:
        """Commit the files; the hash. `pushed`: origin's branch has it too."""
        self.write(files)
        self.git("add", "--all", "--", *files)
        self.git("commit", "--quiet", "--message", "change")
        if pushed:
            self.git("update-ref", "refs/remotes/origin/main", "HEAD")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def new_clone() -> Callable[..., Clone]:
    """`new_clone(path, remote=None)`: an empty repository with a branch `main`."""

    def make(path: Path, remote: str | None = None) -> Clone:
        path.mkdir(parents=True, exist_ok=True)
        clone = Clone(path)
        clone.git("init", "--quiet", "--initial-branch", "main")
        if remote:
            clone.git("config", "remote.origin.url", remote)
        return clone

    return make


@pytest.fixture
def new_install(new_clone: Callable[..., Clone], tmp_path: Path) -> Callable[..., Path]:
    """`new_install(world)`: a ComfyUI installation as `world` describes it; its folder.

    `clones`: folder -> {remote, commits: [files…], tags, unpushed, changed files}, "" being ComfyUI
    itself; `files`: path -> text; `packages`: name -> version, in `.venv`.
    """

    def make(world: Mapping[str, Any], folder: str = "ComfyUI") -> Path:
        root = tmp_path / folder
        for name, told in sorted(world.get("clones", {}).items()):
            clone = new_clone(root / name, told.get("remote"))
            for files in told["commits"]:
                clone.commit(files)
            for tag in told.get("tags", ()):
                clone.git("tag", tag)
            if files := told.get("unpushed"):
                clone.commit(files, pushed=False)
            clone.write(told.get("changed", {}))
        Clone(root).write(world.get("files", {}))
        for name, version in world.get("packages", {}).items():
            info = root / f".venv/lib/python3.12/site-packages/{name}-{version}.dist-info"
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText.\n"
            Clone(info).write({"METADATA": metadata})
        return root

    return make


COMFYUI = Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()
COMFYUI_PYTHON = Path(os.environ.get("COMFYUI_PYTHON", COMFYUI / ".venv" / "bin" / "python"))
COMFYUI_STARTS_S = 120


@pytest.fixture(scope="session")
def started_comfyui() -> Callable[..., AbstractContextManager[str]]:
    """`with started_comfyui(folder, *options) as url`: a real ComfyUI; skips where it cannot start.

    `folder` holds its models, input and output, and `log.txt`.
    """

    @contextlib.contextmanager
    def start(base: Path, *options: str) -> Iterator[str]:
        if not (COMFYUI / "main.py").is_file():
            pytest.skip(f"no ComfyUI in {COMFYUI}; set COMFYUI_PATH")
        if not COMFYUI_PYTHON.exists():
            pytest.skip(f"no interpreter {COMFYUI_PYTHON}; set COMFYUI_PYTHON")
        for name in ("input", "custom_nodes"):
            (base / name).mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url, log = f"http://127.0.0.1:{port}", base / "log.txt"
        command = [COMFYUI_PYTHON, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port)]
        command += ["--base-directory", str(base), "--disable-auto-launch", *options]
        with log.open("wb") as file:
            process = subprocess.Popen(command, cwd=COMFYUI, stdout=file, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + COMFYUI_STARTS_S
            while not _answers(url):
                if time.monotonic() > end or process.poll() is not None:
                    pytest.skip("ComfyUI does not start here:\n" + log.read_text()[-2000:])
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)

    return start


def _answers(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        urllib.request.urlopen(f"{url}/system_stats", timeout=5).close()
        return True
    return False


@pytest.fixture(scope="session")
def _served() -> Iterator[Any]:
    from app import served

    with served() as one:
        yield one


@pytest.fixture
def stand_in(_served: Any) -> Any:
    """All public hosts, served on this machine: a `Served` (tests/worlds/app.py) of a new place."""
    from place import Place

    _served.place = Place()
    return _served
