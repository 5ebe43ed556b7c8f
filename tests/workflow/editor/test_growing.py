"""Inputs that come and go: rows that grow, choices that bring inputs, inputs of one type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Draw = Any


def batch(draw: Draw, *numbers: int) -> dict[str, Any]:
    """What BatchImagesNode sends with images linked to these of its slots, of five."""
    linked = {f"images.image{slot}": draw("EmptyImage", [slot, 8, 1, 0]) for slot in numbers}
    slots = {f"images.image{slot}": linked.get(f"images.image{slot}") for slot in range(5)}
    node = draw("BatchImagesNode", inputs=slots)
    return draw.inputs(node)


def test_linked_members_of_a_row_are_sent_under_their_names(draw: Draw) -> None:
    assert batch(draw, 0, 1) == {"images.image0": ["1", 0], "images.image1": ["2", 0]}


def test_a_gap_is_closed(draw: Draw) -> None:
    assert list(batch(draw, 0, 2)) == ["images.image0", "images.image1"]


def test_a_gap_before_the_least_number_of_members_stays(draw: Draw) -> None:
    assert list(batch(draw, 1)) == ["images.image1"]


def test_gaps_are_closed_one_by_one_each_by_the_number_that_it_had(draw: Draw) -> None:
    assert batch(draw, 0, 2, 4) == {"images.image0": ["1", 0], "images.image1": ["2", 0]}


def test_members_may_have_names_instead_of_numbers(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    names = {"reference_videos.video1": None, "reference_videos.video2": image}
    node = draw("WanReferenceVideoApi", inputs=names)
    sent = {name: value for name, value in draw.inputs(node).items() if "video" in name}
    assert sent == {"reference_videos.video1": ["1", 0]}


def pairs(**template: Any) -> dict[str, Any]:
    """A class whose row takes an image and a text for each member."""
    inner = {"required": {"image": ["IMAGE"], "text": ["STRING", {"forceInput": True}]}}
    row = ["COMFY_AUTOGROW_V3", {"template": {"input": inner, "min": 1, **template}}]
    return {"Pairs": {"input": {"required": {"row": row}}, "output": ["IMAGE"]}}


def test_a_member_may_be_several_inputs(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with(pairs(max=4))
    image, text = draw("EmptyImage", [64, 32, 1, 0]), draw("PrimitiveString", ["x"])
    node = draw("Pairs", inputs={"row.image0": image, "row.text0": text})
    assert draw.inputs(node) == {"row.image0": ["1", 0], "row.text0": ["2", 0]}


def test_a_row_may_hold_another_row(draw_with: Callable[..., Draw]) -> None:
    inner = {"template": {"input": {"required": {"b": ["IMAGE"]}}, "prefix": "b", "min": 1}}
    template = {"input": {"required": {"a": ["COMFY_AUTOGROW_V3", inner]}}, "prefix": "a", "min": 1}
    raw = {"input": {"required": {"row": ["COMFY_AUTOGROW_V3", {"template": template}]}}}
    draw = draw_with({"Nested": raw})
    assert draw.inputs(draw("Nested")) == {}


def test_the_chosen_branch_decides_which_inputs_there_are(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    resize = draw("ResizeImageMaskNode", ["scale longer dimension", 64, "area"], input=image)
    assert draw.inputs(resize) == {
        "resize_type": "scale longer dimension",
        "resize_type.longer_size": 64,
        "scale_method": "area",
        "input": ["1", 0],
    }


def test_without_values_the_first_branch_is_chosen_with_its_defaults(draw: Draw) -> None:
    inputs = draw.inputs(draw("ResizeImageMaskNode"))
    assert inputs["resize_type"] == "scale by multiplier"
    assert inputs["resize_type.multiplier"] == 1


def test_a_link_into_another_branch_is_cut(draw: Draw) -> None:
    number = draw("PrimitiveInt", [5, "fixed"])
    resize = draw("ResizeImageMaskNode", ["scale longer dimension", 64, "area"])
    draw.slot(resize, "resize_type.width", "INT", number, widget=True)
    assert "resize_type.width" not in draw.inputs(resize)


def test_a_link_into_the_chosen_branch_is_kept(draw: Draw) -> None:
    number = draw("PrimitiveInt", [5, "fixed"])
    resize = draw("ResizeImageMaskNode", ["scale longer dimension", 64, "area"])
    draw.slot(resize, "resize_type.longer_size", "INT", number, widget=True)
    assert draw.inputs(resize)["resize_type.longer_size"] == ["1", 0]


def test_inputs_that_must_be_of_one_type_may_not_be_linked_to_two(draw: Draw) -> None:
    image, mask = draw("EmptyImage", [64, 32, 1, 0]), draw("SolidMask", [1, 64, 32])
    draw("ComfySwitchNode", [True], on_false=image, on_true=mask)
    [finding] = draw.convert().errors
    assert (finding.code, finding.where.node) == ("link-type-conflict", "3")


def test_an_output_that_takes_its_type_from_inputs_hands_it_on(draw: Draw) -> None:
    mask = draw("SolidMask", [1, 64, 32])
    first = draw("ComfySwitchNode", [True], on_false=mask, on_true=mask)
    image = draw("EmptyImage", [64, 32, 1, 0])
    draw("ComfySwitchNode", [True], on_false=first, on_true=image)
    assert draw.codes() == ["link-type-conflict"]
