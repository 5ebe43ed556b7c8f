"""Legacy group nodes: several nodes saved as one class, in `extra.groupNodes` of the graph."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def inner(draw: Draw, kind: str, values: Any = None, **more: Any) -> dict[str, Any]:
    """A node as a group holds it: its links are the group's."""
    box = draw(kind, values, id=-1, **more)
    return draw.nodes.pop(draw.nodes.index(box.row))


def group(draw: Draw, nodes: list[Any], links: Any = (), external: Any = (), **more: Any) -> None:
    rows = {"nodes": nodes, "links": list(links), "external": list(external), **more}
    draw.extra.setdefault("groupNodes", {})["g"] = rows


def inverted(draw: Draw) -> None:
    """A group of an image and what inverts it."""
    nodes = [inner(draw, "EmptyImage", [1, 2, 3, 4]), inner(draw, "ImageInvert", image=None)]
    group(draw, nodes, [[0, 0, 1, 0, 1, "IMAGE"]], [[1, 0, "IMAGE"]])


def test_a_group_is_sent_as_its_nodes(draw: Draw) -> None:
    inverted(draw)
    box = draw("workflow>g", [64, 32, 1, 0], outputs=["IMAGE"])
    save = draw("SaveImage", ["x"], images=box)
    assert list(draw.prompt()) == ["2", "1:0", "1:1"]
    assert draw.inputs("1:0") == {"width": 64, "height": 32, "batch_size": 1, "color": 0}
    assert draw.inputs("1:1") == {"image": ["1:0", 0]}
    assert draw.inputs(save)["images"] == ["1:1", 0]


def test_old_files_separate_the_name_by_a_slash(draw: Draw) -> None:
    inverted(draw)
    draw("workflow/g", [64], outputs=["IMAGE"])
    assert draw.inputs("1:0")["width"] == 64


def test_values_that_the_group_lacks_are_defaults_not_those_of_its_nodes(draw: Draw) -> None:
    inverted(draw)
    draw("workflow>g", [64], outputs=["IMAGE"])
    assert draw.inputs("1:0")["height"] == 512


@pytest.mark.parametrize("mode", [2, 4])
def test_the_mode_of_a_group_does_not_reach_its_nodes(mode: int, draw: Draw) -> None:
    inverted(draw)
    draw("workflow>g", [64], outputs=["IMAGE"], mode=mode)
    assert list(draw.prompt()) == ["1:0", "1:1"]


def test_a_free_socket_inside_is_an_input_of_the_group(draw: Draw) -> None:
    group(draw, [inner(draw, "ImageInvert", image=None)], external=[[0, 0, "IMAGE"]])
    image = draw("EmptyImage", [64, 32, 1, 0])
    draw("workflow>g", image=image, outputs=["IMAGE"])
    assert draw.inputs("2:0") == {"image": ["1", 0]}


def test_a_bypassed_group_passes_on_what_it_is_fed_with(draw: Draw) -> None:
    group(draw, [inner(draw, "ImageInvert", image=None)], external=[[0, 0, "IMAGE"]])
    image = draw("EmptyImage", [64, 32, 1, 0])
    box = draw("workflow>g", outputs=["IMAGE"], mode=4)
    draw.slot(box, "image", "IMAGE", image)
    save = draw("SaveImage", ["x"], images=box)
    assert draw.inputs(save)["images"] == ["1", 0]


def test_a_bypassed_group_without_an_input_of_the_type_passes_nothing_on(draw: Draw) -> None:
    inverted(draw)
    save = draw("SaveImage", ["x"], images=draw("workflow>g", outputs=["IMAGE"], mode=4))
    assert "images" not in draw.inputs(save)


def test_inputs_of_one_name_are_told_apart_by_the_nodes_title(draw: Draw) -> None:
    nodes = [inner(draw, "ImageInvert", image=None, title="Invert") for _ in range(3)]
    group(draw, nodes)
    one, two, three = (draw("EmptyImage", [size, 8, 1, 0]) for size in (1, 2, 3))
    slots = {"image": one, "Invert image": two, "Invert 2 image": three}
    draw("workflow>g", inputs=slots, outputs=["IMAGE"] * 3)
    assert [draw.inputs(f"4:{index}") for index in range(3)] == [
        {"image": ["1", 0]},
        {"image": ["2", 0]},
        {"image": ["3", 0]},
    ]


def test_the_author_may_rename_what_the_group_shows(draw: Draw) -> None:
    config = {"0": {"input": {"image": {"name": "photo"}}}}
    group(draw, [inner(draw, "ImageInvert", image=None)], config=config)
    image = draw("EmptyImage", [64, 32, 1, 0])
    draw("workflow>g", inputs={"photo": image}, outputs=["IMAGE"])
    assert draw.inputs("2:0") == {"image": ["1", 0]}


def test_the_author_may_hide_an_input(draw: Draw) -> None:
    config = {"0": {"input": {"image1": {"visible": False}}}}
    nodes = [inner(draw, "ImageBlend", [0.5, "normal"], image1=None, image2=None)]
    group(draw, nodes, config=config)
    image = draw("EmptyImage", [64, 32, 1, 0])
    draw("workflow>g", [0.5, "normal"], inputs={"image2": image}, outputs=["IMAGE"])
    assert draw.inputs("2:0") == {"blend_factor": 0.5, "blend_mode": "normal", "image2": ["1", 0]}


def test_a_shown_output_of_an_inner_wire_is_an_output_of_the_group(draw: Draw) -> None:
    config = {"0": {"output": {"0": {"visible": True}}}}
    nodes = [inner(draw, "EmptyImage", [1, 2, 3, 4]), inner(draw, "ImageInvert", image=None)]
    group(draw, nodes, [[0, 0, 1, 0, 1, "IMAGE"]], config=config)
    box = draw("workflow>g", [64], outputs=["IMAGE", "IMAGE"])
    saves = [draw("SaveImage", ["x"], images=box[slot]) for slot in (0, 1)]
    assert [draw.inputs(save)["images"] for save in saves] == [["1:0", 0], ["1:1", 0]]


def test_a_primitive_inside_is_a_widget_of_the_group(draw: Draw) -> None:
    primitive = inner(draw, "PrimitiveNode", [5, "fixed"], outputs=["INT"])
    image = inner(draw, "EmptyImage", [1, 2, 3, 4], width=None)
    group(draw, [primitive, image], [[0, 0, 1, 0, 1, "INT"]])
    draw("workflow>g", [64, "fixed", 32, 1, 0], outputs=["IMAGE"])
    assert draw.inputs("1:1") == {"width": 64, "height": 32, "batch_size": 1, "color": 0}


def test_a_primitive_inside_may_hold_a_choice(draw: Draw) -> None:
    primitive = inner(draw, "PrimitiveNode", ["area", "fixed", ""], outputs=["COMBO"])
    primitive["outputs"][0]["widget"] = {"name": "upscale_method"}
    scale = inner(draw, "ImageScaleBy", ["area", 2], image=None, upscale_method=None)
    group(draw, [primitive, scale], [[0, 0, 1, 1, 1, "COMBO"]])
    draw("workflow>g", ["bicubic", "fixed", "", 3], outputs=["IMAGE"])
    assert draw.inputs("1:1") == {"upscale_method": "bicubic", "scale_by": 3}


def test_a_primitive_inside_that_writes_nothing_is_nothing(draw: Draw) -> None:
    primitive = inner(draw, "PrimitiveNode", [5, "fixed"], outputs=["INT"])
    group(draw, [primitive, inner(draw, "EmptyImage", [1, 2, 3, 4])])
    draw("workflow>g", [64], outputs=["IMAGE"])
    assert draw.inputs("1:1")["width"] == 64


def test_a_reroute_inside_cuts_the_wire_and_takes_the_input_away(draw: Draw) -> None:
    reroute = inner(draw, "Reroute", inputs={"": None})
    group(draw, [reroute, inner(draw, "ImageInvert", image=None)], [[0, 0, 1, 0, 1, "IMAGE"]])
    image = draw("EmptyImage", [64, 32, 1, 0])
    draw("workflow>g", inputs={"IMAGE": image}, outputs=["IMAGE"])
    assert draw.inputs("2:1") == {}


def test_an_output_behind_a_reroute_that_nothing_feeds_is_dangling(draw: Draw) -> None:
    reroute = inner(draw, "Reroute", inputs={"": None}, outputs=["*"])
    group(draw, [reroute], external=[[0, 0, "*"]])
    draw("SaveImage", ["x"], images=draw("workflow>g", outputs=["*"]))
    [finding] = draw.convert().errors
    assert finding.message == "output 0 of node 1 has nothing behind it inside"


def test_an_output_that_the_group_lacks_is_dangling(draw: Draw) -> None:
    inverted(draw)
    draw("SaveImage", ["x"], images=draw("workflow>g", outputs=["IMAGE", "IMAGE"])[1])
    [finding] = draw.convert().errors
    assert finding.message == "output 1 of node 1 does not exist"


def test_a_group_inside_a_subgraph_is_an_error(draw: Draw) -> None:
    inverted(draw)
    inside = draw.subgraph()
    inside("workflow>g", [64], outputs=["IMAGE"])
    draw(inside)
    assert draw.codes() == ["group-nested"]


def test_a_group_inside_a_group_is_sent_as_it_is_and_that_is_said(draw: Draw) -> None:
    inverted(draw)
    rows = draw.extra["groupNodes"]
    rows["outer"] = {"nodes": [inner(draw, "workflow>g", [64])], "links": [], "external": []}
    draw("workflow>outer", outputs=["IMAGE"])
    assert [kind for kind, _ in draw.prompt().values()] == ["workflow>g"]
    assert "group-nested" in draw.codes()


@pytest.mark.parametrize(
    "nodes",
    [None, [None], [{"type": "NoSuchNode"}], [{"type": "EmptyImage", "inputs": [5]}], [{}]],
)
def test_a_group_with_what_is_no_known_node_inside_is_an_unknown_class(
    nodes: Any, draw: Draw
) -> None:
    group(draw, [])
    draw.extra["groupNodes"]["g"]["nodes"] = nodes
    draw("workflow>g", outputs=["IMAGE"])
    assert draw.codes() == ["node-class-unknown"]


def test_a_group_that_holds_itself_is_an_unknown_class(draw: Draw) -> None:
    group(draw, [{"type": "workflow>g"}])
    draw("workflow>g", outputs=["IMAGE"])
    assert draw.codes() == ["node-class-unknown"]


def test_wires_inside_that_lead_nowhere_are_passed_over(draw: Draw) -> None:
    links = [[9, 0, 0, 0, 1, "IMAGE"], [0, 0, 9, 9, 1, "IMAGE"], ["x", 0, 0, 0], [0], 5]
    external = [[0, 0, "IMAGE"], [{}, 0, "IMAGE"], [5], None]
    group(draw, [inner(draw, "ImageInvert", image=None)], links, external)
    draw("workflow>g", outputs=["IMAGE"])
    assert draw.inputs("1:0") == {}
