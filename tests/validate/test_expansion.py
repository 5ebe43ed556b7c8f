"""The inputs of a node whose class lets them grow, or change with a choice."""

from __future__ import annotations

from typing import Any

import pytest

from runflow_build.validate.expansion import Gap, inputs_of
from runflow_build.workflow.definitions import node_definition


def dynamic(options: dict[str, Any]) -> list[Any]:
    """A dynamic combo, from option to its inputs."""
    rows = [{"key": key, "inputs": {"required": inputs}} for key, inputs in options.items()]
    return ["COMFY_DYNAMICCOMBO_V3", {"options": rows}]


def growing(**template: Any) -> list[Any]:
    image = {"required": {"image": ["IMAGE", {}]}}
    return ["COMFY_AUTOGROW_V3", {"template": {"input": image, **template}}]


SIZE = dynamic({"by side": {"side": ["INT", {"min": 1}]}, "by area": {"area": ["FLOAT"]}})
DEFINITION = node_definition(
    "Odd",
    {
        "input": {
            "required": {
                "plain": ["INT"],
                "size": SIZE,
                "images": growing(prefix="image", min=2, max=4),
            },
            "optional": {
                "deep": dynamic({"in": {"size": SIZE}, "out": {}}),
                "named": growing(names=["left", "right"], min=1),
                "slot": [
                    "COMFY_DYNAMICSLOT_V3",
                    {"slotType": "MASK", "inputs": {"required": {"grow": ["INT"]}}},
                ],
            },
        }
    },
)
WHOLE = {"size": "by side", "images.image0": ["1", 0], "images.image1": ["1", 0]}


def names(given: dict[str, Any]) -> list[tuple[str, str]]:
    found = inputs_of(DEFINITION, {**WHOLE, **given})
    return [(one.name, one.type) for one in found if not isinstance(one, Gap)]


def gaps(given: dict[str, Any]) -> list[str]:
    found = inputs_of(DEFINITION, given)
    return [f"{one.input} {one.message}: {one.fix}" for one in found if isinstance(one, Gap)]


PLAIN = [
    ("plain", "INT"),
    ("size", "COMFY_DYNAMICCOMBO_V3"),
    ("size.side", "INT"),
    ("images.image0", "IMAGE"),
    ("images.image1", "IMAGE"),
]


def test_the_chosen_option_and_the_members_that_are_there_bring_inputs() -> None:
    assert names({}) == PLAIN
    assert gaps(WHOLE) == []
    assert ("size.area", "FLOAT") in names({"size": "by area"})


def test_a_choice_may_bring_a_choice() -> None:
    assert names({"deep": "in", "deep.size": "by area"})[5:] == [
        ("deep", "COMFY_DYNAMICCOMBO_V3"),
        ("deep.size", "COMFY_DYNAMICCOMBO_V3"),
        ("deep.size.area", "FLOAT"),
    ]


def test_a_member_of_any_number_counts_as_far_as_the_class_grows() -> None:
    more = {"images.image3": ["1", 0], "images.image4": ["1", 0], "named.right": ["1", 0]}
    assert names(more)[5:] == [("images.image3", "IMAGE"), ("named.right", "IMAGE")]


def test_a_slot_brings_its_inputs_when_something_is_linked_to_it() -> None:
    assert names({"slot": ["1", 0]})[5:] == [("slot", "MASK"), ("slot.grow", "INT")]


@pytest.mark.parametrize(
    ("given", "gap"),
    [
        ({"size": "by sise"}, "size is `by sise`, which the node does not offer; did you mean "),
        ({"size": ["1", 0]}, "size is `['1', 0]`, which the node does not offer: choose one of: "),
        ({"size": {"__value__": []}}, "size is `{'__value__': []}`, which the node does not"),
        ({"deep": "away"}, "deep is `away`, which the node does not offer: choose one of: in, out"),
        ({"deep": "in"}, "deep.size has no value: choose one of: by side, by area"),
    ],
)
def test_a_choice_that_is_none_is_a_gap(given: dict[str, Any], gap: str) -> None:
    (found,) = gaps({**WHOLE, **given})
    assert found.startswith(gap)


def test_what_is_not_there_is_a_gap_where_it_must_be() -> None:
    assert gaps({}) == [
        "size has no value: choose one of: by side, by area",
        "images has 0 of at least 2: connect `images.image0`",
    ]
    assert gaps({**WHOLE, "images.image1": None}) == []
    one = {name: value for name, value in WHOLE.items() if name != "images.image0"}
    assert gaps(one) == ["images has 1 of at least 2: connect `images.image0`"]


@pytest.mark.parametrize(
    "spec",
    [
        ["COMFY_AUTOGROW_V3"],
        ["COMFY_AUTOGROW_V3", {"template": []}],
        growing(prefix="a", min="1", max=10**12),
        growing(names=None, min=3),
        ["COMFY_DYNAMICCOMBO_V3", {"options": [5, {"key": []}, {}]}],
        ["COMFY_DYNAMICSLOT_V3", {"inputs": 5}],
    ],
)
def test_an_odd_definition_brings_nothing_and_stops_nothing(spec: list[Any]) -> None:
    odd = node_definition("Odd", {"input": {"required": {"a": spec}}})
    for given in ({}, {"a": "x", "a.a0": ["1", 0]}):
        assert {one.name for one in inputs_of(odd, given) if not isinstance(one, Gap)} <= {
            "a",
            "a.a0",
        }
