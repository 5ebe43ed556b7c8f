"""Every recorded picture of ComfyUI, and the same live where a ComfyUI is there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from real_comfyui import run
from recorded_files import INPUT, arrays, arrays_of, assert_equal, numbered, pixels, prompts

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine

RECORDED = prompts("pixels")
IDS = ["/".join(key) for key in RECORDED]


@pytest.fixture(scope="module")
def recorded() -> Mapping[str, Any]:
    return arrays("pixels")


@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_pictures_equal_those_that_comfyui_made(
    case: tuple[str, str], engine: EmbeddedEngine, tmp_path: Path, recorded: Mapping[str, Any]
) -> None:
    family, name = case
    expected = arrays_of(recorded[family], name)
    for _ in range(2):  # the second time with what the first one left in the cache
        assert_equal(pictures(engine, RECORDED[case], tmp_path), expected)


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_pictures_equal_those_that_comfyui_makes_now(
    case: tuple[str, str], engine: EmbeddedEngine, tmp_path: Path, comfyui: str
) -> None:
    made = numbered(run(comfyui, RECORDED[case]).files)
    expected = {key: pixels(io.BytesIO(one.data)) for key, one in made.items()}
    assert_equal(pictures(engine, RECORDED[case], tmp_path), expected)


def pictures(engine: EmbeddedEngine, prompt: Any, folder: Path) -> dict[str, Any]:
    made = numbered(engine.execute(prompt, RunFolders(INPUT, folder)))
    return {key: pixels(one.path) for key, one in made.items()}
