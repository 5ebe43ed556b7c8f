"""What was saved of a node, given to the node: links by name, values by position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Draw = Any
NUMBERS = {"width": 512, "height": 512, "batch_size": 1, "color": 0}


def test_values_are_given_by_position(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 2, 255])
    assert draw.inputs(image) == {"width": 64, "height": 32, "batch_size": 2, "color": 255}


@pytest.mark.parametrize("values", [None, [], 0, "", False])
def test_without_values_all_have_their_defaults(values: Any, draw: Draw) -> None:
    assert draw.inputs(draw("EmptyImage", values)) == NUMBERS


def test_values_that_are_missing_at_the_end_are_defaults(draw: Draw) -> None:
    assert draw.inputs(draw("EmptyImage", [64])) == {**NUMBERS, "width": 64}


def test_values_that_are_too_many_are_passed_over(draw: Draw) -> None:
    inputs = draw.inputs(draw("EmptyImage", [64, 32, 1, 0, "more", 7]))
    assert inputs == {**NUMBERS, "width": 64, "height": 32}


def test_null_is_a_value(draw: Draw) -> None:
    assert draw.inputs(draw("EmptyImage", [None, 32]))["width"] is None


def test_no_value_is_held_against_type_range_or_choices(draw: Draw) -> None:
    sampler = draw("KSampler", [-1, "fixed", "twenty", 1e9, "gone", "normal", True])
    inputs = draw.inputs(sampler)
    assert (inputs["seed"], inputs["steps"], inputs["cfg"]) == (-1, "twenty", 10**9)
    assert (inputs["sampler_name"], inputs["denoise"]) == ("gone", True)


def test_an_object_with_numbers_as_keys_is_read_like_a_list(draw: Draw) -> None:
    inputs = draw.inputs(draw("EmptyImage", {"0": 64, "2": 3}))
    assert inputs == {"width": 64, "batch_size": 3}, "what it lacks vanishes"


def test_an_object_with_a_length_is_read_so_far_like_a_list(draw: Draw) -> None:
    assert draw.inputs(draw("EmptyImage", {"0": 64, "length": 1})) == {**NUMBERS, "width": 64}


@pytest.mark.parametrize("values", ["text", 7, True])
def test_a_text_or_number_in_place_of_the_list_has_no_values_in_it(values: Any, draw: Draw) -> None:
    assert draw.inputs(draw("EmptyImage", values)) == {}


def test_slots_are_found_by_name_whatever_their_order(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    mask = draw("SolidMask", [1, 64, 32])
    join = draw("JoinImageWithAlpha", alpha=mask, image=image)
    assert draw.inputs(join) == {"image": ["1", 0], "alpha": ["2", 0]}


def test_a_slot_that_the_class_does_not_know_is_kept_behind_its_own(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    invert = draw("ImageInvert", image=image)
    draw.slot(invert, "extra", "IMAGE", image)
    assert draw.inputs(invert) == {"image": ["1", 0], "extra": ["1", 0]}


def test_a_slot_of_a_widget_that_the_class_no_longer_has_is_dropped_with_its_link(
    draw: Draw,
) -> None:
    number = draw("PrimitiveInt", [5, "fixed"])
    image = draw("EmptyImage", [64, 32, 1, 0])
    draw.slot(image, "depth", "INT", number, widget=True)
    assert draw.inputs(image) == {**NUMBERS, "width": 64, "height": 32}


def test_a_linked_widget_sends_the_link_in_its_place(draw: Draw) -> None:
    number = draw("PrimitiveInt", [5, "fixed"])
    inputs = draw.inputs(draw("EmptyImage", [64, 32, 1, 0], height=number))
    assert list(inputs.items())[:2] == [("width", 64), ("height", ["1", 0])]


@pytest.mark.parametrize("values", [["in", 8, 3], ["in", 3]])
def test_a_place_of_an_input_that_became_a_socket_is_dropped_where_the_list_still_has_it(
    values: Any, draw_with: Callable[..., Draw]
) -> None:
    raw = {
        "input": {
            "required": {
                "text": ["STRING", {}],
                "size": ["INT", {"forceInput": True}],
                "count": ["INT", {}],
            }
        }
    }
    draw = draw_with({"Changed": raw})
    assert draw.inputs(draw("Changed", values)) == {"text": "in", "count": 3}


def test_values_that_a_packs_node_saved_by_name_are_read_by_name(
    draw_with: Callable[..., Draw],
) -> None:
    raw = {
        "input": {"required": {"a": ["INT", {"default": 1}], "b": ["INT", {"default": 2}]}},
        "python_module": "custom_nodes.SomePack",
    }
    draw = draw_with({"Named": raw})
    assert draw.inputs(draw("Named", {"b": 5, "z": 9})) == {"a": 1, "b": 5}
    assert draw.codes() == []
