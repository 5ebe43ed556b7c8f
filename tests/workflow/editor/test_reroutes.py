"""Reroute nodes are passed over, and cut links of types that do not fit what comes in."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def reroute(draw: Draw, source: Any = None, **more: Any) -> Any:
    return draw("Reroute", inputs={"": source}, **more)


def test_what_feeds_a_chain_of_reroutes_feeds_what_is_behind_it(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    chain = reroute(draw, reroute(draw, reroute(draw, image)))
    one, two = draw("ImageInvert", image=chain), draw("ImageInvert", image=chain)
    assert [draw.inputs(node) for node in (one, two)] == [{"image": ["1", 0]}] * 2


@pytest.mark.parametrize("mode", [2, 4])
def test_the_mode_of_a_reroute_does_not_matter(mode: int, draw: Draw) -> None:
    invert = draw("ImageInvert", image=reroute(draw, draw("EmptyImage", [8, 8, 1, 0]), mode=mode))
    assert draw.inputs(invert) == {"image": ["1", 0]}


def test_a_consumer_of_another_type_is_cut(draw: Draw) -> None:
    image = draw("ImageInvert", image=reroute(draw, draw("SolidMask", [1, 64, 32])))
    assert draw.inputs(image) == {}


def test_a_widget_of_another_type_that_is_cut_sends_its_value(draw: Draw) -> None:
    number = reroute(draw, draw("PrimitiveInt", [5, "fixed"]))
    assert draw.inputs(draw("PrimitiveFloat", [1.5], value=number)) == {"value": 1.5}


def test_without_a_source_nothing_comes_through(draw: Draw) -> None:
    chain = reroute(draw, reroute(draw))
    assert draw.inputs(draw("ImageInvert", image=chain)) == {}
    assert draw.inputs(draw("EmptyImage", [64, 32, 1, 0], width=chain))["width"] == 64


def ring(draw: Draw, count: int) -> list[Any]:
    """Reroutes that feed each other in a circle."""
    boxes = [reroute(draw) for _ in range(count)]
    for box, before in zip(boxes, [boxes[-1], *boxes], strict=False):
        box.row["inputs"][0]["link"] = draw.link(before, box, 0)
    return boxes


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_ring_of_reroutes_is_cut(count: int, draw: Draw) -> None:
    [*_, last] = ring(draw, count)
    assert draw.inputs(draw("ImageInvert", image=last)) == {}
    assert draw.codes() == []


def test_a_wire_that_comes_from_nowhere_is_a_finding(draw: Draw) -> None:
    chain = reroute(draw, reroute(draw))
    draw("ImageInvert", image=chain)
    draw.nodes[0]["inputs"][0]["link"] = 99
    assert draw.codes() == ["link-dangling"]


def test_reroutes_see_the_types_that_others_have_settled_before(draw: Draw) -> None:
    mask = draw("SolidMask", [1, 64, 32])
    switch = draw("ComfySwitchNode", [True], on_false=mask, on_true=reroute(draw, mask))
    image = draw("ImageInvert", image=reroute(draw, switch))
    assert draw.inputs(image) == {}, "what comes out of the switch is a mask"
