"""Where a link really comes from: through bypassed nodes, and when it leads nowhere."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def image(draw: Draw) -> Any:
    return draw("EmptyImage", [64, 32, 1, 0])


def test_a_bypassed_node_passes_on_what_feeds_it(draw: Draw) -> None:
    bypassed = draw("ImageInvert", image=image(draw), mode=4)
    assert draw.inputs(draw("ImageInvert", image=bypassed)) == {"image": ["1", 0]}


def test_a_chain_of_bypassed_nodes_does_so_too(draw: Draw) -> None:
    source = image(draw)
    for _ in range(20):
        source = draw("ImageInvert", image=source, mode=4)
    one, two = draw("ImageInvert", image=source), draw("ImageInvert", image=source)
    assert [draw.inputs(node) for node in (one, two)] == [{"image": ["1", 0]}] * 2


def test_of_inputs_of_one_type_the_one_with_the_outputs_number_is_passed_on(draw: Draw) -> None:
    images = [image(draw), image(draw)]
    blend = draw("ImageBlend", [0.5, "normal"], image1=images[0], image2=images[1], mode=4)
    assert draw.inputs(draw("ImageInvert", image=blend)) == {"image": ["1", 0]}


def test_even_when_nothing_is_linked_to_that_input(draw: Draw) -> None:
    blend = draw("ImageBlend", [0.5, "normal"], image1=None, image2=image(draw), mode=4)
    assert draw.inputs(draw("ImageInvert", image=blend)) == {}


def test_else_the_first_input_of_the_type_is_passed_on(draw: Draw) -> None:
    model = draw("UNETLoader", ["m", "default"])
    clip = draw("CLIPLoader", ["c", "sd3", "default"])
    lora = draw("LoraLoader", ["l", 1, 1], model=model, clip=clip, mode=4)
    encode = draw("CLIPTextEncode", ["x"], clip=lora[1])
    assert draw.inputs(encode)["clip"] == ["2", 0]


def test_else_an_input_that_takes_the_type_among_others(draw: Draw) -> None:
    pack = draw("NoSuchNode", outputs=["LATENT", "MASK"], mode=4)
    draw.slot(pack, "a", "IMAGE", image(draw))
    draw.slot(pack, "b", "IMAGE,MASK", draw("SolidMask", [1, 8, 8]))
    join = draw("JoinImageWithAlpha", image=None, alpha=pack[1])
    assert draw.inputs(join) == {"alpha": ["3", 0]}


def test_a_bypassed_node_without_such_an_input_passes_nothing_on(draw: Draw) -> None:
    mask = draw("ImageToMask", ["red"], image=image(draw), mode=4)
    invert = draw("InvertMask", mask=mask)
    assert draw.inputs(invert) == {}


def test_to_a_wildcard_the_input_with_the_outputs_number_is_passed_on(draw: Draw) -> None:
    mask = draw("ImageToMask", ["red"], image=image(draw), mode=4)
    assert draw.inputs(draw("PreviewAny", source=mask))["source"] == ["1", 0]


def test_an_input_fed_by_a_bypassed_node_with_nothing_to_pass_on_sends_its_value(
    draw: Draw,
) -> None:
    number = draw("PrimitiveInt", [5, "fixed"], mode=4)
    sized = draw("EmptyImage", [64, 32, 1, 0], width=number)
    assert draw.inputs(sized)["width"] == 64


def test_bypassed_nodes_that_feed_each_other_are_an_error(draw: Draw) -> None:
    one = draw("ImageInvert", mode=4)
    two = draw("ImageInvert", image=one, mode=4)
    draw.slot(one, "image", "IMAGE", two)
    draw("SaveImage", ["x"], images=two)
    [finding] = draw.convert().errors
    assert finding.code == "wire-loop"


def test_real_nodes_that_feed_each_other_are_sent_and_said(draw: Draw) -> None:
    one = draw("ImageInvert")
    two = draw("ImageInvert", image=one)
    draw.slot(one, "image", "IMAGE", two)
    assert list(draw.prompt()) == ["1", "2"]
    [note] = draw.convert().notes
    assert note.message == "nodes feed each other in a circle: 1 -> 2 -> 1"


def broken(draw: Draw) -> Any:
    """An image that is saved, as a graph whose parts a test then breaks."""
    draw("SaveImage", ["x"], images=image(draw))
    return draw.graph()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("link", "the link into `images` of node 2 is not in the graph's table of links"),
        ("node", "the link into `images` of node 2 comes from node 9, which does not exist"),
        ("slot", "the link into `images` of node 2 comes from output 7 of node 1, which it lacks"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error_that_says_why(
    what: str, message: str, draw: Draw
) -> None:
    graph = broken(draw)
    if what == "link":
        graph["links"] = []
    elif what == "node":
        graph["links"][0][1] = 9
    else:
        graph["links"][0][2] = 7
    draw.graph = lambda: graph
    [finding] = draw.convert().errors
    assert (finding.code, finding.message) == ("link-dangling", message)


def through(draw: Draw) -> tuple[Any, Any]:
    """A graph that saves what a subgraph makes; the value, and the subgraph's in it."""
    inside = draw.subgraph()
    inside.outlet("IMAGE", "IMAGE", inside("EmptyImage", [64, 32, 1, 0]))
    draw("SaveImage", ["x"], images=draw(inside))
    graph = draw.graph()
    return graph, graph["definitions"]["subgraphs"][0]


def test_an_output_of_a_subgraph_that_is_not_there_is_an_error(draw: Draw) -> None:
    graph, _ = through(draw)
    graph["links"][0][2] = 3
    draw.graph = lambda: graph
    [finding] = draw.convert().errors
    assert finding.message == "output 3 of node 1 does not exist"


def test_an_output_of_a_subgraph_with_nothing_behind_it_is_an_error(draw: Draw) -> None:
    graph, inside = through(draw)
    inside["links"][0]["origin_id"] = 9
    draw.graph = lambda: graph
    [finding] = draw.convert().errors
    assert finding.message == "output 0 of node 1 has nothing behind it inside"


def test_a_link_from_an_input_that_the_subgraph_lacks_is_an_error(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("ImageInvert", image=inside.inlet("image", "IMAGE"))
    draw(inside)
    graph = draw.graph()
    graph["definitions"]["subgraphs"][0]["links"][0]["origin_slot"] = 5
    draw.graph = lambda: graph
    [finding] = draw.convert().errors
    assert "comes from input 5 of the subgraph around it" in finding.message
