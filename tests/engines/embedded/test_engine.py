from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.registry import CLASSES
from runflow_build.workflow.definitions import Definitions

CASES = Path(__file__).parents[2] / "cases" / "pixels"
PROMPTS = json.loads((CASES / "prompts.json").read_text(encoding="utf-8"))
Node = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", PROMPTS)
def test_pictures_equal_those_of_comfyui(name: str, engine: EmbeddedEngine, tmp_path: Path) -> None:
    files = engine.execute(PROMPTS[name], RunFolders(CASES / "input", tmp_path))
    expected = sorted((CASES / "expected").glob(f"{name}_*.png"))
    assert len(files) == len(expected)
    for file, wanted in zip(files, expected, strict=True):
        assert file.node == "99"
        assert file.content_type == "image/png"
        picture, reference = Image.open(file.path), Image.open(wanted)
        assert picture.mode == reference.mode
        assert np.array_equal(np.asarray(picture), np.asarray(reference))


@pytest.mark.parametrize("class_type", CLASSES)
def test_a_class_takes_exactly_what_its_definition_says(
    class_type: str, definitions: Definitions
) -> None:
    definition = definitions.get(class_type)
    assert definition is not None
    parameters = inspect.signature(CLASSES[class_type].function).parameters.values()
    named = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD} - {"run"}
    defined = {one.name for one in definition.inputs}
    required = {one.name for one in definition.inputs if one.required}
    assert named <= defined
    assert named == defined or len(named) < len(list(parameters)) - 1
    compulsory = {one.name for one in parameters if one.default is one.empty and one.name in named}
    assert compulsory <= required


def test_a_class_and_an_option_that_are_not_here_are_named(
    engine: EmbeddedEngine, node: Node
) -> None:
    scale = {"image": ["1", 0], "width": 8, "height": 8, "crop": "disabled"}
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": node("ImageScale", upscale_method="bicubic", **scale),
        "3": node("ImageScale", upscale_method="lanczos", **scale),
        "4": node("KSampler"),
        "5": node("KSampler"),
    }
    assert engine.lacking(prompt) == ["ImageScale with upscale_method bicubic", "KSampler"]


def test_nothing_is_lacking_in_a_malformed_prompt(engine: EmbeddedEngine) -> None:
    prompt: Any = {"1": [], "2": {"class_type": 3}, "3": {"class_type": "KSampler"}}
    assert engine.lacking(prompt) == []


@pytest.mark.parametrize(("module", "package"), [("numpy", "numpy"), ("PIL", "Pillow")])
def test_a_missing_package_is_named_with_its_extra(module: str, package: str) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from runflow_build.engines.embedded import EmbeddedEngine\n"
        "from runflow_build.errors import EngineError\n"
        "from runflow_build.workflow.definitions import Definitions\n"
        "try: EmbeddedEngine(Definitions(None, {}))\n"
        "except EngineError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"error engine-extra-missing: the embedded engine needs {package}, which is not"
        " installed\n  fix       pip install 'runflow-build[server]'\n"
    )


def test_building_the_engine_imports_no_torch() -> None:
    code = (
        "import sys\n"
        "from runflow_build.engines.embedded import EmbeddedEngine\n"
        "from runflow_build.workflow.definitions import Definitions\n"
        "EmbeddedEngine(Definitions(None, {}))\n"
        "print(sorted({'torch', 'av', 'httpx', 'fastapi', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
