"""Results are kept between the runs of one engine, by what they were computed from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runflow_build.engines.base import Progress, RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.engines.embedded.cache import Cache
from runflow_build.engines.embedded.memory import kept_bytes
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]


@pytest.fixture
def engine(definitions: Definitions) -> EmbeddedEngine:
    return EmbeddedEngine(definitions)


@pytest.fixture
def prompt(node: Node) -> Prompt:
    return {
        "1": node("LoadImage", image="a.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "9": node("SaveImage", images=["2", 0], filename_prefix="a"),
    }


def told(engine: EmbeddedEngine, prompt: Prompt, folders: RunFolders) -> list[tuple[str, str]]:
    """(node, state) of every progress but that a node was started."""
    found: list[Progress] = []
    engine.execute(prompt, folders, found.append)
    assert found[-1].completed == found[-1].total
    return [(one.node, one.state) for one in found if one.state != "started"]


def colour(folders: RunFolders, shade: int) -> None:
    Image.new("RGB", (2, 2), (shade, shade, shade)).save(folders.input / "a.png")


def test_what_was_computed_before_is_taken_and_only_outputs_are_written_anew(
    engine: EmbeddedEngine, prompt: Prompt, folders: RunFolders
) -> None:
    colour(folders, 10)
    assert told(engine, prompt, folders) == [
        ("1", "finished"),
        ("2", "finished"),
        ("9", "finished"),
    ]
    assert told(engine, prompt, folders) == [("2", "cached"), ("9", "finished")]
    first, second = sorted(folders.output.iterdir())
    assert first.read_bytes() == second.read_bytes()


def test_another_content_of_the_same_file_is_another_picture(
    engine: EmbeddedEngine, prompt: Prompt, folders: RunFolders
) -> None:
    for shade in (10, 20):
        colour(folders, shade)
        assert ("1", "finished") in told(engine, prompt, folders)
    shades = [Image.open(path).getpixel((0, 0)) for path in sorted(folders.output.iterdir())]
    assert shades == [(245, 245, 245), (235, 235, 235)]


def test_the_same_content_in_another_folder_is_the_same_picture(
    engine: EmbeddedEngine, prompt: Prompt, folders: RunFolders, tmp_path: Path
) -> None:
    colour(folders, 10)
    told(engine, prompt, folders)
    (tmp_path / "elsewhere").mkdir()
    (folders.input / "a.png").rename(tmp_path / "elsewhere" / "a.png")
    moved = RunFolders(tmp_path / "elsewhere", folders.output)
    assert told(engine, prompt, moved)[0] == ("2", "cached")


def test_node_ids_titles_and_order_make_no_difference_and_values_do(
    engine: EmbeddedEngine, folders: RunFolders, node: Node
) -> None:
    def made(number: str, **inputs: Any) -> Prompt:
        sizes = {"width": 2, "height": 2, "batch_size": 1, "color": 0, **inputs}
        return {
            "save": node("PreviewImage", images=[number, 0]),
            number: node("EmptyImage", title=f"Canvas {number}", **sizes),
        }

    assert told(engine, made("1"), folders)[0] == ("1", "finished")
    assert told(engine, made("2"), folders)[0] == ("2", "cached")
    assert told(engine, made("3", width=True), folders)[0] == ("3", "finished")
    assert told(engine, made("4", color=1), folders)[0] == ("4", "finished")


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(3 * kept(100))
    for key in "abc":
        cache.keep(key, [[np.zeros(100, np.uint8)]])
    assert cache.get("a") is not None
    cache.keep("d", [[np.zeros(100, np.uint8)]])
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_what_is_larger_than_all_room_is_not_kept() -> None:
    cache = Cache(kept(100) - 1)
    cache.keep("a", [[np.zeros(100, np.uint8)]])
    assert cache.get("a") is None


def test_a_part_costs_as_much_as_the_whole_that_it_keeps_alive() -> None:
    whole = np.zeros((10, 10), np.float32)
    assert kept_bytes([[whole[:1]]]) == kept_bytes([[whole]])


@pytest.mark.parametrize("value", [Path("a.mp4"), {"file": Path("a.mp4")}, [object()]])
def test_what_may_be_gone_later_is_not_kept(value: Any) -> None:
    assert kept_bytes([[value]]) is None


def kept(size: int) -> int:
    found = kept_bytes([[np.zeros(size, np.uint8)]])
    assert found is not None
    return found
