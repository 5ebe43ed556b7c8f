"""kill -9 of a real restore at any moment: the same command goes on, and nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from place import Fault
from restorable import COMFYUI_FILES, PACK, PACK_FILES, UPSTREAM, Restorable, restorable, tree_of

from runflow_build.lock.model import ComfyUIPin, NodePackPin

MOMENTS = 20
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and process groups are POSIX"),
]
MINE = {
    "ComfyUI/models/loras/mine.safetensors": "trained here",
    "ComfyUI/models/loras/.hidden": "mine too",
    "ComfyUI/input/mine.png": "a picture",
    "ComfyUI/output/result.png": "another one",
    "ComfyUI/custom_nodes/Mine/__init__.py": "NODE_CLASS_MAPPINGS = {}\n",
    "notes.txt": "what I did",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restorable]:
    with restorable(tmp_path_factory.mktemp("killed")) as world:
        yield world


@pytest.fixture(scope="module")
def before(world: Restorable) -> Path:
    """A folder as an older lock restored it, with files of the user; the lock moved on since."""
    code, told = world.restore()
    assert code == 0, told
    for name, text in MINE.items():
        path = world.into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    kept = world.folder / "before"
    world.into.rename(kept)
    _move_on(world)
    return kept


def _move_on(world: Restorable) -> None:
    """Every part of the lock changes: code with many files, a pack, a model, an input file."""
    many = {f"comfy/part_{number}.py": f"number = {number}\n" * 200 for number in range(150)}
    changed = {**COMFYUI_FILES, **many, "comfyui_version.py": '__version__ = "0.9.0"\n'}
    comfyui = world.repository(UPSTREAM, changed)
    pack = world.repository(PACK, {**PACK_FILES, "more.py": "more = True\n"})
    world.pin(
        comfyui=ComfyUIPin(repository=UPSTREAM, ref="v0.9.0", commit=comfyui),
        nodes={"KJNodes": NodePackPin(repository=PACK, commit=pack)},
        models={
            "loras/style.safetensors": world.model("style.safetensors", os.urandom(400_000)),
            "vae/new.safetensors": world.model("new.safetensors", os.urandom(300_000)),
        },
    )
    for pin in world.lock.models.values():  # so that some moments are in the middle of a download
        slow = Fault(times=None, chunk=50_000, chunk_delay_s=0.05)
        world.files.place.faults[pin.url or ""] = slow


@pytest.fixture(scope="module")
def wanted(world: Restorable, before: Path) -> tuple[dict[str, str], float]:
    """The folder as it is to be after all, and how long an undisturbed restore takes, in s."""
    takes = []
    for _ in range(2):  # the first one may have to wait for a cold cache
        _begin(world, before)
        start = time.monotonic()
        code, told = world.restore()
        assert code == 0, told
        takes.append(time.monotonic() - start)
    code, told = world.verify()
    assert (code, told.count("error ")) == (1, 1), told
    assert "the node pack Mine is not in the lock" in told
    return tree_of(world.into), min(takes)


def _begin(world: Restorable, before: Path) -> None:
    """The folder as it was; nothing of the new files is at hand."""
    shutil.rmtree(world.into, ignore_errors=True)
    shutil.rmtree(world.folder / "cache" / "store", ignore_errors=True)
    shutil.copytree(before, world.into, symlinks=True)


def _kill(process: subprocess.Popen[str], whole_group: bool) -> None:
    """End it with no warning; its git and uv as well, or they are left to themselves."""
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_after_a_kill_the_same_command_ends_in_the_same_folder(
    world: Restorable, before: Path, wanted: tuple[dict[str, str], float], moment: int
) -> None:
    tree, takes_s = wanted
    drawn = random.Random(moment)
    _begin(world, before)
    process = world.start("restore", "--into", str(world.into), start_new_session=True)
    time.sleep(drawn.uniform(0.15, 1.0) * takes_s)
    _kill(process, whole_group=drawn.random() < 0.5)
    for name, text in MINE.items():
        assert (world.into / name).read_text() == text
    code, told = world.restore()
    assert code == 0, told
    assert tree_of(world.into) == tree
