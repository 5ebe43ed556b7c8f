"""What the editor repairs in the table of links before it opens a graph."""

from __future__ import annotations

from typing import Any

Draw = Any


def chain(draw: Draw) -> tuple[Any, Any, Any]:
    """Image (1) -> link 1 -> invert (2) -> link 2 -> save (3)."""
    image = draw("EmptyImage", [64, 32, 1, 0])
    invert = draw("ImageInvert", image=image)
    return image, invert, draw("SaveImage", ["x"], images=invert)


def test_an_output_that_lacks_its_links_gets_them(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [100, "fixed"], outputs=["INT"])
    image = draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    primitive.row["outputs"][0]["links"] = None
    assert draw.inputs(image)["width"] == 100


def test_even_an_output_that_is_not_there(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [100, "fixed"], outputs=["INT"])
    image = draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    primitive.row["outputs"] = []
    assert draw.inputs(image)["width"] == 100


def test_a_link_that_only_the_output_knows_is_not_given_to_the_input(draw: Draw) -> None:
    _, invert, save = chain(draw)
    invert.row["inputs"][0]["link"] = None
    assert draw.inputs(invert) == {}
    assert draw.inputs(save)["images"] == ["2", 0]


def test_a_link_that_neither_side_knows_is_deleted(draw: Draw) -> None:
    image, _, save = chain(draw)
    draw.links.append([9, image.id, 0, save.id, 0, "IMAGE"])
    assert draw.inputs(save)["images"] == ["2", 0]
    assert draw.codes() == []


def test_a_link_from_a_node_that_is_gone_stays_dangling(draw: Draw) -> None:
    chain(draw)
    del draw.nodes[0]
    assert draw.codes() == ["link-dangling"]


def test_a_link_to_a_node_that_is_gone_goes(draw: Draw) -> None:
    chain(draw)
    del draw.nodes[2]
    assert list(draw.prompt()) == ["1", "2"]
    assert draw.codes() == []


def test_where_table_and_slots_contradict_each_other_both_links_are_lost(draw: Draw) -> None:
    one, two = draw("EmptyImage", [1, 8, 1, 0]), draw("EmptyImage", [2, 8, 1, 0])
    draw("ImageBlend", [0.5, "normal"], image1=one, image2=two)
    draw.links[0][4], draw.links[1][4] = 1, 0
    assert draw.codes() == ["link-dangling", "link-dangling"]


def test_of_links_with_one_id_that_nobody_knows_the_first_goes(draw: Draw) -> None:
    *_, save = chain(draw)
    draw.links.insert(1, [2, 77, 0, 78, 0, "IMAGE"])
    assert draw.inputs(save)["images"] == ["2", 0]


def test_a_graph_that_does_not_fit_is_opened_as_it_is(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [100, "fixed"], outputs=["INT"])
    image = draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    primitive.row["outputs"][0]["links"] = None
    del primitive.row["pos"]
    assert draw.inputs(image)["width"] == 64, "a primitive writes along its output's links"
