"""A project on disk, and doit as CI runs it: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runflow_build.tasks.lock import relock

COMMIT = "3cd7b32f" + "0" * 32
DODO = """\
from runflow_build.tasks import DOIT_CONFIG, projects

build = projects({patterns})
"""


def prompt(color: int = 0) -> dict[str, Any]:
    """EmptyImage into a Runflow output: the smallest endpoint there is."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": color},
        },
        "2": {
            "class_type": "RunflowOutputImage",
            "inputs": {"output_id": "image", "output_name": "", "value": ["1", 0]},
        },
    }


class Project:
    """A folder with runflow.yaml, a prompt for each slug, and a dodo.py."""

    def __init__(self, root: Path, slugs: list[str]) -> None:
        self.root = root
        root.mkdir(parents=True)
        (root / "dodo.py").write_text(DODO.format(patterns='"."'))
        for slug in slugs:
            self.workflow(slug).write_text(json.dumps(prompt()))
        self.write_spec(slugs)

    def write_spec(self, slugs: list[str], more: str = "") -> None:
        endpoints = "".join(f"  {slug}: {{workflow: {slug}.json}}\n" for slug in slugs)
        self.spec.write_text(
            f"version: 1\ncomfyui: {{ref: {COMMIT}}}\nendpoints:\n{endpoints}{more}"
        )

    @property
    def spec(self) -> Path:
        return self.root / "runflow.yaml"

    @property
    def lock(self) -> Path:
        return self.root / "runflow.lock"

    def workflow(self, slug: str) -> Path:
        return self.root / f"{slug}.json"

    def bundle(self, slug: str) -> Path:
        return self.root / ".runflow" / "build" / f"{slug}.json"

    def start(self, *argv: str, encoding: str = "utf-8") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *argv],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )

    def doit(self, *argv: str, encoding: str = "utf-8") -> tuple[int, str]:
        """The exit code and everything that was said."""
        process = self.start(*argv, encoding=encoding)
        told, _ = process.communicate(timeout=120)
        return process.returncode, told


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[..., Project]:
    def new(*slugs: str, folder: str = "project") -> Project:
        return Project(tmp_path / folder, list(slugs))

    return new


@pytest.fixture
def locked_project(new_project: Callable[..., Project]) -> Callable[..., Project]:
    """A new project with its lock, made here: a doit process more costs half a second."""

    def new(*slugs: str) -> Project:
        project = new_project(*slugs)
        relock(project.root)
        return project

    return new
