"""Clones of the node pack, and a ComfyUI's start with them in a process of its own.

The modules that packs know of ComfyUI are the stand-ins of tests/host/comfyui.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
STAND_INS = CHECKOUT / "tests" / "host" / "comfyui"
PARTS = ("__init__.py", "nodes", "runflow_build", "requirements.txt")

# Before anything of the pack: packages that are not there, as far as a program can tell.
GONE = """
import importlib.metadata, sys
GONE = {gone!r}
for name in list(sys.modules):
    if name.partition(".")[0] in GONE:
        del sys.modules[name]
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Gone())
_version = importlib.metadata.version
def version(name):
    if name.lower() in GONE.values():
        raise importlib.metadata.PackageNotFoundError(name)
    return _version(name)
importlib.metadata.version = version
"""
# What ComfyUI does when it starts, up to the first request, and then requests of the test.
START = """
import asyncio, importlib.util, json, logging, sys
import aiohttp.test_utils
import folder_paths, nodes, server
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
async def start():
    told = server.PromptServer(asyncio.get_running_loop(), folder_paths.base_path)
    nodes.load_packs(folder_paths.get_folder_paths("custom_nodes"), [])
    {before_routes}
    told.add_routes()
    answers = []
    client = aiohttp.test_utils.TestClient(aiohttp.test_utils.TestServer(told.app))
    async with client:
        for method, path, body in {requests!r}:
            async with client.request(method, path, json=body) as answer:
                answers.append([answer.status, await answer.text()])
    return answers
answers = asyncio.run(start())
classes = nodes.NODE_CLASS_MAPPINGS
print(json.dumps({{
    "classes": {{name: classes[name].RELATIVE_PYTHON_MODULE for name in classes}},
    "web": nodes.EXTENSION_WEB_DIRS,
    "answers": answers,
    "modules": sorted(sys.modules),
}}))
"""


@dataclass(frozen=True)
class Started:
    """A ComfyUI that started: what it has got, what it said, and what it answered."""

    classes: Mapping[str, str]  # class -> where from
    web: Mapping[str, str]  # pack -> folder of its scripts
    answers: Sequence[tuple[int, Any]]  # status and body, as JSON where it is
    modules: Sequence[str]
    log: str

    @property
    def warnings(self) -> list[str]:
        """Each with the lines that belong to it."""
        found: list[str] = []
        warned = False
        for line in self.log.splitlines():
            level = line.partition(" ")[0]
            if level in ("INFO", "WARNING", "ERROR", "CRITICAL"):
                warned = level != "INFO"
                if warned:
                    found.append(line)
            elif warned:
                found[-1] += f"\n{line}"
        return found


def copy_pack(folder: Path) -> Path:
    """A clone of the parts that are the node pack."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / part)
    return folder


def start(
    base: Path,
    requests: Sequence[tuple[str, str, Any]] = (),
    *,
    gone: Mapping[str, str] | None = None,
    before_routes: str = "",
    python: str = sys.executable,
) -> Started:
    """Start a ComfyUI with the packs in `base`/custom_nodes.

    `gone`: modules that are not there -> their packages.
    """
    code = (GONE.format(gone=dict(gone)) if gone else "") + START.format(
        requests=list(requests), before_routes=before_routes or "pass"
    )
    # Not the checkout: the pack must do with its own copy.
    environment = {**os.environ, "PYTHONPATH": str(STAND_INS)}
    command = [python, "-W", "error", "-c", code, "--base-directory", str(base)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=base, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    told["answers"] = [(status, _json(text)) for status, text in told["answers"]]
    return Started(**told, log=done.stderr)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
