"""What happens once a graph is open."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


@pytest.mark.parametrize("kind", ["KSampler", "KSamplerAdvanced"])
def test_a_sampler_of_an_old_graph_loses_its_prefix(kind: str, draw: Draw) -> None:
    values = {
        "KSampler": [1, "fixed", 20, 8, "sample_euler", "normal", 1],
        "KSamplerAdvanced": [
            "enable",
            1,
            "fixed",
            20,
            8,
            "sample_euler",
            "normal",
            0,
            9,
            "disable",
        ],
    }
    assert draw.inputs(draw(kind, values[kind]))["sampler_name"] == "euler"


def test_of_two_slots_of_gone_widgets_in_a_row_the_second_stays_without_its_widget(
    draw: Draw,
) -> None:
    number = draw("PrimitiveInt", [5, "fixed"])
    invert = draw("ImageInvert", image=draw("EmptyImage", [64, 32, 1, 0]))
    for name in ("one", "two"):
        draw.slot(invert, name, "INT", number, widget=True)
    assert draw.inputs(invert) == {"image": ["2", 0], "two": ["1", 0]}


def test_links_lead_to_where_their_slots_are_once_the_graph_is_open(draw: Draw) -> None:
    image = draw("EmptyImage", [64, 32, 1, 0])
    invert = draw("ImageInvert", image=image)
    draw.links[0][4] = 7
    assert draw.inputs(invert) == {"image": ["1", 0]}
