"""Nodes of common packs that exist only in the editor."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def named(draw: Draw, name: str, source: Any, kind: str = "SetNode", **more: Any) -> Any:
    """A node that gives the wire from `source` a name."""
    box = draw(kind, [name], outputs=["*"], **more)
    draw.slot(box, "IMAGE", "IMAGE", source, widget=False)
    return box


def of_name(draw: Draw, name: str, kind: str = "GetNode", **more: Any) -> Any:
    """A node that stands for the wire of that name."""
    return draw(kind, [name], outputs=["IMAGE"], **more)


@pytest.mark.parametrize("kinds", [("SetNode", "GetNode"), ("easy setNode", "easy getNode")])
def test_a_getter_stands_for_the_wire_that_a_setter_named(
    kinds: tuple[str, str], draw: Draw
) -> None:
    named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]), kinds[0])
    save = draw("SaveImage", ["x"], images=of_name(draw, "a", kinds[1]))
    assert list(draw.prompt()) == ["1", "4"]
    assert draw.inputs(save)["images"] == ["1", 0]
    assert draw.codes() == []


def test_setters_and_getters_of_two_packs_do_not_meet(draw: Draw) -> None:
    named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]), "easy setNode")
    save = draw("SaveImage", ["x"], images=of_name(draw, "a"))
    assert "images" not in draw.inputs(save)


@pytest.mark.parametrize("mode", [2, 4])
def test_the_mode_of_a_setter_does_not_matter(mode: int, draw: Draw) -> None:
    named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]), mode=mode)
    save = draw("SaveImage", ["x"], images=of_name(draw, "a"))
    assert draw.inputs(save)["images"] == ["1", 0]


def test_a_bypassed_getter_gives_nothing(draw: Draw) -> None:
    named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]))
    save = draw("SaveImage", ["x"], images=of_name(draw, "a", mode=4))
    assert "images" not in draw.inputs(save)


@pytest.mark.parametrize("name", ["b", "", None, 5])
def test_a_getter_of_a_name_that_nobody_gave_gives_nothing(name: Any, draw: Draw) -> None:
    named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]))
    save = draw("SaveImage", ["x"], images=of_name(draw, name))
    assert "images" not in draw.inputs(save)


def test_of_two_setters_of_a_name_the_first_counts(draw: Draw) -> None:
    for size in (1, 2):
        named(draw, "a", draw("EmptyImage", [size, 8, 1, 0]))
    save = draw("SaveImage", ["x"], images=of_name(draw, "a"))
    assert draw.inputs(save)["images"] == ["1", 0]


def test_a_getter_in_a_subgraph_looks_outwards(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("ImageInvert", image=of_name(inside, "a"))
    named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]))
    draw(inside)
    assert draw.inputs("3:2") == {"image": ["1", 0]}


def test_a_name_may_be_saved_by_its_place(draw: Draw) -> None:
    setter = named(draw, "a", draw("EmptyImage", [64, 32, 1, 0]))
    setter.row["widgets_values"] = {"0": "a"}
    save = draw("SaveImage", ["x"], images=of_name(draw, "a"))
    assert draw.inputs(save)["images"] == ["1", 0]


@pytest.mark.parametrize("kind", ["Reroute (rgthree)", "Node Collector (rgthree)"])
def test_a_relay_passes_each_input_on_at_the_output_of_its_number(kind: str, draw: Draw) -> None:
    one, two = draw("EmptyImage", [1, 8, 1, 0]), draw("EmptyImage", [2, 8, 1, 0])
    relay = draw(kind, outputs=["*", "*", "*"])
    for name, source in (("a", one), ("b", two)):
        draw.slot(relay, name, "*", source, widget=False)
    inverts = [draw("ImageInvert", image=relay[slot]) for slot in (0, 1, 2)]
    assert [draw.inputs(node) for node in inverts] == [
        {"image": ["1", 0]},
        {"image": ["2", 0]},
        {},
    ]
