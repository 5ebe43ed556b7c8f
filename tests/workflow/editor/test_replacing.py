"""`%Node.widget%` in file names: the value that a widget has when the prompt is sent."""

from __future__ import annotations

from typing import Any

import pytest

Draw = Any


def prefix(draw: Draw, text: str, kind: str = "SaveImage") -> Any:
    return draw.inputs(draw(kind, [text]))["filename_prefix"]


def test_a_pattern_names_a_node_by_its_class_or_its_title(draw: Draw) -> None:
    draw("EmptyImage", [64, 32, 1, 0], title="Size")
    assert prefix(draw, "%EmptyImage.width%x%Size.height%") == "64x32"


def test_a_name_given_for_this_purpose_counts_before_class_and_title(draw: Draw) -> None:
    draw("EmptyImage", [1, 1, 1, 0], title="Size")
    draw("EmptyImage", [2, 2, 1, 0], properties={"Node name for S&R": "Size"})
    assert prefix(draw, "%Size.width%") == "2"


def test_of_several_nodes_of_a_name_the_first_counts(draw: Draw) -> None:
    draw("EmptyImage", [1, 1, 1, 0])
    draw("EmptyImage", [2, 2, 1, 0])
    assert prefix(draw, "%EmptyImage.width%") == "1"


def test_nodes_inside_subgraphs_are_named_too(draw: Draw) -> None:
    inside = draw.subgraph()
    inside("EmptyImage", [64, 32, 1, 0])
    draw(inside)
    assert prefix(draw, "%EmptyImage.width%") == "64"


def test_a_pattern_that_names_nothing_stays(draw: Draw) -> None:
    draw("EmptyImage", [64, 32, 1, 0])
    text = "%Nobody.width% %EmptyImage.depth% %EmptyImage% %year% 100%"
    assert prefix(draw, text) == text


def test_an_empty_value_gives_nothing(draw: Draw) -> None:
    draw("EmptyImage", [None, 32, 1, 0])
    assert prefix(draw, "a%EmptyImage.width%b") == "ab"


def test_what_a_file_name_may_not_hold_is_replaced(draw: Draw) -> None:
    draw("PrimitiveString", ['a/b:c*"d"'], title="Text")
    assert prefix(draw, "%Text.value%") == "a_b_c__d_"


@pytest.mark.parametrize("kind", ["SaveImage", "SaveVideo", "SaveLatent", "SaveGLB"])
def test_patterns_are_filled_in_by_nodes_that_save_files(kind: str, draw: Draw) -> None:
    draw("EmptyImage", [64, 32, 1, 0])
    assert prefix(draw, "%EmptyImage.width%", kind) == "64"


def test_other_nodes_send_patterns_as_they_are(draw: Draw) -> None:
    draw("EmptyImage", [64, 32, 1, 0])
    text = draw("PrimitiveString", ["%EmptyImage.width%"])
    assert draw.inputs(text)["value"] == "%EmptyImage.width%"


def test_a_file_name_that_is_no_text_stops_the_editor(draw: Draw) -> None:
    assert prefix(draw, 5) == 5
    assert draw.codes() == ["editor-refuses"]
