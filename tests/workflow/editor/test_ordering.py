"""The order in which the editor goes through nodes, and in which a prompt holds them."""

from __future__ import annotations

from typing import Any

Draw = Any


def test_numbers_come_first_by_size_then_all_other_ids(draw: Draw) -> None:
    for id in ("b", 10, "a", 9, 0, -3, 1.5):
        draw("EmptyImage", [64, 32, 1, 0], id=id)
    assert list(draw.prompt()) == ["0", "9", "10", "b", "a", "-3", "1.5"]


def test_ids_that_are_no_numbers_come_in_the_order_of_execution(draw: Draw) -> None:
    first = draw("ImageInvert", id="c")
    second = draw("ImageInvert", id="b")
    source = draw("EmptyImage", [64, 32, 1, 0], id="a")
    for box, origin in ((first, second), (second, source)):
        draw.slot(box, "image", "IMAGE", origin)
    assert list(draw.prompt()) == ["a", "b", "c"]


def test_nodes_that_feed_each_other_come_last(draw: Draw) -> None:
    one, two = draw("ImageInvert", id="one"), draw("ImageInvert", id="two")
    draw.slot(one, "image", "IMAGE", two)
    draw.slot(two, "image", "IMAGE", one)
    draw("EmptyImage", [64, 32, 1, 0], id="free")
    assert list(draw.prompt()) == ["free", "one", "two"]
    assert draw.codes() == ["link-cycle"]


def test_a_primitive_that_comes_later_has_the_last_word(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    primitives = [draw("PrimitiveNode", [size, "fixed"], outputs=["INT"]) for size in (100, 200)]
    for primitive in primitives:
        draw.slot(image, "width", "INT", primitive)
    draw.nodes.reverse()
    assert draw.inputs(image)["width"] == 100
