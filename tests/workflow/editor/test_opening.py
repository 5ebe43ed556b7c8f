"""Opening: every node is built from its class, then given what was saved of it."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any
ANNOTATED = "LoadImage"


def test_a_nodes_title_is_the_authors_or_else_the_classes_display_name(draw: Draw) -> None:
    draw("LoadImage", ["a.png", "image"], title="Photo")
    draw("LoadImage", ["a.png", "image"])
    draw("NoSuchNode")
    titles = [body["_meta"]["title"] for body in draw.convert().prompt.values()]
    assert titles == ["Photo", "Load Image", "NoSuchNode"]


@pytest.mark.parametrize("mode", [0, 1, 3, 7, -1, "4", None])
def test_of_the_modes_only_muted_and_bypassed_keep_a_node_from_being_sent(
    mode: Any, draw: Draw
) -> None:
    draw("EmptyImage", [64, 32, 1, 0], mode=mode)
    assert list(draw.prompt()) == ["1"]


@pytest.mark.parametrize(
    ("saved", "today"),
    [
        ("T2IAdapterLoader", "ControlNetLoader"),
        ("ConditioningAverage ", "ConditioningAverage"),
        ("SDV_img2vid_Conditioning", "SVD_img2vid_Conditioning"),
        ("Load3DAnimation", "Load3D"),
        ("Preview3DAnimation", "Preview3D"),
    ],
)
def test_types_of_former_names_are_opened_by_their_names_of_today(
    saved: str, today: str, draw: Draw
) -> None:
    draw(saved, [])
    assert draw.prompt()["1"][0] == today


def test_a_list_without_the_control_value_is_read_one_place_off_and_that_is_said(
    draw: Draw,
) -> None:
    sampler = draw("KSampler", [5, 20, 8, "euler", "normal", 1])
    assert draw.inputs(sampler)["steps"] == 8
    [note] = draw.convert().notes
    assert (note.code, note.where.node, note.where.field) == (
        "values-shifted",
        "1",
        "control_after_generate",
    )


@pytest.mark.parametrize("control", ["fixed", "increment-wrap", True, False, None])
def test_a_control_value_of_any_former_kind_is_taken_as_one(control: Any, draw: Draw) -> None:
    sampler = draw("KSampler", [5, control, 20, 8, "euler", "normal", 1])
    assert draw.inputs(sampler)["steps"] == 20
    assert draw.codes() == []


def test_a_saved_choice_that_no_longer_exists_takes_its_inputs_away_and_that_is_said(
    draw: Draw,
) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    resize = draw("ResizeImageMaskNode", ["scale by magic", 2, "area"], input=image)
    assert draw.inputs(resize) == {
        "resize_type": "scale by magic",
        "scale_method": 2,
        "input": ["1", 0],
    }
    [note] = draw.convert().notes
    assert (note.code, note.where.field) == ("values-shifted", "resize_type")


def test_values_saved_by_name_vanish_from_a_core_node_and_that_is_said(draw: Draw) -> None:
    image = draw("EmptyImage", {"width": 64, "height": 32})
    assert draw.inputs(image) == {}
    assert draw.codes() == ["values-object"]


def test_an_instance_whose_definition_is_missing_is_a_node_of_unknown_class(draw: Draw) -> None:
    draw("77777777-0000-4000-8000-000000000077")
    assert list(draw.prompt()) == ["1"]
    assert draw.codes() == ["subgraph-missing", "node-class-unknown"]


def test_a_subgraph_that_contains_itself_is_an_error_that_names_the_circle(draw: Draw) -> None:
    one, two = draw.subgraph("One"), draw.subgraph("Two")
    one(two)
    two(one)
    draw(one)
    conversion = draw.convert()
    assert conversion.prompt == {}
    assert [finding.message for finding in conversion.errors] == [
        "a subgraph contains itself: One -> Two -> One"
    ]


def test_a_definition_lies_anywhere_even_inside_another(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("EmptyImage", [64, 32, 1, 0])
    outer = draw.subgraph("Outer")
    outer(inside)
    draw(outer)
    graph = draw.graph()
    inner, around = graph["definitions"]["subgraphs"]
    around["definitions"] = {"subgraphs": [inner]}
    graph["definitions"] = {"subgraphs": [around]}
    draw.graph = lambda: graph
    assert list(draw.prompt()) == ["1:1:1"]


def test_a_node_of_the_id_minus_one_gets_another_one_in_the_editor(draw: Draw) -> None:
    draw("EmptyImage", [64, 32, 1, 0], id=-1)
    assert draw.codes() == ["editor-refuses"]


@pytest.mark.parametrize("kind", ["Note", "MarkdownNote", "RunflowDeploy", "Label (rgthree)"])
def test_notes_and_labels_are_for_the_eye_alone(kind: str, draw: Draw) -> None:
    draw(kind, ["some text", "x"])
    draw("EmptyImage", [64, 32, 1, 0])
    assert list(draw.prompt()) == ["2"]
    assert draw.codes() == []


def test_what_only_a_browser_writes_is_said(draw: Draw) -> None:
    draw("PresetText|pysssss", ["a", "b"])
    assert draw.prompt() == {}
    assert draw.codes() == ["node-unsupported"]
