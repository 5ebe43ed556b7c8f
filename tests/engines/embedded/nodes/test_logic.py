"""Lazy inputs, and lists that have the nodes after them called once per item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runflow_build.engines.base import Progress, RunFolders
from runflow_build.engines.embedded import EmbeddedEngine
from runflow_build.workflow.definitions import Definitions
from runflow_build.workflow.model import Prompt

Node = Callable[..., dict[str, Any]]
Pictures = Callable[[Prompt], list[Any]]


def switched(node: Node, value: Any) -> Prompt:
    return {
        "black": node("EmptyImage", width=2, height=2, batch_size=1, color=0),
        "white": node("EmptyImage", width=2, height=2, batch_size=1, color=0xFFFFFF),
        "grey": node("ImageInvert", image=["white", 0]),
        "switch": node("ComfySwitchNode", switch=value, on_false=["grey", 0], on_true=["white", 0]),
        "end": node("PreviewImage", images=["switch", 0]),
    }


@pytest.mark.parametrize(
    ("value", "ran"), [(True, ["white", "switch", "end"]), (False, ["white", "grey", "switch"])]
)
def test_a_switch_has_only_the_side_computed_that_it_takes(
    value: bool, ran: list[str], definitions: Definitions, folders: RunFolders, node: Node
) -> None:
    found: list[Progress] = []
    EmbeddedEngine(definitions).execute(switched(node, value), folders, found.append)
    assert [one.node for one in found if one.state == "finished"][:3] == ran
    assert found[-1].completed == found[-1].total == (3 if value else 4)


def test_a_switch_may_be_told_by_a_node(node: Node, pictures: Pictures) -> None:
    prompt = switched(node, ["flag", 0])
    prompt["flag"] = node("PrimitiveBoolean", value=True)
    assert pictures(prompt)[0].max() == 255


def test_both_sides_are_checked_though_one_is_computed(node: Node, refusal: Any) -> None:
    prompt = switched(node, True)
    prompt["grey"]["inputs"] = {}
    assert "node grey (ImageInvert), field image" in refusal(prompt)


def test_a_failing_side_that_is_not_taken_does_no_harm(node: Node, pictures: Pictures) -> None:
    prompt = switched(node, True)
    prompt["grey"] = node("ImageCrop", image=["white", 0], width=1, height=1, x=0, y=["size", 0])
    prompt["size"] = node("PrimitiveInt", value=-5)
    assert len(pictures(prompt)) == 1


def batches(node: Node, count: int, size: Any) -> Prompt:
    return {
        "1": node("EmptyImage", width=2, height=2, batch_size=count, color=0),
        "2": node("RebatchImages", images=["1", 0], batch_size=size),
        "3": node("GetImageSize", image=["2", 0]),
        "4": node("EmptyImage", width=["3", 2], height=3, batch_size=1, color=0),
        "9": node("PreviewImage", images=["4", 0]),
    }


def test_what_follows_a_list_is_called_for_each_of_its_items(
    node: Node, pictures: Pictures
) -> None:
    made = pictures(batches(node, 5, 2))
    assert [one.shape[:2] for one in made] == [(3, 2), (3, 2), (3, 1)]


def test_the_shorter_list_repeats_its_last_item(node: Node, pictures: Pictures) -> None:
    prompt = batches(node, 3, 1)
    prompt["5"] = node("EmptyImage", width=2, height=2, batch_size=2, color=0xFFFFFF)
    prompt["6"] = node("RebatchImages", images=["5", 0], batch_size=1)
    prompt["9"] = node("PreviewImage", images=["7", 0])
    prompt["7"] = node(
        "ImageBlend", image1=["2", 0], image2=["6", 0], blend_factor=1.0, blend_mode="normal"
    )
    assert len(pictures(prompt)) == 3
