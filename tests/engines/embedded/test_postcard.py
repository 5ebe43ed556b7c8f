from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runflow_build.bundle import Bundle
from runflow_build.engines.base import RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.project.load import load
from runflow_build.rewrite import rewrite
from runflow_build.rewrite.bind import bind

EXAMPLE = Path(__file__).parents[3] / "examples" / "postcard"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    project = load(EXAMPLE)
    assert project.lock is not None
    return rewrite(
        project.workflows["postcard.json"], project.definitions, project.lock, "postcard"
    )


def card(
    bundle: Bundle, values: dict[str, Any], engine: EmbeddedEngine, folders: RunFolders
) -> Any:
    for photo in (EXAMPLE / "input").iterdir():
        shutil.copy(photo, folders.input)
    now = datetime(2031, 4, 5)
    bound = bind(bundle.prompt, bundle.contract, values, seed="1", now=now)
    files = engine.execute(bound, folders)
    assert [one.node for one in files] == [bundle.contract.outputs["postcard"].node]
    assert files[0].path.name.startswith("postcard_0000")
    with Image.open(files[0].path) as picture:
        return np.asarray(picture)


def test_the_engine_has_all_that_the_example_needs(bundle: Bundle, engine: EmbeddedEngine) -> None:
    assert engine.lacking(bundle.prompt) == []


def test_a_card_of_the_wished_width_is_made(
    bundle: Bundle, engine: EmbeddedEngine, folders: RunFolders
) -> None:
    values = {"photo": "photo.png", "width": 300, "tint": 0.0}
    assert card(bundle, values, engine, folders).shape == (400, 300, 3)


def test_without_tint_the_card_is_the_photo_cropped_and_scaled(
    bundle: Bundle, engine: EmbeddedEngine, folders: RunFolders
) -> None:
    values = {"photo": "photo.png", "width": 600, "tint": 0.0}
    made = card(bundle, values, engine, folders)
    with Image.open(EXAMPLE / "input" / "photo.png") as photo:
        width, height = photo.size
        x = max(0, round((width - height * 600 / 400) / 2))
        y = max(0, round((height - width * 400 / 600) / 2))
        part = photo.convert("RGB").crop((x, y, width - x, height - y))
        expected = np.asarray(part.resize((600, 400), Image.Resampling.LANCZOS))
    assert np.array_equal(made, expected)


def test_the_exposed_blend_mode_changes_the_picture(
    bundle: Bundle, engine: EmbeddedEngine, folders: RunFolders
) -> None:
    cards = [
        card(bundle, {"photo": "photo.png", "print": mode}, engine, folders)
        for mode in ("multiply", "screen")
    ]
    assert cards[0].mean() < cards[1].mean()
