"""A node of unknown class keeps its class, and converts by the slots that it saved."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def unknown(draw: Draw, values: Any, **more: Any) -> dict[str, Any]:
    """What a node sends that saved slots for a model, a seed and a style."""
    node = draw("SomePackNode", values, **more)
    draw.slot(node, "model", "MODEL", None)
    draw.slot(node, "seed", "INT", None)
    draw.slot(node, "style", "COMBO", None)
    return draw.inputs(node)


@pytest.mark.parametrize(
    "values",
    [[7, "randomize", "ink"], [7, "ink"], [7, "fixed", "ink", "image", None, ""]],
)
def test_values_go_to_the_slots_of_widgets_in_order_controls_and_buttons_aside(
    values: Any, draw: Draw
) -> None:
    assert unknown(draw, values) == {"seed": 7, "style": "ink"}
    [note] = draw.convert().notes
    assert (note.code, note.severity) == ("node-class-unknown", "warning")
    assert note.also == (("read", "seed, style"),)


def test_values_that_are_too_few_leave_the_last_slots_out(draw: Draw) -> None:
    assert unknown(draw, [7]) == {"seed": 7}


def test_values_saved_by_name_are_read_by_name(draw: Draw) -> None:
    assert unknown(draw, {"seed": 7, "crf": 19}) == {"seed": 7, "crf": 19}


def test_names_that_newer_editors_save_besides_count_before_slots(draw: Draw) -> None:
    named = {"seed": 7, "control_after_generate": "fixed", "crf": 19, "upload#2": "image"}
    sent = unknown(draw, [7, "fixed", 19, "image"], widgets_values_named=named)
    assert sent == {"seed": 7, "crf": 19}


def test_values_that_no_slot_names_are_an_error_of_their_own(draw: Draw) -> None:
    assert unknown(draw, [7, "fixed", "ink", 5, 6]) == {"seed": 7, "style": "ink"}
    [note] = draw.convert().notes
    assert (note.code, note.severity) == ("node-values-unnamed", "error")
    assert "2 of the values of node 1" in note.message


def test_the_finding_says_where_the_class_is_from(draw: Draw) -> None:
    draw("SomePackNode", properties={"cnr_id": "some-pack", "ver": "1.2.0"})
    [note] = draw.convert().notes
    assert note.also == (("read", "no values"), ("from", "some-pack 1.2.0"))


def test_links_are_sent_as_saved(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    node = draw("SomePackNode", image=image)
    assert draw.inputs(node) == {"image": ["1", 0]}


def test_what_a_primitive_would_write_is_its_value(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [5, "fixed"], outputs=["INT"])
    node = draw("SomePackNode", [1])
    draw.slot(node, "seed", "INT", primitive)
    assert draw.inputs(node) == {"seed": 5}


def test_what_a_primitive_shares_with_a_known_class_is_its_value_too(draw: Draw) -> None:
    primitive = draw("PrimitiveNode", [5, "fixed"], outputs=["INT"])
    draw("EmptyImage", [64, 32, 1, 0], width=primitive)
    node = draw("SomePackNode", [1])
    draw.slot(node, "seed", "INT", primitive)
    assert draw.inputs(node) == {"seed": 5}


def test_a_primitive_without_a_value_writes_none(draw: Draw) -> None:
    node = draw("SomePackNode", [1])
    draw.slot(node, "seed", "INT", draw("PrimitiveNode", outputs=["INT"]))
    assert draw.inputs(node) == {"seed": 1}


def test_a_list_among_the_values_is_wrapped(draw: Draw) -> None:
    assert unknown(draw, [["1", 0], "ink"])["seed"] == {"__value__": ["1", 0]}
