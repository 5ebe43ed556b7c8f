from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.engines.base import Lack
from runflow_build.engines.embedded import EmbeddedEngine, planning
from runflow_build.engines.embedded.nodes import CLASSES
from runflow_build.workflow.definitions import Definitions

Node = Callable[..., dict[str, Any]]


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


def test_what_is_not_here_is_named_once_with_the_package_that_would_bring_it(
    engine: EmbeddedEngine, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "installed", lambda package: False)
    scale = {"image": ["1", 0], "width": 8, "height": 8, "crop": "disabled"}
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": node("ImageScale", upscale_method="bicubic", **scale),
        "3": node("ImageScale", upscale_method="lanczos", **scale),
        "4": node("KSampler"),
        "5": node("KSampler"),
        "6": node("ImageBlur"),
    }
    assert engine.lacking(prompt) == [
        Lack("ImageBlur", "torch"),
        Lack("ImageScale with upscale_method bicubic", "torch"),
        Lack("KSampler"),
    ]


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
