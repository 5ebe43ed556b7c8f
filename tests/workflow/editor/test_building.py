"""A new node of a class: its slots and widgets, as its definition asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Draw = Any


def raw(required: Any = None, optional: Any = None, **more: Any) -> dict[str, Any]:
    return {"input": {"required": required or {}, "optional": optional or {}}, **more}


def test_an_input_of_a_value_is_a_widget_with_its_default(draw_with: Callable[..., Draw]) -> None:
    kinds = {
        "i": ["INT", {"default": 7}],
        "f": ["FLOAT", {}],
        "s": ["STRING", {"default": "x"}],
        "b": ["BOOLEAN", {}],
        "old": [["first", "second"], {}],
        "new": ["COMBO", {"options": ["one", "two"], "default": "two"}],
    }
    draw = draw_with({"Kinds": raw(kinds)})
    assert draw.inputs(draw("Kinds")) == {
        "i": 7,
        "f": 0,
        "s": "x",
        "b": False,
        "old": "first",
        "new": "two",
    }


def test_an_input_of_another_type_is_a_socket_and_unlinked_it_is_not_sent(draw: Draw) -> None:
    assert draw.inputs(draw("ImageInvert", image=None)) == {}


def test_a_forced_input_is_a_socket_whatever_its_type(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"Forced": raw({"n": ["INT", {"forceInput": True}]})})
    assert draw.inputs(draw("Forced", [5])) == {}


def test_required_inputs_stand_before_optional_ones(draw_with: Callable[..., Draw]) -> None:
    draw = draw_with({"Both": raw({"b": ["INT", {}]}, {"a": ["INT", {}]})})
    assert draw.inputs(draw("Both", [1, 2])) == {"b": 1, "a": 2}


def test_the_order_of_inputs_is_what_comfyui_says_it_is(draw_with: Callable[..., Draw]) -> None:
    own = raw({"a": ["INT", {}], "b": ["INT", {}]}, input_order={"required": ["b", "a"]})
    draw = draw_with({"Ordered": own})
    assert draw.inputs(draw("Ordered", [1, 2])) == {"b": 1, "a": 2}


def test_nodes_of_one_class_do_not_share_their_values(draw: Draw) -> None:
    one, two = draw("PreviewAny", [True]), draw("PreviewAny")
    assert draw.inputs(one)["previewMode"] is True
    assert draw.inputs(two)["previewMode"] is False
