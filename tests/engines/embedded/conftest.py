"""An engine with the shipped definitions, and folders for one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recorded_files import INPUT

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.limits import DEFAULT_LIMITS
from runflow_build.engines.embedded.node_class import Run
from runflow_build.errors import EngineError
from runflow_build.project.catalogue import shipped
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions(None, shipped("0.8.0"))


@pytest.fixture(scope="session")
def engine(definitions: Definitions) -> EmbeddedEngine:
    return EmbeddedEngine(definitions)


@pytest.fixture
def folders(tmp_path: Path) -> RunFolders:
    made = RunFolders(tmp_path / "input", tmp_path / "output")
    made.input.mkdir()
    made.output.mkdir()
    return made


@pytest.fixture
def run(folders: RunFolders) -> Run:
    """For node functions that are called without the engine."""
    return Run(folders, DEFAULT_LIMITS)


@pytest.fixture(scope="session")
def comfyui(
    tmp_path_factory: pytest.TempPathFactory, started_comfyui: Callable[..., Any]
) -> Iterator[str]:
    """The address of a real ComfyUI with the input folder of the recorded cases."""
    base = tmp_path_factory.mktemp("comfyui")
    (base / "input").symlink_to(INPUT, target_is_directory=True)
    with started_comfyui(base, "--disable-api-nodes", "--disable-metadata") as url:
        yield url


@pytest.fixture
def node() -> Callable[..., dict[str, Any]]:
    """`node("ImageInvert", image=["1", 0])`; `title` names it."""

    def make(class_type: str, title: str | None = None, **inputs: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"class_type": class_type, "inputs": inputs}
        return made if title is None else {**made, "_meta": {"title": title}}

    return make


@pytest.fixture
def pictures(engine: EmbeddedEngine, folders: RunFolders) -> Callable[[Prompt], list[Any]]:
    """Runs a prompt and gives the 8-bit pixels of the files that it made."""

    def run(prompt: Prompt) -> list[Any]:
        return [np.asarray(Image.open(one.path)) for one in engine.execute(prompt, folders)]

    return run


@pytest.fixture
def refusal(engine: EmbeddedEngine, folders: RunFolders) -> Callable[[Prompt], str]:
    """Runs a prompt that cannot run and gives the whole message."""

    def run(prompt: Prompt) -> str:
        with pytest.raises(EngineError) as caught:
            engine.execute(prompt, folders)
        return str(caught.value)

    return run
