"""Links that the editor drops are said, and those that their author took out are not."""

from __future__ import annotations

from typing import Any

import pytest


def lost(draw: Any) -> list[tuple[str | None, str | None]]:
    """(node, input) of each link that is said to be dropped."""
    conversion = draw.convert()
    assert not conversion.errors
    return [
        (note.where.node, note.where.field) for note in conversion.notes if note.code == "link-lost"
    ]


def test_a_link_that_a_reroute_cuts_for_its_type_is_said(draw: Any) -> None:
    number = draw("PrimitiveInt", [2, "fixed"])
    relay = draw("Reroute", inputs={"": number}, outputs=["*"])
    draw("ImageScaleBy", ["area", 3], image=draw("EmptyImage"), scale_by=relay)
    assert draw.inputs("4")["scale_by"] == 3
    assert lost(draw) == [("4", "scale_by")]


def test_a_link_into_a_widget_that_the_class_no_longer_has_is_said(draw: Any) -> None:
    invert = draw("ImageInvert", image=draw("EmptyImage"))
    draw.slot(invert, "gone", "INT", draw("PrimitiveInt", [2, "fixed"]), widget=True)
    assert lost(draw) == [("2", "gone")]


def test_a_link_that_is_lost_when_gaps_close_is_said_and_one_that_moves_is_not(draw: Any) -> None:
    image = draw("EmptyImage")
    sources: dict[str, Any] = {f"images.image{place}": None for place in range(6)}
    gap = draw(
        "BatchImagesNode", inputs={**sources, "images.image0": image, "images.image2": image}
    )
    assert list(draw.inputs(gap).values()) == [["1", 0], ["1", 0]]
    assert lost(draw) == []
    far = ("images.image0", "images.image2", "images.image4")
    draw("BatchImagesNode", inputs={**sources, **dict.fromkeys(far, image)})
    assert lost(draw) == [("3", "images.image4")]


@pytest.mark.parametrize("mode", [2, 4])
def test_what_is_muted_or_bypassed_is_meant_so(mode: int, draw: Any) -> None:
    source = draw("PrimitiveInt", [2, "fixed"], mode=mode)
    draw("EmptyImage", width=source)
    relay = draw("Reroute", inputs={"": draw("PrimitiveInt", [2, "fixed"])}, outputs=["*"])
    draw("ImageScaleBy", ["area", 3], scale_by=relay, mode=mode)
    assert lost(draw) == []


def test_inside_a_subgraph_it_is_said_once(draw: Any) -> None:
    inside = draw.subgraph()
    relay = inside("Reroute", inputs={"": inside("PrimitiveInt", [2, "fixed"])}, outputs=["*"])
    inside("ImageScaleBy", ["area", 3], scale_by=relay)
    draw(inside)
    draw(inside)
    assert lost(draw) == [("1:3", "scale_by")]


def group(nodes: list[dict[str, Any]], links: list[list[Any]]) -> dict[str, Any]:
    rows = [
        {"inputs": [], "outputs": [], "mode": 0, "index": i, **one} for i, one in enumerate(nodes)
    ]
    return {"groupNodes": {"pair": {"nodes": rows, "links": links, "external": []}}}


IMAGE = {"name": "image", "type": "IMAGE"}
OUT = {"name": "IMAGE", "type": "IMAGE", "links": []}
INVERT = {"type": "ImageInvert", "inputs": [IMAGE], "outputs": [OUT]}
RELAY = {"type": "Reroute", "inputs": [{"name": "", "type": "*"}], "outputs": [OUT]}


def test_what_a_group_node_does_not_follow_is_said(draw: Any) -> None:
    draw.extra = group([INVERT, INVERT], [[0, 0, 1, 0, 0, "IMAGE"]])
    relay = draw("Reroute", inputs={"": draw("EmptyImage")}, outputs=["IMAGE"])
    whole = draw("workflow>pair", outputs=["IMAGE"])
    draw.slot(whole, "image", "IMAGE", relay)
    assert "image" not in draw.inputs("3:0")
    assert lost(draw) == [("3:0", "image")]


def test_a_reroute_inside_a_group_node_is_said(draw: Any) -> None:
    links = [[0, 0, 1, 0, 0, "IMAGE"], [1, 0, 2, 0, 0, "IMAGE"]]
    draw.extra = group([INVERT, RELAY, INVERT], links)
    whole = draw("workflow>pair", outputs=["IMAGE"])
    draw.slot(whole, "image", "IMAGE", draw("EmptyImage"))
    assert lost(draw) == [("1:2", "image")]


def test_a_link_into_a_widget_of_a_group_node_is_said_but_for_a_primitives(draw: Any) -> None:
    scale = {"type": "ImageScaleBy", "inputs": [IMAGE], "outputs": [OUT]}
    draw.extra = group([scale], [])
    first = draw("workflow>pair", ["area", 3], outputs=["IMAGE"])
    draw.slot(first, "scale_by", "FLOAT", draw("PrimitiveFloat", [2]), widget=True)
    second = draw("workflow>pair", ["area", 3], outputs=["IMAGE"])
    draw.slot(
        second, "scale_by", "FLOAT", draw("PrimitiveNode", [2], outputs=["FLOAT"]), widget=True
    )
    assert draw.inputs("1:0")["scale_by"] == 3
    assert lost(draw) == [("1", "scale_by")]
