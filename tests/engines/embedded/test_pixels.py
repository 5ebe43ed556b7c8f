"""Every recorded picture of ComfyUI, and the same live where a ComfyUI is there."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from real_comfyui import run

from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine

CASES = Path(__file__).parents[2] / "cases" / "pixels"
RECORDED = {
    (path.stem, name): prompt
    for path in sorted(CASES.glob("*.json"))
    if path.with_suffix(".npz").exists()
    for name, prompt in json.loads(path.read_text(encoding="utf-8")).items()
}
IDS = ["/".join(key) for key in RECORDED]


@pytest.fixture(scope="module")
def recorded() -> Mapping[str, Any]:
    return {path.stem: np.load(path) for path in CASES.glob("*.npz")}


@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_pictures_equal_those_that_comfyui_made(
    case: tuple[str, str], engine: EmbeddedEngine, tmp_path: Path, recorded: Mapping[str, Any]
) -> None:
    family, name = case
    expected = {
        key.removeprefix(f"{name}/"): recorded[family][key]
        for key in recorded[family].files
        if key.startswith(f"{name}/")
    }
    for _ in range(2):  # the second time with what the first one left in the cache
        assert_equal(pictures(engine, RECORDED[case], tmp_path), expected)


@pytest.mark.comfyui
@pytest.mark.slow
@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_pictures_equal_those_that_comfyui_makes_now(
    case: tuple[str, str], engine: EmbeddedEngine, tmp_path: Path, comfyui: str
) -> None:
    outcome = run(comfyui, RECORDED[case])
    expected = dict(numbered((one.node, io.BytesIO(one.data)) for one in outcome.files))
    assert_equal(pictures(engine, RECORDED[case], tmp_path), expected)


@pytest.fixture(scope="module")
def comfyui(
    tmp_path_factory: pytest.TempPathFactory, started_comfyui: Callable[..., Any]
) -> Iterator[str]:
    base = tmp_path_factory.mktemp("comfyui")
    (base / "input").symlink_to(CASES / "input", target_is_directory=True)
    with started_comfyui(base, "--disable-api-nodes", "--disable-metadata") as url:
        yield url


def pictures(engine: EmbeddedEngine, prompt: Any, folder: Path) -> dict[str, Any]:
    files = engine.execute(prompt, RunFolders(CASES / "input", folder))
    return dict(numbered((one.node, one.path) for one in files))


def numbered(files: Any) -> Iterator[tuple[str, Any]]:
    """`<node>/<number>` -> pixels."""
    counts: dict[str, int] = {}
    for node, file in files:
        number = counts[node] = counts.get(node, -1) + 1
        with Image.open(file) as picture:
            yield f"{node}/{number}", np.asarray(picture)


def assert_equal(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    for name, picture in theirs.items():
        assert ours[name].shape == picture.shape, name
        assert np.array_equal(ours[name], picture), name
