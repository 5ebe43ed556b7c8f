"""A project with its lock, and the hosts that all of the lock comes from: git, packages, files.

Everything is real but small: git repositories on the disk by `insteadOf`, a package index and a
file host on loopback, and a ComfyUI of a few lines that loads node packs as the real one does.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import Served, served
from git_host import Published
from index import PackageIndex, serving, wheel
from place import File, Place, Repo

from runflow_build.lock.model import (
    ComfyUIPin,
    FilePin,
    Lock,
    ModelPin,
    NodePackPin,
    PythonPins,
    ResourcePin,
    TargetPins,
)
from runflow_build.lock.pylock import LockedPackage, PackageFile, Pylock, pylock_text
from runflow_build.lock.text import lock_text

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"  # the Python that is surely there
TARGET = {"linux": "linux-cpu", "darwin": "macos-cpu", "win32": "windows-cpu"}[sys.platform]
UPSTREAM = "https://github.com/comfyanonymous/ComfyUI"
PACK = "https://github.com/kijai/KJNodes"

COMFYUI_FILES = {
    "main.py": """\
import argparse, importlib.util, json, os, sys, traceback
from http.server import BaseHTTPRequestHandler, HTTPServer

options = argparse.ArgumentParser()
for name in ("--listen", "--port"):
    options.add_argument(name)
for name in ("--cpu", "--disable-auto-launch"):
    options.add_argument(name, action="store_true")
port = int(options.parse_args().port)
classes = {"EmptyImage": "nodes", "ImageInvert": "nodes"}
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "custom_nodes")
for name in sorted(os.listdir(folder)):
    path = os.path.join(folder, name)
    if name.startswith((".", "__")) or not os.path.isdir(path):
        continue
    try:
        init = os.path.join(path, "__init__.py")
        spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[path])
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        classes.update(dict.fromkeys(module.NODE_CLASS_MAPPINGS, f"custom_nodes.{name}"))
    except Exception as error:
        traceback.print_exc()
        print(f"Cannot import {path} module for custom nodes: {error}", flush=True)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        info = {
            name: {"input": {"required": {}}, "output": [], "name": name, "python_module": module}
            for name, module in classes.items()
        }
        told = {"/object_info": info, "/system_stats": {"system": {"comfyui_version": "0.8.0"}}}
        body = json.dumps(told[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


HTTPServer(("127.0.0.1", port), Handler).serve_forever()
""",
    "nodes.py": "",
    "comfyui_version.py": '__version__ = "0.8.0"\n',
    "comfy/__init__.py": "",
    "custom_nodes/example_node.py.example": "",
    ".gitignore": "__pycache__/\n/models/\n/input/\n/custom_nodes/\n"
    "!custom_nodes/example_node.py.example\n",
}
PACK_FILES = {
    "__init__.py": "import tiny\nNODE_CLASS_MAPPINGS = {'KJResize': object}\n",
    "install.py": "import os, pathlib, sys\n"
    "print('installing with', sys.executable)\n"
    "pathlib.Path('installed.txt').write_text('\\n'.join(sorted(os.environ)))\n",
    ".gitignore": "__pycache__/\ninstalled.txt\n",
}
MODEL = hashlib.shake_128(b"a model").digest(700_001)
HUB = "acme/styles"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Restorable:
    """The project, its lock, and the outside; what a test changes counts from then on."""

    folder: Path
    files: Served
    index: PackageIndex
    repositories: dict[str, Published] = field(default_factory=dict)
    lock: Lock = field(default_factory=lambda: Lock(python=PythonPins(version=HERE)))
    policy: dict[str, Any] = field(default_factory=lambda: {"trusted_repositories": ["kijai/*"]})
    packages: list[LockedPackage] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def into(self) -> Path:
        return self.folder / "restored"

    @property
    def code(self) -> Path:
        return self.into / "ComfyUI"

    @property
    def environ(self) -> dict[str, str]:
        """What leads Runflow, git and uv here, and away from the user's own caches."""
        mirrors = (self.files.mirrors, self.index.environ["RUNFLOW_MIRRORS"])
        return {
            "RUNFLOW_MIRRORS": " ".join(mirrors),
            "RUNFLOW_OFFLINE": "",
            "RUNFLOW_CACHE_DIR": str(self.folder / "cache"),
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
        }

    def repository(self, url: str, files: Mapping[str, str | bytes]) -> str:
        """A repository at a public URL, with one commit of the files more; the commit."""
        if url not in self.repositories:
            name = url.removeprefix("https://")
            made = Published(url, self.folder / "git" / name, self.folder / "work" / name)
            for path in (made.bare, made.work):
                path.mkdir(parents=True)
            made.git("init", "--quiet", "--bare", "--initial-branch=main", folder=made.bare)
            made.git("init", "--quiet", "--initial-branch=main")
            made.allow("uploadpack.allowFilter", "true")
            made.allow("uploadpack.allowAnySHA1InWant", "true")
            self.repositories[url] = made
        return self.repositories[url].commit(files)

    def model(self, name: str, data: bytes) -> ModelPin:
        """The pin of a file that the hub has from now on, at a commit of its own."""
        repo = self.files.place.repos.setdefault(HUB, Repo({}))
        commit = f"{len(repo.commits) + 1:040x}"
        repo.commits[commit] = {name: File(data)}
        url = f"https://huggingface.co/{HUB}/resolve/{commit}/{name}"
        return ModelPin(sha256=sha256(data), size=len(data), url=url)

    def write(self) -> None:
        """Write runflow.yaml, the lock, its pylock and the input files into the project."""
        pylock = pylock_text(Pylock(tuple(self.packages), f">={HERE}"))
        name = f"pylock.{TARGET}.toml"
        pins = TargetPins(pylock=FilePin(file=name, sha256=sha256(pylock.encode())))
        python = self.lock.python.model_copy(update={"targets": {TARGET: pins}})
        self.lock = self.lock.model_copy(update={"python": python})
        spec = {
            "version": 1,
            "comfyui": {"ref": "v0.8.0"},
            "policy": self.policy,
            "endpoints": {},
        }
        texts = {
            "runflow.yaml": json.dumps(spec),
            "runflow.lock": lock_text(self.lock),
            name: pylock,
        }
        self.root.mkdir(exist_ok=True)
        for file, text in texts.items():
            (self.root / file).write_text(text, encoding="utf-8", newline="\n")

    def pin(self, **changes: Any) -> None:
        """Change fields of the lock, and write it."""
        self.lock = self.lock.model_copy(update=changes)
        self.write()

    def command(self, *argv: str) -> list[str]:
        return [sys.executable, "-m", "runflow_build", "-C", str(self.root), *argv]

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        """`runflow …` as a process of its own."""
        return subprocess.Popen(
            self.command(*argv),
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def run(self, *argv: str) -> tuple[int, str]:
        """The exit code and everything that was said."""
        process = self.start(*argv)
        told, _ = process.communicate(timeout=300)
        return process.returncode, told

    def restore(self, *argv: str) -> tuple[int, str]:
        return self.run("restore", "--into", str(self.into), *argv)

    def verify(self, *argv: str) -> tuple[int, str]:
        return self.run("verify", str(self.into), *argv)


@contextmanager
def restorable(folder: Path) -> Iterator[Restorable]:
    """A project that locks ComfyUI, a node pack, a package, a model and an input file."""
    with served(Place()) as files, serving() as index:
        world = Restorable(folder, files, index)
        base = (folder / "git").as_posix()
        (folder / "gitconfig").write_text(
            f'[url "file://{base}/"]\n\tinsteadOf = https://\n', encoding="utf-8"
        )
        tiny = wheel("tiny", "1.0", tag="py3-none-any")
        index.add(tiny)
        url = f"https://files.pythonhosted.org/{tiny.path}"
        file = PackageFile(url, tiny.sha256, len(tiny.content))
        world.packages.append(LockedPackage("tiny", "1.0", wheels=(file,)))
        comfyui = world.repository(UPSTREAM, COMFYUI_FILES)
        pack = world.repository(PACK, PACK_FILES)
        (world.root / "input").mkdir(parents=True)
        (world.root / "input/otter.txt").write_bytes(b"an otter")
        world.pin(
            comfyui=ComfyUIPin(repository=UPSTREAM, ref="v0.8.0", commit=comfyui),
            nodes={"KJNodes": NodePackPin(repository=PACK, commit=pack, classes=["KJResize"])},
            models={"loras/style.safetensors": world.model("style.safetensors", MODEL)},
            resources={"input/otter.txt": ResourcePin(sha256=sha256(b"an otter"), size=8)},
        )
        yield world


def tree_of(folder: Path) -> dict[str, str]:
    """What lies in a folder, by content: all that must be the same after every way there.

    Of git only the commit counts, of Python's environment what is installed.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        parts = name.split("/")
        if ".git" in parts or "__pycache__" in parts or parts[0] == ".runflow":
            continue
        if parts[0] == ".venv" and "site-packages" not in parts:
            continue
        if path.is_file():
            found[name] = sha256(path.read_bytes())
    for path in sorted(folder.rglob(".git")):
        head = path / "HEAD"
        found[path.relative_to(folder).as_posix()] = head.read_text() if head.is_file() else ""
    return found
