"""Subgraphs: what their instances show of the nodes inside, and hand in to them."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def test_a_node_inside_has_the_ids_of_the_instances_around_it(draw: Draw) -> None:
    inner, outer = draw.subgraph("Inner"), draw.subgraph("Outer")
    inner("EmptyImage", [64, 32, 1, 0], id=5)
    outer(inner, id=7)
    draw(outer, id=9)
    assert list(draw.prompt()) == ["9:7:5"]


def through(draw: Draw) -> Any:
    """A subgraph that inverts an image."""
    inside = draw.subgraph()
    inside.outlet("IMAGE", "IMAGE", inside("ImageInvert", image=inside.inlet("image", "IMAGE")))
    return inside


def test_links_go_in_and_out_through_the_slots_of_the_instance(draw: Draw) -> None:
    instance = draw(through(draw), image=draw("EmptyImage", [64, 32, 1, 0]))
    save = draw("SaveImage", ["x"], images=instance)
    assert draw.inputs("2:1") == {"image": ["1", 0]}
    assert draw.inputs(save)["images"] == ["2:1", 0]


def test_links_go_through_several_levels(draw: Draw) -> None:
    inner, outer = through(draw), draw.subgraph("Outer")
    outer.outlet("IMAGE", "IMAGE", outer(inner, image=outer.inlet("image", "IMAGE")))
    instance = draw(outer, image=draw("EmptyImage", [64, 32, 1, 0]))
    save = draw("SaveImage", ["x"], images=instance)
    assert draw.inputs("2:1:1") == {"image": ["1", 0]}
    assert draw.inputs(save)["images"] == ["2:1:1", 0]


def test_each_instance_stands_for_nodes_of_its_own(draw: Draw) -> None:
    inside = through(draw)
    first = draw(inside, image=draw("EmptyImage", [64, 32, 1, 0], id=10))
    draw(inside, image=first, id=3)
    assert draw.inputs(f"{first.id}:1") == {"image": ["10", 0]}
    assert draw.inputs("3:1") == {"image": [f"{first.id}:1", 0]}


@pytest.mark.parametrize("mode", [2, 4])
def test_the_mode_of_an_instance_does_not_reach_the_nodes_inside(mode: int, draw: Draw) -> None:
    inside = draw.subgraph()
    inside("EmptyImage", [64, 32, 1, 0])
    draw(inside, mode=mode)
    assert list(draw.prompt()) == ["1:1"]


def sized(draw: Draw) -> Any:
    """A subgraph whose image is as wide as it is told."""
    inside = draw.subgraph()
    image = inside("EmptyImage", [64, 32, 1, 0], width=inside.inlet("width", "INT"))
    inside.outlet("IMAGE", "IMAGE", image)
    return inside


def test_an_input_that_leads_to_a_widget_is_a_widget_of_the_instance(draw: Draw) -> None:
    draw(sized(draw), [100])
    assert draw.inputs("1:1")["width"] == 100


def test_instances_have_values_of_their_own(draw: Draw) -> None:
    inside = sized(draw)
    draw(inside, [100])
    draw(inside, [200])
    assert [draw.inputs(f"{node}:1")["width"] for node in (1, 2)] == [100, 200]


def test_without_a_value_on_the_instance_the_inner_one_counts(draw: Draw) -> None:
    draw(sized(draw))
    assert draw.inputs("1:1")["width"] == 64


def test_a_link_into_the_instance_counts_before_its_value(draw: Draw) -> None:
    draw(sized(draw), [100], width=draw("PrimitiveInt", [5, "fixed"]))
    assert draw.inputs("2:1")["width"] == ["1", 0]


def test_of_several_levels_the_outermost_value_counts(draw: Draw) -> None:
    inside, outer = sized(draw), draw.subgraph("Outer")
    outer(inside, [100], width=outer.inlet("width", "INT"))
    draw(outer, [200])
    assert draw.inputs("1:1:1")["width"] == 200


def test_one_input_may_lead_to_several_widgets(draw: Draw) -> None:
    inside = draw.subgraph()
    size = inside.inlet("size", "INT")
    inside("EmptyImage", [64, 32, 1, 0], width=size, height=size)
    draw(inside, [100])
    inputs = draw.inputs("1:1")
    assert (inputs["width"], inputs["height"]) == (100, 100)


def test_an_input_of_the_subgraph_that_nothing_feeds_is_left_out(draw: Draw) -> None:
    draw(through(draw))
    assert draw.inputs("1:1") == {}


def test_a_promoted_text_is_sent_as_it_is(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("CLIPTextEncode", ["inner"], text=inside.inlet("text", "STRING"))
    draw(inside, ["a {red|blue} // car"])
    assert draw.inputs("1:1")["text"] == "a {red|blue} // car"
    assert draw.codes() == []


def with_proxies(draw: Draw, proxies: Any, values: list[Any]) -> dict[str, Any]:
    """What an image inside sends, of which width and height are promoted, in this order."""
    inside = draw.subgraph()
    width, height = inside.inlet("width", "INT"), inside.inlet("height", "INT")
    inside("EmptyImage", [64, 32, 1, 0], width=width, height=height)
    draw(inside, values, properties={"proxyWidgets": proxies})
    return draw.inputs("1:1")


def test_the_authors_order_of_widgets_is_that_of_the_values(draw: Draw) -> None:
    inputs = with_proxies(draw, [["-1", "height"], ["-1", "width"]], [1, 2])
    assert (inputs["width"], inputs["height"]) == (2, 1)


def test_a_widget_that_is_chosen_as_the_inner_nodes_keeps_the_inner_value(draw: Draw) -> None:
    inputs = with_proxies(draw, [["1", "width"]], [1, 2])
    assert (inputs["width"], inputs["height"]) == (64, 2)


def test_the_choice_of_widgets_may_be_written_as_text(draw: Draw) -> None:
    inputs = with_proxies(draw, '[["-1", "height"], ["-1", "width"]]', [1, 2])
    assert (inputs["width"], inputs["height"]) == (2, 1)


@pytest.mark.parametrize("proxies", ["no JSON", "[" * 10**5, 5, [["-1"]], [[1, 2, 3]], [["1", 5]]])
def test_a_choice_of_widgets_of_no_known_shape_is_a_finding(proxies: Any, draw: Draw) -> None:
    with_proxies(draw, proxies, [1, 2])
    assert draw.codes() == ["editor-refuses"]


def test_values_of_widgets_that_this_editor_does_not_show_are_a_finding(draw: Draw) -> None:
    draw(sized(draw), [100, 7, 8])
    assert draw.codes() == ["values-shifted"]


def test_an_instance_that_was_opened_before_its_subgraph_finds_widgets_by_name(draw: Draw) -> None:
    outer = draw.subgraph("Outer")
    outer(sized(draw), [100], width=outer.inlet("width", "INT"))
    draw(outer, [200])
    assert draw.inputs("1:1:1")["width"] == 200


def test_an_input_wired_straight_to_an_output_is_taken_as_it_is_meant(draw: Draw) -> None:
    inside = draw.subgraph()
    inside.outlet("IMAGE", "IMAGE", inside.inlet("image", "IMAGE"))
    instance = draw(inside, image=draw("EmptyImage", [64, 32, 1, 0]))
    save = draw("SaveImage", ["x"], images=instance)
    assert draw.inputs(save)["images"] == ["1", 0]
    assert draw.codes() == ["editor-refuses"]


def test_an_output_that_nothing_inside_feeds_gives_nothing(draw: Draw) -> None:
    inside = draw.subgraph()
    inside.outlet("IMAGE", "IMAGE")
    save = draw("SaveImage", ["x"], images=draw(inside))
    assert draw.inputs(save) == {"filename_prefix": "x"}
