"""PrimitiveNode: a value of its own that it writes into the widgets that it is linked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Draw = Any


def written(draw: Draw, kind: str, name: str, value: Any, **more: Any) -> Any:
    """What the widget of a class gets from a primitive with this value."""
    primitive = draw("PrimitiveNode", [value, "fixed"], outputs=["*"], **more)
    return draw.inputs(draw(kind, inputs={name: primitive}))[name]


def test_it_writes_its_value_and_is_not_sent(draw: Draw) -> None:
    assert written(draw, "EmptyImage", "width", 100) == 100
    assert list(draw.prompt()) == ["2"]


@pytest.mark.parametrize("mode", [2, 4])
def test_it_writes_even_when_it_is_muted_or_bypassed(mode: int, draw: Draw) -> None:
    assert written(draw, "EmptyImage", "width", 100, mode=mode) == 100


@pytest.mark.parametrize(
    ("kind", "name", "value", "sent"),
    [
        ("EmptyImage", "width", 100.5, 101),
        ("EmptyImage", "width", 10**6, 16384),
        ("EmptyImage", "width", -5, 1),
        ("EmptyImage", "width", "100", 100),
        ("EmptyImage", "width", "a lot", None),
        ("EmptyImage", "width", "1e999", 16384),
        ("ImageScaleBy", "scale_by", 0.123456, 0.12),
        ("ImageScaleBy", "scale_by", 1e308, 8),
        ("EmptyLatentImage", "width", 222, 224),
    ],
)
def test_a_number_is_made_to_fit_the_widget(
    kind: str, name: str, value: Any, sent: Any, draw: Draw
) -> None:
    assert written(draw, kind, name, value) == sent
    assert "primitive-limited" in draw.codes()


def test_a_number_without_limits_or_steps_is_no_number_where_steps_are_asked_for(
    draw_with: Callable[..., Draw],
) -> None:
    own = {"input": {"required": {"n": ["INT", {"step": 8}]}}}
    draw = draw_with({"Stepped": own})
    assert written(draw, "Stepped", "n", 13) is None


def test_several_widgets_share_their_limits_and_the_change_is_said(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [5000, "fixed"], outputs=["INT"])
    image = draw("EmptyImage", width=primitive, batch_size=primitive)
    inputs = draw.inputs(image)
    assert (inputs["width"], inputs["batch_size"]) == (4096, 4096)
    [note] = draw.convert().notes
    assert (note.code, note.where.node) == ("primitive-limited", "1")
    assert " from 5000 to 4096, " in note.message


def test_widgets_whose_limits_do_not_meet_are_not_merged(draw_with: Callable[..., Draw]) -> None:
    own = {
        "input": {
            "required": {
                "low": ["INT", {"min": 0, "max": 10}],
                "high": ["INT", {"min": 20, "max": 30}],
            }
        }
    }
    draw = draw_with({"Apart": own})
    primitive = draw("PrimitiveNode", [5, "fixed"], outputs=["INT"])
    assert draw.inputs(draw("Apart", low=primitive, high=primitive)) == {"low": 5, "high": 5}


def test_widgets_that_differ_in_more_than_limits_are_not_merged(
    draw_with: Callable[..., Draw],
) -> None:
    own = {
        "input": {
            "required": {
                "a": ["INT", {"min": 0, "max": 10, "display": "slider"}],
                "b": ["INT", {"min": 2, "max": 4}],
            }
        }
    }
    draw = draw_with({"Unlike": own})
    primitive = draw("PrimitiveNode", [9, "fixed"], outputs=["INT"])
    assert draw.inputs(draw("Unlike", a=primitive, b=primitive)) == {"a": 9, "b": 9}


def test_without_a_value_it_takes_that_of_the_first_widget(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", outputs=["INT"])
    first = draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    second = draw("EmptyImage", [128, 32, 1, 0], width=primitive)
    assert [draw.inputs(node)["width"] for node in (first, second)] == [64, 64]


def test_a_list_is_written_as_a_list(draw: Draw) -> None:
    assert written(draw, "PrimitiveString", "value", ["a"]) == {"__value__": ["a"]}


def test_into_a_plain_socket_nothing_is_sent(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", ["x"], outputs=["*"])
    assert "source" not in draw.inputs(draw("PreviewAny", source=primitive))


def test_through_a_reroute_nothing_is_written(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [100, "fixed"], outputs=["INT"])
    reroute = draw("Reroute", inputs={"": primitive})
    assert draw.inputs(draw("EmptyImage", [64, 32, 1, 0], width=reroute))["width"] == 64


def test_it_takes_its_limits_from_the_widget_behind_an_instance(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("EmptyImage", [64, 32, 1, 0], width=inside.inlet("width", "INT"))
    primitive = draw("PrimitiveNode", [10**6, "fixed"], outputs=["INT"])
    draw(inside, [7], width=primitive)
    assert draw.inputs("1:1" if "1:1" in draw.prompt() else "2:1")["width"] == 16384


def test_inside_a_subgraph_it_writes_as_well(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("EmptyImage", width=inside("PrimitiveNode", [100, "fixed"], outputs=["INT"]))
    draw(inside)
    assert draw.inputs("1:2")["width"] == 100


def test_linked_to_a_widget_of_an_unknown_class_first_it_cannot_tell_its_kind(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [100, "fixed"], outputs=["INT"])
    unknown = draw("NoSuchNode", [1])
    draw.slot(unknown, "n", "INT", primitive)
    image = draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    assert draw.inputs(image)["width"] is None
    assert "primitive-lost" in draw.codes()


def test_it_may_not_choose_the_inputs_of_a_node(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", ["scale dimensions"], outputs=["*"])
    resize = draw("ResizeImageMaskNode", ["scale longer dimension", 64, "area"])
    draw.slot(resize, "resize_type", "COMFY_DYNAMICCOMBO_V3", primitive, widget=True)
    assert draw.codes() == ["editor-refuses"]


def test_patterns_in_its_text_are_filled_in_where_its_author_wants_that(draw: Draw) -> None:
    draw("EmptyImage", [64, 32, 1, 0], title="Size")
    wish = {"Run widget replace on values": True}
    primitive = draw("PrimitiveNode", ["%Size.width% wide"], outputs=["STRING"], properties=wish)
    text = draw("PrimitiveString", [""], value=primitive)
    assert draw.inputs(text) == {"value": "64 wide"}


def test_patterns_in_a_value_that_is_no_text_stop_the_editor(draw: Draw) -> None:
    wish = {"Run widget replace on values": True}
    primitive = draw("PrimitiveNode", [100, "fixed"], outputs=["INT"], properties=wish)
    draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    assert draw.codes() == ["editor-refuses"]


def test_a_primitive_that_is_linked_to_nothing_does_nothing(draw: Draw) -> None:
    draw("PrimitiveNode", [100, "fixed"], outputs=["INT"])
    assert draw.prompt() == {}
    assert draw.codes() == []
