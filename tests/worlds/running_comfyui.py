"""A ComfyUI that runs, as Auto setup sees it: a base folder, a Python of its own, its classes.

The outside is that of `restorable`: git repositories on the disk, a package index and file hosts on
loopback. The Python is a real venv with stand-ins of PyTorch and numpy in it.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import served
from git_host import Published
from index import serving, wheel
from place import File, Pack, Place
from restorable import Restorable

from runflow_build.project.catalogue import shipped
from runflow_build.restore.interpreter import Interpreter
from runflow_build.sources.extra_paths import ExtraFolder
from runflow_build.sources.install import Install
from runflow_build.sources.uv import uv_program
from runflow_build.tasks.auto_setup import Running, Setup, install, look

REQUIREMENTS = "torch\nnumpy>=1.25.0\nPillow\n"
PACK = "https://github.com/kijai/ComfyUI-Tiny"
LOADER = "TinyLoader"  # a class of that pack
PACK_FILES = {"__init__.py": f"NODE_CLASS_MAPPINGS = {{'{LOADER}': object}}\n"}
MANAGER = "https://raw.githubusercontent.com/ltdrdata/ComfyUI-Manager/main"
LISTS = {"extension-node-map.json": b"{}", "model-list.json": b'{"models": []}'}


@dataclass
class RunningWorld:
    """What there is, inside and outside; what a test changes counts from then on."""

    outside: Restorable
    base: Path
    venv: Path
    classes: dict[str, Any] = field(default_factory=lambda: dict(shipped("0.8.0")))
    told: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    extra: tuple[ExtraFolder, ...] = ()  # of its extra_model_paths.yaml

    @property
    def packages(self) -> Path:
        return next(self.venv.glob("[lL]ib/**/site-packages"))

    @property
    def running(self) -> Running:
        python = self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        return Running(
            Install(self.base / "code", self.base, self.venv, extra=self.extra),
            "0.8.0",
            Interpreter(python, self.venv, (str(self.packages),), self.base / "code"),
            lambda names: {name: self.classes[name] for name in names if name in self.classes},
        )

    def versions(self) -> dict[str, str]:
        """What is installed: name -> version."""
        names = [one.name.removesuffix(".dist-info") for one in self.packages.glob("*.dist-info")]
        return dict(name.rsplit("-", 1) for name in names)

    def pack(self, **told: Any) -> str:
        """The pack, as `publish_pack` makes it."""
        return publish_pack(self.outside, **told)

    def published(self, url: str = PACK) -> Published:
        return self.outside.repositories[url]

    def look(self, graph: Mapping[str, Any], unknown: Collection[str] | None = None) -> Setup:
        return look(
            graph,
            self.running,
            unknown=unknown,
            tell=self._tell,
            check=lambda: None,
            environ=self.environ,
        )

    def install(self, setup: Setup, *ids: str, yes: Collection[str] = ()) -> dict[str, Any]:
        return install(
            setup,
            ids,
            yes,
            self.running,
            tell=self._tell,
            stop=self.stop,
            environ=self.environ,
        )

    def findings(self, row: str) -> list[dict[str, Any]]:
        """What was told of a row that failed."""
        rows = [one for one in self.told if one.get("row") == row and "findings" in one]
        return [finding for one in rows for finding in one["findings"]]

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **self.outside.environ}

    def _tell(self, **event: Any) -> None:
        self.told.append(event)


@contextmanager
def public_hosts(folder: Path) -> Iterator[Restorable]:
    """All that lies outside, with nothing in it yet; its `environ` leads there."""
    (folder / "git").mkdir()
    settings = f'[url "file://{(folder / "git").as_posix()}/"]\n\tinsteadOf = https://\n'
    (folder / "gitconfig").write_text(settings, encoding="utf-8")
    with served(Place()) as files, serving() as index:
        for name, empty in LISTS.items():
            files.place.files[f"{MANAGER}/{name}"] = File(empty)
        yield Restorable(folder, files, index)


def publish_pack(
    outside: Restorable,
    url: str = PACK,
    files: Mapping[str, str] | None = None,
    classes: Collection[str] = (LOADER,),
    **facts: Any,
) -> str:
    """A pack at a public URL that the Comfy Registry knows by its classes; its commit."""
    commit = outside.repository(url, {**PACK_FILES, **(files or {})})
    name = url.rpartition("/")[2].lower()
    outside.files.place.packs[name] = Pack(url, classes=tuple(classes), **facts)
    outside.repositories[url].git("tag", "--force", "1.0.0")
    outside.repositories[url].push()
    return commit


@contextmanager
def running_comfyui(folder: Path) -> Iterator[RunningWorld]:
    """A ComfyUI without node packs and models, and an outside that has nothing yet."""
    with public_hosts(folder) as outside:
        world = RunningWorld(outside, folder / "base", folder / "venv")
        for name in ("code", "custom_nodes", "models", "input"):
            (world.base / name).mkdir(parents=True)
        (world.base / "code" / "requirements.txt").write_text(REQUIREMENTS)
        _make_python(world)
        yield world


def _make_python(world: RunningWorld) -> None:
    """A venv with PyTorch and numpy in it, of versions that the index need not have."""
    wheels = world.outside.folder / "wheels"
    wheels.mkdir()
    files = []
    for one in (
        wheel("torch", "2.13.0+cpu", ["typing-tiny>=1"]),
        wheel("numpy", "2.1.0"),
        wheel("pillow", "11.0"),
        wheel("typing-tiny", "1.5"),
        wheel("alone", "1.0"),  # that nothing of ComfyUI needs
    ):
        (wheels / one.file).write_bytes(one.content)
        files.append(str(wheels / one.file))
    for argv in (
        ["venv", "--quiet", str(world.venv)],
        ["pip", "install", "--quiet", "--no-deps", "--python", str(world.venv), *files],
    ):
        subprocess.run([uv_program(), *argv], check=True, env=world.environ)
